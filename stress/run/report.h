// SPDX-License-Identifier: MIT
//
// report.h - what one cell measured: plain data, filled in by the cell's process in shared memory,
// read by the driver after its end.

#ifndef RUN_REPORT_H
#define RUN_REPORT_H

#include <mems/engine.h>
#include <stdbool.h>
#include <stdint.h>

#include "measure/histogram.h"
#include "target/target.h"
#include "workload/op.h"

#define REPORT_LOCKS   64
#define REPORT_SAMPLES 1024

// The object that answers malloc in the cell's process.
struct report_supplier {
    char path[4096];   // resolved
    char version[64];  // what it says of itself; empty where it says nothing
    char build_id[48]; // GNU build-id in hex; empty where it has none
};

// The account at one moment, seen from outside while the workers run.
struct report_sample {
    uint64_t at_ns; // since the start barrier
    uint64_t operations;
    uint64_t allocated_bytes; // ever
    uint64_t live_bytes;      // requested
    uint64_t taken_bytes;     // by the live blocks
    uint64_t held_bytes;      // from the OS: the engine's own figure, else RSS - baseline
    uint64_t rss_bytes;
    uint64_t free_bytes; // inside held, in holes; engines only
    uint64_t largest_hole;
    bool holes_known; // false: what is in the two above means nothing
};

// Johnstone and Wilson's four figures of fragmentation: A is held, L is live. 0: unknown.
struct report_fragmentation {
    double mean_held_over_live;
    double at_most_live; // A/L when L was largest
    double at_most_held; // A/L when A was largest
    double most_held_over_most_live;
    // When L was largest, and at the end of the run; negative: unknown.
    double internal, end_internal; // 1 - L/U, U what live blocks take
    double external, end_external; // 1 - largest hole/free
};

struct report_engine {
    bool known;
    struct mems_stats stats;   // before the drain
    struct mems_stats drained; // after it
    uint32_t lock_count;       // in `locks`
    uint32_t lock_more;        // that did not fit: only in the sum
    struct mems_lock_stats lock_sum;
    struct mems_lock_stats locks[REPORT_LOCKS];
};

struct cell_report {
    struct report_supplier supplier;
    bool incomplete; // the cell was told to stop before its end
    // the measured phase
    uint64_t wall_ns;
    uint64_t user_ns, system_ns;
    uint64_t voluntary_switches, involuntary_switches;
    uint64_t minor_faults, major_faults;
    uint64_t count[OP_KINDS];
    uint64_t refused;
    uint64_t allocated_bytes;
    uint64_t thread_least, thread_most; // operations of the slowest and the fastest worker
    double jain;                        // (sum x)^2 / (n sum x^2)
    uint64_t latency_every;
    uint64_t timer_ns; // what timing one operation adds to it
    struct histogram latency[OP_KINDS];
    // memory
    uint64_t baseline_rss_bytes; // before the first operation
    uint64_t peak_rss_bytes;     // of the samples
    uint64_t end_rss_bytes;
    uint64_t drained_rss_bytes;
    uint64_t live_bytes, taken_bytes; // at the end of the run
    struct target_usage usage;        // at the end of the run
    struct target_usage drained;
    struct report_fragmentation fragmentation;
    uint64_t drain_ns;
    bool checked; // the target's own invariants were checked after the drain
    struct report_engine engine;
    uint32_t sample_count;
    uint64_t sample_every_ns; // at most, once the run is long enough
    struct report_sample samples[REPORT_SAMPLES];
};

#endif
