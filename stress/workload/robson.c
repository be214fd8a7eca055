// SPDX-License-Identifier: MIT
//
// robson.c - the adversary of every allocator that does not move blocks: it keeps what pins places.
//
// 1. Theory (J. M. Robson: An estimate of the store size necessary for dynamic storage allocation,
//    JACM 18, 1971; Bounds for some functions concerning dynamic storage allocation, JACM 21,
//    1974). A program that never has more than M units live, in blocks of at most n units, can
//    force any allocator that does not move blocks to use
//
//        M (log2 n / 2 + 1) - n + 1
//
//    units of its address space, and Robson gives an allocator that needs no more where sizes are
//    powers of two. First fit may need M (log2 n + 1), about twice as much (Robson 1977).
// 2. The program. At first M blocks of one unit. Then for i = 1 .. log2 n an offset f, of the one
//    before or the one before plus 2^(i-1), is chosen; blocks that cover no place congruent to f
//    modulo 2^i are freed; what M allows is filled with blocks of 2^i. A block of 2^i covers one
//    such place, so it cannot lie over a place that a kept block covers, however small that is:
//    each kept block pins 2^i units. Of the two offsets that one is chosen for which the kept
//    blocks pin the most beyond their own sizes.
// 3. Places are units of addresses: the multiples of the unit. A block of k units covers k of them
//    in a row wherever it begins, so that headers and alignments of the allocator change nothing.
// 4. Figures, the largest of all rounds, told when a round has come to its end: before that nothing
//    forces what the bound says. `span`: the windows of n units of the address space that
//    blocks were ever in during a round, over M; the last kept blocks lie in one each, so that it
//    is at least the bound (the last term is for windows that M did not fill). Not told where
//    blocks move: an address is then no place. `blow-up`: the most bytes held at the end of a step,
//    over M. An allocator stays below the bound with it only if it moves blocks or gives the pages
//    inside of its holes back to the system, which is to move them by other means.
// 5. What is asked depends on where blocks lie, and with that on the target; it needs no chance.

#include <errno.h>

#include "check/check.h"
#include "run/run.h"
#include "workload/demand.h"
#include "workload/place_set.h"
#include "workload/rounds.h"
#include "workload/rows.h"

struct robson_thread {
    struct place_set windows; // of the address space that this round's blocks were in
    uint64_t blocks;          // live, the first of the slots
    uint64_t live;            // in units
    uint64_t offset;          // f
};

struct robson {
    struct rounds rounds;
    struct robson_thread *threads;
    uint64_t unit;
    uint64_t most;   // M, in units
    unsigned steps;  // log2 n
    unsigned step;   // [atomic] under way, the same for all threads: they meet at its end
    uint64_t held;   // the most so far
    uint64_t window; // the most windows so far, of all threads
    bool moves;
};

static const struct job_key robson_keys[] = {
    {CHECK_TOUCH_KEY, .standard = "full"},
    {.name = "unit",
     .kind = JOB_SIZE,
     .least = 16,
     .most = 0x1p30,
     .values = "16 .. 1Gi",
     .standard = "1Ki",
     .help = "size of the smallest blocks: the theory's 1; well above an allocator's headers"},
    {.name = "live",
     .kind = JOB_SIZE,
     .least = 16,
     .most = 0x1p40,
     .values = "a multiple of largest",
     .standard = "16Mi",
     .help = "M: the most bytes live at once, in each thread"},
    {.name = "largest",
     .kind = JOB_SIZE,
     .least = 16,
     .most = 0x1p40,
     .values = "unit times a power of two",
     .standard = "1Mi",
     .help = "n: the size of the largest blocks"},
    {.name = NULL},
};

static const char *const robson_unused[] = {"size", NULL};

static int robson_validate(const struct job_section *section, struct complaint *complaint)
{
    uint64_t unit = job_number(section, "unit");
    uint64_t live = job_number(section, "live");
    uint64_t largest = job_number(section, "largest");
    uint64_t ratio = largest / unit;
    if (largest % unit != 0 || (ratio & (ratio - 1)) != 0) {
        job_complain(section, "largest", complaint, "it should be unit times a power of two");
        return EINVAL;
    }
    if (live < largest || live % largest != 0) {
        job_complain(section, "live", complaint, "it should be a multiple of largest");
        return EINVAL;
    }
    return 0;
}

static int robson_demand(const struct job_section *section, struct target_demand *demand,
                         struct complaint *complaint)
{
    (void)complaint;
    uint64_t bytes = job_number(section, "threads") * job_number(section, "live");
    demand->peak_bytes += bytes;
    for (uint64_t size = job_number(section, "unit"); size <= job_number(section, "largest");
         size *= 2) {
        demand_add_blocks(demand, size, bytes / size);
    }
    return 0;
}

static int robson_open(struct run *run, struct complaint *complaint)
{
    (void)complaint;
    struct robson *robson = run_map(sizeof(*robson));
    uint64_t largest = job_number(run->section, "largest");
    robson->unit = job_number(run->section, "unit");
    robson->most = job_number(run->section, "live") / robson->unit;
    robson->steps = (unsigned)__builtin_ctzll(largest / robson->unit);
    robson->moves =
        run->target != NULL && run->target->moves != NULL && run->target->moves(run->instance);
    robson->threads = run_map(run->threads * sizeof(robson->threads[0]));
    for (unsigned i = 0; i < run->threads; i++) {
        // A round has M blocks of one unit and then, in each step, less than M of the next size:
        // below 2 M in all, each in two windows at most.
        place_set_init(&robson->threads[i].windows, 4 * robson->most);
    }
    rounds_init(&robson->rounds, run, robson->most);
    run->shared = robson;
    return 0;
}

// In units, of M and n as they are: what any allocator needs that does not move blocks.
static double robson_bound(const struct robson *robson)
{
    double most = (double)robson->most;
    double largest = (double)(UINT64_C(1) << robson->steps);
    return most * (robson->steps / 2.0 + 1) - largest + 1;
}

static void robson_measure(struct run *run)
{
    struct robson *robson = run->shared;
    uint64_t held = run_held(run);
    uint64_t windows = 0;
    for (unsigned i = 0; i < run->threads; i++) {
        windows += robson->threads[i].windows.count;
    }
    robson->held = held > robson->held ? held : robson->held;
    robson->window = windows > robson->window ? windows : robson->window;
    if (__atomic_load_n(&robson->step, __ATOMIC_RELAXED) < robson->steps) {
        return;
    }
    double most = (double)robson->most * run->threads;
    double bound = robson_bound(robson) / (double)robson->most;
    run_figure(run, "blow-up", "x", (double)robson->held / (most * (double)robson->unit), bound);
    if (!robson->moves) {
        double span = (double)(robson->window << robson->steps);
        run_figure(run, "span", "x", span / most, bound);
    }
}

// The first place that a block covers, and how many.
static uint64_t robson_place(struct worker *worker, const struct robson *robson,
                             const struct slot *slot, uint64_t *units)
{
    *units = slot->size / robson->unit;
    return (op_place(worker, slot) + robson->unit - 1) / robson->unit;
}

static bool robson_covers(uint64_t place, uint64_t units, uint64_t offset, uint64_t step)
{
    return ((offset - place) & (step - 1)) < units;
}

// Chooses f for blocks of `step` units.
static void robson_choose(struct worker *worker, struct robson *robson, uint64_t step)
{
    struct robson_thread *self = &robson->threads[worker->number];
    const struct slot *slots = rounds_slots(&robson->rounds, worker);
    uint64_t offsets[2] = {self->offset, self->offset + step / 2};
    uint64_t pinned[2] = {0, 0};
    for (uint64_t i = 0; i < self->blocks; i++) {
        uint64_t units;
        uint64_t place = robson_place(worker, robson, &slots[i], &units);
        for (unsigned j = 0; j < 2; j++) {
            pinned[j] += robson_covers(place, units, offsets[j], step) ? step - units : 0;
        }
    }
    self->offset = pinned[1] > pinned[0] ? offsets[1] : offsets[0];
}

// Frees the blocks that do not cover a place of the offset, and moves the others' slots together.
static bool robson_release(struct worker *worker, struct robson *robson, uint64_t step)
{
    struct robson_thread *self = &robson->threads[worker->number];
    struct slot *slots = rounds_slots(&robson->rounds, worker);
    uint64_t blocks = self->blocks;
    self->blocks = 0;
    for (uint64_t i = 0; i < blocks; i++) {
        uint64_t units;
        uint64_t place = robson_place(worker, robson, &slots[i], &units);
        if (robson_covers(place, units, self->offset, step)) {
            rounds_swap(&slots[self->blocks++], &slots[i]);
            continue;
        }
        self->live -= units;
        if (!rounds_free(worker, &slots[i])) {
            return false;
        }
    }
    return true;
}

// Fills up to M with blocks of `step` units.
static bool robson_fill(struct worker *worker, struct robson *robson, uint64_t step)
{
    struct robson_thread *self = &robson->threads[worker->number];
    struct slot *slots = rounds_slots(&robson->rounds, worker);
    for (uint64_t left = (robson->most - self->live) / step; left > 0; left--) {
        struct slot *slot = &slots[self->blocks];
        bool goes_on = rounds_alloc(worker, slot, step * robson->unit);
        if (slot->size > 0) {
            uint64_t units;
            uint64_t place = robson_place(worker, robson, slot, &units);
            place_set_add(&self->windows, place >> robson->steps);
            place_set_add(&self->windows, (place + units - 1) >> robson->steps);
            self->live += step;
            self->blocks++;
        }
        if (!goes_on) {
            return false;
        }
    }
    return true;
}

static bool robson_round(struct worker *worker)
{
    struct robson *robson = worker->run->shared;
    struct robson_thread *self = &robson->threads[worker->number];
    place_set_clear(&self->windows);
    self->blocks = self->live = self->offset = 0;
    for (unsigned i = 0; i <= robson->steps; i++) {
        uint64_t step = UINT64_C(1) << i;
        if (i > 0) {
            robson_choose(worker, robson, step);
        }
        if ((i > 0 && !robson_release(worker, robson, step)) ||
            !robson_fill(worker, robson, step)) {
            return false;
        }
        __atomic_store_n(&robson->step, i, __ATOMIC_RELAXED);
        rounds_meet(&robson->rounds, robson_measure);
    }
    return rounds_free_all(&robson->rounds, worker);
}

static void robson_work(struct worker *worker)
{
    struct robson *robson = worker->run->shared;
    rounds_work(&robson->rounds, worker, robson_round);
}

static void robson_close(struct run *run)
{
    struct robson *robson = run->shared;
    rounds_fini(&robson->rounds);
}

const struct workload workload_robson = {
    .name = "robson",
    .help = "keeps the blocks that pin the most places: no allocator that does not move evades it",
    .class = WORKLOAD_ADVERSARY,
    .version = 2,
    .keys = robson_keys,
    .unused = robson_unused,
    .ends = true,
    .validate = robson_validate,
    .demand = robson_demand,
    .open = robson_open,
    .work = robson_work,
    .close = robson_close,
};
