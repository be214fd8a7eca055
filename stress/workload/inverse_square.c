// SPDX-License-Identifier: MIT
//
// inverse_square.c - many small blocks, few large ones, all of their bytes used.
//
// Theory. Programs ask for twice the size about a quarter as often: a density of 1/s^2 between 4
// bytes and 32 KiB. Each octave of sizes then has the same share of the bytes, so that large blocks
// cost as much memory as small ones although they are rare. A thread fills its slots, then replaces
// random ones; lifetimes are geometric, with a mean of `slots` replacements. Each block is written
// whole (touch = full). Determinism: everything depends on the seed alone.

#include "check/check.h"
#include "run/run.h"
#include "workload/demand.h"
#include "workload/rows.h"

#define INVERSE_SQUARE_BATCH 32u // replacements between two looks at the clock

struct inverse_square {
    const struct distribution *sizes;
    uint64_t slots;       // of each worker
    struct slot **places; // by worker
};

static const struct job_key inverse_square_keys[] = {
    {JOB_SIZE_KEY, .standard = "invsq:4-32Ki", .help = "bytes of a request"},
    {CHECK_TOUCH_KEY, .standard = "full"},
    {.name = "slots",
     .kind = JOB_NUMBER,
     .least = 1,
     .most = 100000000,
     .values = "1 .. 100M",
     .standard = "1024",
     .help = "blocks that each thread holds"},
    {.name = NULL},
};

static int inverse_square_demand(const struct job_section *section, struct target_demand *demand,
                                 struct complaint *complaint)
{
    (void)complaint;
    double slots = (double)job_number(section, "threads") * (double)job_number(section, "slots");
    demand_add(demand, job_value(section, "size")->distribution, slots);
    return 0;
}

static int inverse_square_open(struct run *run, struct complaint *complaint)
{
    (void)complaint;
    struct inverse_square *shared = run_map(sizeof *shared);
    shared->sizes = job_value(run->section, "size")->distribution;
    shared->slots = job_number(run->section, "slots");
    shared->places = run_map(run->threads * sizeof *shared->places);
    for (unsigned i = 0; i < run->threads; i++) {
        shared->places[i] = run_map(shared->slots * sizeof(struct slot));
        for (uint64_t j = 0; j < shared->slots; j++) {
            shared->places[i][j].id = (uint32_t)(i * shared->slots + j);
        }
    }
    run->shared = shared;
    return 0;
}

// Returns how many operations that was.
static uint64_t inverse_square_replace(struct worker *worker, const struct inverse_square *shared,
                                       struct slot *slot)
{
    uint64_t done = 1;
    if (slot->size > 0) {
        op_free(worker, slot);
        done++;
    }
    op_alloc(worker, slot, distribution_draw(shared->sizes, random_next(&worker->random)), 0);
    return done;
}

static void inverse_square_work(struct worker *worker)
{
    const struct inverse_square *shared = worker->run->shared;
    struct slot *slots = shared->places[worker->number];
    uint64_t done;
    for (uint64_t i = 0; i < shared->slots; i++) {
        inverse_square_replace(worker, shared, &slots[i]);
        if (i % INVERSE_SQUARE_BATCH == 0 && worker_stop(worker, 0)) {
            return;
        }
    }
    worker_ready(worker);
    do {
        done = 0;
        for (unsigned i = 0; i < INVERSE_SQUARE_BATCH && done < worker->budget; i++) {
            uint64_t at = random_below(&worker->random, shared->slots);
            done += inverse_square_replace(worker, shared, &slots[at]);
        }
    } while (!worker_stop(worker, done));
}

static void inverse_square_close(struct run *run)
{
    struct inverse_square *shared = run->shared;
    for (unsigned i = 0; i < run->threads; i++) {
        for (uint64_t j = 0; j < shared->slots; j++) {
            if (shared->places[i][j].size > 0) {
                op_free(&run->workers[i], &shared->places[i][j]);
            }
        }
    }
}

const struct workload workload_inverse_square = {
    .name = "inverse-square",
    .help = "each thread replaces random blocks, sizes with density 1/s^2, every byte written",
    .class = WORKLOAD_MICRO,
    .version = 2,
    .fills = true,
    .keys = inverse_square_keys,
    .demand = inverse_square_demand,
    .open = inverse_square_open,
    .work = inverse_square_work,
    .close = inverse_square_close,
};
