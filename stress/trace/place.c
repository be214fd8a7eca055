// SPDX-License-Identifier: MIT
//
// place.c - where a trace may be written.

#include "trace/place.h"

#include <errno.h>

#include "disk/disk.h"

int trace_place_check(const char *path, struct complaint *complaint)
{
    const char *kind = disk_not_a_file(path);
    if (kind != NULL) {
        complain(complaint, "%s: cannot be written: it is %s, not a file", path, kind);
    }
    return kind != NULL ? ENOTSUP : 0;
}
