// SPDX-License-Identifier: MIT
//
// sawtooth.c - a load that rises to its peak and falls again, over and over.
//
// 1. Theory. Servers live by day and night. What counts between two peaks is how much of the peak's
//    memory comes back to the system, and that depends on which blocks are left: the oldest lie
//    together (lifo), the youngest too, elsewhere (fifo), random ones lie everywhere, and each of
//    them holds a page. With a share f left at random and p blocks on a page, 1 - (1 - f)^p of the
//    pages stay.
// 2. A cycle grows to `blocks` live blocks of `size`, in the order of their births, then drains to
//    the share `trough` of them. A round is `cycles` of them, then the rest goes.
// 3. Figures, means over all troughs: `trough RSS`, how far the resident set is above its start,
//    and `trough held`, what the target holds, over what is live. 1 is perfect; the bound is what
//    each was at the peak before, over the same: as if nothing came back.

#include <math.h>

#include "check/check.h"
#include "run/run.h"
#include "workload/demand.h"
#include "workload/rounds.h"
#include "workload/rows.h"

enum sawtooth_order { SAWTOOTH_FIFO, SAWTOOTH_LIFO, SAWTOOTH_RANDOM };

static const char *const sawtooth_orders[] = {"fifo", "lifo", "random", NULL};

struct sawtooth {
    struct rounds rounds;
    const struct distribution *sizes;
    uint64_t count;  // at the peak
    uint64_t trough; // blocks that are left
    uint64_t cycles;
    enum sawtooth_order order;
    double held_full, resident_full;   // bytes at the last peak
    double troughs;                    // measured so far; sums over them:
    double held, resident;             // over what is live
    double held_bound, resident_bound; // of the peak before, over the same
};

static const struct job_key sawtooth_keys[] = {
    {CHECK_TOUCH_KEY, .standard = "page"},
    {.name = "blocks",
     .kind = JOB_NUMBER,
     .least = 1,
     .most = 100000000,
     .values = "1 .. 100M",
     .standard = "20000",
     .help = "live at the peak, in each thread"},
    {.name = "trough",
     .kind = JOB_REAL,
     .least = 0,
     .most = 1,
     .values = "0 .. 1",
     .standard = "0.1",
     .help = "share of them that is left in the troughs (one block at least)"},
    {.name = "order",
     .kind = JOB_CHOICE,
     .choices = sawtooth_orders,
     .values = "fifo (the oldest goes first), lifo (the youngest), random",
     .standard = "random",
     .help = "which blocks go first"},
    {.name = "cycles",
     .kind = JOB_NUMBER,
     .least = 1,
     .most = 1e9,
     .values = "1 .. 1G",
     .standard = "10",
     .help = "peaks in a round"},
    {.name = NULL},
};

static int sawtooth_demand(const struct job_section *section, struct target_demand *demand,
                           struct complaint *complaint)
{
    (void)complaint;
    double blocks = (double)(job_number(section, "threads") * job_number(section, "blocks"));
    demand_add(demand, job_value(section, "size")->distribution, blocks);
    return 0;
}

static int sawtooth_open(struct run *run, struct complaint *complaint)
{
    (void)complaint;
    struct sawtooth *sawtooth = run_map(sizeof(*sawtooth));
    sawtooth->sizes = job_value(run->section, "size")->distribution;
    sawtooth->count = job_number(run->section, "blocks");
    double trough = job_real(run->section, "trough") * (double)sawtooth->count;
    sawtooth->trough = trough < 1 ? 1 : (uint64_t)trough;
    sawtooth->cycles = job_number(run->section, "cycles");
    sawtooth->order = (enum sawtooth_order)job_number(run->section, "order");
    rounds_init(&sawtooth->rounds, run, sawtooth->count);
    run->shared = sawtooth;
    return 0;
}

static void sawtooth_measure_peak(struct run *run)
{
    struct sawtooth *sawtooth = run->shared;
    sawtooth->held_full = (double)run_held(run);
    sawtooth->resident_full = (double)run_resident(run);
}

static void sawtooth_measure_trough(struct run *run)
{
    struct sawtooth *sawtooth = run->shared;
    double live = (double)rounds_live(run);
    if (live == 0) {
        return;
    }
    sawtooth->troughs++;
    sawtooth->held += (double)run_held(run) / live;
    sawtooth->resident += (double)run_resident(run) / live;
    sawtooth->held_bound += sawtooth->held_full / live;
    sawtooth->resident_bound += sawtooth->resident_full / live;
    double troughs = sawtooth->troughs;
    run_figure(run, "trough held", "x live", sawtooth->held / troughs,
               sawtooth->held_bound / troughs);
    run_figure(run, "trough RSS", "x live", sawtooth->resident / troughs,
               sawtooth->resident_bound / troughs);
}

// The live blocks lie in the ring of slots in the order of their births; `*head` is the oldest's.
static bool sawtooth_grow(struct worker *worker, struct sawtooth *sawtooth, uint64_t head,
                          uint64_t *live)
{
    struct slot *slots = rounds_slots(&sawtooth->rounds, worker);
    for (; *live < sawtooth->count; ++*live) {
        uint64_t size = distribution_draw(sawtooth->sizes, random_next(&worker->random));
        if (!rounds_alloc(worker, &slots[(head + *live) % sawtooth->count], size)) {
            return false;
        }
    }
    return true;
}

static bool sawtooth_drain(struct worker *worker, struct sawtooth *sawtooth, uint64_t *head,
                           uint64_t *live)
{
    struct slot *slots = rounds_slots(&sawtooth->rounds, worker);
    uint64_t count = sawtooth->count;
    for (; *live > sawtooth->trough; --*live) {
        struct slot *victim = &slots[(*head + *live - 1) % count]; // the youngest
        if (sawtooth->order == SAWTOOTH_FIFO) {
            victim = &slots[*head];
            *head = (*head + 1) % count;
        } else if (sawtooth->order == SAWTOOTH_RANDOM) {
            rounds_swap(victim, &slots[(*head + random_below(&worker->random, *live)) % count]);
        }
        if (!rounds_free(worker, victim)) {
            return false;
        }
    }
    return true;
}

static bool sawtooth_round(struct worker *worker)
{
    struct sawtooth *sawtooth = worker->run->shared;
    uint64_t head = 0;
    uint64_t live = 0;
    for (uint64_t i = 0; i < sawtooth->cycles; i++) {
        if (!sawtooth_grow(worker, sawtooth, head, &live)) {
            return false;
        }
        rounds_meet(&sawtooth->rounds, sawtooth_measure_peak);
        if (!sawtooth_drain(worker, sawtooth, &head, &live)) {
            return false;
        }
        rounds_meet(&sawtooth->rounds, sawtooth_measure_trough);
    }
    return rounds_free_all(&sawtooth->rounds, worker);
}

static void sawtooth_work(struct worker *worker)
{
    struct sawtooth *sawtooth = worker->run->shared;
    rounds_work(&sawtooth->rounds, worker, sawtooth_round);
}

static void sawtooth_close(struct run *run)
{
    struct sawtooth *sawtooth = run->shared;
    rounds_fini(&sawtooth->rounds);
}

const struct workload workload_sawtooth = {
    .name = "sawtooth",
    .help = "grows to a peak and drains to a share of it, oldest, youngest or random blocks first",
    .class = WORKLOAD_ADVERSARY,
    .version = 2,
    .keys = sawtooth_keys,
    .ends = true,
    .demand = sawtooth_demand,
    .open = sawtooth_open,
    .work = sawtooth_work,
    .close = sawtooth_close,
};
