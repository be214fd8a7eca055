// SPDX-License-Identifier: MIT
//
// pin_per_slab.c - the adversary of size classes: one block in each slab stays, class after class.
//
// 1. Theory. Allocators that keep sizes apart cut slabs, runs or pages into blocks of one class. A
//    slab serves another class only when all of it is free. So: fill a class, free all blocks but
//    one in each slab, go on to the next class. With c classes filled with F bytes each, c F bytes
//    stay, for F / slab blocks a class that are still live.
// 2. A slab here is an aligned window of `slab` bytes of the address space; in it the first block
//    of the class is kept. Allocators with other slabs are hurt as well, if less: with smaller ones
//    some go free, with larger ones several blocks are kept where one would do.
// 3. Figure. `held`: the most held after the last class, over what is live. Its bound is what was
//    ever filled, over what is live: nothing at all was used twice.
// 4. Sizes double from one class to the next. Nothing here is left to chance; which blocks stay
//    depends on where they lie.

#include <errno.h>

#include "check/check.h"
#include "run/run.h"
#include "workload/demand.h"
#include "workload/place_set.h"
#include "workload/rounds.h"
#include "workload/rows.h"

struct pin_thread {
    struct place_set slabs; // of this class in which a block was kept
    uint64_t filled;        // bytes, in this round
};

struct pin {
    struct rounds rounds;
    struct pin_thread *threads;
    uint64_t smallest, largest; // sizes
    uint64_t fill;              // bytes of each class
    uint64_t slab;
    double worst; // the largest figure so far
};

static const struct job_key pin_keys[] = {
    {CHECK_TOUCH_KEY, .standard = "page"},
    {.name = "smallest",
     .kind = JOB_SIZE,
     .least = 8,
     .most = 0x1p30,
     .values = "8 .. 1Gi",
     .standard = "16",
     .help = "size of the first class; each next one has twice the size"},
    {.name = "largest",
     .kind = JOB_SIZE,
     .least = 8,
     .most = 0x1p30,
     .values = "8 .. 1Gi, smallest at least",
     .standard = "8Ki",
     .help = "no class is larger"},
    {.name = "fill",
     .kind = JOB_SIZE,
     .least = 8,
     .most = 0x1p36,
     .values = "8 .. 64Gi, largest at least",
     .standard = "2Mi",
     .help = "bytes of each class, in each thread"},
    {.name = "slab",
     .kind = JOB_SIZE,
     .least = 8,
     .most = 0x1p36,
     .values = "8 .. 64Gi",
     .standard = "64Ki",
     .help = "window of the address space in which one block of a class is kept"},
    {.name = NULL},
};

static const char *const pin_unused[] = {"size", NULL};

static int pin_validate(const struct job_section *section, struct complaint *complaint)
{
    if (job_number(section, "largest") < job_number(section, "smallest")) {
        job_complain(section, "largest", complaint, "it should be smallest at least");
        return EINVAL;
    }
    if (job_number(section, "fill") < job_number(section, "largest")) {
        job_complain(section, "fill", complaint, "it should be largest at least");
        return EINVAL;
    }
    return 0;
}

// All blocks of a class may stay, where each lies in a slab of its own.
static int pin_demand(const struct job_section *section, struct target_demand *demand,
                      struct complaint *complaint)
{
    (void)complaint;
    uint64_t threads = job_number(section, "threads");
    uint64_t fill = job_number(section, "fill");
    for (uint64_t size = job_number(section, "smallest"); size <= job_number(section, "largest");
         size *= 2) {
        demand->peak_bytes += threads * (fill / size) * size;
        demand_add_blocks(demand, size, threads * (fill / size));
    }
    return 0;
}

static int pin_open(struct run *run, struct complaint *complaint)
{
    (void)complaint;
    struct pin *pin = run_map(sizeof(*pin));
    pin->smallest = job_number(run->section, "smallest");
    pin->largest = job_number(run->section, "largest");
    pin->fill = job_number(run->section, "fill");
    pin->slab = job_number(run->section, "slab");
    pin->threads = run_map(run->threads * sizeof(pin->threads[0]));
    uint64_t slots = 0;
    for (uint64_t size = pin->smallest; size <= pin->largest; size *= 2) {
        slots += pin->fill / size;
    }
    for (unsigned i = 0; i < run->threads; i++) {
        place_set_init(&pin->threads[i].slabs, pin->fill / pin->smallest);
    }
    rounds_init(&pin->rounds, run, slots);
    run->shared = pin;
    return 0;
}

static void pin_measure(struct run *run)
{
    struct pin *pin = run->shared;
    double live = (double)rounds_live(run);
    double filled = 0;
    for (unsigned i = 0; i < run->threads; i++) {
        filled += (double)pin->threads[i].filled;
    }
    double held = live > 0 ? (double)run_held(run) / live : 0;
    if (held > pin->worst) {
        pin->worst = held;
        run_figure(run, "held", "x live", held, filled / live);
    }
}

// One class: its blocks come into the first `blocks` of these slots; one a slab stays.
static bool pin_class(struct worker *worker, struct pin *pin, struct slot *slots, uint64_t size)
{
    struct pin_thread *self = &pin->threads[worker->number];
    uint64_t blocks = pin->fill / size;
    place_set_clear(&self->slabs);
    for (uint64_t i = 0; i < blocks; i++) {
        bool goes_on = rounds_alloc(worker, &slots[i], size);
        self->filled += slots[i].size;
        if (!goes_on) {
            return false;
        }
    }
    for (uint64_t i = 0; i < blocks; i++) {
        if (slots[i].size == 0 ||
            place_set_add(&self->slabs, op_place(worker, &slots[i]) / pin->slab)) {
            continue;
        }
        if (!rounds_free(worker, &slots[i])) {
            return false;
        }
    }
    return true;
}

static bool pin_round(struct worker *worker)
{
    struct pin *pin = worker->run->shared;
    struct slot *slots = rounds_slots(&pin->rounds, worker);
    pin->threads[worker->number].filled = 0;
    for (uint64_t size = pin->smallest; size <= pin->largest; size *= 2) {
        if (!pin_class(worker, pin, slots, size)) {
            return false;
        }
        slots += pin->fill / size;
    }
    rounds_meet(&pin->rounds, pin_measure);
    return rounds_free_all(&pin->rounds, worker);
}

static void pin_work(struct worker *worker)
{
    struct pin *pin = worker->run->shared;
    rounds_work(&pin->rounds, worker, pin_round);
}

static void pin_close(struct run *run)
{
    struct pin *pin = run->shared;
    rounds_fini(&pin->rounds);
}

const struct workload workload_pin_per_slab = {
    .name = "pin-per-slab",
    .help = "fills one size class after the other and keeps one block in each slab",
    .class = WORKLOAD_ADVERSARY,
    .version = 2,
    .keys = pin_keys,
    .unused = pin_unused,
    .ends = true,
    .validate = pin_validate,
    .demand = pin_demand,
    .open = pin_open,
    .work = pin_work,
    .close = pin_close,
};
