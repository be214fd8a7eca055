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
#include "workload/false_sharing.h"
#include "workload/rows.h"

static const struct job_key cache_thrash_keys[] = {
    {JOB_SIZE_KEY, .standard = "8", .help = "bytes of the block: fewer than a cache line"},
    FALSE_SHARING_WRITES,
    {.name = NULL},
};

static int cache_thrash_open(struct run *run, struct complaint *complaint)
{
    (void)complaint;
    run->shared = false_sharing_slots(run);
    return 0;
}

static void cache_thrash_work(struct worker *worker)
{
    const struct distribution *sizes = job_value(worker->run->section, "size")->distribution;
    uint64_t writes = job_number(worker->run->section, "writes");
    struct slot *slot = &((struct false_sharing_slot *)worker->run->shared)[worker->number].slot;
    uint64_t done;
    do {
        done = false_sharing_batch(worker, slot, sizes, writes);
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
    .demand = false_sharing_demand,
    .open = cache_thrash_open,
    .work = cache_thrash_work,
    .close = cache_thrash_close,
};
