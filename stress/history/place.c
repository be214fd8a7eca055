// SPDX-License-Identifier: MIT
//
// place.c - where an archive is kept when nobody says so.
//
// The XDG Base Directory Specification: state that should outlive a program, but is no document of
// the user's, belongs below $XDG_STATE_HOME, which is ~/.local/state unless it is set to an
// absolute path; folders that are missing there are made with mode 0700.

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "history/history.h"

#include "disk/memory.h"

char *archive_place(struct complaint *complaint)
{
    const char *state = getenv("XDG_STATE_HOME");
    const char *home = getenv("HOME");
    char *path = NULL;
    size_t length;
    bool stated = state != NULL && *state == '/';
    if (!stated && (home == NULL || *home != '/')) {
        complain(complaint, "neither XDG_STATE_HOME nor HOME names a folder to keep it in: say "
                            "--history FILE, or --no-history");
        return NULL;
    }
    FILE *out = disk_memory(&path, &length);
    if (out == NULL) {
        complain_exhausted();
    }
    fprintf(out, "%s%s/mems/history.db", stated ? state : home, stated ? "" : "/.local/state");
    if (fclose(out) != 0) {
        complain_exhausted();
    }
    return path;
}

// A home that is not there is nobody's place: what is made in it would be found by no one.
static bool place_has_home(const char *path, struct complaint *complaint)
{
    struct stat about;
    const char *home = getenv("HOME");
    size_t length = home != NULL ? strlen(home) : 0;
    bool below = length > 0 && strncmp(path, home, length) == 0 && path[length] == '/';
    if (below && (stat(home, &about) != 0 || !S_ISDIR(about.st_mode))) {
        complain(complaint, "HOME is %s, which is no folder: say --history FILE, or --no-history",
                 home);
        return false;
    }
    return true;
}

int archive_make_way(const char *path, struct complaint *complaint)
{
    if (!place_has_home(path, complaint)) {
        return ENOENT;
    }
    char *way = strdup(path);
    int error = 0;
    if (way == NULL) {
        complain_exhausted();
    }
    for (char *at = strchr(way + 1, '/'); at != NULL && error == 0; at = strchr(at + 1, '/')) {
        *at = '\0';
        if (mkdir(way, 0700) != 0 && errno != EEXIST) {
            struct stat about;
            error = errno;
            // A folder that is there, on a file system that takes no new ones, says that first.
            error = stat(way, &about) == 0 && S_ISDIR(about.st_mode) ? 0 : error;
        }
        if (error != 0) {
            complain(complaint, "cannot make the folder %s: %s", way, strerror(error));
        }
        *at = '/';
    }
    free(way);
    return error;
}
