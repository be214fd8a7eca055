// SPDX-License-Identifier: MIT
//
// test_conformance.c - every policy under 2, 4 and 8 threads, with thread caches and without.
//
// Workers allocate, stamp, check, resize and release blocks of one space, and mail them to each
// other, so that many are released by a thread that did not allocate them. Each opens spaces of its
// own as well and closes them with blocks in them. Halfway they end, with full magazines, and
// others take over what they held. Meanwhile one thread checks the invariants, walks the map and
// takes snapshots, and moves blocks together where the policy can. Afterwards nothing is lost.

#include "support/policies.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    WORKERS_MOST = 8,
    SLOTS = 24,
    BOXES = 16,
    OWN = 10,
    GENERATIONS = 2,              // threads that one worker is, one after the other
    OPS = 6000 / MEMS_TEST_SCALE, // of all workers together, a generation
};

struct parcel {
    bool full;
    mems_addr addr;
    uint64_t size, seed;
};

struct box {
    pthread_mutex_t mutex;
    struct parcel parcel;
};

struct party {
    struct policy_stage *stage;
    unsigned workers;
    struct box boxes[BOXES];
    atomic_bool over;
    atomic_ullong allocs, releases, refusals; // in the shared space
};

struct worker {
    struct party *party;
    uint64_t random;
    struct parcel slots[SLOTS];
};

static unsigned worker_count;
static uint64_t seed_of_run;

static uint64_t draw_size(struct worker *worker)
{
    uint64_t largest = worker->party->stage->it->largest;
    switch (test_below(&worker->random, 24)) {
    case 0:
        return 1 + test_below(&worker->random, largest < 30000 ? largest : 30000);
    case 1:
    case 2:
        return 1 + test_below(&worker->random, largest < 6000 ? largest : 6000);
    default:
        return 1 + test_below(&worker->random, 200);
    }
}

static bool fill(struct worker *worker, struct mems_space *space, struct parcel *parcel)
{
    uint64_t align = test_below(&worker->random, 8) == 0 ? 16 : 0;
    parcel->size = draw_size(worker);
    parcel->seed = test_random(&worker->random);
    int error = mems_alloc(space, parcel->size, align, &parcel->addr);
    stage_require(worker->party->stage, error == 0 || error == ENOMEM, "alloc of %" PRIu64 ": %s",
                  parcel->size, strerror(error));
    parcel->full = error == 0;
    if (parcel->full && parcel->size % 2 == 0) {
        access_stamp(space, parcel->addr, parcel->size, parcel->seed);
    } else if (parcel->full) {
        access_stamp_spans(space, parcel->addr, parcel->size, parcel->seed);
    }
    return parcel->full;
}

static void empty(struct party *party, struct mems_space *space, struct parcel *parcel)
{
    access_stamped(space, parcel->addr, parcel->size, parcel->seed);
    stage_release(party->stage, space, parcel->addr);
    parcel->full = false;
}

static void resize(struct worker *worker, struct mems_space *space, struct parcel *parcel)
{
    uint64_t size = draw_size(worker);
    int error = mems_resize(space, &parcel->addr, size);
    stage_require(worker->party->stage, error == 0 || (error == ENOMEM && size > parcel->size),
                  "resize of %" PRIu64 " to %" PRIu64 ": %s", parcel->size, size, strerror(error));
    uint64_t now = error == 0 ? size : parcel->size;
    access_stamped(space, parcel->addr, now < parcel->size ? now : parcel->size, parcel->seed);
    parcel->size = now;
    access_stamp(space, parcel->addr, parcel->size, parcel->seed);
}

static void swap_mail(struct worker *worker, struct parcel *parcel)
{
    struct box *box = &worker->party->boxes[test_below(&worker->random, BOXES)];
    pthread_mutex_lock(&box->mutex);
    struct parcel other = box->parcel;
    box->parcel = *parcel;
    pthread_mutex_unlock(&box->mutex);
    *parcel = other;
}

static void step(struct worker *worker)
{
    struct party *party = worker->party;
    struct parcel *parcel = &worker->slots[test_below(&worker->random, SLOTS)];
    struct mems_space *space = party->stage->space;
    uint64_t choice = test_below(&worker->random, 20);
    if (choice < 5) {
        swap_mail(worker, parcel);
    } else if (!parcel->full) {
        atomic_fetch_add(fill(worker, space, parcel) ? &party->allocs : &party->refusals, 1);
    } else if (choice < 8) {
        resize(worker, space, parcel);
    } else if (choice < 12) {
        access_stamped_spans(space, parcel->addr, parcel->size, parcel->seed);
    } else {
        empty(party, space, parcel);
        atomic_fetch_add(&party->releases, 1);
    }
}

// A space of the worker's own, closed with what is left in it.
static void visit_own_space(struct worker *worker)
{
    struct parcel own[OWN] = {{.full = false}};
    struct mems_space *space = test_space(worker->party->stage->engine);
    uint64_t live = 0, requested = 0;
    for (unsigned i = 0; i < 3 * OWN; i++) {
        struct parcel *parcel = &own[test_below(&worker->random, OWN)];
        if (!parcel->full) {
            fill(worker, space, parcel);
        } else if (i % 3 == 0) {
            resize(worker, space, parcel);
        } else {
            empty(worker->party, space, parcel);
        }
    }
    for (unsigned i = 0; i < OWN; i++) {
        live += own[i].full;
        requested += own[i].full ? own[i].size : 0;
    }
    struct mems_space_stats stats;
    int error = mems_space_snapshot(space, &stats);
    stage_require(worker->party->stage,
                  error == 0 && stats.live_blocks == live && stats.requested_bytes == requested,
                  "%" PRIu64 " blocks of %" PRIu64 " bytes, should be %" PRIu64 " of %" PRIu64,
                  stats.live_blocks, stats.requested_bytes, live, requested);
    mems_space_close(space);
}

static void *work(void *arg)
{
    struct worker *worker = arg;
    unsigned ops = OPS / worker->party->workers;
    for (unsigned i = 0; i < ops; i++) {
        step(worker);
        if (i % 256 == 100) {
            visit_own_space(worker);
        }
    }
    return NULL;
}

static int see_piece(const struct mems_extent *piece, void *arg)
{
    struct mems_extent *last = arg;
    if (piece->absent) {
        return 0;
    }
    bool after = piece->arena > last->arena ||
                 (piece->arena == last->arena && piece->region > last->region) ||
                 (piece->arena == last->arena && piece->region == last->region &&
                  piece->offset >= last->offset + last->size);
    test_require(piece->size > 0 && (last->size == 0 || after),
                 "the walk goes from %u.%u+%" PRIu64 " (%" PRIu64 ") to %u.%u+%" PRIu64,
                 last->arena, last->region, last->offset, last->size, piece->arena, piece->region,
                 piece->offset);
    *last = *piece;
    return 0;
}

static void *inspect(void *arg)
{
    struct party *party = arg;
    struct mems_engine *engine = party->stage->engine;
    int can = (party->stage->it->can & CAN_COMPACT) != 0 ? 0 : ENOTSUP;
    while (!atomic_load(&party->over)) {
        struct mems_violation first = {.invariant = "none", .text = ""};
        struct mems_extent last = {.size = 0};
        struct mems_space_stats stats;
        int error = mems_check(engine, false, &first);
        stage_require(party->stage, error == 0, "%s: %s", first.invariant, first.text);
        error = mems_walk(engine, see_piece, &last);
        error = error != 0 ? error : mems_space_snapshot(party->stage->space, &stats);
        stage_require(party->stage, error == 0, "walk or snapshot: %s", strerror(error));
        test_stats(engine);
        error = mems_compact(engine, NULL);
        stage_require(party->stage, error == can, "compact: %s", strerror(error));
    }
    return NULL;
}

static void start(pthread_t *thread, void *(*run)(void *), void *arg)
{
    int error = pthread_create(thread, NULL, run, arg);
    test_require(error == 0, "pthread_create: %s", strerror(error));
}

static void hold_party(struct party *party, struct worker *workers)
{
    pthread_t inspector, threads[WORKERS_MOST];
    start(&inspector, inspect, party);
    for (unsigned generation = 0; generation < GENERATIONS; generation++) {
        for (size_t i = 0; i < party->workers; i++) {
            start(&threads[i], work, &workers[i]);
        }
        for (size_t i = 0; i < party->workers; i++) {
            pthread_join(threads[i], NULL);
        }
    }
    atomic_store(&party->over, true);
    pthread_join(inspector, NULL);
}

static void clean_up(struct party *party, struct worker *workers)
{
    struct policy_stage *stage = party->stage;
    struct mems_space_stats stats;
    stage_checked(stage);
    assert_int_equal(mems_space_snapshot(stage->space, &stats), 0);
    stage_require(stage,
                  stats.live_blocks == atomic_load(&party->allocs) - atomic_load(&party->releases),
                  "%" PRIu64 " blocks live", stats.live_blocks);
    stage_require(stage, stats.cached_blocks == 0, "threads that ended left %" PRIu64 " blocks",
                  stats.cached_blocks);
    for (size_t i = 0; i < party->workers * SLOTS; i++) {
        struct parcel *parcel = &workers[i / SLOTS].slots[i % SLOTS];
        if (parcel->full) {
            empty(party, stage->space, parcel);
        }
    }
    for (size_t i = 0; i < BOXES; i++) {
        if (party->boxes[i].parcel.full) {
            empty(party, stage->space, &party->boxes[i].parcel);
        }
        pthread_mutex_destroy(&party->boxes[i].mutex);
    }
}

static void run(struct policy_stage *stage)
{
    static struct party party;
    static struct worker workers[WORKERS_MOST];
    struct mems_stats before = test_stats(stage->engine);
    memset(&party, 0, sizeof party);
    memset(workers, 0, sizeof workers);
    party.stage = stage;
    party.workers = worker_count;
    for (size_t i = 0; i < BOXES; i++) {
        pthread_mutex_init(&party.boxes[i].mutex, NULL);
    }
    for (size_t i = 0; i < WORKERS_MOST; i++) {
        workers[i].party = &party;
        workers[i].random = seed_of_run++;
    }
    hold_party(&party, workers);
    clean_up(&party, workers);
    struct mems_stats after = test_stats(stage->engine);
    stage_require(stage, after.misuses == 0, "%" PRIu64 " misuses", after.misuses);
    stage_empty(stage, &before);
}

static void test_threads(unsigned count)
{
    worker_count = count;
    seed_of_run = test_seed();
    policies_each(run);
}

static void test_two(void **state)
{
    (void)state;
    test_threads(2);
}

static void test_four(void **state)
{
    (void)state;
    test_threads(4);
}

static void test_eight(void **state)
{
    (void)state;
    test_threads(8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two),
        cmocka_unit_test(test_four),
        cmocka_unit_test(test_eight),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
