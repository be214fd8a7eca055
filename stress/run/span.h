// SPDX-License-Identifier: MIT
//
// span.h - the figures of a cell between two moments.

#ifndef RUN_SPAN_H
#define RUN_SPAN_H

#include <stddef.h>
#include <sys/resource.h>

#include "run/fragmentation.h"
#include "run/futex.h"
#include "run/run.h"
#include "run/spent.h"

// A worker's counters at a moment.
struct span_worker {
    uint64_t count[OP_KINDS];
    uint64_t refused;
    uint64_t allocated_bytes;
    uint64_t begun, late; // intended starts
    struct spent_time spent;
};

// The engine's locks at a moment.
struct span_locks {
    uint32_t count; // in `lock`
    struct mems_lock_stats sum;
    struct mems_lock_stats lock[REPORT_LOCKS];
};

// A moment, and what was seen since.
struct span {
    uint64_t at_ns;
    uint64_t operations, allocated_bytes; // of all workers until then
    struct rusage usage;
    bool futex_known;
    uint64_t futex_waits;
    struct span_locks locks;
    struct span_worker *worker; // one a worker
    // since
    struct fragmentation fragmentation;
    uint64_t peak_rss_bytes, peak_pss_bytes, peak_huge_bytes;
};

// Bytes of `worker` for so many.
size_t span_bytes(unsigned threads);

// Takes the counters as they are; nothing has been seen since. `futex` may be NULL.
void span_begin(struct span *span, struct run *run, const struct futex_counter *futex,
                uint64_t at_ns);

// A sample that was taken since.
void span_sample(struct span *span, const struct report_sample *sample);

// Puts into the report what lies between two moments. `to_ns` is where the time ends; a worker that
// ended before it has had that much less.
void span_report(const struct span *from, const struct span *to, const struct run *run,
                 uint64_t to_ns, struct cell_report *report);

// How evenly the operations are spread: thread_least, thread_most, jain and thread_cv from
// thread_operations of the first `threads`.
void span_fairness(struct cell_report *report, unsigned threads);

#endif
