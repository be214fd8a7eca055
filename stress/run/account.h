// SPDX-License-Identifier: MIT
//
// account.h - from counters to a report: samples while the cell runs, sums at its end.

#ifndef RUN_ACCOUNT_H
#define RUN_ACCOUNT_H

#include <sys/resource.h>

#include "run/run.h"

struct account {
    struct cell_report *report;
    struct rusage before;
    int statm;        // /proc/self/statm
    uint64_t kept;    // one sample in `kept` is kept: doubles when the table is full
    uint64_t taken;   // samples taken
    double ratio_sum; // of held / live
    uint64_t ratio_count;
    uint64_t most_live, held_at_most_live;
    uint64_t most_held, live_at_most_held;
};

// `every_ns`: how often account_sample will be called.
void account_open(struct account *account, struct run *run, uint64_t every_ns);
// Just before the barrier opens.
void account_begin(struct account *account, struct run *run);
// While the workers run: a point of the curves.
void account_sample(struct account *account, struct run *run);
// After the last worker has ended, before the drain.
void account_end(struct account *account, struct run *run);
// After the drain, which took drain_ns.
void account_drained(struct account *account, struct run *run, uint64_t drain_ns);

#endif
