// SPDX-License-Identifier: MIT
//
// footprint.h - what of this process is in memory, in detail.

#ifndef RUN_FOOTPRINT_H
#define RUN_FOOTPRINT_H

#include <stdbool.h>
#include <stdint.h>

struct footprint_detail {
    uint64_t rss_bytes;
    uint64_t pss_bytes;
    uint64_t huge_bytes; // AnonHugePages
};

struct footprint {
    int rollup;       // /proc/self/smaps_rollup; -1: not there
    uint64_t next_ns; // no detailed look before
};

void footprint_open(struct footprint *footprint);
void footprint_close(struct footprint *footprint);

// From smaps_rollup, which goes through every mapping under the lock that mmap and page faults
// want. False: the kernel does not have it.
bool footprint_look(const struct footprint *footprint, struct footprint_detail *detail);

// The same while workers run: only where the looks so far took at most one hundredth of the time.
// False: not now.
bool footprint_look_try(struct footprint *footprint, uint64_t now_ns,
                        struct footprint_detail *detail);

// What the text of smaps_rollup says. False: it is none.
bool footprint_parse(const char *text, struct footprint_detail *detail);

#endif
