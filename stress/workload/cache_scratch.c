// SPDX-License-Identifier: MIT
//
// cache_scratch.c - passive false sharing: does a line that was shared once stay shared?
//
// 1. Theory (Berger et al., Hoard, 2000). One thread allocates a tiny block for each: they lie side
//    by side. Each thread frees the one it was given, and then allocates, rewrites and frees tiny
//    blocks as in cache-thrash. An allocator that hands a freed block to whoever asks next on that
//    CPU keeps the threads on one line for ever. The figure is, as there, the rate with T threads
//    over T times the rate with one.
// 2. The blocks at the start are worker 0's; it allocates them in front of its operations, not out
//    of its budget. The others wait for that at a gate.
// 3. Determinism: everything depends on the seed alone.

#include "run/run.h"
#include "workload/false_sharing.h"
#include "workload/gate.h"
#include "workload/rows.h"

struct cache_scratch {
    const struct distribution *sizes;
    uint64_t writes;
    struct gate gate;
    struct false_sharing_slot *slots; // by worker
};

static const struct job_key cache_scratch_keys[] = {
    {JOB_SIZE_KEY, .standard = "8", .help = "bytes of a block: fewer than a cache line"},
    FALSE_SHARING_WRITES,
    {.name = NULL},
};

static int cache_scratch_open(struct run *run, struct complaint *complaint)
{
    (void)complaint;
    struct cache_scratch *scratch = run_map(sizeof *scratch);
    scratch->sizes = job_value(run->section, "size")->distribution;
    scratch->writes = job_number(run->section, "writes");
    scratch->slots = false_sharing_slots(run);
    gate_init(&scratch->gate, run->threads);
    run->shared = scratch;
    return 0;
}

// Worker 0 hands out the blocks.
static void cache_scratch_begin(struct worker *worker, struct cache_scratch *scratch)
{
    for (unsigned i = 0; worker->number == 0 && i < worker->run->threads; i++) {
        size_t size = distribution_draw(scratch->sizes, random_next(&worker->random));
        op_alloc(worker, &scratch->slots[i].slot, size, 0);
    }
    gate_meet(&scratch->gate);
}

static void cache_scratch_work(struct worker *worker)
{
    struct cache_scratch *scratch = worker->run->shared;
    struct slot *slot = &scratch->slots[worker->number].slot;
    cache_scratch_begin(worker, scratch);
    uint64_t done = 0;
    if (slot->size > 0) {
        op_free(worker, slot);
        done = 1;
    }
    while (!worker_stop(worker, done)) {
        done = false_sharing_batch(worker, slot, scratch->sizes, scratch->writes);
    }
}

static void cache_scratch_close(struct run *run)
{
    (void)run;
}

const struct workload workload_cache_scratch = {
    .name = "cache-scratch",
    .help = "passive false sharing: tiny blocks of one thread go to all, which free and rewrite",
    .class = WORKLOAD_SHARING,
    .version = 1,
    .keys = cache_scratch_keys,
    .demand = false_sharing_demand,
    .open = cache_scratch_open,
    .work = cache_scratch_work,
    .close = cache_scratch_close,
};
