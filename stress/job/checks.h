// SPDX-License-Identifier: MIT
//
// checks.h - the checks that a job can switch off one by one: a table.
//
// A check's name is the word of the key `checks`, and what a failure of it is called in evidence.
// Those of blocks begin at a level of `verify`; those of level 0 are made when everything was freed
// (remains = ignore leaves them out). What has a limit as its key (lost_limit, kept_limit,
// rss_slope and its limit, latency_limit, leak_limit) is switched by that.

#ifndef JOB_CHECKS_H
#define JOB_CHECKS_H

#include <stdint.h>

#include "job/job.h"

// ROW(id, name, level, help)
#define JOB_CHECK_ROWS(ROW)                                                                        \
    ROW(MEMORY, "null", 1, "a block has memory")                                                   \
    ROW(ALIGNMENT, "alignment", 1, "a block begins at a multiple of what was asked for")           \
    ROW(SIZE, "size", 1, "a block is no smaller than the request")                                 \
    ROW(CALLOC, "calloc", 1, "calloc's bytes are zero")                                            \
    ROW(RESIZE, "resize", 1, "a resize keeps the first and last 256 bytes of what it is to keep")  \
    ROW(STAMP, "stamp", 2, "the first and last 32 bytes of a block are what its owner wrote")      \
    ROW(WHOLE, "whole", 3, "so is every byte between them, also after a resize")                   \
    ROW(USABLE, "usable", 3, "so are bytes that malloc_usable_size grants beyond the request")     \
    ROW(OVERLAP, "overlap", 4,                                                                     \
        "no two live blocks share a byte, none is handed out twice or lies where no program's "    \
        "memory is")                                                                               \
    ROW(INVARIANTS, "invariants", 0,                                                               \
        "the engine finds itself whole: lists, sums of memory, counters")                          \
    ROW(CONSERVATION, "conservation", 0, "the engine has nothing live when everything was freed")

enum job_check {
#define JOB_CHECK_ID(id, name, level, help) JOB_CHECK_##id,
    JOB_CHECK_ROWS(JOB_CHECK_ID)
#undef JOB_CHECK_ID
        JOB_CHECK_COUNT
};

struct job_check_row {
    const char *name;
    unsigned level; // of verify; 0: when everything was freed
    const char *help;
};

// By enum job_check.
extern const struct job_check_row job_checks[JOB_CHECK_COUNT];

// A set of checks has bit `check` for each.
static inline uint64_t job_check_bit(enum job_check check)
{
    return (uint64_t)1 << check;
}

static inline bool job_checks_have(uint64_t checks, enum job_check check)
{
    return (checks >> check & 1) != 0;
}

// Those of blocks that level `verify` has.
uint64_t job_checks_of_level(uint64_t verify);
// Those that the section makes, of blocks and at the end.
uint64_t job_checks_of(const struct job_section *section);
// The names of those that the section's `verify` and `remains` would make and its `checks` has
// switched off: "calloc, size"; "" for none. Cut where there is no room.
void job_checks_off(const struct job_section *section, char *text, size_t size);

#endif
