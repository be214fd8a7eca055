// SPDX-License-Identifier: MIT
//
// folder.c - folders that are a process's for a while, and what is left of them when it was killed.
//
// 1. The maker holds an exclusive flock on the folder itself: it ends with the maker, however that
//    ends, and only then may another remove the folder, at whatever point its making or its removal
//    stopped.
// 2. Between the making of a folder and its lock a cleaner may take it for a left one. The maker
//    therefore looks, with the lock in its hands, whether the name still leads to its folder, and
//    makes another where it does not. From then on no cleaner gets the lock.
// 3. Where a file system has no flock, nobody cleans.

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "disk/disk.h"

#define FOLDER_MARK   ".spool-"
#define FOLDER_RANDOM 6 // characters of mkdtemp
#define FOLDER_TRIES  100

// The lock, which is never given back: it lasts as long as the process. 0; EAGAIN: a cleaner has
// removed the folder; or what open says.
static int folder_lock(const char *folder)
{
    struct stat held, named;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT ? EAGAIN : errno;
    }
    bool taken = flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    if (!taken && fstat(fd, &held) == 0 && lstat(folder, &named) == 0 &&
        held.st_ino == named.st_ino && held.st_dev == named.st_dev) {
        return 0;
    }
    close(fd);
    return EAGAIN;
}

// One try. The folder's absolute path, from malloc; NULL with errno, and nothing is left.
static char *folder_make(const char *path)
{
    char *folder = NULL;
    if (asprintf(&folder, "%s" FOLDER_MARK "XXXXXX", path) < 0) {
        errno = ENOMEM;
        return NULL;
    }
    char *absolute = NULL;
    int error = mkdtemp(folder) == NULL ? errno : 0;
    if (error == 0) {
        absolute = realpath(folder, NULL);
        error = absolute == NULL ? errno : folder_lock(absolute);
        if (error != 0) {
            rmdir(folder);
            free(absolute);
            absolute = NULL;
        }
    }
    free(folder);
    errno = error;
    return absolute;
}

char *disk_folder_new(const char *path)
{
    char *folder = NULL;
    errno = EAGAIN;
    for (unsigned i = 0; i < FOLDER_TRIES && folder == NULL && errno == EAGAIN; i++) {
        folder = folder_make(path);
    }
    return folder;
}

static void folder_empty(int folder)
{
    int fd = dup(folder);
    DIR *open = fd >= 0 ? fdopendir(fd) : NULL;
    struct dirent *entry;
    while (open != NULL && (entry = readdir(open)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            unlinkat(folder, entry->d_name, 0);
        }
    }
    if (open != NULL) {
        closedir(open);
    } else if (fd >= 0) {
        close(fd);
    }
}

void disk_folder_remove(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0) {
        folder_empty(fd);
        close(fd);
    }
    rmdir(folder);
}

// Removes the folder if its maker has ended and nobody else is at work in it.
static void folder_clean_one(const char *folder, bool (*busy)(const char *folder))
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        return;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) == 0 && !busy(folder)) {
        folder_empty(fd);
        rmdir(folder);
    }
    close(fd);
}

void disk_folder_clean(const char *path, bool (*busy)(const char *folder))
{
    const char *slash = strrchr(path, '/');
    const char *stem = slash != NULL ? slash + 1 : path;
    size_t length = strlen(stem);
    char *place = slash != NULL ? strndup(path, (size_t)(slash - path) + 1) : strdup("./");
    DIR *open = place != NULL ? opendir(place) : NULL;
    struct dirent *entry;
    while (open != NULL && (entry = readdir(open)) != NULL) {
        const char *name = entry->d_name;
        char *folder = NULL;
        if (strncmp(name, stem, length) == 0 &&
            strncmp(name + length, FOLDER_MARK, strlen(FOLDER_MARK)) == 0 &&
            strlen(name + length) == strlen(FOLDER_MARK) + FOLDER_RANDOM &&
            asprintf(&folder, "%s%s", place, name) >= 0) {
            folder_clean_one(folder, busy);
            free(folder);
        }
    }
    if (open != NULL) {
        closedir(open);
    }
    free(place);
}
