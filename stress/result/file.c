// SPDX-License-Identifier: MIT
//
// file.c - a result reaches its place whole or not at all.

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "result/document.h"

static int file_write_all(int file, const char *text)
{
    size_t left = strlen(text);
    while (left > 0) {
        ssize_t wrote = write(file, text, left);
        if (wrote < 0 && errno != EINTR) {
            return errno;
        }
        if (wrote > 0) {
            text += wrote;
            left -= (size_t)wrote;
        }
    }
    return 0;
}

// Makes every folder on the way to `path`, as far as they are missing.
static int file_make_folders(const char *path)
{
    char folder[PATH_MAX];
    if ((size_t)snprintf(folder, sizeof folder, "%s", path) >= sizeof folder) {
        return ENAMETOOLONG;
    }
    for (char *slash = strchr(folder + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(folder, 0777) != 0 && errno != EEXIST) {
            return errno;
        }
        *slash = '/';
    }
    return 0;
}

// The folder's entry is on the disk too.
static void file_sync_folder(const char *path)
{
    char folder[PATH_MAX];
    snprintf(folder, sizeof folder, "%s", path);
    char *slash = strrchr(folder, '/');
    if (slash != NULL) {
        slash[1] = '\0';
    }
    int file = open(slash != NULL ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file >= 0) {
        fsync(file);
        close(file);
    }
}

static int file_complain(const char *path, int error, struct complaint *complaint)
{
    complain(complaint, "cannot write the result to %s: %s", path, strerror(error));
    return error;
}

// Opens path.tmp, whose name is put into `part`. A descriptor, or -1 with errno.
static int file_open_part(const char *path, char *part)
{
    struct stat status;
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
        errno = EISDIR;
        return -1;
    }
    if (snprintf(part, PATH_MAX, "%s.tmp", path) >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int error = file_make_folders(path);
    if (error != 0) {
        errno = error;
        return -1;
    }
    return open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
}

int document_probe(const char *path, struct complaint *complaint)
{
    char part[PATH_MAX];
    if (strcmp(path, "-") == 0) {
        return 0;
    }
    int file = file_open_part(path, part);
    if (file < 0) {
        return file_complain(path, errno, complaint);
    }
    close(file);
    unlink(part);
    return 0;
}

int document_write(const char *path, const char *text, struct complaint *complaint)
{
    char part[PATH_MAX];
    if (strcmp(path, "-") == 0) {
        int error = fflush(stdout) != 0 ? errno : file_write_all(STDOUT_FILENO, text);
        return error == 0 ? 0 : file_complain("standard output", error, complaint);
    }
    int file = file_open_part(path, part);
    if (file < 0) {
        return file_complain(path, errno, complaint);
    }
    int error = file_write_all(file, text);
    if (error == 0 && fsync(file) != 0) {
        error = errno;
    }
    if (close(file) != 0 && error == 0) {
        error = errno;
    }
    if (error == 0 && rename(part, path) != 0) {
        error = errno;
    }
    if (error != 0) {
        unlink(part);
        return file_complain(path, error, complaint);
    }
    file_sync_folder(path);
    return 0;
}
