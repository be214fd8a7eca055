// SPDX-License-Identifier: MIT
//
// resident.h - how much of this process is in memory, cheaply and in detail.

#ifndef RUN_RESIDENT_H
#define RUN_RESIDENT_H

#include <stdbool.h>
#include <stdint.h>

struct resident_detail {
    uint64_t rss_bytes;
    uint64_t pss_bytes;
    uint64_t huge_bytes; // AnonHugePages
};

struct resident {
    int statm, rollup; // files of /proc/self; -1: not there
    uint64_t next_ns;  // no detailed look before
};

void resident_open(struct resident *resident);
void resident_close(struct resident *resident);

// The resident set, from statm: some microseconds.
uint64_t resident_rss(const struct resident *resident);

// From smaps_rollup, which goes through every mapping under the lock that mmap and page faults
// want. False: the kernel does not have it.
bool resident_look(const struct resident *resident, struct resident_detail *detail);

// The same while workers run: only where the looks so far took at most one hundredth of the time.
// False: not now.
bool resident_look_try(struct resident *resident, uint64_t now_ns, struct resident_detail *detail);

// What the text of smaps_rollup says. False: it is none.
bool resident_parse(const char *text, struct resident_detail *detail);

#endif
