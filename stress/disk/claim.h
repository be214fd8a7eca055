// SPDX-License-Identifier: MIT
//
// claim.h - no file is both read and written over by one command, and no place written twice.

#ifndef DISK_CLAIM_H
#define DISK_CLAIM_H

#include <stddef.h>

enum claim_use {
    CLAIM_READ,    // an input
    CLAIM_KEPT,    // changed in place: a history
    CLAIM_WRITTEN, // an output, which takes the place of what is there
};

// Says that this process will use the file at `path` so. `as`: what the user knows it by, as an
// option's "--json" or "the history"; NULL: by its path alone. 0; or EEXIST where that does not go
// with what was said before, with what, where and what would be right in `why`. What is no file (a
// pipe, /dev/null; "-": standard output where it is written) goes with all, but for two outputs.
// Not for several threads.
int claim_file(const char *path, enum claim_use use, const char *as, char *why, size_t size);

#endif
