// SPDX-License-Identifier: MIT
//
// home.c - the files that came with this program: built beside it, installed, or moved since.
//
// Nothing is found by a path that was fixed when it was built: everything is looked for from where
// the program is, as the kernel tells. The build's folder is laid out as an installation is, with
// share/mems two steps up from the program, and libraries beside it. What an installation has them
// called, relative to its folder of programs, the build says: MEMS_HOME_LIBRARY, MEMS_HOME_SHARE.

#include "disk/home.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// The folder that the program is in. 0 or errno.
static int home_folder(char *folder, size_t size)
{
    ssize_t length = readlink("/proc/self/exe", folder, size - 1);
    if (length <= 0) {
        return length < 0 ? errno : ENOENT;
    }
    folder[length] = '\0';
    *strrchr(folder, '/') = '\0';
    return 0;
}

// folder/relative/name as the system sees it, so that no `..` stays in what is told and preloaded.
// 0 or errno.
static int home_look(const char *folder, const char *relative, const char *name, char *path,
                     size_t size)
{
    char written[3 * PATH_MAX], real[PATH_MAX];
    snprintf(written, sizeof written, "%s/%s/%s", folder, relative, name);
    bool found = realpath(written, real) != NULL && access(real, R_OK) == 0;
    int error = found ? 0 : errno;
    snprintf(path, size, "%s", found ? real : written);
    return error;
}

int home_find(enum home_place place, const char *name, char *path, size_t size)
{
    static const char *const places[][2] = {
        [HOME_LIBRARY] = {".", MEMS_HOME_LIBRARY},
        [HOME_SHARE] = {"../share/mems", MEMS_HOME_SHARE},
    };
    char folder[PATH_MAX];
    int error = home_folder(folder, sizeof folder);
    snprintf(path, size, "%s", name);
    if (error != 0) {
        return error;
    }
    error = home_look(folder, places[place][0], name, path, size);
    if (error == 0) {
        return 0;
    }
    int other = home_look(folder, places[place][1], name, path, size);
    return other == 0 || error == ENOENT ? other : error;
}

// A word is a path below the folder of jobs, and does not lead out of it.
static bool home_is_word(const char *word)
{
    return word[0] != '\0' && word[0] != '/' && word[0] != '.' && strstr(word, "/.") == NULL;
}

int home_job(const char *word, char *path, size_t size)
{
    size_t length = strlen(word);
    bool ended = length > 4 && strcmp(word + length - 4, ".ini") == 0;
    char name[PATH_MAX];
    if (!home_is_word(word) || (size_t)snprintf(name, sizeof name, "jobs/%s%s", word,
                                                ended ? "" : ".ini") >= sizeof name) {
        return ENOENT;
    }
    return home_find(HOME_SHARE, name, path, size);
}

static int home_is_job(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);
    return entry->d_name[0] != '.' && length > 4 && strcmp(entry->d_name + length - 4, ".ini") == 0;
}

int home_each_job(void (*visit)(void *arg, const char *word, const char *path), void *arg)
{
    static const char *const folders[] = {"", "workloads/"};
    char jobs[PATH_MAX], folder[PATH_MAX + 32], path[2 * PATH_MAX], word[NAME_MAX + 32];
    int error = home_find(HOME_SHARE, "jobs", jobs, sizeof jobs);
    for (size_t i = 0; i < sizeof folders / sizeof folders[0] && error == 0; i++) {
        struct dirent **found;
        snprintf(folder, sizeof folder, "%s/%s", jobs, folders[i]);
        int count = scandir(folder, &found, home_is_job, alphasort);
        error = count < 0 ? errno : 0;
        for (int at = 0; at < count; at++) {
            const char *name = found[at]->d_name;
            snprintf(path, sizeof path, "%s%s", folder, name);
            snprintf(word, sizeof word, "%s%.*s", folders[i], (int)(strlen(name) - 4), name);
            visit(arg, word, path);
            free(found[at]);
        }
        if (count >= 0) {
            free(found);
        }
    }
    return error;
}
