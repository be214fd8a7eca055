// SPDX-License-Identifier: MIT
//
// home.c - the files that came with this program: built beside it, installed, or moved since.
//
// Nothing is found by a path that was fixed when it was built: everything is looked for from where
// the program is, as the kernel tells. The build's folder is laid out as an installation is, with
// share/mems two steps up from the program, and libraries beside it. What an installation has them
// called, relative to its folder of programs, the build says: MEMS_HOME_LIBRARY, MEMS_HOME_SHARE.

#include "disk/home.h"

#include <errno.h>
#include <glob.h>
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
static bool home_look(const char *folder, const char *relative, const char *name, char *path,
                      size_t size)
{
    char written[3 * PATH_MAX], real[PATH_MAX];
    snprintf(written, sizeof written, "%s/%s/%s", folder, relative, name);
    bool found = realpath(written, real) != NULL && access(real, R_OK) == 0;
    snprintf(path, size, "%s", found ? real : written);
    return found;
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
    for (size_t i = 0; i < 2 && error == 0; i++) {
        if (home_look(folder, places[place][i], name, path, size)) {
            return 0;
        }
    }
    return error != 0 ? error : ENOENT;
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

void home_each_job(void (*visit)(void *arg, const char *word, const char *path), void *arg)
{
    static const char *const patterns[] = {"*.ini", "workloads/*.ini"};
    char folder[PATH_MAX], pattern[PATH_MAX + 32], word[NAME_MAX + 32];
    if (home_find(HOME_SHARE, "jobs", folder, sizeof folder) != 0) {
        return;
    }
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        glob_t found;
        snprintf(pattern, sizeof pattern, "%s/%s", folder, patterns[i]);
        if (glob(pattern, 0, NULL, &found) != 0) {
            continue;
        }
        for (size_t at = 0; at < found.gl_pathc; at++) {
            const char *name = found.gl_pathv[at] + strlen(folder) + 1;
            snprintf(word, sizeof word, "%.*s", (int)(strlen(name) - strlen(".ini")), name);
            visit(arg, word, found.gl_pathv[at]);
        }
        globfree(&found);
    }
}
