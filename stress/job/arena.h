// SPDX-License-Identifier: MIT
//
// arena.h - memory that is given back all at once: what a job file turns into.
//
// There is no failure to handle: a driver without the few kilobytes of its own job cannot run
// anything, so it says so and ends (exit status 1, nothing has been measured yet).

#ifndef JOB_ARENA_H
#define JOB_ARENA_H

#include <stddef.h>

struct arena {
    struct arena_piece *pieces; // newest first
};

void *arena_get(struct arena *arena, size_t size); // zeroed
char *arena_copy(struct arena *arena, const char *text, size_t length);
char *arena_print(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void arena_fini(struct arena *arena);

#endif
