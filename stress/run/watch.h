// SPDX-License-Identifier: MIT
//
// watch.h - waits for a cell's process, and ends it when it makes no progress.

#ifndef RUN_WATCH_H
#define RUN_WATCH_H

#include <sys/resource.h>
#include <sys/types.h>

#include "run/plan.h"

struct watch {
    uint64_t timeout_ns;
    uint64_t limit_ns; // of the measured phase; 0: none
    bool (*interrupted)(void);
    void (*tick)(void *arg); // about ten times a second
    void *arg;
};

struct watch_end {
    int status; // as of wait4
    struct rusage usage;
    bool hung;
    bool interrupted;
    char reason[200]; // of a hang
};

void watch_cell(struct stage *stage, pid_t pid, const struct watch *watch, struct watch_end *end);

#endif
