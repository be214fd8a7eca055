// SPDX-License-Identifier: MIT
//
// churn.c - the plain one: every thread frees or fills a random slot of its own, over and over.
//
// 1. Theory. A slot is held half of the time on average, so that about threads * slots / 2 blocks
//    live, with geometric lifetimes (mean: 2 * slots operations of the thread).
// 2. Hand-over. A share of the frees is done by the next thread: the block goes into its mailbox,
//    a ring with one putter and one taker, which it empties every CHURN_BATCH operations. Into a
//    full mailbox the thread waits, emptying its own meanwhile, so that a circle of full mailboxes
//    drains. It ends after its predecessor's last block.
// 3. Determinism. What a thread allocates, frees and hands over depends on the seed alone. When
//    the frees that it does for others come between depends on the schedule.

#include <errno.h>
#include <math.h>
#include <stdbool.h>

#include "run/run.h"
#include "workload/demand.h"
#include "workload/ring.h"
#include "workload/rows.h"

#define CHURN_BATCH   64u
#define CHURN_MAILBOX 256u

struct churn_thread {
    struct slot *slots;
    struct ring inbox;
    struct slot letters[CHURN_MAILBOX]; // what the inbox counts
};

struct churn {
    const struct distribution *sizes;
    uint64_t slots;  // of each thread
    uint64_t remote; // a free whose random number is below is handed over
    struct churn_thread *threads;
};

static const struct job_key churn_keys[] = {
    {.name = "slots",
     .kind = JOB_NUMBER,
     .least = 1,
     .most = 100000000,
     .values = "1 .. 100M",
     .standard = "1000",
     .help = "places for a block in each thread; half of them are held on average"},
    {.name = "remote_share",
     .kind = JOB_REAL,
     .least = 0,
     .most = 1,
     .values = "0 .. 1",
     .standard = "0",
     .help = "share of the frees that is done by the next thread (two threads or more)"},
    {.name = NULL},
};

static int churn_validate(const struct job_section *section, struct complaint *complaint)
{
    if (job_real(section, "remote_share") > 0 && job_number(section, "threads") == 1) {
        job_complain(
            section, "remote_share", complaint,
            "with threads = 1 nobody else could free; allowed is 0, or threads = 2 or more");
        return EINVAL;
    }
    return 0;
}

static int churn_demand(const struct job_section *section, struct target_demand *demand,
                        struct complaint *complaint)
{
    (void)complaint;
    double threads = (double)job_number(section, "threads");
    double slots = threads * (double)job_number(section, "slots");
    // Held slots are binomial with p = 1/2: five spreads on top; and the mailboxes may be full.
    double live = fmin(slots, slots / 2 + 2.5 * sqrt(slots) + 1);
    if (job_real(section, "remote_share") > 0) {
        live += threads * CHURN_MAILBOX;
    }
    demand_add(demand, job_value(section, "size")->distribution, live);
    return 0;
}

static int churn_open(struct run *run, struct complaint *complaint)
{
    (void)complaint;
    struct churn *churn = run_map(sizeof(*churn));
    churn->sizes = job_value(run->section, "size")->distribution;
    churn->slots = job_number(run->section, "slots");
    double share = job_real(run->section, "remote_share");
    churn->remote = share >= 1 ? UINT64_MAX : (uint64_t)(share * 0x1p64);
    churn->threads = run_map(run->threads * sizeof(churn->threads[0]));
    for (unsigned i = 0; i < run->threads; i++) {
        struct churn_thread *thread = &churn->threads[i];
        ring_init(&thread->inbox, CHURN_MAILBOX);
        thread->slots = run_map(churn->slots * sizeof(struct slot));
        for (uint64_t j = 0; j < churn->slots; j++) {
            thread->slots[j].id = (uint32_t)(i * churn->slots + j);
        }
    }
    run->shared = churn;
    return 0;
}

// Frees what others have handed over. False: there was nothing.
static bool churn_empty_inbox(struct worker *worker, struct churn_thread *self)
{
    uint64_t place;
    bool any = false;
    while (ring_take_try(&self->inbox, &place)) {
        struct slot letter = self->letters[place];
        ring_take_end(&self->inbox);
        op_free(worker, &letter);
        any = true;
    }
    return any;
}

static void churn_hand_over(struct worker *worker, struct churn *churn, struct slot *slot)
{
    struct churn_thread *self = &churn->threads[worker->number];
    struct churn_thread *next = &churn->threads[(worker->number + 1) % worker->run->threads];
    uint64_t place;
    unsigned turns = 0;
    while (!ring_put_try(&next->inbox, &place)) {
        if (!churn_empty_inbox(worker, self)) {
            ring_pause(&turns);
        }
    }
    next->letters[place] = *slot;
    ring_put_end(&next->inbox);
    slot->size = 0;
}

// One random number serves slot and size: the high half of random * slots is the slot, the low
// half is as good as a fresh number below. Nobody can predict the branch on slot->size: it is half
// of what a step costs.
static inline void churn_step(struct worker *worker, struct churn *churn, struct slot *slots)
{
    unsigned __int128 product = (unsigned __int128)random_next(&worker->random) * churn->slots;
    struct slot *slot = &slots[(uint64_t)(product >> 64)];
    uint64_t rest = (uint64_t)product;
    if (slot->size == 0) {
        op_alloc(worker, slot, distribution_draw(churn->sizes, rest), 0);
    } else if (rest < churn->remote) {
        churn_hand_over(worker, churn, slot);
    } else {
        op_free(worker, slot);
    }
}

static void churn_work(struct worker *worker)
{
    struct churn *churn = worker->run->shared;
    struct churn_thread *self = &churn->threads[worker->number];
    uint64_t batch;
    do {
        batch = worker->budget < CHURN_BATCH ? worker->budget : CHURN_BATCH;
        for (uint64_t i = 0; i < batch; i++) {
            churn_step(worker, churn, self->slots);
        }
        churn_empty_inbox(worker, self);
    } while (!worker_stop(worker, batch));
    ring_end(&churn->threads[(worker->number + 1) % worker->run->threads].inbox);
    unsigned turns = 0;
    while (!ring_has_ended(&self->inbox)) {
        if (!churn_empty_inbox(worker, self)) {
            ring_pause(&turns);
        }
    }
    churn_empty_inbox(worker, self);
}

static void churn_close(struct run *run)
{
    struct churn *churn = run->shared;
    for (unsigned i = 0; i < run->threads; i++) {
        churn_empty_inbox(&run->workers[i], &churn->threads[i]);
        for (uint64_t j = 0; j < churn->slots; j++) {
            if (churn->threads[i].slots[j].size > 0) {
                op_free(&run->workers[i], &churn->threads[i].slots[j]);
            }
        }
    }
}

const struct workload workload_churn = {
    .name = "churn",
    .help = "each thread frees or fills a random slot of its own, over and over",
    .version = 1,
    .keys = churn_keys,
    .validate = churn_validate,
    .demand = churn_demand,
    .open = churn_open,
    .work = churn_work,
    .close = churn_close,
};
