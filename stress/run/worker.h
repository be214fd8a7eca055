// SPDX-License-Identifier: MIT
//
// worker.h - the threads of a cell: started together, continued by successors, waited for.

#ifndef RUN_WORKER_H
#define RUN_WORKER_H

#include "run/run.h"
#include "run/spent.h"

// A worker's way through its threads. Written by the worker's thread of the moment.
struct worker_life {
    struct worker *worker;
    pthread_t thread; // the latest one, set by itself
    pthread_t predecessor;
    bool has_predecessor;
    void (*body)(struct worker *worker);
    void *stacks[2];      // for signal handlers: predecessor and successor may overlap
    unsigned generations; // threads so far
    bool ready;           // [worker.c's lock] worker_ready was called, or it has ended
    struct spent spent;   // their CPU time
    uint64_t ended_ns;    // [atomic] 0: it works
};

// Starts every worker; all are waiting behind the barrier when it returns. 0, or errno: then some
// threads may be waiting there, and the process must end.
int worker_start_all(struct run *run);
// Opens the barrier.
void worker_let_all_begin(struct run *run);
// Waits for the end of the last worker, until all are ready and wait to be released, or until
// `deadline_ns` (CLOCK_MONOTONIC). True: ended.
bool worker_wait(struct run *run, uint64_t deadline_ns);
// Whether all workers that fill have done so.
bool worker_all_ready(struct run *run);
// Lets those that are ready go on. Again: nothing.
void worker_release(struct run *run);
// When it ended; 0 while it works.
static inline uint64_t worker_ended_ns(const struct worker_life *life)
{
    return __atomic_load_n(&life->ended_ns, __ATOMIC_RELAXED);
}
// After every worker has ended: their threads are gone when it returns.
void worker_join_all(struct run *run);

#endif
