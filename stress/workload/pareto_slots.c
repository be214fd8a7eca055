// SPDX-License-Identifier: MIT
//
// pareto_slots.c - few slots are used much, many seldom: an 80/20 law, several times over.
//
// 1. Theory (alloc-test). A fifth of the slots gets four fifths of the draws, a fifth of that fifth
//    four fifths of those, and so on: `tiers` of them. A slot that is drawn is freed if it is
//    held, else filled. So blocks of cold slots live thousands of times as long as those of hot
//    ones (4^tiers) and lie between them, as in programs that have been up for long.
// 2. What an application does with the bytes, by `access`: nothing; one byte is written after the
//    allocation and read before the free; every byte is; every byte is, and compared with what was
//    written (the stamps of verify = 3).
// 3. The share of the harness and of drawing is what the null target takes; whoever reads the
//    figures subtracts it.
// 4. Determinism: everything depends on the seed alone.

#include <math.h>

#include "check/check.h"
#include "run/run.h"
#include "workload/demand.h"
#include "workload/rows.h"

#define PARETO_BATCH 64u // draws between two looks at the clock
#define PARETO_TIERS 8u
#define PARETO_HOT   0.2 // of a tier's slots and those hotter; they get 1 - PARETO_HOT of the draws

enum pareto_access { PARETO_NONE, PARETO_SINGLE, PARETO_FULL, PARETO_CHECK };
static const char *const pareto_accesses[] = {"none", "single", "full", "check", NULL};

struct pareto_tier {
    uint64_t below; // a random number below this, and not below the tier's before, draws from it
    uint64_t first, count; // slots
};

struct pareto {
    const struct distribution *sizes;
    uint64_t slots; // of each worker
    enum pareto_access access;
    unsigned tier_count;
    struct pareto_tier tiers[PARETO_TIERS]; // the hottest first
    struct slot **places;                   // by worker
};

static const char *const pareto_unused[] = {"touch", NULL};

static const struct job_key pareto_keys[] = {
    {.name = "slots",
     .kind = JOB_NUMBER,
     .least = 1,
     .most = 100000000,
     .values = "1 .. 100M",
     .standard = "16384",
     .help = "places for a block in each thread; half of them are held on average"},
    {.name = "tiers",
     .kind = JOB_NUMBER,
     .least = 1,
     .most = PARETO_TIERS,
     .values = "1 .. 8",
     .standard = "6",
     .help = "how many tiers of slots there are; each hotter one has a fifth of the slots and gets "
             "four fifths of the draws"},
    {.name = "access",
     .kind = JOB_CHOICE,
     .choices = pareto_accesses,
     .values = "none, single (one byte), full (every byte), check (every byte, compared)",
     .standard = "full",
     .help = "what is written after an allocation and read before a free"},
    {.name = NULL},
};

static int pareto_demand(const struct job_section *section, struct target_demand *demand,
                         struct complaint *complaint)
{
    (void)complaint;
    double slots = (double)job_number(section, "threads") * (double)job_number(section, "slots");
    // Held slots are binomial with p = 1/2: five spreads on top.
    demand_add(demand, job_value(section, "size")->distribution, demand_worst(slots, 0.5));
    return 0;
}

// The hottest tier is the first; a tier without slots gets nothing, and its draws go to the next
// colder one.
static void pareto_make_tiers(struct pareto *pareto, unsigned tiers)
{
    double slots = (double)pareto->slots;
    uint64_t first = 0;
    double below = 0;
    for (unsigned i = 0; i < tiers; i++) {
        unsigned depth = tiers - 1 - i; // 0: the coldest, which has the rest
        uint64_t end =
            depth == 0 ? pareto->slots : (uint64_t)llround(slots * pow(PARETO_HOT, depth));
        below = depth == 0 ? 1 : pow(1 - PARETO_HOT, depth);
        if (end > first) {
            pareto->tiers[pareto->tier_count++] =
                (struct pareto_tier){random_share(below), first, end - first};
            first = end;
        }
    }
}

// How the workers touch and check, where blocks have bytes.
static void pareto_set_access(struct run *run, const struct pareto *pareto)
{
    static const unsigned touch[] = {
        [PARETO_NONE] = CHECK_TOUCH_NONE,
        [PARETO_SINGLE] = CHECK_TOUCH_FIRST,
        [PARETO_FULL] = CHECK_TOUCH_FULL,
        [PARETO_CHECK] = CHECK_TOUCH_NONE,
    };
    for (unsigned i = 0; i < run->threads && !run->ops->no_memory; i++) {
        struct worker *worker = &run->workers[i];
        worker->touch = touch[pareto->access];
        if (pareto->access == PARETO_CHECK) {
            worker->check |=
                (unsigned)(job_checks_of_level(CHECK_WHOLE) & job_number(run->section, "checks"));
        }
    }
}

static int pareto_open(struct run *run, struct complaint *complaint)
{
    (void)complaint;
    struct pareto *pareto = run_map(sizeof *pareto);
    pareto->sizes = job_value(run->section, "size")->distribution;
    pareto->slots = job_number(run->section, "slots");
    pareto->access = (enum pareto_access)job_number(run->section, "access");
    pareto_make_tiers(pareto, (unsigned)job_number(run->section, "tiers"));
    pareto_set_access(run, pareto);
    pareto->places = run_map(run->threads * sizeof *pareto->places);
    for (unsigned i = 0; i < run->threads; i++) {
        pareto->places[i] = run_map(pareto->slots * sizeof(struct slot));
        for (uint64_t j = 0; j < pareto->slots; j++) {
            pareto->places[i][j].id = (uint32_t)(i * pareto->slots + j);
        }
    }
    run->shared = pareto;
    return 0;
}

static struct slot *pareto_draw(struct worker *worker, const struct pareto *pareto)
{
    uint64_t number = random_next(&worker->random);
    const struct pareto_tier *tier = pareto->tiers;
    while (number >= tier->below && tier < &pareto->tiers[pareto->tier_count - 1]) {
        tier++;
    }
    uint64_t at = tier->first + random_below(&worker->random, tier->count);
    return &pareto->places[worker->number][at];
}

static void pareto_release(struct worker *worker, const struct pareto *pareto, struct slot *slot)
{
    if (pareto->access == PARETO_SINGLE) {
        op_touch(worker, slot, 0, false);
    } else if (pareto->access == PARETO_FULL) {
        op_read(worker, slot);
    }
    op_free(worker, slot); // compares where the level says so, which `check` has seen to
}

static void pareto_work(struct worker *worker)
{
    const struct pareto *pareto = worker->run->shared;
    uint64_t draws;
    do {
        draws = worker->budget < PARETO_BATCH ? worker->budget : PARETO_BATCH;
        for (uint64_t i = 0; i < draws; i++) {
            struct slot *slot = pareto_draw(worker, pareto);
            if (slot->size > 0) {
                pareto_release(worker, pareto, slot);
            } else {
                op_alloc(worker, slot,
                         distribution_draw(pareto->sizes, random_next(&worker->random)), 0);
            }
        }
    } while (!worker_stop(worker, draws));
}

static void pareto_close(struct run *run)
{
    struct pareto *pareto = run->shared;
    for (unsigned i = 0; i < run->threads; i++) {
        for (uint64_t j = 0; j < pareto->slots; j++) {
            if (pareto->places[i][j].size > 0) {
                op_free(&run->workers[i], &pareto->places[i][j]);
            }
        }
    }
}

const struct workload workload_pareto_slots = {
    .name = "pareto-slots",
    .help = "each thread frees or fills slots of its own, a fifth of them four fifths of the time",
    .class = WORKLOAD_MICRO,
    .version = 1,
    .keys = pareto_keys,
    .unused = pareto_unused,
    .demand = pareto_demand,
    .open = pareto_open,
    .work = pareto_work,
    .close = pareto_close,
};
