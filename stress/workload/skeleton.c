// SPDX-License-Identifier: MIT
//
// skeleton.c - the smallest workload there can be, to copy: one block, allocated and freed.
//
// To make a workload of your own: copy this file, rename, declare the descriptor in rows.h and list
// it in table.c. Its keys, range checks and help come from the table below; nothing else is needed.
// It is a real one too: the malloc/free pair that allocators are tuned for.

#include <errno.h>

#include "run/run.h"
#include "workload/demand.h"
#include "workload/rows.h"

#define SKELETON_BATCH 64u // pairs between two looks at the clock: worker_stop is not free

// Keys beyond job_common_keys. A row is all a key needs: reader, --help and validation use it.
static const struct job_key skeleton_keys[] = {
    {.name = "align",
     .kind = JOB_SIZE,
     .least = 0,
     .most = 4096,
     .values = "0 (the usual) or a power of two up to 4Ki",
     .standard = "0",
     .help = "alignment of the block"},
    {.name = NULL},
};

// What a range cannot say. job_complain puts file, line and value in front.
static int skeleton_validate(const struct job_section *section, struct complaint *complaint)
{
    uint64_t align = job_number(section, "align");
    if ((align & (align - 1)) != 0) {
        job_complain(section, "align", complaint, "it should be 0 or a power of two");
        return EINVAL;
    }
    return 0;
}

// The most that is live at once: a bounded target is made large enough for it.
static int skeleton_demand(const struct job_section *section, struct target_demand *demand,
                           struct complaint *complaint)
{
    (void)complaint;
    demand_add(demand, job_value(section, "size")->distribution,
               (double)job_number(section, "threads"));
    return 0;
}

// What the threads share. Memory comes from run_map, never from the malloc under test; here it is
// one slot a thread. Slots need an id of their own: stamps and reports are told apart by it.
static int skeleton_open(struct run *run, struct complaint *complaint)
{
    (void)complaint;
    struct slot *slots = run_map(run->threads * sizeof(*slots));
    for (unsigned i = 0; i < run->threads; i++) {
        slots[i].id = i;
    }
    run->shared = slots;
    return 0;
}

// One thread. Every random choice comes from worker->random: the seed then tells it all.
static void skeleton_work(struct worker *worker)
{
    const struct distribution *sizes = job_value(worker->run->section, "size")->distribution;
    size_t align = job_number(worker->run->section, "align");
    struct slot slot = ((struct slot *)worker->run->shared)[worker->number];
    uint64_t pairs;
    do {
        uint64_t left = worker->budget / 2 + worker->budget % 2;
        pairs = left < SKELETON_BATCH ? left : SKELETON_BATCH;
        struct random random = worker->random; // the batch's, so that it stays in registers
        for (uint64_t i = 0; i < pairs; i++) {
            size_t size = distribution_draw(sizes, random_next(&random));
            if (op_alloc(worker, &slot, size, align) == 0) { // else it was refused, and counted
                op_free(worker, &slot);
            }
        }
        worker->random = random;
    } while (!worker_stop(worker, 2 * pairs));
}

// Frees what is still held. This workload holds nothing between two operations.
static void skeleton_close(struct run *run)
{
    (void)run;
}

const struct workload workload_skeleton = {
    .name = "skeleton",
    .help = "the smallest workload, to copy: each thread allocates and frees one block",
    .class = WORKLOAD_MICRO,
    .version = 1,
    .keys = skeleton_keys,
    .validate = skeleton_validate,
    .demand = skeleton_demand,
    .open = skeleton_open,
    .work = skeleton_work,
    .close = skeleton_close,
};
