// SPDX-License-Identifier: MIT
//
// producer_consumer.c - one thread of a pair allocates, the other frees: every free is remote.
//
// 1. Theory (xmalloc). Worker 2i fills batches, worker 2i + 1 empties them. A pair has
//    `outstanding` batches, in a ring: a producer that is ahead waits, so that what is live is
//    bounded. Threads come in pairs; an odd number is an error rather than a thread without a
//    partner.
// 2. The end. The producer ends by its budget (ops= allocations each) or by the clock; the consumer
//    frees all that came before it ends. So what is counted as allocated is also freed: a pair's
//    rate is that of whole lives, not of allocations that nobody freed.
// 3. Determinism: the producer's sizes depend on the seed alone, and the consumer frees in order.

#include <errno.h>

#include "run/run.h"
#include "workload/demand.h"
#include "workload/ring.h"
#include "workload/rows.h"

struct pair {
    struct ring ring;
    struct slot *slots; // outstanding * batch; place p of the ring is batch p
    uint64_t *filled;   // how many of a batch were filled
};

struct producer_consumer {
    const struct distribution *sizes;
    uint64_t batch;
    struct pair *pairs;
};

static const struct job_key producer_consumer_keys[] = {
    {.name = "batch",
     .kind = JOB_NUMBER,
     .least = 1,
     .most = 10000000,
     .values = "1 .. 10M",
     .standard = "4096",
     .help = "blocks that change hands at once"},
    {.name = "outstanding",
     .kind = JOB_NUMBER,
     .least = 1,
     .most = 1000,
     .values = "1 .. 1000",
     .standard = "4",
     .help = "batches of a pair of threads that may be live at once"},
    {.name = NULL},
};

static int producer_consumer_validate(const struct job_section *section,
                                      struct complaint *complaint)
{
    uint64_t threads = job_number(section, "threads");
    if (threads % 2 != 0) {
        job_complain(section, "threads", complaint,
                     "producers and consumers come in pairs; use threads = %llu",
                     (unsigned long long)threads + 1);
        return EINVAL;
    }
    return 0;
}

static int producer_consumer_demand(const struct job_section *section, struct target_demand *demand,
                                    struct complaint *complaint)
{
    (void)complaint;
    double live = (double)(job_number(section, "threads") / 2) *
                  (double)job_number(section, "batch") * (double)job_number(section, "outstanding");
    demand_add(demand, job_value(section, "size")->distribution, live);
    return 0;
}

static int producer_consumer_open(struct run *run, struct complaint *complaint)
{
    (void)complaint;
    struct producer_consumer *shared = run_map(sizeof(*shared));
    uint64_t outstanding = job_number(run->section, "outstanding");
    shared->sizes = job_value(run->section, "size")->distribution;
    shared->batch = job_number(run->section, "batch");
    shared->pairs = run_map(run->threads / 2 * sizeof(shared->pairs[0]));
    uint64_t places = outstanding * shared->batch;
    for (unsigned i = 0; i < run->threads / 2; i++) {
        struct pair *pair = &shared->pairs[i];
        ring_init(&pair->ring, outstanding);
        pair->slots = run_map(places * sizeof(struct slot));
        pair->filled = run_map(outstanding * sizeof(uint64_t));
        for (uint64_t j = 0; j < places; j++) {
            pair->slots[j].id = (uint32_t)(i * places + j);
        }
    }
    run->shared = shared;
    return 0;
}

static void producer_work(struct worker *worker, const struct producer_consumer *shared,
                          struct pair *pair)
{
    uint64_t count;
    do {
        uint64_t place;
        unsigned turns = 0;
        while (!ring_put_try(&pair->ring, &place)) {
            ring_pause(&turns);
        }
        struct slot *slots = &pair->slots[place * shared->batch];
        count = worker->budget < shared->batch ? worker->budget : shared->batch;
        for (uint64_t i = 0; i < count; i++) {
            op_alloc(worker, &slots[i],
                     distribution_draw(shared->sizes, random_next(&worker->random)), 0);
        }
        pair->filled[place] = count;
        ring_put_end(&pair->ring);
    } while (!worker_stop(worker, count));
    ring_end(&pair->ring);
}

// Frees one batch. False: there is none now.
static bool consumer_take(struct worker *worker, const struct producer_consumer *shared,
                          struct pair *pair)
{
    uint64_t place;
    if (!ring_take_try(&pair->ring, &place)) {
        return false;
    }
    struct slot *slots = &pair->slots[place * shared->batch];
    for (uint64_t i = 0; i < pair->filled[place]; i++) {
        if (slots[i].size > 0) { // else it was refused
            op_free(worker, &slots[i]);
        }
    }
    ring_take_end(&pair->ring);
    return true;
}

static void consumer_work(struct worker *worker, const struct producer_consumer *shared,
                          struct pair *pair)
{
    unsigned turns = 0;
    while (!ring_has_ended(&pair->ring)) {
        if (!consumer_take(worker, shared, pair)) {
            ring_pause(&turns);
        }
    }
    while (consumer_take(worker, shared, pair)) {
    }
}

static void producer_consumer_work(struct worker *worker)
{
    struct producer_consumer *shared = worker->run->shared;
    struct pair *pair = &shared->pairs[worker->number / 2];
    if (worker->number % 2 == 0) {
        producer_work(worker, shared, pair);
    } else {
        consumer_work(worker, shared, pair);
    }
}

// Consumers leave nothing behind; this is for a cell that was stopped before they began.
static void producer_consumer_close(struct run *run)
{
    struct producer_consumer *shared = run->shared;
    for (unsigned i = 0; i < run->threads / 2; i++) {
        while (consumer_take(&run->workers[2 * i + 1], shared, &shared->pairs[i])) {
        }
    }
}

const struct workload workload_producer_consumer = {
    .name = "producer-consumer",
    .help = "pairs of threads: one allocates batches, the other frees them",
    .class = WORKLOAD_THREADS,
    .version = 1,
    .keys = producer_consumer_keys,
    .validate = producer_consumer_validate,
    .demand = producer_consumer_demand,
    .open = producer_consumer_open,
    .work = producer_consumer_work,
    .close = producer_consumer_close,
};
