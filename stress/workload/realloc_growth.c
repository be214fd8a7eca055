// SPDX-License-Identifier: MIT
//
// realloc_growth.c - arrays that grow by realloc: in place, or by being copied elsewhere.
//
// 1. Theory. An array that grows by a factor g and is copied each time copies at most 1 / (g - 1)
//    bytes for each byte of its final size: 2 for g = 1.5, 1 for g = 2. One that grows by chunks of
//    c copies s / (2 c) for each of its final s bytes: quadratic. How much of that happens is up to
//    the allocator: it may have kept room behind the block, or remap its pages. With g below the
//    golden ratio the pieces that an array has left behind add up to room for its next size; with
//    g = 2 they never do.
// 2. Each thread grows `arrays` of them, the next one drawn at random, from `start` to `most`
//    bytes. When all have reached it they are freed: a round. An array whose growth is refused
//    stays as it is for the rest of the round.
// 3. Figures, over all threads and complete rounds. `moves`: the share of the growths after which
//    the array began elsewhere. `copied`: the bytes that these had to take along, over the final
//    sizes; the bound is the same sum over all growths, as if each had moved.

#include <errno.h>
#include <math.h>

#include "check/check.h"
#include "run/run.h"
#include "workload/demand.h"
#include "workload/rounds.h"
#include "workload/rows.h"

enum growth_kind { GROWTH_HALF, GROWTH_DOUBLE, GROWTH_CHUNK };

#define GROWTH_CHUNK_USUAL 4096 // the default of the key chunk

static const char *const growth_kinds[] = {"half", "double", "chunk", NULL};

struct growth_thread {
    uint64_t growths, moves;
    uint64_t copied;   // bytes of the moves
    uint64_t copyable; // bytes that would have been copied, had each growth moved
    uint64_t reached;  // final sizes
} __attribute__((aligned(128)));

struct growth {
    struct rounds rounds;
    struct growth_thread *threads;
    uint64_t arrays;
    uint64_t start, most, chunk; // sizes
    enum growth_kind kind;
};

static const struct job_key growth_keys[] = {
    {CHECK_TOUCH_KEY, .standard = "page"},
    {.name = "arrays",
     .kind = JOB_NUMBER,
     .least = 1,
     .most = 100000000,
     .values = "1 .. 100M",
     .standard = "16",
     .help = "arrays that grow at once, in each thread"},
    {.name = "start",
     .kind = JOB_SIZE,
     .least = 1,
     .most = 0x1p40,
     .values = "1 .. 1Ti",
     .standard = "16",
     .help = "their first size"},
    {.name = "most",
     .kind = JOB_SIZE,
     .least = 1,
     .most = 0x1p40,
     .values = "1 .. 1Ti, start at least",
     .standard = "1Mi",
     .help = "their last size"},
    {.name = "growth",
     .kind = JOB_CHOICE,
     .choices = growth_kinds,
     .values = "half (to 1.5 times the size), double (to twice the size), chunk (by chunk bytes)",
     .standard = "double",
     .help = "how an array grows"},
    {.name = "chunk",
     .kind = JOB_SIZE,
     .least = 1,
     .most = 0x1p40,
     .values = "1 .. 1Ti",
     .standard = "4Ki",
     .help = "with growth = chunk: how much at a time"},
    {.name = NULL},
};

static const char *const growth_unused[] = {"size", NULL};

static int growth_validate(const struct job_section *section, struct complaint *complaint)
{
    if (job_number(section, "most") < job_number(section, "start")) {
        job_complain(section, "most", complaint, "it should be start at least");
        return EINVAL;
    }
    // A plan has every key; its default does no harm.
    if (job_number(section, "growth") != GROWTH_CHUNK &&
        job_number(section, "chunk") != GROWTH_CHUNK_USUAL) {
        job_complain(section, "chunk", complaint,
                     "means nothing without growth = chunk: leave it out");
        return EINVAL;
    }
    return 0;
}

static uint64_t growth_next(const struct growth *growth, uint64_t size)
{
    uint64_t more = growth->kind == GROWTH_CHUNK    ? growth->chunk
                    : growth->kind == GROWTH_DOUBLE ? size
                                                    : size / 2;
    uint64_t next = size + (more > 0 ? more : 1);
    return next < growth->most ? next : growth->most;
}

static void growth_read(const struct job_section *section, struct growth *growth)
{
    growth->arrays = job_number(section, "arrays");
    growth->start = job_number(section, "start");
    growth->most = job_number(section, "most");
    growth->chunk = job_number(section, "chunk");
    growth->kind = (enum growth_kind)job_number(section, "growth");
}

// While a block moves, both places of it are taken.
static int growth_demand(const struct job_section *section, struct target_demand *demand,
                         struct complaint *complaint)
{
    (void)complaint;
    struct growth growth;
    growth_read(section, &growth);
    uint64_t threads = job_number(section, "threads");
    demand->peak_bytes += threads * (growth.arrays + 1) * growth.most;
    for (uint64_t size = growth.start; size < 2 * growth.most; size *= 2) {
        uint64_t most = size < growth.most ? size : growth.most;
        demand_add_blocks(demand, most, threads * (growth.arrays + 1));
    }
    return 0;
}

static int growth_open(struct run *run, struct complaint *complaint)
{
    (void)complaint;
    struct growth *growth = run_map(sizeof(*growth));
    growth_read(run->section, growth);
    growth->threads = run_map(run->threads * sizeof(growth->threads[0]));
    rounds_init(&growth->rounds, run, growth->arrays);
    run->shared = growth;
    return 0;
}

static void growth_measure(struct run *run)
{
    struct growth *growth = run->shared;
    struct growth_thread sum = {0};
    for (unsigned i = 0; i < run->threads; i++) {
        sum.growths += growth->threads[i].growths;
        sum.moves += growth->threads[i].moves;
        sum.copied += growth->threads[i].copied;
        sum.copyable += growth->threads[i].copyable;
        sum.reached += growth->threads[i].reached;
    }
    if (sum.growths > 0) {
        double reached = (double)sum.reached;
        run_figure(run, "moves", "%", 100 * (double)sum.moves / (double)sum.growths, NAN);
        run_figure(run, "copied", "x", (double)sum.copied / reached,
                   (double)sum.copyable / reached);
    }
}

// One step of an array. `*grows`: it is not at its end yet. False: the thread is to stop.
static bool growth_step(struct worker *worker, struct growth *growth, struct slot *slot,
                        bool *grows)
{
    struct growth_thread *self = &growth->threads[worker->number];
    uint64_t size = slot->size;
    int error;
    if (size == 0) {
        error = op_alloc(worker, slot, growth->start, 0);
    } else {
        uint64_t place = op_place(worker, slot);
        error = op_resize(worker, slot, growth_next(growth, size));
        if (error == 0) {
            bool moved = op_place(worker, slot) != place;
            self->growths++;
            self->moves += moved;
            self->copied += moved ? size : 0;
            self->copyable += size;
        }
    }
    *grows = error == 0 && slot->size < growth->most;
    return !worker_stop(worker, 1);
}

static bool growth_round(struct worker *worker)
{
    struct growth *growth = worker->run->shared;
    struct growth_thread *self = &growth->threads[worker->number];
    struct slot *slots = rounds_slots(&growth->rounds, worker);
    for (uint64_t growing = growth->arrays; growing > 0;) {
        struct slot *slot = &slots[random_below(&worker->random, growing)];
        bool grows;
        if (!growth_step(worker, growth, slot, &grows)) {
            return false;
        }
        if (!grows) {
            self->reached += slot->size;
            rounds_swap(slot, &slots[--growing]);
        }
    }
    rounds_meet(&growth->rounds, growth_measure);
    return rounds_free_all(&growth->rounds, worker);
}

static void growth_work(struct worker *worker)
{
    struct growth *growth = worker->run->shared;
    rounds_work(&growth->rounds, worker, growth_round);
}

static void growth_close(struct run *run)
{
    struct growth *growth = run->shared;
    rounds_fini(&growth->rounds);
}

const struct workload workload_realloc_growth = {
    .name = "realloc-growth",
    .help = "arrays grow by realloc, by half, to double or by chunks; counts who had to move",
    .class = WORKLOAD_MICRO,
    .version = 2,
    .keys = growth_keys,
    .unused = growth_unused,
    .ends = true,
    .validate = growth_validate,
    .demand = growth_demand,
    .open = growth_open,
    .work = growth_work,
    .close = growth_close,
};
