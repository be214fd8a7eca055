// SPDX-License-Identifier: MIT
//
// references.h - a reference string: the pages that a program used, in order.
//
// Text: numbers from 0 to 2^63, separated by white space; '#' begins a comment that goes on to the
// end of the line.

#ifndef FAULTS_REFERENCES_H
#define FAULTS_REFERENCES_H

#include <stddef.h>
#include <stdint.h>

#include "job/complaint.h"

#define REFERENCES_MOST (UINT64_C(1) << 63) // the largest page number

struct references {
    uint64_t *pages; // 0 .. page_count - 1: numbered in the order in which they first appear
    size_t count;
    size_t page_count; // distinct ones
    uint64_t *names;   // by number: what each is called in the text
};

// Reads a file, or standard input where `path` is "-". 0, the errno of the file, EINVAL (with line
// and column in the complaint; no reference at all is one) or ENOMEM.
int references_read(const char *path, struct references *references, struct complaint *complaint);
// The same from memory: `name` stands for the file in complaints.
int references_parse(const char *text, size_t length, const char *name,
                     struct references *references, struct complaint *complaint);
// The same from names of pages, in order; at least one. 0 or ENOMEM.
int references_make(const uint64_t *names, size_t count, struct references *references);
void references_fini(struct references *references);

#endif
