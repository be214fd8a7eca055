// SPDX-License-Identifier: MIT
//
// text.h - the text of a job file before it means anything: loading, bytes, variables.

#ifndef JOB_TEXT_H
#define JOB_TEXT_H

#include <stddef.h>
#include <sys/types.h>

#include "job/arena.h"
#include "job/complaint.h"

struct text_file {
    char *bytes;
    size_t length;
    const char *folder; // absolute, of the file
    dev_t device;
    ino_t inode;
};

// Reads a whole file. 0, the errno of the file or EFBIG. Complaints have no place.
int text_load(const char *path, struct arena *arena, struct text_file *file,
              struct complaint *complaint);

// Variables of the environment, each once, in the order of their first use. From the arena.
struct text_names {
    struct text_name *first, *last;
};
struct text_name {
    const char *name;
    struct text_name *next;
};

// The offset of the first byte that no text file has (NUL, other control characters but tab, line
// feed and a carriage return before one, anything that is not UTF-8), or `length`.
size_t text_check(const char *bytes, size_t length);

// Replaces the variables of a value: ${NAME} and ${NAME:-default} by the environment, $ncpus,
// $pagesize, and $$ by a dollar sign. `place` is where `text` begins. `names` is told what of the
// environment was looked up and is set. 0 or EINVAL.
int text_expand(const char *text, size_t length, const struct complaint_place *place,
                struct arena *arena, struct text_names *names, char **expanded,
                struct complaint *complaint);

#endif
