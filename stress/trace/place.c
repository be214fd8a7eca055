// SPDX-License-Identifier: MIT
//
// place.c - where a trace that is written will stand.

#include "trace/place.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

char *trace_place(const char *path, struct complaint *complaint)
{
    struct stat status;
    char *place;
    if (stat(path, &status) != 0) {
        place = strdup(path); // new, or a link to nothing
    } else if (S_ISREG(status.st_mode)) {
        place = realpath(path, NULL);
    } else {
        complain(complaint, "%s: cannot be written: it is %s, not a file", path,
                 S_ISDIR(status.st_mode)    ? "a folder"
                 : S_ISFIFO(status.st_mode) ? "a pipe"
                                            : "a device");
        return NULL;
    }
    if (place == NULL) {
        complain(complaint, "%s: not enough memory", path);
    }
    return place;
}
