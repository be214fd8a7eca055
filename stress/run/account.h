// SPDX-License-Identifier: MIT
//
// account.h - from counters to a report: samples while the cell runs, sums at its end.

#ifndef RUN_ACCOUNT_H
#define RUN_ACCOUNT_H

#include <sys/resource.h>

#include "run/fragmentation.h"
#include "run/run.h"

struct account {
    struct cell_report *report;
    struct rusage before;
    int statm;      // /proc/self/statm
    uint64_t kept;  // one sample in `kept` is kept: doubles when the table is full
    uint64_t taken; // samples taken
    uint64_t every_ns;
    struct fragmentation fragmentation;
};

// `every_ns`: the longest distance between two samples.
void account_open(struct account *account, struct run *run, uint64_t every_ns);
// Just before the barrier opens.
void account_begin(struct account *account, struct run *run);
// When the next sample is due, in CLOCK_MONOTONIC's nanoseconds.
uint64_t account_next(const struct account *account, const struct run *run, uint64_t now_ns);
// While the workers run: a point of the curves.
void account_sample(struct account *account, struct run *run);
// After the last worker has ended, before the drain.
void account_end(struct account *account, struct run *run);
// After the drain, which took drain_ns.
void account_drained(struct account *account, struct run *run, uint64_t drain_ns);

#endif
