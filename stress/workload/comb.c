// SPDX-License-Identifier: MIT
//
// comb.c - every other of many equal blocks goes; then blocks twice as large are asked for.
//
// 1. Theory. N blocks of s side by side, every other one freed: half of the memory is free, in
//    holes of s. A request for 2 s fits none of them, though N/2 holes of s are free. N/4 of 2 s
//    are asked for, as many bytes as were freed: what is live is N s again.
// 2. Figure. `growth`: what is held after these requests, over what was held with N blocks, in the
//    first round (later ones begin with what the allocator kept of it). Bound: 1.5 where no hole
//    serves, fresh memory for every large block; 1 where holes are moved together, or their pages
//    go back to the system and are taken from there again (s of a page or more).
// 3. Nothing here is left to chance.

#include <errno.h>

#include "check/check.h"
#include "run/run.h"
#include "workload/demand.h"
#include "workload/rounds.h"
#include "workload/rows.h"

#define COMB_BOUND 1.5

struct comb {
    struct rounds rounds;
    uint64_t unit;
    uint64_t count; // N
    uint64_t full;  // held with N blocks, in the first round
    bool measured;
};

static const struct job_key comb_keys[] = {
    {CHECK_TOUCH_KEY, .standard = "page"},
    {.name = "unit",
     .kind = JOB_SIZE,
     .least = 1,
     .most = 0x1p39,
     .values = "1 .. 512Gi",
     .standard = "1Ki",
     .help = "s: size of a tooth; the blocks after it have twice the size"},
    {.name = "blocks",
     .kind = JOB_NUMBER,
     .least = 4,
     .most = 0x1p30,
     .values = "a multiple of 4",
     .standard = "16384",
     .help = "N: how many teeth, in each thread"},
    {.name = NULL},
};

static const char *const comb_unused[] = {"size", NULL};

static int comb_validate(const struct job_section *section, struct complaint *complaint)
{
    if (job_number(section, "blocks") % 4 != 0) {
        job_complain(section, "blocks", complaint, "it should be a multiple of 4");
        return EINVAL;
    }
    return 0;
}

static int comb_demand(const struct job_section *section, struct target_demand *demand,
                       struct complaint *complaint)
{
    (void)complaint;
    uint64_t unit = job_number(section, "unit");
    uint64_t blocks = job_number(section, "threads") * job_number(section, "blocks");
    demand->peak_bytes += unit * blocks;
    demand_add_blocks(demand, unit, blocks);
    demand_add_blocks(demand, 2 * unit, blocks / 4);
    return 0;
}

static int comb_open(struct run *run, struct complaint *complaint)
{
    (void)complaint;
    struct comb *comb = run_map(sizeof(*comb));
    comb->unit = job_number(run->section, "unit");
    comb->count = job_number(run->section, "blocks");
    rounds_init(&comb->rounds, run, comb->count);
    run->shared = comb;
    return 0;
}

static void comb_measure_full(struct run *run)
{
    struct comb *comb = run->shared;
    if (!comb->measured) {
        comb->full = run_held(run);
    }
}

static void comb_measure_grown(struct run *run)
{
    struct comb *comb = run->shared;
    if (!comb->measured && comb->full > 0) {
        run_figure(run, "growth", "x", (double)run_held(run) / (double)comb->full, COMB_BOUND);
    }
    comb->measured = true;
}

static bool comb_round(struct worker *worker)
{
    struct comb *comb = worker->run->shared;
    struct slot *slots = rounds_slots(&comb->rounds, worker);
    for (uint64_t i = 0; i < comb->count; i++) {
        if (!rounds_alloc(worker, &slots[i], comb->unit)) {
            return false;
        }
    }
    rounds_meet(&comb->rounds, comb_measure_full);
    for (uint64_t i = 1; i < comb->count; i += 2) {
        if (!rounds_free(worker, &slots[i])) {
            return false;
        }
    }
    for (uint64_t i = 1; i < comb->count; i += 4) {
        if (!rounds_alloc(worker, &slots[i], 2 * comb->unit)) {
            return false;
        }
    }
    rounds_meet(&comb->rounds, comb_measure_grown);
    return rounds_free_all(&comb->rounds, worker);
}

static void comb_work(struct worker *worker)
{
    struct comb *comb = worker->run->shared;
    rounds_work(&comb->rounds, worker, comb_round);
}

static void comb_close(struct run *run)
{
    struct comb *comb = run->shared;
    rounds_fini(&comb->rounds);
}

const struct workload workload_comb = {
    .name = "comb",
    .help = "frees every other of many equal blocks, then asks for blocks twice as large",
    .class = WORKLOAD_ADVERSARY,
    .version = 2,
    .keys = comb_keys,
    .unused = comb_unused,
    .ends = true,
    .validate = comb_validate,
    .demand = comb_demand,
    .open = comb_open,
    .work = comb_work,
    .close = comb_close,
};
