// SPDX-License-Identifier: MIT
//
// account.h - from counters to a report: samples while the cell runs, sums at its end.

#ifndef RUN_ACCOUNT_H
#define RUN_ACCOUNT_H

#include "run/album.h"
#include "run/curves.h"
#include "run/futex.h"
#include "run/rollup.h"
#include "run/run.h"
#include "run/span.h"
#include "run/steady.h"

struct account {
    struct cell_report *report;
    void *memory; // account_bytes of it
    struct rollup rollup;
    struct futex_counter futex;
    struct curves curves;
    struct steady_rule rule;
    uint64_t origin_ns; // when the measured phase began, and what had been done by then
    uint64_t origin_operations, origin_allocated_bytes;
    uint64_t kept;  // one sample in `kept` is kept: doubles when the table is full
    uint64_t taken; // samples taken
    uint64_t every_ns;
    struct span *span;      // a ring of the last part's and its predecessors' beginnings
    unsigned spans;         // in the ring: 1, or STEADY_PARTS + 1
    unsigned part;          // number of the part under way
    struct span stop;       // where the measured phase ended, unless it was with the workers
    const struct span *end; // NULL: it goes on
    struct album *album;    // pictures of memory; NULL: none
    bool map;               // samples look at the map of check 4, too
};

// Bytes that measuring a cell of `section` takes beside its stage. They depend on its threads, on
// rate, warmup and steady, not on how long it runs.
size_t account_bytes(const struct job_section *section, unsigned threads);

// Before anything is done to the target: gives the workers their histograms and paces.
void account_open(struct account *account, struct run *run);
// Just before the first thread starts, and just after the barrier has opened. Where there is a
// warm-up, account_warmed begins the measured phase.
void account_begin(struct account *account, struct run *run);
// What is resident now is none of the target's. When the threads are there, behind the barrier.
void account_baseline(struct account *account);
void account_started(struct account *account, struct run *run);
void account_warmed(struct account *account, struct run *run);
// When the next sample is due, in CLOCK_MONOTONIC's nanoseconds.
uint64_t account_next(const struct account *account, uint64_t now_ns);
// While the workers run: a point of the curves.
void account_sample(struct account *account, struct run *run);
// While they run: a part of the steady window has gone by. Returns its rate.
double account_part(struct account *account, struct run *run);
// While they run: the measured phase ends now, with a sample, or ended with the last part.
void account_stop(struct account *account, struct run *run);
void account_stop_with_part(struct account *account);
// After the last worker has ended, before the drain.
void account_end(struct account *account, struct run *run);
// At once after the drain, which took drain_ns; `told` says whether to give up waiting.
void account_drained(struct account *account, struct run *run, uint64_t drain_ns,
                     bool (*told)(void));

#endif
