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
// 3. Lifetimes. With lifetime= a block that is allocated in a thread's n-th operation is due in
//    operation n + L, L drawn from the distribution. Each operation frees the block that is due
//    longest, or allocates where none is due; so half of the operations are allocations, and by
//    Little's law half the mean lifetime is how many live on average. Deaths wait in a heap
//    (agenda.h). Where all slots are held the next block to die goes early.
// 4. Hand-over. A share of the frees is done by the next thread (handover.h), which looks into its
//    mailbox every CHURN_ROUND operations.
// 5. Rewriting. Between two rounds `rewrites` blocks that are held may be read and written, byte by
//    byte, within one access section each, and left as they were: who moves memory meanwhile and
//    loses a write leaves bytes that were never their owner's.
// 6. Determinism. What a thread allocates, frees and hands over depends on the seed alone. When
//    the frees that it does for others come between depends on the schedule.

#include <errno.h>
#include <math.h>
#include <stdbool.h>

#include "run/run.h"
#include "workload/agenda.h"
#include "workload/demand.h"
#include "workload/handover.h"
#include "workload/rows.h"

#define CHURN_BATCH 32u
#define CHURN_ROUND 64u // between two looks at the clock and into the mailbox

struct churn_thread {
    struct slot *slots;
    struct handover mail;
    // with lifetimes
    struct agenda deaths; // of the slots that are held
    uint64_t *empty;      // numbers of the others: the last is taken first
    uint64_t now;         // operations so far
};

struct churn {
    const struct distribution *sizes;
    const struct distribution *lifetimes; // NULL: none
    uint64_t slots;                       // of each thread
    uint64_t remote;                      // a free whose random number is below is handed over
    uint64_t rewrites;                    // in a round
    struct churn_thread *threads;
};

static const struct job_key churn_keys[] = {
    {.name = "slots",
     .kind = JOB_NUMBER,
     .least = 1,
     .most = 100000000,
     .values = "1 .. 100M",
     .standard = "1000",
     .help = "places for a block in each thread; half of them are held on average (with lifetime: "
             "the most it can hold)"},
    {.name = "lifetime",
     .kind = JOB_DISTRIBUTION,
     .least = 1,
     .most = 1e9,
     .values = "a distribution as for size, in operations of the thread; empty: random slots are "
               "turned over",
     .standard = "",
     .help = "how long a block lives; half of the mean is how many live in each thread"},
    {.name = "remote_share",
     .kind = JOB_REAL,
     .least = 0,
     .most = 1,
     .values = "0 .. 1",
     .standard = "0",
     .help = "share of the frees that is done by the next thread (two threads or more)"},
    {.name = "rewrites",
     .kind = JOB_NUMBER,
     .least = 0,
     .most = 1000,
     .values = "0 .. 1000",
     .standard = "0",
     .help =
         "random slots looked at in every 64 operations: the bytes of a block there are written, "
         "and then once more, as they were"},
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
    const struct distribution *lifetimes = job_value(section, "lifetime")->distribution;
    double threads = (double)job_number(section, "threads");
    double slots = threads * (double)job_number(section, "slots");
    double live;
    if (lifetimes == NULL) {
        // Held slots are binomial with p = 1/2: five spreads on top.
        live = fmin(slots, slots / 2 + 2.5 * sqrt(slots) + 1);
    } else {
        // At first every operation allocates, so that the whole mean can live, not half of it. Each
        // block of the last operations does so or not by itself: a variance below the mean.
        double mean = threads * distribution_mean(lifetimes);
        live = fmin(slots, mean + 5 * sqrt(mean) + threads);
    }
    if (job_real(section, "remote_share") > 0) {
        live += threads * HANDOVER_ROOM; // the mailboxes may be full
    }
    demand_add(demand, job_value(section, "size")->distribution, live);
    return 0;
}

static void churn_thread_open(struct churn *churn, unsigned number)
{
    struct churn_thread *thread = &churn->threads[number];
    handover_init(&thread->mail);
    thread->slots = run_map(churn->slots * sizeof(struct slot));
    for (uint64_t i = 0; i < churn->slots; i++) {
        thread->slots[i].id = (uint32_t)(number * churn->slots + i);
    }
    if (churn->lifetimes != NULL) {
        thread->deaths.entries = run_map(churn->slots * sizeof(struct agenda_entry));
        thread->empty = run_map(churn->slots * sizeof(uint64_t));
        for (uint64_t i = 0; i < churn->slots; i++) {
            thread->empty[i] = churn->slots - 1 - i;
        }
    }
}

static int churn_open(struct run *run, struct complaint *complaint)
{
    (void)complaint;
    struct churn *churn = run_map(sizeof(*churn));
    churn->sizes = job_value(run->section, "size")->distribution;
    churn->lifetimes = job_value(run->section, "lifetime")->distribution;
    churn->slots = job_number(run->section, "slots");
    double share = job_real(run->section, "remote_share");
    churn->remote = share >= 1 ? UINT64_MAX : (uint64_t)(share * 0x1p64);
    churn->rewrites = job_number(run->section, "rewrites");
    churn->threads = run_map(run->threads * sizeof(churn->threads[0]));
    for (unsigned i = 0; i < run->threads; i++) {
        churn_thread_open(churn, i);
    }
    run->shared = churn;
    return 0;
}

static struct churn_thread *churn_next(const struct worker *worker, const struct churn *churn)
{
    return &churn->threads[(worker->number + 1) % worker->run->threads];
}

static void churn_hand_over(struct worker *worker, struct churn *churn, struct slot *slot)
{
    struct churn_thread *self = &churn->threads[worker->number];
    handover_give(worker, &self->mail, &churn_next(worker, churn)->mail, slot);
}

// Lists and their lengths.
struct churn_batch {
    size_t frees, hands, fills;
    struct slot *free[CHURN_BATCH];
    struct slot *hand[CHURN_BATCH];
    struct slot *fill[CHURN_BATCH];
    uint64_t rest[CHURN_BATCH]; // of the number that chose fill[i]
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
    size_t frees = 0, hands = 0, fills = 0;
    for (unsigned i = 0; i < draws; i++) {
        uint64_t at;
        uint64_t rest = random_multiply(random_next(&random), count, &at);
        struct slot *slot = &slots[at];
        uint64_t size = slot->size;
        batch->fill[fills] = slot;
        batch->rest[fills] = rest;
        batch->free[frees] = slot;
        fills += size < 1; // as a comparison with 1 it is added by the carry
        if (sharing) {
            bool held = size != 0;
            bool away = held & (rest < churn->remote);
            batch->hand[hands] = slot;
            hands += away;
            frees += held ^ away;
        } else {
            frees += size >= 1;
        }
    }
    worker->random = random;
    batch->frees = frees;
    batch->hands = hands;
    batch->fills = fills;
}

static OP_INLINE void churn_fill(struct worker *worker, const struct churn *churn,
                                 struct slot *slot, uint64_t rest)
{
    op_alloc(worker, slot, distribution_draw(churn->sizes, rest), 0);
}

// What a list says of a slot that the batch has changed since it was drawn does not hold.
static __attribute__((noinline)) void churn_again(struct worker *worker, struct churn *churn,
                                                  struct slot *slot)
{
    uint64_t rest = churn_rest(churn, random_next(&worker->random));
    if (slot->size == 0) {
        churn_fill(worker, churn, slot, rest);
    } else if (rest < churn->remote) {
        churn_hand_over(worker, churn, slot);
    } else {
        op_free(worker, slot);
    }
}

// `sizes` by value: what its kind is, is then known where this is inlined.
static OP_INLINE void churn_fill_all(struct worker *worker, struct churn *churn,
                                     const struct churn_batch *batch, struct distribution sizes)
{
    for (size_t i = 0; i < batch->fills; i++) {
        struct slot *slot = batch->fill[i];
        if (__builtin_expect(slot->size == 0, 1)) {
            op_alloc(worker, slot, distribution_draw(&sizes, batch->rest[i]), 0);
        } else {
            churn_again(worker, churn, slot);
        }
    }
}

static void churn_work_off(struct worker *worker, struct churn *churn,
                           const struct churn_batch *batch)
{
    for (size_t i = 0; i < batch->frees; i++) {
        struct slot *slot = batch->free[i];
        if (__builtin_expect(slot->size != 0, 1)) {
            op_free(worker, slot);
        } else {
            churn_again(worker, churn, slot);
        }
    }
    for (size_t i = 0; i < batch->hands; i++) {
        struct slot *slot = batch->hand[i];
        if (__builtin_expect(slot->size != 0, 1)) {
            churn_hand_over(worker, churn, slot);
        } else {
            churn_again(worker, churn, slot);
        }
    }
    if (churn->sizes->columns == NULL) {
        churn_fill_all(worker, churn, batch, *churn->sizes);
    } else {
        churn_fill_all(worker, churn, batch, *churn->sizes);
    }
}

// A round of random slots.
static void churn_turn_over(struct worker *worker, struct churn *churn, uint64_t round)
{
    struct churn_thread *self = &churn->threads[worker->number];
    struct churn_batch batch;
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
}

// A round of births and deaths.
static void churn_live(struct worker *worker, struct churn *churn, uint64_t round)
{
    struct churn_thread *self = &churn->threads[worker->number];
    for (uint64_t i = 0; i < round; i++, self->now++) {
        if (agenda_is_due(&self->deaths, self->now) || self->deaths.count == churn->slots) {
            uint64_t number = agenda_take(&self->deaths).what;
            self->empty[churn->slots - 1 - self->deaths.count] = number;
            bool away = churn->remote != 0 && random_next(&worker->random) < churn->remote;
            if (away) {
                churn_hand_over(worker, churn, &self->slots[number]);
            } else {
                op_free(worker, &self->slots[number]);
            }
            continue;
        }
        uint64_t number = self->empty[churn->slots - 1 - self->deaths.count];
        uint64_t lifetime = distribution_draw(churn->lifetimes, random_next(&worker->random));
        size_t size = distribution_draw(churn->sizes, random_next(&worker->random));
        if (op_alloc(worker, &self->slots[number], size, 0) == 0) {
            agenda_put(&self->deaths, self->now + lifetime, number);
        }
    }
}

static void churn_rewrite(struct worker *worker, struct churn *churn)
{
    struct churn_thread *self = &churn->threads[worker->number];
    for (uint64_t i = 0; i < churn->rewrites; i++) {
        uint64_t at;
        (void)random_multiply(random_next(&worker->random), churn->slots, &at);
        if (self->slots[at].size != 0) {
            op_rewrite(worker, &self->slots[at], 1);
        }
    }
}

static void churn_work(struct worker *worker)
{
    struct churn *churn = worker->run->shared;
    struct churn_thread *self = &churn->threads[worker->number];
    uint64_t round;
    do {
        round = worker->budget < CHURN_ROUND ? worker->budget : CHURN_ROUND;
        if (churn->lifetimes != NULL) {
            churn_live(worker, churn, round);
        } else {
            churn_turn_over(worker, churn, round);
        }
        churn_rewrite(worker, churn);
        handover_empty(worker, &self->mail);
    } while (!worker_stop(worker, round));
    handover_end(worker, &self->mail, &churn_next(worker, churn)->mail);
}

static void churn_close(struct run *run)
{
    struct churn *churn = run->shared;
    for (unsigned i = 0; i < run->threads; i++) {
        handover_empty(&run->workers[i], &churn->threads[i].mail);
        for (uint64_t j = 0; j < churn->slots; j++) {
            if (churn->threads[i].slots[j].size > 0) {
                op_free(&run->workers[i], &churn->threads[i].slots[j]);
            }
        }
    }
}

const struct workload workload_churn = {
    .name = "churn",
    .help = "each thread frees or fills random slots of its own, in batches of 32, frees first; or "
            "gives each block a lifetime",
    .class = WORKLOAD_SERVER,
    .version = 3,
    .keys = churn_keys,
    .validate = churn_validate,
    .demand = churn_demand,
    .open = churn_open,
    .work = churn_work,
    .close = churn_close,
};
