// SPDX-License-Identifier: MIT
//
// watch.h - waits for a cell's process, and ends it when it makes no progress or takes too much.

#ifndef RUN_WATCH_H
#define RUN_WATCH_H

#include <sys/resource.h>
#include <sys/types.h>

#include "run/plan.h"

struct watch {
    uint64_t timeout_ns;
    uint64_t limit_ns;     // of the measured phase; 0: none
    uint64_t memory_bytes; // of the target, in the cell and its children; 0: no limit
    bool mapped;           // check 4 has its map beside the blocks
    bool (*interrupted)(void);
    void (*tick)(void *arg); // about ten times a second
    void *arg;
};

struct watch_end {
    int status; // as of wait4
    struct rusage usage;
    bool hung;
    bool interrupted;
    bool killed;        // by the driver, for whatever reason
    bool out_of_memory; // the kernel killed for want of memory meanwhile
    char reason[200];   // of a hang
};

// How often a cell with such a limit is looked at.
unsigned watch_tick_ms(uint64_t memory_bytes);

// What may be resident with such a limit: the target's, and what is the harness's.
uint64_t watch_allowed(const struct watch *watch, uint64_t baseline_bytes);

// When it returns the cell's process and all that came from it are gone.
void watch_cell(struct stage *stage, pid_t pid, const struct watch *watch, struct watch_end *end);

#endif
