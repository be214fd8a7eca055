// SPDX-License-Identifier: MIT
//
// file.c - files without a name, for swap.
//
// 1. O_TMPFILE makes one where the file system can; elsewhere a file is made under a random name
//    and unlinked at once.
// 2. posix_fallocate reserves the blocks now, so a full disk is known when swap is opened, not when
//    a page must go. (Where the file system cannot, glibc writes a byte to every block.)

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "os/inject.h"
#include "os/os.h"

#define PATH_MOST 3500

// A file in `folder`, which has room behind it for a name. -1 and errno.
static int file_make(char *folder)
{
    int file = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (file >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) {
        return file;
    }
    strcat(folder, "/mems-swap-XXXXXX"); // NOLINT: there is room
    file = mkostemp(folder, O_CLOEXEC);
    if (file >= 0) {
        (void)unlink(folder);
    }
    return file;
}

// Asked first, so that a request that is far too large does not fill the disk before it fails.
static bool has_room(int file, uint64_t size)
{
    struct statvfs disk;
    return fstatvfs(file, &disk) != 0 || size / disk.f_frsize <= disk.f_bavail;
}

static int file_open(const char *folder, size_t length, uint64_t size, int *file)
{
    char path[PATH_MOST + 32];
    if (length == 0) {
        folder = os_environment("TMPDIR");
        folder = folder == NULL || *folder == '\0' ? "/tmp" : folder;
        length = strlen(folder);
    }
    if (length > PATH_MOST) {
        return ENAMETOOLONG;
    }
    if (size > INT64_MAX) {
        return EFBIG;
    }
    memcpy(path, folder, length);
    path[length] = '\0';
    *file = file_make(path);
    if (*file < 0) {
        return errno;
    }
    int error = has_room(*file, size) ? posix_fallocate(*file, 0, (off_t)size) : ENOSPC;
    if (error != 0) {
        (void)close(*file);
    }
    return error;
}

int os_file_open(const char *folder, size_t length, uint64_t size, int *file)
{
    int saved = errno;
    int error = inject_fails(MEMS_SEAM_SWAP_OPEN) ? ENOSPC : file_open(folder, length, size, file);
    errno = saved;
    return error;
}

void os_file_close(int file)
{
    int saved = errno;
    (void)close(file);
    errno = saved;
}

int os_file_read(int file, void *into, size_t size, uint64_t offset)
{
    if (inject_fails(MEMS_SEAM_SWAP_READ)) {
        return EIO;
    }
    int saved = errno, error = 0;
    for (size_t done = 0; done < size && error == 0;) {
        ssize_t got = pread(file, (char *)into + done, size - done, (off_t)(offset + done));
        if (got > 0) {
            done += (size_t)got;
        } else if (got == 0 || errno != EINTR) { // nothing there: somebody has cut the file
            error = EIO;
        }
    }
    errno = saved;
    return error;
}

int os_file_write(int file, const void *from, size_t size, uint64_t offset)
{
    if (inject_fails(MEMS_SEAM_SWAP_WRITE)) {
        return ENOSPC;
    }
    int saved = errno, error = 0;
    for (size_t done = 0; done < size && error == 0;) {
        ssize_t put = pwrite(file, (const char *)from + done, size - done, (off_t)(offset + done));
        if (put > 0) {
            done += (size_t)put;
        } else if (put == 0 || errno != EINTR) {
            bool full = put < 0 && (errno == ENOSPC || errno == EDQUOT || errno == EFBIG);
            error = full ? ENOSPC : EIO;
        }
    }
    errno = saved;
    return error;
}
