// SPDX-License-Identifier: MIT
//
// futex.h - how often threads of this process asked the kernel to wait on a futex.

#ifndef RUN_FUTEX_H
#define RUN_FUTEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct futex_counter {
    int file;      // of this thread and those it starts; -1: it cannot be counted
    int own;       // of this thread alone
    char why[120]; // why not
};

// Counts from now on, for every thread that this one starts later, directly or not; not for this
// thread, whose own waiting for the others is the harness's.
void futex_open(struct futex_counter *counter);
// The same from the tracing file system at `folder`.
void futex_open_at(struct futex_counter *counter, const char *folder);
void futex_close(struct futex_counter *counter);
// False: not known.
bool futex_read(const struct futex_counter *counter, uint64_t *waits);

#endif
