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
#include "workload/demand.h"
#include "workload/gate.h"
#include "workload/rows.h"

#define CACHE_SCRATCH_BATCH 16u // blocks between two looks at the clock

struct cache_scratch_slot {
    struct slot slot;
} __attribute__((aligned(128)));

struct cache_scratch {
    const struct distribution *sizes;
    uint64_t writes;
    struct gate gate;
    struct cache_scratch_slot *slots; // by worker
};

static const struct job_key cache_scratch_keys[] = {
    {JOB_SIZE_KEY, .standard = "8", .help = "bytes of a block: fewer than a cache line"},
    {.name = "writes",
     .kind = JOB_NUMBER,
     .least = 1,
     .most = 1e9,
     .values = "1 .. 1G",
     .standard = "500",
     .help = "how often a block's bytes are inverted and inverted back before it is freed"},
    {.name = NULL},
};

static int cache_scratch_demand(const struct job_section *section, struct target_demand *demand,
                                struct complaint *complaint)
{
    (void)complaint;
    demand_add(demand, job_value(section, "size")->distribution,
               (double)job_number(section, "threads"));
    return 0;
}

static int cache_scratch_open(struct run *run, struct complaint *complaint)
{
    (void)complaint;
    struct cache_scratch *scratch = run_map(sizeof *scratch);
    scratch->sizes = job_value(run->section, "size")->distribution;
    scratch->writes = job_number(run->section, "writes");
    scratch->slots = run_map(run->threads * sizeof *scratch->slots);
    for (unsigned i = 0; i < run->threads; i++) {
        scratch->slots[i].slot.id = i;
    }
    gate_init(&scratch->gate, run->threads);
    run->shared = scratch;
    return 0;
}

static size_t cache_scratch_size(struct worker *worker, const struct cache_scratch *scratch)
{
    return distribution_draw(scratch->sizes, random_next(&worker->random));
}

// Worker 0 hands out the blocks.
static void cache_scratch_begin(struct worker *worker, struct cache_scratch *scratch)
{
    for (unsigned i = 0; worker->number == 0 && i < worker->run->threads; i++) {
        op_alloc(worker, &scratch->slots[i].slot, cache_scratch_size(worker, scratch), 0);
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
        done = 0;
        while (done < 2 * CACHE_SCRATCH_BATCH && done < worker->budget) {
            if (op_alloc(worker, slot, cache_scratch_size(worker, scratch), 0) == 0) {
                op_rewrite(worker, slot, scratch->writes);
                op_free(worker, slot);
            }
            done += 2;
        }
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
    .demand = cache_scratch_demand,
    .open = cache_scratch_open,
    .work = cache_scratch_work,
    .close = cache_scratch_close,
};
