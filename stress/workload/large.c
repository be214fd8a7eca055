// SPDX-License-Identifier: MIT
//
// large.c - a few very large blocks, replaced over and over, each asked for zeroed.
//
// 1. Theory. Blocks of this size are mapped for themselves in most allocators: what is measured are
//    mmap and munmap, faults, huge pages, the zeroing of memory that is not fresh, and what is kept
//    at hand instead. Sizes drawn uniformly from 5 to 25 MiB in 20 places are the classic job.
// 2. A round fills the places, replaces random ones `replacements` times, and frees all. Where
//    blocks are checked, all of a block is read (is it zero?) as soon as it is there.
// 3. How much is resident depends on touch=. Each byte is written where nothing else is said
//    (full), so that every page is faulted in or found zeroed, and huge pages can form; with none
//    or first an allocator that maps fresh pages hands over hardly any memory at all.

#include "check/check.h"
#include "run/run.h"
#include "workload/demand.h"
#include "workload/rounds.h"
#include "workload/rows.h"

struct large {
    struct rounds rounds;
    const struct distribution *sizes;
    uint64_t places;
    uint64_t replacements;
};

static const struct job_key large_keys[] = {
    {CHECK_TOUCH_KEY, .standard = "full"},
    {.name = "places",
     .kind = JOB_NUMBER,
     .least = 1,
     .most = 1000000,
     .values = "1 .. 1M",
     .standard = "20",
     .help = "blocks live at once, in each thread"},
    {.name = "block",
     .kind = JOB_DISTRIBUTION,
     .least = 1,
     .most = 0x1p40,
     .values = "as size: 5Mi-25Mi, exp:16Mi@1Mi-1Gi; within 1 .. 1Ti",
     .standard = "5Mi-25Mi",
     .help = "bytes of a block, drawn at random"},
    {.name = "replacements",
     .kind = JOB_NUMBER,
     .least = 0,
     .most = 1e15,
     .values = "0 .. 1000T",
     .standard = "2000",
     .help = "in a round"},
    {.name = NULL},
};

static const char *const large_unused[] = {"size", NULL};

static int large_demand(const struct job_section *section, struct target_demand *demand,
                        struct complaint *complaint)
{
    (void)complaint;
    double places = (double)(job_number(section, "threads") * job_number(section, "places"));
    demand_add(demand, job_value(section, "block")->distribution, places);
    return 0;
}

static int large_open(struct run *run, struct complaint *complaint)
{
    (void)complaint;
    struct large *large = run_map(sizeof(*large));
    large->sizes = job_value(run->section, "block")->distribution;
    large->places = job_number(run->section, "places");
    large->replacements = job_number(run->section, "replacements");
    rounds_init(&large->rounds, run, large->places);
    run->shared = large;
    return 0;
}

static bool large_fill(struct worker *worker, const struct large *large, struct slot *slot)
{
    op_alloc_zeroed(worker, slot, distribution_draw(large->sizes, random_next(&worker->random)));
    return !worker_stop(worker, 1);
}

static bool large_round(struct worker *worker)
{
    struct large *large = worker->run->shared;
    struct slot *slots = rounds_slots(&large->rounds, worker);
    for (uint64_t i = 0; i < large->places; i++) {
        if (!large_fill(worker, large, &slots[i])) {
            return false;
        }
    }
    for (uint64_t i = 0; i < large->replacements; i++) {
        struct slot *slot = &slots[random_below(&worker->random, large->places)];
        if (!rounds_free(worker, slot) || !large_fill(worker, large, slot)) {
            return false;
        }
    }
    return rounds_free_all(&large->rounds, worker);
}

static void large_work(struct worker *worker)
{
    struct large *large = worker->run->shared;
    rounds_work(&large->rounds, worker, large_round);
}

static void large_close(struct run *run)
{
    struct large *large = run->shared;
    rounds_fini(&large->rounds);
}

const struct workload workload_large = {
    .name = "large",
    .help = "a few blocks of many MiB, zeroed, replaced over and over",
    .class = WORKLOAD_MICRO,
    .version = 2,
    .keys = large_keys,
    .unused = large_unused,
    .ends = true,
    .demand = large_demand,
    .open = large_open,
    .work = large_work,
    .close = large_close,
};
