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
#define REPORT_FIGURES 16
#define REPORT_NATIVE  24 // statistics that a foreign allocator gives of itself
#define REPORT_DECAY   32
#define REPORT_THREADS 1024
#define REPORT_CURVE   48 // sizes 2^0 .. 2^47

// What a workload measures beside the rest: run_figure.
struct report_figure {
    char name[40];
    char unit[16];
    double value;
    double bound; // NAN: none
};

// What an allocator says of itself (mallctl, mallinfo2, mi_stats, MallocExtension).
struct report_native {
    char name[48];
    double value;
};

enum report_steady { STEADY_NOT_ASKED, STEADY_REACHED, STEADY_NOT_REACHED };

// The resident set at a time after the drain.
struct report_decay {
    uint64_t after_ns;
    uint64_t rss_bytes;
};

// The object that answers malloc in the cell's process.
struct report_supplier {
    char path[4096];   // resolved
    char version[64];  // what it says of itself; empty where it says nothing
    char build_id[48]; // GNU build-id in hex; empty where it has none
};

// The account at one moment, seen from outside while the workers run.
struct report_sample {
    uint64_t at_ns;           // since the measured phase began
    uint64_t operations;      // since then
    uint64_t allocated_bytes; // since then
    uint64_t live_bytes;      // requested
    uint64_t taken_bytes;     // by the live blocks
    uint64_t held_bytes;      // from the OS: the engine's own figure, else RSS - baseline
    uint64_t rss_bytes;
    uint64_t map_bytes;  // of it the map of check 4, the harness's (check/shadow.h); not written
                         // out; 0 unless rss_slope asks
    uint64_t free_bytes; // inside held, in holes; engines only
    uint64_t largest_hole;
    uint64_t holes, live_blocks; // as the engine counts them
    bool holes_known;            // false: what is in the four above means nothing
    // From smaps_rollup, which is dear: 0 where this sample did not look.
    uint64_t pss_bytes;
    uint64_t huge_bytes; // AnonHugePages
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
    double holes_per_block, end_holes_per_block;
    double
        waste_per_block;  // bytes that a live block takes beyond what it was asked for, at the end
    double concentration; // of the holes at the end: 1 - sqrt(sum h^2)/sum h; negative: unknown
    double
        rss_overhead; // (RSS - baseline - touched live)/touched live at the end, >= 0; NAN: unknown
    // Share of the free bytes in holes too small for a request of 2^i bytes, at the end of the run;
    // negative: unknown.
    double unusable[REPORT_CURVE];
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

// What an operation of the harness itself costs (run/cost.h). NAN: not measured.
struct report_harness {
    double op_ns;                // neither timed nor checked
    double timed_ns;             // every one timed
    double checked_ns;           // checks 1 to 3, 64 B
    double checked_bytes_per_ns; // a block's bytes over the time to write and to compare them
};

struct cell_report {
    struct report_supplier supplier;
    bool harness_known;
    struct report_harness harness;
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
    uint64_t timer_ns;                   // what timing one operation adds to it
    struct histogram latency[OP_KINDS];  // service: from start to end
    struct histogram response[OP_KINDS]; // open loop: from the intended start; else empty
    // Open loop: intended starts that were begun, of these behind their time; and those before the
    // end that were not begun.
    uint64_t begun, late, missed;
    // warm-up and steady state
    uint64_t warmup_ns;
    uint64_t warmup_operations;
    enum report_steady steady;
    double steady_deviation; // what was compared with the limit, as a share
    uint64_t steady_ns;      // when it was reached, since the barrier
    // fairness
    uint64_t thread_operations[REPORT_THREADS];
    double thread_cv; // standard deviation over mean
    // the system
    uint64_t offcpu_ns; // of all workers: wall time less CPU time
    uint64_t worker_ns; // their wall time: offcpu_ns is a part of it
    bool runqueue_known;
    uint64_t runqueue_ns; // of offcpu_ns, runnable but waiting for a CPU (schedstat)
    bool futex_known;     // false: futex_why says why not
    uint64_t futex_waits;
    char futex_why[120];
    uint64_t
        speed_before_ns;     // what a fixed piece of work took before and after the measured phase:
    uint64_t speed_after_ns; // the machine's speed in this cell
    char pinned[128];        // CPUs by worker; empty: not pinned
    char memory_method[64];  // how memory_limit was kept; empty: no limit
    // memory
    uint64_t baseline_rss_bytes; // before the first operation
    uint64_t peak_rss_bytes;     // of the samples
    uint64_t end_rss_bytes;
    uint64_t drained_rss_bytes;
    uint64_t live_bytes, taken_bytes; // at the end of the run
    struct target_usage usage;        // at the end of the run
    struct target_usage drained;
    struct report_fragmentation fragmentation;
    uint64_t peak_pss_bytes, peak_huge_bytes; // of the samples that looked; 0: none did
    uint64_t sample_cost_ns;                  // all samples together
    uint64_t detail_count;                    // samples that looked at smaps_rollup
    uint64_t metrics_bytes;                   // that measuring takes, whatever the run's length
    uint64_t metrics_thread_bytes;            // of these, for each thread
    uint64_t drain_ns;
    uint32_t decay_count;
    struct report_decay decay[REPORT_DECAY];
    uint32_t figure_count;
    struct report_figure figures[REPORT_FIGURES];
    uint32_t native_count;
    struct report_native native[REPORT_NATIVE];
    bool checked; // the target's own invariants were checked after the drain
    struct report_engine engine;
    uint32_t sample_count;
    uint64_t sample_every_ns; // at most, once the run is long enough
    struct report_sample samples[REPORT_SAMPLES];
};

#endif
