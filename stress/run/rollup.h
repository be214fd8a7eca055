// SPDX-License-Identifier: MIT
//
// rollup.h - what of this process is in memory, in detail.

#ifndef RUN_ROLLUP_H
#define RUN_ROLLUP_H

#include <stdbool.h>
#include <stdint.h>

struct rollup_detail {
    uint64_t rss_bytes;
    uint64_t pss_bytes;
    uint64_t huge_bytes; // AnonHugePages
};

struct rollup {
    int file;         // /proc/self/smaps_rollup; -1: not there
    uint64_t next_ns; // no detailed look before
};

void rollup_open(struct rollup *rollup);
void rollup_close(struct rollup *rollup);

// From smaps_rollup, which goes through every mapping under the lock that mmap and page faults
// want. False: the kernel does not have it.
bool rollup_look(const struct rollup *rollup, struct rollup_detail *detail);

// The same while workers run: only where the looks so far took at most one hundredth of the time.
// False: not now.
bool rollup_look_try(struct rollup *rollup, uint64_t now_ns, struct rollup_detail *detail);

// What the text of smaps_rollup says. False: it is none.
bool rollup_parse(const char *text, struct rollup_detail *detail);

#endif
