// SPDX-License-Identifier: MIT
//
// larson.c - a server: threads come and go, what they allocated stays.
//
// 1. Theory (Larson and Krishnan, 1998; the classic job is size=8-999). A thread fills its slots,
//    permutes them, then replaces random ones. After `round` operations it starts a successor that
//    inherits the slots, and exits: the successor frees blocks of a dead thread, whose cache the
//    allocator had to take apart.
// 2. A successor goes on as the same worker, with a random stream of its own (the worker's number
//    and how many went before). What it inherits is marked: its frees count as remote.
// 3. Determinism: every thread's operations depend on the seed alone.

#include "run/run.h"
#include "workload/demand.h"
#include "workload/rows.h"
#include "workload/successor.h"

#define LARSON_BATCH 32u // replacements between two looks at the clock

struct larson_worker {
    struct slot *slots;
    uint64_t generation; // threads before this one
};

struct larson {
    const struct distribution *sizes;
    uint64_t slots; // of each worker
    uint64_t round; // operations of one thread
    struct larson_worker *workers;
};

static const struct job_key larson_keys[] = {
    {JOB_SIZE_KEY, .standard = "8-999", .help = "bytes of a request"},
    {.name = "slots",
     .kind = JOB_NUMBER,
     .least = 1,
     .most = 100000000,
     .values = "1 .. 100M",
     .standard = "5000",
     .help = "blocks that each thread holds"},
    {.name = "round",
     .kind = JOB_NUMBER,
     .least = 1,
     .most = 1e15,
     .values = "1 .. 1000T",
     .standard = "100000",
     .help = "operations after which a thread starts its successor and exits"},
    {.name = NULL},
};

static int larson_demand(const struct job_section *section, struct target_demand *demand,
                         struct complaint *complaint)
{
    (void)complaint;
    double slots = (double)job_number(section, "threads") * (double)job_number(section, "slots");
    demand_add(demand, job_value(section, "size")->distribution, slots);
    return 0;
}

static int larson_open(struct run *run, struct complaint *complaint)
{
    (void)complaint;
    struct larson *larson = run_map(sizeof(*larson));
    larson->sizes = job_value(run->section, "size")->distribution;
    larson->slots = job_number(run->section, "slots");
    larson->round = job_number(run->section, "round");
    larson->workers = run_map(run->threads * sizeof(larson->workers[0]));
    for (unsigned i = 0; i < run->threads; i++) {
        larson->workers[i].slots = run_map(larson->slots * sizeof(struct slot));
        for (uint64_t j = 0; j < larson->slots; j++) {
            larson->workers[i].slots[j].id = (uint32_t)(i * larson->slots + j);
        }
    }
    run->shared = larson;
    return 0;
}

static void larson_fill_slot(struct worker *worker, const struct larson *larson, struct slot *slot)
{
    op_alloc(worker, slot, distribution_draw(larson->sizes, random_next(&worker->random)), 0);
}

// Returns how many operations were done.
static uint64_t larson_replace(struct worker *worker, const struct larson *larson, uint64_t times)
{
    struct slot *slots = larson->workers[worker->number].slots;
    uint64_t done = 0;
    for (uint64_t i = 0; i < times; i++) {
        struct slot *slot = &slots[random_below(&worker->random, larson->slots)];
        if (slot->size > 0) {
            op_free(worker, slot);
            done++;
        }
        larson_fill_slot(worker, larson, slot);
        done++;
    }
    return done;
}

// The rest of a thread's life.
static void larson_live(struct worker *worker)
{
    struct larson *larson = worker->run->shared;
    uint64_t done = 0;
    while (done < larson->round) {
        uint64_t left =
            worker->budget < larson->round - done ? worker->budget : larson->round - done;
        uint64_t times = (left + 1) / 2 < LARSON_BATCH ? (left + 1) / 2 : LARSON_BATCH;
        uint64_t batch = larson_replace(worker, larson, times);
        done += batch;
        if (worker_stop(worker, batch)) {
            return;
        }
    }
    struct larson_worker *self = &larson->workers[worker->number];
    self->generation++;
    for (uint64_t i = 0; i < larson->slots; i++) {
        self->slots[i].flags |= SLOT_INHERITED;
    }
    successor_start(worker, self->generation, larson_live);
}

static void larson_permute(struct worker *worker, struct slot *slots, uint64_t count)
{
    for (uint64_t i = count; i > 1; i--) {
        uint64_t j = random_below(&worker->random, i);
        struct slot other = slots[j];
        slots[j] = slots[i - 1];
        slots[i - 1] = other;
    }
}

static void larson_work(struct worker *worker)
{
    struct larson *larson = worker->run->shared;
    struct slot *slots = larson->workers[worker->number].slots;
    for (uint64_t i = 0; i < larson->slots; i++) {
        larson_fill_slot(worker, larson, &slots[i]);
        if (i % LARSON_BATCH == 0 && worker_stop(worker, 0)) {
            return;
        }
    }
    larson_permute(worker, slots, larson->slots);
    worker_ready(worker);
    larson_live(worker);
}

static void larson_close(struct run *run)
{
    struct larson *larson = run->shared;
    for (unsigned i = 0; i < run->threads; i++) {
        for (uint64_t j = 0; j < larson->slots; j++) {
            if (larson->workers[i].slots[j].size > 0) {
                op_free(&run->workers[i], &larson->workers[i].slots[j]);
            }
        }
    }
}

const struct workload workload_larson = {
    .name = "larson",
    .help =
        "a server's threads: replace random blocks, then leave them all to a successor and exit",
    .class = WORKLOAD_SERVER,
    .version = 2,
    .fills = true,
    .keys = larson_keys,
    .demand = larson_demand,
    .open = larson_open,
    .work = larson_work,
    .close = larson_close,
};
