// SPDX-License-Identifier: MIT
//
// size_shift.c - a store under a cap on its bytes, whose objects change their size.
//
// 1. Theory (the kind of change that S. Rumble, A. Kejriwal and J. Ousterhout measured in
//    "Log-structured memory for DRAM-based storage", FAST 2014). A cache is told how many bytes it
//    may keep, and keeps to it; then its objects become larger. Memory cut for the old size does
//    not serve the new one where some old objects are left everywhere: the process grows, though
//    the program never has more live than before.
// 2. A round fills the cap with objects of `before` bytes, frees the share `freed` of them, drawn
//    at random, and fills up to the cap again with objects of `after` bytes.
// 3. Figure. `held`: the most held when the cap is full the second time, over what is live. Bound:
//    what both fillings took together over it, when nothing of the first serves the second.

#include <errno.h>

#include "check/check.h"
#include "run/run.h"
#include "workload/demand.h"
#include "workload/rounds.h"
#include "workload/rows.h"

struct shift {
    struct rounds rounds;
    uint64_t before, after; // sizes
    uint64_t old;           // objects of the first size
    uint64_t kept;          // of them, in the second half
    uint64_t fresh;         // objects of the second size
    double worst;           // the largest figure so far
};

static const struct job_key shift_keys[] = {
    {CHECK_TOUCH_KEY, .standard = "page"},
    {.name = "cap",
     .kind = JOB_SIZE,
     .least = 1,
     .most = 0x1p40,
     .values = "1 .. 1Ti; before and after at least",
     .standard = "16Mi",
     .help = "the most bytes live at once, in each thread"},
    {.name = "before",
     .kind = JOB_SIZE,
     .least = 1,
     .most = 0x1p40,
     .values = "1 .. 1Ti",
     .standard = "240",
     .help = "size of the first objects"},
    {.name = "after",
     .kind = JOB_SIZE,
     .least = 1,
     .most = 0x1p40,
     .values = "1 .. 1Ti",
     .standard = "492",
     .help = "size of the objects that follow"},
    {.name = "freed",
     .kind = JOB_REAL,
     .least = 0,
     .most = 1,
     .values = "0 .. 1",
     .standard = "0.9",
     .help = "share of the first objects that goes before the others come"},
    {.name = NULL},
};

static const char *const shift_unused[] = {"size", NULL};

static void shift_count(const struct job_section *section, struct shift *shift)
{
    uint64_t cap = job_number(section, "cap");
    shift->before = job_number(section, "before");
    shift->after = job_number(section, "after");
    shift->old = cap / shift->before;
    shift->kept = shift->old - (uint64_t)(job_real(section, "freed") * (double)shift->old);
    shift->fresh = (cap - shift->kept * shift->before) / shift->after;
}

static int shift_validate(const struct job_section *section, struct complaint *complaint)
{
    static const char *const sizes[] = {"before", "after"};
    for (unsigned i = 0; i < 2; i++) {
        if (job_number(section, sizes[i]) > job_number(section, "cap")) {
            job_complain(section, sizes[i], complaint, "it should be at most cap");
            return EINVAL;
        }
    }
    return 0;
}

static int shift_demand(const struct job_section *section, struct target_demand *demand,
                        struct complaint *complaint)
{
    (void)complaint;
    struct shift shift;
    uint64_t threads = job_number(section, "threads");
    shift_count(section, &shift);
    demand->peak_bytes += threads * job_number(section, "cap");
    demand_add_blocks(demand, shift.before, threads * shift.old);
    demand_add_blocks(demand, shift.after, threads * shift.fresh);
    return 0;
}

static int shift_open(struct run *run, struct complaint *complaint)
{
    (void)complaint;
    struct shift *shift = run_map(sizeof(*shift));
    shift_count(run->section, shift);
    rounds_init(&shift->rounds, run, shift->old + shift->fresh);
    run->shared = shift;
    return 0;
}

static void shift_measure(struct run *run)
{
    struct shift *shift = run->shared;
    double live = (double)rounds_live(run);
    double both = (double)(shift->old * shift->before + shift->fresh * shift->after) * run->threads;
    double held = live > 0 ? (double)run_held(run) / live : 0;
    if (held > shift->worst) {
        shift->worst = held;
        run_figure(run, "held", "x live", held, both / live);
    }
}

static bool shift_fill(struct worker *worker, struct slot *slots, uint64_t count, uint64_t size)
{
    for (uint64_t i = 0; i < count; i++) {
        if (!rounds_alloc(worker, &slots[i], size)) {
            return false;
        }
    }
    return true;
}

static bool shift_round(struct worker *worker)
{
    struct shift *shift = worker->run->shared;
    struct slot *slots = rounds_slots(&shift->rounds, worker);
    if (!shift_fill(worker, slots, shift->old, shift->before)) {
        return false;
    }
    for (uint64_t left = shift->old; left > shift->kept; left--) {
        rounds_swap(&slots[random_below(&worker->random, left)], &slots[left - 1]);
        if (!rounds_free(worker, &slots[left - 1])) {
            return false;
        }
    }
    if (!shift_fill(worker, slots + shift->old, shift->fresh, shift->after)) {
        return false;
    }
    rounds_meet(&shift->rounds, shift_measure);
    return rounds_free_all(&shift->rounds, worker);
}

static void shift_work(struct worker *worker)
{
    struct shift *shift = worker->run->shared;
    rounds_work(&shift->rounds, worker, shift_round);
}

static void shift_close(struct run *run)
{
    struct shift *shift = run->shared;
    rounds_fini(&shift->rounds);
}

const struct workload workload_size_shift = {
    .name = "size-shift",
    .help = "objects under a cap on their bytes are replaced by objects of another size",
    .class = WORKLOAD_ADVERSARY,
    .version = 2,
    .keys = shift_keys,
    .unused = shift_unused,
    .ends = true,
    .validate = shift_validate,
    .demand = shift_demand,
    .open = shift_open,
    .work = shift_work,
    .close = shift_close,
};
