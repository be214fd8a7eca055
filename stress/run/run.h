// SPDX-License-Identifier: MIT
//
// run.h - one cell at work, inside its own process: what its threads share.
//
// 1. States. prepare (target, workload and workers are opened) -> run (the threads are behind the
//    start barrier; after the fill and the warm-up what they do is measured) -> drain (every thread
//    has ended; the workload releases what is left) -> check -> done. run->stage->phase says which,
//    for the driver.
// 2. Threads. The cell's first thread prepares, samples, watches the deadline, drains and checks;
//    it does nothing to the target while the others run. Worker i is run->workers[i]; it may be
//    continued by successors (worker_hand_over), which join their predecessor before their body
//    begins, so that a block of a dead thread is truly that.
// 3. Memory. Everything of the harness that grows is mapped, not allocated: the allocator under
//    test serves the workload, not us. run_map gives zeroed pages that live as long as the process.
// 4. Sharing. `stage`, the workers and their histories lie in memory shared with the driver, which
//    only reads.
// 5. Failure. run_fail ends the process at once; the driver reads the evidence.

#ifndef RUN_RUN_H
#define RUN_RUN_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "job/job.h"
#include "run/history.h"
#include "target/target.h"
#include "workload/op.h"
#include "workload/workload.h"

struct stage; // run/stage.h
struct worker_life;

struct run {
    // [ro] before the workload's open
    const struct job_section *section;
    const struct workload *workload;
    uint64_t seed; // of this repeat
    unsigned threads;
    const struct target_spec *spec;
    const struct target *target;
    struct target_instance *instance;
    const struct target_ops *ops;
    void *space;            // the first space: every worker starts in it
    struct worker *workers; // `threads` of them
    struct stage *stage;
    // the workload's
    void *shared;
    bool stop;           // [atomic] the time is over, the cell is to end
    bool warming;        // [atomic] nothing counts yet, no budget is used up
    unsigned running;    // [worker.c's lock] workers that have not ended yet
    unsigned filling;    // [worker.c's lock] of them, not ready yet (worker_ready)
    uint64_t started_ns; // [ro] when the barrier opened
    uint64_t ready_ns;   // [atomic] when all workers were ready; 0: not yet
    pthread_barrier_t start;
    struct worker_life *lives; // one a worker
    pthread_mutex_t spaces_lock;
    struct run_place *spaces; // [spaces_lock] by process
};

struct run_place {
    void *space;
    bool open;
};

#define RUN_MAX_SPACES 65536

// The space of a process (0: run->space), opened at the first call. For workloads with processes.
// 0, E2BIG (RUN_MAX_SPACES), or what the target said.
int run_space(struct run *run, unsigned process, void **space);
// Closes it: what it holds goes too. Not for process 0.
void run_space_close(struct run *run, unsigned process);

// Zeroed pages. Never NULL: where the OS refuses, the cell ends with a message. They are resident
// at once, so that what is mapped before the baseline is taken is no growth of the target's.
void *run_map(size_t bytes);
// Not resident before they are touched: for tables of which little is used.
void *run_map_lazily(size_t bytes);

// The "check" of a failure that is not the target's: the harness could not go on. Such a cell has
// crashed; no check has failed.
#define RUN_HARNESS "harness"

// What a check found. Fields that mean nothing are 0.
struct run_failure {
    const char *check; // "overlap", "stamp", "alignment", "calloc", "release", ... or RUN_HARNESS
    const char *text;  // one sentence: what was expected, what was found
    uint64_t block;
    uint64_t size;
    uint32_t slot;
    uint32_t generation;
    uint64_t expected;
    uint64_t found;
    uint32_t owner; // worker that allocated it
};

// Records the failure with a backtrace and ends the cell. `worker` may be NULL (outside a worker).
// Only the first failure of a cell is recorded. Uses no malloc.
_Noreturn void run_fail(struct worker *worker, const struct run_failure *failure);

// A figure of the workload's own, beside what every workload is measured by: ("blow-up", "x", 3.1,
// 4.5). `bound` is what theory says of it; NAN: nothing. A name that was given before gets the new
// value; past REPORT_FIGURES names the rest is dropped. Any one thread at a time, until the end of
// `close`.
void run_figure(struct run *run, const char *name, const char *unit, double value, double bound);

// What the target holds from the system: its own figure where it has one, else run_resident; 0 of
// one without memory. And how far the process's resident set has grown since the start. For
// workloads that set it against a bound, at the ends of phases: either costs some microseconds.
uint64_t run_held(const struct run *run);
uint64_t run_resident(const struct run *run);

// Nanoseconds of CLOCK_MONOTONIC.
uint64_t run_now_ns(void);

#endif
