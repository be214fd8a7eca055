// SPDX-License-Identifier: MIT
//
// test_engine.c - many threads in one engine, for every fit, with and without caches and arenas.
//
// Workers allocate, stamp, check, resize and release blocks of a shared space, and mail some to
// each other, so that they are released by a thread that did not allocate them. Each opens spaces
// of its own as well and closes them with blocks still in them. Threads end and are replaced; the
// successor inherits the slots. Meanwhile an inspector checks the invariants, walks the map and
// takes snapshots. Afterwards nothing may be live, cached or lost.

#include "support/engine.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    WORKERS = 4,
    SLOTS = 48,
    BOXES = 64,
    OWN = 32,        // most blocks in a worker's own space
    GENERATIONS = 3, // threads that one worker is, one after the other
    OPS = 6000 / MEMS_TEST_SCALE,
};

struct scenario {
    const char *policy;
    const char *options;
    uint64_t most;
};

static const struct scenario SCENARIOS[] = {
    {"dynamic", "fit=first,arenas=1,thread_cache=no", 800},
    {"dynamic", "fit=next,arenas=1,thread_cache=no", 800},
    {"dynamic", "fit=best,arenas=1,thread_cache=no", 800},
    {"dynamic", "fit=worst,arenas=1,thread_cache=no", 800},
    {"dynamic", "fit=first,arenas=1,thread_cache=yes", 800},
    {"dynamic", "fit=next,arenas=1,thread_cache=yes", 3000},
    {"dynamic", "fit=best,arenas=1,thread_cache=yes", 300},
    {"dynamic", "fit=worst,arenas=1,thread_cache=yes", 800},
    {"dynamic", "fit=first,arenas=4,thread_cache=no", 800},
    {"dynamic", "fit=next,arenas=4,thread_cache=no,region=16Ki", 6000},
    {"dynamic", "fit=best,arenas=4,thread_cache=no", 800},
    {"dynamic", "fit=worst,arenas=4,thread_cache=no", 800},
    {"dynamic", "fit=first,arenas=4,thread_cache=yes", 800},
    {"dynamic", "fit=next,arenas=4,thread_cache=yes", 200},
    {"dynamic", "fit=best,arenas=4,thread_cache=yes,region=8Ki", 2000},
    {"dynamic", "fit=worst,arenas=4,thread_cache=yes", 800},
    {"dynamic", "fit=first,capacity=64Ki,thread_cache=yes", 500}, // often full
    {"dynamic", "fit=best,capacity=64Ki,thread_cache=no", 500},
    {"dynamic", "fit=first,addresses=flat,thread_cache=no", 600},
    {"dynamic", "fit=next,addresses=flat,region=4Ki", 600},
    {"dynamic", "fit=first,arenas=4,cache_blocks=1", 600},
    {"dynamic", "fit=buddy,arenas=1,thread_cache=no,region=16Ki", 3000}, // regions come and go
    {"dynamic", "fit=buddy,arenas=4,thread_cache=yes,coalesce=deferred", 800},
    {"dynamic", "fit=buddy,capacity=100Ki,thread_cache=yes", 500},
    {"dynamic", "fit=tlsf,arenas=1,thread_cache=no", 800},
    {"dynamic", "fit=tlsf,arenas=4,thread_cache=yes,region=8Ki,min_block=128", 2000},
    {"dynamic", "fit=tlsf,arenas=1,coalesce=deferred,region=16Ki", 800},
    {"dynamic", "fit=first,arenas=2,thread_cache=no,region=4Ki", 3000},
    {"dynamic", "fit=first,arenas=1,thread_cache=no,coalesce=deferred,region=8Ki", 800},
    {"dynamic", "fit=best,arenas=4,thread_cache=yes,coalesce=deferred,min_block=256", 800},
    {"fixed", "partitions=64x150,256x100,1Kix60,thread_cache=no", 1024},
    {"fixed", "partitions=64x150,256x100,1Kix60,queue=size,thread_cache=yes", 1024},
    {"slab", "thread_cache=no", 3000},
    {"slab", "thread_cache=yes", 20000},
    {"slab", "thread_cache=yes,region=64Ki", 6000},   // regions come and go
    {"slab", "capacity=384Ki,thread_cache=no", 1000}, // often full
    {"slab", "capacity=1Mi,thread_cache=yes", 1000},
    {"segmentation", "thread_cache=no", 800},
    {"segmentation", "fit=best,arenas=4,thread_cache=yes", 800},
    {"segmentation", "capacity=64Ki,compact_after=10,mover=yes", 500},
    {"dynamic", "movable=yes,capacity=64Ki,compact_after=10,thread_cache=yes", 500},
    {"paging", "page=1Ki,frames=700,thread_cache=no", 1024},
    {"paging", "page=4Ki,frames=500,arenas=4,frame_cache=8", 3000},
    {"paging", "page=1Ki,frames=100,arenas=2,thread_cache=yes", 1000}, // often full
};

struct parcel {
    bool full;
    mems_addr addr;
    uint64_t size;
    uint64_t seed;
};

struct box {
    pthread_mutex_t mutex;
    struct parcel parcel;
};

struct party {
    const struct scenario *scenario;
    struct mems_engine *engine;
    struct mems_space *shared;
    struct box boxes[BOXES];
    atomic_bool over;
};

struct worker {
    struct party *party;
    uint64_t random;
    struct parcel slots[SLOTS];
};

#define party_require(party, condition, ...)                                                       \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s(%s): ", (party)->scenario->policy, (party)->scenario->options);    \
            test_require(condition, __VA_ARGS__);                                                  \
        }                                                                                          \
    } while (0)

static uint64_t draw_size(struct worker *worker)
{
    uint64_t most = test_below(&worker->random, 6) == 0 ? worker->party->scenario->most : 100;
    return 1 + test_below(&worker->random, most);
}

static void fill(struct worker *worker, struct mems_space *space, struct parcel *parcel)
{
    parcel->size = draw_size(worker);
    parcel->seed = test_random(&worker->random);
    int error = mems_alloc(space, parcel->size, 0, &parcel->addr);
    party_require(worker->party, error == 0 || error == ENOMEM, "alloc of %" PRIu64 ": %s",
                  parcel->size, strerror(error));
    parcel->full = error == 0;
    if (parcel->full) {
        test_stamp(space, parcel->addr, parcel->size, parcel->seed);
    }
}

static void empty(struct party *party, struct mems_space *space, struct parcel *parcel)
{
    test_stamped(space, parcel->addr, parcel->size, parcel->seed);
    int error = mems_release(space, parcel->addr);
    party_require(party, error == 0, "release of %#" PRIx64 ": %s", parcel->addr, strerror(error));
    parcel->full = false;
}

static void resize(struct worker *worker, struct mems_space *space, struct parcel *parcel)
{
    uint64_t size = draw_size(worker);
    int error = mems_resize(space, &parcel->addr, size);
    party_require(worker->party, error == 0 || error == ENOMEM, "resize to %" PRIu64 ": %s", size,
                  strerror(error));
    uint64_t now = error == 0 ? size : parcel->size;
    test_stamped(space, parcel->addr, now < parcel->size ? now : parcel->size, parcel->seed);
    parcel->size = now;
    test_stamp(space, parcel->addr, parcel->size, parcel->seed);
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
    struct parcel *parcel = &worker->slots[test_below(&worker->random, SLOTS)];
    struct mems_space *shared = worker->party->shared;
    uint64_t choice = test_below(&worker->random, 10);
    if (choice < 3) {
        swap_mail(worker, parcel);
    } else if (!parcel->full) {
        fill(worker, shared, parcel);
    } else if (choice < 5) {
        resize(worker, shared, parcel);
    } else if (choice < 6) {
        test_stamped(shared, parcel->addr, parcel->size, parcel->seed);
    } else {
        empty(worker->party, shared, parcel);
    }
}

// A space of the worker's own, closed with what is left in it.
static void visit_own_space(struct worker *worker)
{
    struct parcel own[OWN] = {{false, 0, 0, 0}};
    if (strstr(worker->party->scenario->options, "flat") != NULL) {
        return; // such an engine has one space only
    }
    struct mems_space *space = test_space(worker->party->engine);
    for (unsigned i = 0; i < 2 * OWN; i++) {
        struct parcel *parcel = &own[test_below(&worker->random, OWN)];
        if (!parcel->full) {
            fill(worker, space, parcel);
        } else if (i % 3 == 0) {
            resize(worker, space, parcel);
        } else {
            empty(worker->party, space, parcel);
        }
    }
    mems_space_close(space);
}

static void *work(void *arg)
{
    struct worker *worker = arg;
    for (unsigned i = 0; i < OPS; i++) {
        step(worker);
        if (i % 200 == 100) {
            visit_own_space(worker);
        }
    }
    return NULL;
}

// A thread whose first and only operations release what others allocated.
static void *sweep(void *arg)
{
    struct party *party = arg;
    for (unsigned i = 0; i < BOXES; i += 2) {
        struct box *box = &party->boxes[i];
        pthread_mutex_lock(&box->mutex);
        struct parcel parcel = box->parcel;
        box->parcel.full = false;
        pthread_mutex_unlock(&box->mutex);
        if (parcel.full) {
            empty(party, party->shared, &parcel);
        }
    }
    return NULL;
}

static int see_piece(const struct mems_extent *extent, void *arg)
{
    struct mems_extent *last = arg;
    if (last->size != 0) {
        bool after = extent->arena > last->arena ||
                     (extent->arena == last->arena && extent->region > last->region) ||
                     (extent->arena == last->arena && extent->region == last->region &&
                      extent->offset > last->offset);
        test_require(after, "the walk goes from %u.%u+%" PRIu64 " to %u.%u+%" PRIu64, last->arena,
                     last->region, last->offset, extent->arena, extent->region, extent->offset);
    }
    test_require(extent->size > 0, "an empty piece");
    *last = *extent;
    return 0;
}

static void *inspect(void *arg)
{
    struct party *party = arg;
    while (!atomic_load(&party->over)) {
        test_checked(party->engine, false);
        struct mems_extent last = {.size = 0};
        party_require(party, mems_walk(party->engine, see_piece, &last) == 0, "walk");
        test_stats(party->engine);
        struct mems_lock_stats lock;
        for (size_t i = 0; mems_lock_at(party->engine, i, &lock) == 0; i++) {
            party_require(party, lock.acquisitions >= lock.contended, "lock %s", lock.name);
        }
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
    pthread_t inspector;
    start(&inspector, inspect, party);
    for (unsigned generation = 0; generation < GENERATIONS; generation++) {
        pthread_t threads[WORKERS], sweeper;
        for (size_t i = 0; i < WORKERS; i++) {
            start(&threads[i], work, &workers[i]);
        }
        start(&sweeper, sweep, party);
        pthread_join(sweeper, NULL);
        for (size_t i = 0; i < WORKERS; i++) {
            pthread_join(threads[i], NULL);
        }
    }
    atomic_store(&party->over, true);
    pthread_join(inspector, NULL);
}

static void clean_up(struct party *party, struct worker *workers)
{
    test_checked(party->engine, true);
    test_conserved(party->engine);
    for (size_t i = 0; i < WORKERS; i++) {
        for (size_t s = 0; s < SLOTS; s++) {
            if (workers[i].slots[s].full) {
                empty(party, party->shared, &workers[i].slots[s]);
            }
        }
    }
    for (size_t i = 0; i < BOXES; i++) {
        if (party->boxes[i].parcel.full) {
            empty(party, party->shared, &party->boxes[i].parcel);
        }
        pthread_mutex_destroy(&party->boxes[i].mutex);
    }
    mems_thread_flush();
    test_checked(party->engine, true);
    test_conserved(party->engine);
    struct mems_stats stats = test_stats(party->engine);
    party_require(party, stats.live_blocks == 0 && stats.block_bytes == 0, "%" PRIu64 " live",
                  stats.live_blocks);
    party_require(party, stats.cached_blocks == 0 && stats.cached_bytes == 0, "%" PRIu64 " cached",
                  stats.cached_blocks);
    party_require(party, stats.misuses == 0, "%" PRIu64 " misuses", stats.misuses);
}

static void run_scenario(const struct scenario *scenario, uint64_t seed)
{
    static struct party party;
    static struct worker workers[WORKERS];
    memset(&party, 0, sizeof party);
    memset(workers, 0, sizeof workers);
    party.scenario = scenario;
    party.engine = test_engine(scenario->policy, scenario->options);
    party.shared = test_space(party.engine);
    for (size_t i = 0; i < BOXES; i++) {
        pthread_mutex_init(&party.boxes[i].mutex, NULL);
    }
    for (size_t i = 0; i < WORKERS; i++) {
        workers[i].party = &party;
        workers[i].random = seed + i;
    }
    hold_party(&party, workers);
    clean_up(&party, workers);
    mems_space_close(party.shared);
    mems_engine_close(party.engine);
}

static void test_party(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    for (size_t i = 0; i < sizeof SCENARIOS / sizeof SCENARIOS[0]; i++) {
        run_scenario(&SCENARIOS[i], seed + 100 * i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_party)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
