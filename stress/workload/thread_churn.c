// SPDX-License-Identifier: MIT
//
// thread_churn.c - one short-lived thread after the other: what does a dead one leave behind?
//
// 1. Theory (mimalloc's mleak). A thread allocates `blocks` blocks, swaps each into a random place
//    of a shared table, frees what it got instead, and exits; a successor does the same. Each
//    worker's first thread fills its share of the table before that; from then on as much lives as
//    the table holds, so the resident set must come to a standstill. An allocator that does
//    not take a dead thread's cache apart, or whose frees of its blocks are lost, grows for ever.
// 2. Threads are real: a successor joins its predecessor before it begins (worker_hand_over).
// 3. The resident set is looked at by the threads of worker 0 but its first, at most
//    RESIDENT_PLACES times in all. How fast it grows over the last half of the rounds, in bytes for
//    each thread that was born (workload/resident.h), is a figure. The cell fails with the check
//    "leak" where even the lower end of that trend's interval is beyond leak_limit, and all threads
//    of the last half together left more behind than THREAD_CHURN_FLOOR a worker and a quarter of
//    what the table holds: a heap's own pages and what it keeps for as many threads as there are at
//    a time, while it still settles, are not a leak. So the longer it runs, the smaller a leak it
//    finds. Fewer than RESIDENT_LEAST rounds say nothing, and give no such figure.
// 4. The table holds pointers to slots, swapped atomically [R:churn-table] [A:churn-table].
// 5. Determinism. What a thread asks for depends on the seed alone; whether it got a block for its
//    own depends on the schedule as soon as there are two threads at once.

#include <math.h>
#include <stdio.h>

#include "measure/proc.h"
#include "run/run.h"
#include "workload/demand.h"
#include "workload/resident.h"
#include "workload/rows.h"
#include "workload/successor.h"

#define THREAD_CHURN_BATCH 64u          // blocks between two looks at the clock
#define THREAD_CHURN_FLOOR (128u << 10) // bytes a worker: less growth than that is none

struct thread_churn_slot {
    struct slot slot;
} __attribute__((aligned(64)));

struct thread_churn_worker {
    struct thread_churn_slot *spare; // [own] empty between two blocks
    uint64_t generation;
};

struct thread_churn {
    const struct distribution *sizes;
    uint64_t blocks, table_size;
    double leak_limit;
    struct thread_churn_slot **table; // [atomic] entries
    struct thread_churn_worker *workers;
    struct resident_series resident; // [own] worker 0's
};

// A sanitizer's run-time keeps kilobytes of each thread that has been.
#if defined(MEMS_SANITIZED)
#define THREAD_CHURN_LEAK_LIMIT "0"
#else
#define THREAD_CHURN_LEAK_LIMIT "256"
#endif

static const struct job_key thread_churn_keys[] = {
    {.name = "blocks",
     .kind = JOB_NUMBER,
     .least = 1,
     .most = 1e9,
     .values = "1 .. 1G",
     .standard = "100",
     .help = "blocks that a thread allocates before it exits"},
    {.name = "table",
     .kind = JOB_NUMBER,
     .least = 1,
     .most = 1000000,
     .values = "1 .. 1M",
     .standard = "1000",
     .help = "places of the shared table: as many blocks live on when their threads are gone"},
    {.name = "leak_limit",
     .kind = JOB_SIZE,
     .least = 0,
     .most = 0x1p30,
     .values = "0 (no limit) .. 1Gi",
     .standard = THREAD_CHURN_LEAK_LIMIT,
     .help = "bytes a thread: the cell fails when the resident set grows by more for each thread "
             "that was born in the last half of the rounds, and in all by more than 128 KiB and a "
             "quarter of what the table holds"},
    {.name = NULL},
};

static int thread_churn_demand(const struct job_section *section, struct target_demand *demand,
                               struct complaint *complaint)
{
    (void)complaint;
    double live = (double)job_number(section, "table") + (double)job_number(section, "threads");
    demand_add(demand, job_value(section, "size")->distribution, live);
    return 0;
}

static int thread_churn_open(struct run *run, struct complaint *complaint)
{
    (void)complaint;
    struct thread_churn *churn = run_map(sizeof *churn);
    churn->sizes = job_value(run->section, "size")->distribution;
    churn->blocks = job_number(run->section, "blocks");
    churn->table_size = job_number(run->section, "table");
    churn->leak_limit = (double)job_number(run->section, "leak_limit");
    churn->table = run_map(churn->table_size * sizeof(void *));
    churn->workers = run_map(run->threads * sizeof churn->workers[0]);
    struct thread_churn_slot *slots = run_map((churn->table_size + run->threads) * sizeof *slots);
    for (uint64_t i = 0; i < churn->table_size + run->threads; i++) {
        slots[i].slot.id = (uint32_t)i;
    }
    for (uint64_t i = 0; i < churn->table_size; i++) {
        churn->table[i] = &slots[i];
    }
    for (unsigned i = 0; i < run->threads; i++) {
        churn->workers[i].spare = &slots[churn->table_size + i];
    }
    run->shared = churn;
    return 0;
}

// Allocates a block, swaps it into place `at` of the table, frees what was there.
static void thread_churn_block(struct worker *worker, struct thread_churn *churn, uint64_t at)
{
    struct thread_churn_worker *self = &churn->workers[worker->number];
    uint64_t size = distribution_draw(churn->sizes, random_next(&worker->random));
    op_alloc(worker, &self->spare->slot, size, 0);
    // [R:churn-table] [A:churn-table]
    self->spare = __atomic_exchange_n(&churn->table[at], self->spare, __ATOMIC_ACQ_REL);
    if (self->spare->slot.size > 0) {
        op_free(worker, &self->spare->slot);
    }
}

static void thread_churn_live(struct worker *worker)
{
    struct thread_churn *churn = worker->run->shared;
    struct thread_churn_worker *self = &churn->workers[worker->number];
    if (worker->number == 0 && self->generation > 0 && resident_step(&churn->resident)) {
        resident_keep(&churn->resident, proc_resident());
    }
    for (uint64_t done = 0; done < churn->blocks;) {
        uint64_t left = churn->blocks - done;
        uint64_t batch = left < THREAD_CHURN_BATCH ? left : THREAD_CHURN_BATCH;
        batch = 2 * batch <= worker->budget ? batch : (worker->budget + 1) / 2;
        for (uint64_t i = 0; i < batch; i++) {
            thread_churn_block(worker, churn, random_below(&worker->random, churn->table_size));
        }
        done += batch;
        if (worker_stop(worker, 2 * batch)) {
            return;
        }
    }
    successor_start(worker, ++self->generation, thread_churn_live);
}

static void thread_churn_work(struct worker *worker)
{
    struct thread_churn *churn = worker->run->shared;
    for (uint64_t i = worker->number; i < churn->table_size; i += worker->run->threads) {
        thread_churn_block(worker, churn, i);
        if (worker_stop(worker, 2)) {
            return;
        }
    }
    thread_churn_live(worker);
}

static _Noreturn void thread_churn_fail(const struct thread_churn *churn,
                                        const struct resident_trend *trend, double births)
{
    char text[400];
    snprintf(text, sizeof text,
             "the resident set grew by %.0f bytes a thread (%.0f .. %.0f with 99 %% confidence) "
             "over the last %.0f threads, where what is live stays the same; leak_limit is %.0f "
             "bytes a thread",
             trend->slope / births, trend->low / births, trend->high / births,
             trend->steps * births, churn->leak_limit);
    struct run_failure failure = {
        .check = "leak",
        .text = text,
        .expected = (uint64_t)churn->leak_limit,
        .found = (uint64_t)(trend->slope / births),
    };
    run_fail(NULL, &failure);
}

static void thread_churn_judge(struct run *run, const struct thread_churn *churn)
{
    uint64_t threads = 0;
    double growth;
    struct resident_trend trend;
    for (unsigned i = 0; i < run->threads; i++) {
        threads += churn->workers[i].generation + 1;
    }
    run_figure(run, "threads", "", (double)threads, NAN);
    if (!resident_growth(&churn->resident, &growth) || !resident_trend(&churn->resident, &trend)) {
        return;
    }
    // A step is a thread of worker 0; the others have as many of their own, more or less.
    double births = (double)threads / (double)(churn->workers[0].generation + 1);
    double limit = churn->leak_limit > 0 ? churn->leak_limit : INFINITY;
    run_figure(run, "RSS growth, last half", "bytes", growth, NAN);
    run_figure(run, "RSS growth a thread", "bytes", trend.slope / births,
               churn->leak_limit > 0 ? churn->leak_limit : NAN);
    run_figure(run, "RSS growth a thread, at least", "bytes", trend.low / births, NAN);
    double held = (double)churn->table_size * distribution_mean(churn->sizes);
    double floor = (double)run->threads * THREAD_CHURN_FLOOR + held / 4;
    if (trend.low / births > limit && trend.low * trend.steps > floor) {
        thread_churn_fail(churn, &trend, births);
    }
}

static void thread_churn_close(struct run *run)
{
    struct thread_churn *churn = run->shared;
    for (uint64_t i = 0; i < churn->table_size; i++) {
        if (churn->table[i]->slot.size > 0) {
            op_free(&run->workers[i % run->threads], &churn->table[i]->slot);
        }
    }
    thread_churn_judge(run, churn);
}

const struct workload workload_thread_churn = {
    .name = "thread-churn",
    .help = "short-lived threads swap blocks into a table and exit; the resident set must not grow",
    .class = WORKLOAD_THREADS,
    .version = 1,
    .keys = thread_churn_keys,
    .demand = thread_churn_demand,
    .open = thread_churn_open,
    .work = thread_churn_work,
    .close = thread_churn_close,
};
