// SPDX-License-Identifier: MIT
//
// peak_pinned.c - a transient peak during which long-lived blocks are born.
//
// 1. Theory. A burst of requests, and while it is at its height the program also makes things that
//    will stay: a cache's entries, a session. They are given places that the burst's blocks have
//    just left, in the midst of its memory, and when the burst is over they pin it.
// 2. A round fills `blocks` transient blocks of `size`. At the peak `pinned` times as many
//    long-lived ones are born, each after a random transient one went. Then the transient ones go
//    in random order. What is left is measured, and goes.
// 3. Figures, the largest of all rounds. `held` and `RSS`, how far the resident set is above its
//    start, over what is live of the long-lived. Bound: what it was at the peak, over the same, as
//    if nothing came back.

#include "check/check.h"
#include "run/run.h"
#include "workload/demand.h"
#include "workload/rounds.h"
#include "workload/rows.h"

struct peak {
    struct rounds rounds;
    const struct distribution *sizes;
    uint64_t transient;              // blocks
    uint64_t pinned;                 // blocks, at most as many
    double held_full, resident_full; // bytes at the round's peak
    double held, resident;           // the largest figures so far
};

static const struct job_key peak_keys[] = {
    {CHECK_TOUCH_KEY, .standard = "page"},
    {.name = "blocks",
     .kind = JOB_NUMBER,
     .least = 1,
     .most = 100000000,
     .values = "1 .. 100M",
     .standard = "50000",
     .help = "transient blocks at the peak, in each thread"},
    {.name = "pinned",
     .kind = JOB_REAL,
     .least = 0,
     .most = 1,
     .values = "0 .. 1",
     .standard = "0.02",
     .help = "long-lived blocks born at the peak, as a share of blocks (one at least)"},
    {.name = NULL},
};

static int peak_demand(const struct job_section *section, struct target_demand *demand,
                       struct complaint *complaint)
{
    (void)complaint;
    double blocks = (double)(job_number(section, "threads") * job_number(section, "blocks"));
    demand_add(demand, job_value(section, "size")->distribution, blocks);
    return 0;
}

static int peak_open(struct run *run, struct complaint *complaint)
{
    (void)complaint;
    struct peak *peak = run_map(sizeof(*peak));
    peak->sizes = job_value(run->section, "size")->distribution;
    peak->transient = job_number(run->section, "blocks");
    double pinned = job_real(run->section, "pinned") * (double)peak->transient;
    peak->pinned = pinned < 1 ? 1 : (uint64_t)pinned;
    rounds_init(&peak->rounds, run, peak->transient);
    run->shared = peak;
    return 0;
}

static void peak_measure_peak(struct run *run)
{
    struct peak *peak = run->shared;
    peak->held_full = (double)run_held(run);
    peak->resident_full = (double)run_resident(run);
}

static void peak_measure_rest(struct run *run)
{
    struct peak *peak = run->shared;
    double live = (double)rounds_live(run);
    if (live == 0) {
        return;
    }
    double held = (double)run_held(run) / live;
    double resident = (double)run_resident(run) / live;
    if (held > peak->held) {
        peak->held = held;
        run_figure(run, "held", "x live", held, peak->held_full / live);
    }
    if (resident > peak->resident) {
        peak->resident = resident;
        run_figure(run, "RSS", "x live", resident, peak->resident_full / live);
    }
}

static bool peak_birth(struct worker *worker, const struct peak *peak, struct slot *slot)
{
    return rounds_alloc(worker, slot, distribution_draw(peak->sizes, random_next(&worker->random)));
}

static bool peak_round(struct worker *worker)
{
    struct peak *peak = worker->run->shared;
    struct slot *slots = rounds_slots(&peak->rounds, worker);
    uint64_t transient = peak->transient;
    for (uint64_t i = 0; i < transient; i++) {
        if (!peak_birth(worker, peak, &slots[i])) {
            return false;
        }
    }
    rounds_meet(&peak->rounds, peak_measure_peak);
    // The long-lived ones come to lie behind the transient ones, from the end of the slots on.
    for (uint64_t i = 0; i < peak->pinned; i++) {
        rounds_swap(&slots[random_below(&worker->random, transient)], &slots[transient - 1]);
        transient--;
        if (!rounds_free(worker, &slots[transient]) ||
            !peak_birth(worker, peak, &slots[transient])) {
            return false;
        }
    }
    for (; transient > 0; transient--) {
        rounds_swap(&slots[random_below(&worker->random, transient)], &slots[transient - 1]);
        if (!rounds_free(worker, &slots[transient - 1])) {
            return false;
        }
    }
    rounds_meet(&peak->rounds, peak_measure_rest);
    return rounds_free_all(&peak->rounds, worker);
}

static void peak_work(struct worker *worker)
{
    struct peak *peak = worker->run->shared;
    rounds_work(&peak->rounds, worker, peak_round);
}

static void peak_close(struct run *run)
{
    struct peak *peak = run->shared;
    rounds_fini(&peak->rounds);
}

const struct workload workload_peak_pinned = {
    .name = "peak-pinned",
    .help = "a transient peak, during which a few long-lived blocks are born",
    .class = WORKLOAD_ADVERSARY,
    .version = 2,
    .keys = peak_keys,
    .ends = true,
    .demand = peak_demand,
    .open = peak_open,
    .work = peak_work,
    .close = peak_close,
};
