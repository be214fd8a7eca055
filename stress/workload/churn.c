// SPDX-License-Identifier: MIT
//
// churn.c - the plain one: every thread frees or fills a random slot of its own, over and over.
//
// 1. Theory. A slot is held half of the time on average, so that about threads * slots / 2 blocks
//    live, with geometric lifetimes (mean: 2 * slots operations of the thread).
// 2. Batches. Whether a random slot is held is a coin toss: a branch on it, mispredicted half of
//    the time, would cost the harness more than all the rest of an operation. So a thread draws
//    CHURN_BATCH slots, sorts them without a branch into those to free, to hand over and to fill,
//    and works off these lists in this order. A slot that is drawn twice is twice in a list, or in
//    two: the second time it is found to have changed sides, and changes them again. So every slot
//    is freed and filled as if the draws had been done one by one; only the order between slots
//    differs: within a batch the frees come first, and half a batch fewer blocks live in between.
// 3. Hand-over. A share of the frees is done by the next thread: the block goes into its mailbox,
//    a ring with one putter and one taker, which it empties every CHURN_ROUND operations. Into a
//    full mailbox the thread waits, emptying its own meanwhile, so that a circle of full mailboxes
//    drains. It ends after its predecessor's last block.
// 4. Determinism. What a thread allocates, frees and hands over depends on the seed alone. When
//    the frees that it does for others come between depends on the schedule.

#include <errno.h>
#include <math.h>
#include <stdbool.h>

#include "run/run.h"
#include "workload/demand.h"
#include "workload/ring.h"
#include "workload/rows.h"

#define CHURN_BATCH   32u
#define CHURN_ROUND   64u // between two looks at the clock and into the mailbox
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

struct churn_draw {
    struct slot *slot;
    uint64_t number; // the random one that chose it
};

struct churn_batch {
    unsigned frees, hands, fills; // the sum is the number of draws
    struct slot *free[CHURN_BATCH];
    struct slot *hand[CHURN_BATCH];
    struct churn_draw fill[CHURN_BATCH];
};

// One random number serves slot and size: the high half of random * slots is the slot, the low
// half, its rest, is as good as a fresh number below 2^64.
static inline uint64_t churn_rest(const struct churn *churn, uint64_t number)
{
    return number * churn->slots;
}

// Draws `draws` slots. Every list is written and one of them grows: nothing here could be predicted
// wrongly. `sharing` is a constant for the compiler: where nothing is handed over there are two
// lists.
static OP_INLINE void churn_draw(struct worker *worker, const struct churn *churn,
                                 struct slot *slots, unsigned draws, bool sharing,
                                 struct churn_batch *batch)
{
    struct random random = worker->random;
    uint64_t count = churn->slots;
    unsigned frees = 0, hands = 0;
    for (unsigned i = 0; i < draws; i++) {
        uint64_t number = random_next(&random);
        struct slot *slot = &slots[(uint64_t)(((unsigned __int128)number * count) >> 64)];
        bool held = slot->size != 0;
        batch->fill[i - frees - hands] = (struct churn_draw){slot, number};
        batch->free[frees] = slot;
        if (sharing) {
            bool away = held & (churn_rest(churn, number) < churn->remote);
            batch->hand[hands] = slot;
            hands += away;
            frees += held ^ away;
        } else {
            frees += held;
        }
    }
    worker->random = random;
    batch->frees = frees;
    batch->hands = hands;
    batch->fills = draws - frees - hands;
}

static OP_INLINE void churn_fill(struct worker *worker, const struct churn *churn,
                                 struct slot *slot, uint64_t number)
{
    op_alloc(worker, slot, distribution_draw(churn->sizes, churn_rest(churn, number)), 0);
}

// What a list says of a slot that the batch has changed since it was drawn does not hold.
static __attribute__((noinline)) void churn_again(struct worker *worker, struct churn *churn,
                                                  struct slot *slot)
{
    uint64_t number = random_next(&worker->random);
    if (slot->size == 0) {
        churn_fill(worker, churn, slot, number);
    } else if (churn_rest(churn, number) < churn->remote) {
        churn_hand_over(worker, churn, slot);
    } else {
        op_free(worker, slot);
    }
}

static void churn_work_off(struct worker *worker, struct churn *churn,
                           const struct churn_batch *batch)
{
    for (unsigned i = 0; i < batch->frees; i++) {
        if (__builtin_expect(batch->free[i]->size != 0, 1)) {
            op_free(worker, batch->free[i]);
        } else {
            churn_again(worker, churn, batch->free[i]);
        }
    }
    for (unsigned i = 0; i < batch->hands; i++) {
        if (__builtin_expect(batch->hand[i]->size != 0, 1)) {
            churn_hand_over(worker, churn, batch->hand[i]);
        } else {
            churn_again(worker, churn, batch->hand[i]);
        }
    }
    for (unsigned i = 0; i < batch->fills; i++) {
        const struct churn_draw *fill = &batch->fill[i];
        if (__builtin_expect(fill->slot->size == 0, 1)) {
            churn_fill(worker, churn, fill->slot, fill->number);
        } else {
            churn_again(worker, churn, fill->slot);
        }
    }
}

static void churn_work(struct worker *worker)
{
    struct churn *churn = worker->run->shared;
    struct churn_thread *self = &churn->threads[worker->number];
    struct churn_batch batch;
    uint64_t round;
    do {
        round = worker->budget < CHURN_ROUND ? worker->budget : CHURN_ROUND;
        for (uint64_t left = round; left > 0;) {
            unsigned draws = left < CHURN_BATCH ? (unsigned)left : CHURN_BATCH;
            if (churn->remote == 0) {
                churn_draw(worker, churn, self->slots, draws, false, &batch);
            } else {
                churn_draw(worker, churn, self->slots, draws, true, &batch);
            }
            churn_work_off(worker, churn, &batch);
            left -= draws;
        }
        churn_empty_inbox(worker, self);
    } while (!worker_stop(worker, round));
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
    .help = "each thread frees or fills random slots of its own, in batches of 32, frees first",
    .class = WORKLOAD_SERVER,
    .version = 2,
    .keys = churn_keys,
    .validate = churn_validate,
    .demand = churn_demand,
    .open = churn_open,
    .work = churn_work,
    .close = churn_close,
};
