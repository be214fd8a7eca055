// SPDX-License-Identifier: MIT
//
// file.c - a result reaches its place whole or not at all.

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
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

// Where the result will stand: `path`, or the file that it is a link to.
struct file_place {
    char path[PATH_MAX];
    char part[PATH_MAX]; // written first, renamed then; empty: a device or a pipe, written as it is
};

// Opens the part, a new file beside the place. A descriptor, or -1 with errno.
static int file_open(const char *path, struct file_place *place)
{
    struct stat status;
    bool there = stat(path, &status) == 0;
    place->part[0] = '\0';
    if (there && S_ISDIR(status.st_mode)) {
        errno = EISDIR;
        return -1;
    }
    if (there && !S_ISREG(status.st_mode)) {
        return open(path, O_WRONLY | O_CLOEXEC);
    }
    if (there && realpath(path, place->path) == NULL) {
        return -1;
    }
    if (!there && snprintf(place->path, PATH_MAX, "%s", path) >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return -1;
    }
    if (snprintf(place->part, PATH_MAX, "%s.XXXXXX", place->path) >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int error = file_make_folders(place->path);
    if (error != 0) {
        errno = error;
        return -1;
    }
    mode_t mask = umask(0);
    umask(mask);
    int file = mkostemp(place->part, O_CLOEXEC);
    if (file >= 0) {
        fchmod(file, 0666 & ~mask);
    }
    return file;
}

int document_probe(const char *path, struct complaint *complaint)
{
    struct file_place place;
    struct stat status;
    if (strcmp(path, "-") == 0 || (stat(path, &status) == 0 && S_ISFIFO(status.st_mode))) {
        return 0; // its reader must not see it opened twice
    }
    int file = file_open(path, &place);
    if (file < 0) {
        return file_complain(path, errno, complaint);
    }
    close(file);
    if (place.part[0] != '\0') {
        unlink(place.part);
    }
    return 0;
}

// The part becomes the file; or it goes.
static int file_finish(int file, const struct file_place *place, int error)
{
    bool whole = place->part[0] != '\0';
    if (error == 0 && whole && fsync(file) != 0) {
        error = errno;
    }
    if (close(file) != 0 && error == 0) {
        error = errno;
    }
    if (error == 0 && whole && rename(place->part, place->path) != 0) {
        error = errno;
    }
    if (error == 0 && whole) {
        file_sync_folder(place->path);
    } else if (whole) {
        unlink(place->part);
    }
    return error;
}

int document_write(const char *path, const char *text, struct complaint *complaint)
{
    struct file_place place;
    if (strcmp(path, "-") == 0) {
        int error = fflush(stdout) != 0 ? errno : file_write_all(STDOUT_FILENO, text);
        return error == 0 ? 0 : file_complain("standard output", error, complaint);
    }
    int file = file_open(path, &place);
    if (file < 0) {
        return file_complain(path, errno, complaint);
    }
    int error = file_finish(file, &place, file_write_all(file, text));
    return error == 0 ? 0 : file_complain(path, error, complaint);
}
