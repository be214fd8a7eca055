// SPDX-License-Identifier: MIT
//
// cache_thrash.c - active false sharing: does the allocator give two threads one cache line?
//
// Theory (Berger et al., Hoard, 2000). Each thread allocates a tiny block, rewrites it many times,
// frees it, and again. Where blocks of two threads lie on one line, each write takes the line from
// the other CPU: more threads then do less, while the ideal is T times as much with T. So the
// figure is the rate with T threads over T times the rate with one: run threads = 1 and T.
//
// An operation is an allocation or a free; between them the block's bytes are inverted 2 * writes
// times, in memory. Determinism: everything depends on the seed alone.

#include "run/run.h"
#include "workload/demand.h"
#include "workload/rows.h"

#define CACHE_THRASH_BATCH 16u // blocks between two looks at the clock

struct cache_thrash_slot {
    struct slot slot;
} __attribute__((aligned(128)));

static const struct job_key cache_thrash_keys[] = {
    {JOB_SIZE_KEY, .standard = "8", .help = "bytes of the block: fewer than a cache line"},
    {.name = "writes",
     .kind = JOB_NUMBER,
     .least = 1,
     .most = 1e9,
     .values = "1 .. 1G",
     .standard = "500",
     .help = "how often a block's bytes are inverted and inverted back before it is freed"},
    {.name = NULL},
};

static int cache_thrash_demand(const struct job_section *section, struct target_demand *demand,
                               struct complaint *complaint)
{
    (void)complaint;
    demand_add(demand, job_value(section, "size")->distribution,
               (double)job_number(section, "threads"));
    return 0;
}

static int cache_thrash_open(struct run *run, struct complaint *complaint)
{
    (void)complaint;
    struct cache_thrash_slot *slots = run_map(run->threads * sizeof *slots);
    for (unsigned i = 0; i < run->threads; i++) {
        slots[i].slot.id = i;
    }
    run->shared = slots;
    return 0;
}

static void cache_thrash_work(struct worker *worker)
{
    const struct distribution *sizes = job_value(worker->run->section, "size")->distribution;
    uint64_t writes = job_number(worker->run->section, "writes");
    struct slot *slot = &((struct cache_thrash_slot *)worker->run->shared)[worker->number].slot;
    uint64_t done;
    do {
        done = 0;
        while (done < 2 * CACHE_THRASH_BATCH && done < worker->budget) {
            size_t size = distribution_draw(sizes, random_next(&worker->random));
            if (op_alloc(worker, slot, size, 0) == 0) {
                op_rewrite(worker, slot, writes);
                op_free(worker, slot);
            }
            done += 2;
        }
    } while (!worker_stop(worker, done));
}

static void cache_thrash_close(struct run *run)
{
    (void)run;
}

const struct workload workload_cache_thrash = {
    .name = "cache-thrash",
    .help = "active false sharing: each thread rewrites a tiny block of its own, over and over",
    .class = WORKLOAD_SHARING,
    .version = 1,
    .keys = cache_thrash_keys,
    .demand = cache_thrash_demand,
    .open = cache_thrash_open,
    .work = cache_thrash_work,
    .close = cache_thrash_close,
};
