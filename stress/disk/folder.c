// SPDX-License-Identifier: MIT
//
// folder.c - folders that are a process's for a while, and what is left of them when it was killed.
//
// The folder holds a file ".lock" whose exclusive flock is its maker's: it ends with the maker,
// however that ends, and only then may another remove the folder. Between the making of the folder
// and of its lock there is nothing in it; such an empty one is left alone, as it costs nothing and
// may be somebody's beginning.

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "disk/disk.h"

#define FOLDER_MARK   ".spool-"
#define FOLDER_RANDOM 6 // characters of mkdtemp
#define FOLDER_LOCK   ".lock"

// Never closed: the lock lasts as long as the process.
static int folder_lock(const char *folder)
{
    char *path = NULL;
    if (asprintf(&path, "%s/" FOLDER_LOCK, folder) < 0) {
        return ENOMEM;
    }
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    int error = fd < 0 ? errno : 0;
    if (fd >= 0) {
        flock(fd, LOCK_EX | LOCK_NB); // where there is no flock, nobody cleans
    }
    free(path);
    return error;
}

char *disk_folder_new(const char *path)
{
    char *folder = NULL;
    if (asprintf(&folder, "%s" FOLDER_MARK "XXXXXX", path) < 0) {
        errno = ENOMEM;
        return NULL;
    }
    char *absolute = mkdtemp(folder) != NULL ? realpath(folder, NULL) : NULL;
    int error = absolute == NULL ? errno : folder_lock(absolute);
    free(folder);
    if (error != 0) {
        free(absolute);
        errno = error;
        return NULL;
    }
    return absolute;
}

void disk_folder_remove(const char *folder)
{
    DIR *open = opendir(folder);
    struct dirent *entry;
    while (open != NULL && (entry = readdir(open)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            strcmp(entry->d_name, FOLDER_LOCK) != 0) {
            unlinkat(dirfd(open), entry->d_name, 0);
        }
    }
    if (open != NULL) {
        unlinkat(dirfd(open), FOLDER_LOCK, 0); // last: without it nobody would clean the rest
        closedir(open);
    }
    rmdir(folder);
}

// Removes the folder if its maker has ended and nobody else is at work in it.
static void folder_clean_one(const char *folder, bool (*busy)(const char *folder))
{
    char *path = NULL;
    if (asprintf(&path, "%s/" FOLDER_LOCK, folder) < 0) {
        return;
    }
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0 && !busy(folder)) {
            disk_folder_remove(folder);
        }
        close(fd);
    }
    free(path);
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
