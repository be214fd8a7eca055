// SPDX-License-Identifier: MIT
//
// disk.c - a file reaches its place whole or not at all.
//
// 1. What is written goes into a part, "NAME.part-XXXXXX" in the same folder, then to the disk
//    (fsync), then takes its name (rename, which replaces in one step), then the folder's entry is
//    brought to the disk too. At every moment the name shows the old file, the new one, or none.
//    Two processes that write the same name have a part each: the later rename wins, whole.
// 2. A process that is killed leaves its part behind. The kernel tells such a part from one that is
//    being written: its writer holds an exclusive flock, which ends with the process however that
//    ends. Whoever opens the same name next removes the parts that nobody holds.
// 3. Between the making of a part and its lock a cleaner may take it for a left one. The writer
//    therefore looks, with the lock in its hands, whether the name still leads to its file, and
//    starts again where it does not. From then on no cleaner gets the lock.
// 4. Where a file system has no flock (some network ones), parts are never removed by others: they
//    are harmless, and their names say what they are.
// 5. Devices and pipes (/dev/null, /dev/stdout, a fifo) are written as they are: a rename would put
//    a file in their place.

#include "disk/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define DISK_PART   ".part-"
#define DISK_RANDOM 6 // characters of mkostemp
#define DISK_TRIES  100

// The part of the moment, for disk_forget. Written before the name in it exists.
static char disk_part[PATH_MAX];
static pid_t disk_maker; // who exits without a word to us (no memory is left) takes it away, too

const char *disk_not_a_file(const char *path)
{
    struct stat status;
    if (stat(path, &status) != 0 || S_ISREG(status.st_mode)) {
        return NULL;
    }
    return S_ISDIR(status.st_mode) ? "a folder" : S_ISFIFO(status.st_mode) ? "a pipe" : "a device";
}

// The folder of `path`, with its slash; "./" where none is named. From malloc.
static char *disk_folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? strndup(path, (size_t)(slash - path) + 1) : strdup("./");
}

bool disk_has_folder(const char *path)
{
    struct stat status;
    char *place = disk_folder_of(path);
    bool has = place != NULL && stat(place, &status) == 0 && S_ISDIR(status.st_mode);
    free(place);
    return has;
}

static const char *disk_name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

// ---- left parts ---------------------------------------------------------------------------------

// Whether `name` is "STEM" MARK and six characters as mkostemp makes them.
static bool disk_is_left(const char *name, const char *stem, const char *mark)
{
    size_t length = strlen(stem);
    size_t more = strlen(mark);
    if (strncmp(name, stem, length) != 0 || strncmp(name + length, mark, more) != 0) {
        return false;
    }
    const char *random = name + length + more;
    return strlen(random) == DISK_RANDOM &&
           strspn(random, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") ==
               DISK_RANDOM;
}

// Removes one part that nobody holds.
static void disk_remove_part(int folder, const char *name)
{
    struct stat status;
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0) {
        return;
    }
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && flock(fd, LOCK_EX | LOCK_NB) == 0) {
        unlinkat(folder, name, 0);
    }
    close(fd);
}

static void disk_clean(const char *path)
{
    char *place = disk_folder_of(path);
    DIR *folder = place != NULL ? opendir(place) : NULL;
    struct dirent *entry;
    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        if (disk_is_left(entry->d_name, disk_name_of(path), DISK_PART)) {
            disk_remove_part(dirfd(folder), entry->d_name);
        }
    }
    if (folder != NULL) {
        closedir(folder);
    }
    free(place);
}

// ---- one file -----------------------------------------------------------------------------------

// A child that was forked meanwhile has no part in it.
static void disk_at_exit(void)
{
    if (disk_maker == getpid()) {
        disk_forget();
    }
}

// A new part, locked and in its place. A descriptor, or -1 with errno.
static int disk_part_open(const char *path, char **part)
{
    for (unsigned i = 0; i < DISK_TRIES; i++) {
        struct stat held, named;
        if (asprintf(part, "%s" DISK_PART "XXXXXX", path) < 0) {
            *part = NULL;
            errno = ENOMEM;
            return -1;
        }
        int fd = mkostemp(*part, O_CLOEXEC);
        if (fd < 0) {
            int error = errno;
            free(*part);
            *part = NULL;
            errno = error;
            return -1;
        }
        snprintf(disk_part, sizeof disk_part, "%s", *part);
        if (disk_maker == 0) {
            (void)atexit(disk_at_exit);
        }
        disk_maker = getpid();
        bool locked = flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK;
        bool known = fstat(fd, &held) == 0 && lstat(*part, &named) == 0;
        if (locked && known && held.st_ino == named.st_ino && held.st_dev == named.st_dev) {
            return fd;
        }
        if (!known) {
            unlink(*part); // where a cleaner has removed it there is none
        }
        close(fd);
        free(*part);
        *part = NULL;
    }
    errno = EAGAIN;
    return -1;
}

static int disk_open_part(const char *path, struct disk_file *file)
{
    struct stat status;
    if (*path == '\0') {
        return ENOENT; // a part would find a place, its name would not
    }
    file->path = stat(path, &status) == 0 ? realpath(path, NULL) : strdup(path);
    if (file->path == NULL) {
        return errno;
    }
    disk_clean(file->path);
    file->fd = disk_part_open(file->path, &file->part);
    if (file->fd < 0) {
        int error = errno;
        disk_abandon(file);
        return error;
    }
    mode_t mask = umask(0);
    umask(mask);
    fchmod(file->fd, 0666 & ~mask);
    return 0;
}

int disk_open(const char *path, struct disk_file *file)
{
    const char *kind = disk_not_a_file(path);
    *file = (struct disk_file){.fd = -1};
    if (kind == NULL) {
        return disk_open_part(path, file);
    }
    file->fd = open(path, O_WRONLY | O_CLOEXEC);
    return file->fd < 0 ? errno : 0;
}

int disk_write(int fd, const void *bytes, size_t size)
{
    const char *at = bytes;
    while (size > 0) {
        ssize_t wrote = write(fd, at, size);
        if (wrote < 0 && errno != EINTR) {
            return errno;
        }
        if (wrote > 0) {
            at += wrote;
            size -= (size_t)wrote;
        }
    }
    return 0;
}

static void disk_sync_folder(const char *path)
{
    char *place = disk_folder_of(path);
    int fd = place != NULL ? open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    free(place);
}

static void disk_free(struct disk_file *file)
{
    disk_part[0] = '\0';
    free(file->path);
    free(file->part);
    *file = (struct disk_file){.fd = -1};
}

// The lock is held until the part has its name: it is the rename that needs it.
int disk_close(struct disk_file *file)
{
    int error = 0;
    bool whole = file->part != NULL;
    if (whole && fsync(file->fd) != 0) {
        error = errno;
    }
    if (error == 0 && whole && rename(file->part, file->path) != 0) {
        error = errno;
    }
    if (error != 0) {
        disk_abandon(file);
        return error;
    }
    disk_part[0] = '\0';
    if (close(file->fd) != 0 && !whole) {
        error = errno;
    }
    if (whole) {
        disk_sync_folder(file->path);
    }
    disk_free(file);
    return error;
}

void disk_abandon(struct disk_file *file)
{
    if (file->part != NULL) {
        unlink(file->part);
    }
    if (file->fd >= 0) {
        close(file->fd);
    }
    disk_free(file);
}

int disk_probe(const char *path)
{
    struct disk_file file;
    struct stat status;
    if (stat(path, &status) == 0 && S_ISFIFO(status.st_mode)) {
        return access(path, W_OK) == 0 ? 0 : errno; // its reader must not see it opened twice
    }
    int error = disk_open(path, &file);
    if (error == 0) {
        disk_abandon(&file);
    }
    return error;
}

void disk_forget(void)
{
    if (disk_part[0] != '\0') {
        unlink(disk_part);
    }
}
