// SPDX-License-Identifier: MIT
//
// startup.c - how long does a new thread wait for its first block?
//
// 1. Theory. At a thread's first allocation an allocator makes its cache, its arena, its place in a
//    list: work that is paid by whoever has short-lived threads, and seen in no average. Here a
//    thread does one allocation, the first of its life, frees the block and is followed by another
//    thread. The latency of kind "step" is the time from the thread's body to the block in hand,
//    touched and checked as the job says (touch = none and verify = 0 leave the call alone); that
//    of kind "alloc" is the target's call by itself.
// 2. An allocator may have been called by the thread's creation already, for what libc keeps of
//    it; it was the creator that called.
// 3. A life counts as three operations: the step, the allocation, the free. Everything depends on
//    the seed alone.

#include "run/run.h"
#include "workload/demand.h"
#include "workload/rows.h"
#include "workload/successor.h"

struct startup_worker {
    struct slot slot;
    uint64_t generation;
} __attribute__((aligned(128)));

static const struct job_key startup_keys[] = {
    {.name = "latency",
     .kind = JOB_RATIO,
     .least = 1,
     .most = 1e9,
     .values = "all, none, or 1/N: one operation in N, drawn at random",
     .standard = "all",
     .help = "how many calls are timed one by one; steps all are, or none"},
    {.name = NULL},
};

static int startup_demand(const struct job_section *section, struct target_demand *demand,
                          struct complaint *complaint)
{
    (void)complaint;
    demand_add(demand, job_value(section, "size")->distribution,
               (double)job_number(section, "threads"));
    return 0;
}

static int startup_open(struct run *run, struct complaint *complaint)
{
    (void)complaint;
    struct startup_worker *workers = run_map(run->threads * sizeof *workers);
    for (unsigned i = 0; i < run->threads; i++) {
        workers[i].slot.id = i;
    }
    run->shared = workers;
    return 0;
}

static void startup_work(struct worker *worker)
{
    struct startup_worker *self = &((struct startup_worker *)worker->run->shared)[worker->number];
    const struct distribution *sizes = job_value(worker->run->section, "size")->distribution;
    size_t size = distribution_draw(sizes, random_next(&worker->random));
    uint64_t began = op_step_begin(worker);
    if (op_alloc(worker, &self->slot, size, 0) == 0) {
        op_step_end(worker, began);
        op_free(worker, &self->slot);
    }
    if (!worker_stop(worker, 3)) {
        successor_start(worker, ++self->generation, startup_work);
    }
}

static void startup_close(struct run *run)
{
    (void)run;
}

const struct workload workload_startup = {
    .name = "startup",
    .help = "the time to a new thread's first allocation, thread after thread (latency: step)",
    .class = WORKLOAD_THREADS,
    .version = 1,
    .keys = startup_keys,
    .demand = startup_demand,
    .open = startup_open,
    .work = startup_work,
    .close = startup_close,
};
