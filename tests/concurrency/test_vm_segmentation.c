// SPDX-License-Identifier: MIT
//
// test_vm_segmentation.c - many threads use four times as much as memory holds.
//
// Workers allocate, stamp, check, resize and release segments of a shared space and mail some to
// each other, so that others release them. All of them add to counters in segments that nobody
// releases: an eviction that overlooks an access loses an addition. Spaces come and go with
// segments in memory and on swap. Meanwhile an inspector checks invariants, walks and takes
// snapshots. Afterwards every stamp and every counter is right, and nothing is left.

#include "support/engine.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    WORKERS_MOST = 16,
    SLOTS = 512, // in all
    COUNTERS = 64,
    OWN = 24, // most segments in a worker's own space
    OPS = 32000 / MEMS_TEST_SCALE,
};

struct scenario {
    const char *options;
    unsigned workers;
    uint64_t most;
};

// About 512 / 2 segments of most / 4 bytes on average are live, and 64 counters of 512.
static const struct scenario SCENARIOS[] = {
    {"capacity=64Ki,swap=4Mi,thread_cache=no,replacement=fifo", 2, 4000},
    {"capacity=64Ki,swap=4Mi,thread_cache=no,replacement=second-chance,fit=best", 2, 4000},
    {"capacity=64Ki,swap=4Mi,thread_cache=no,replacement=fifo,fit=next", 16, 4000},
    {"capacity=64Ki,swap=4Mi,thread_cache=no,replacement=second-chance", 16, 4000},
    {"capacity=64Ki,swap=4Mi,thread_cache=no,replacement=clock,fit=worst,granule=256", 16, 4000},
    {"capacity=64Ki,swap=4Mi,thread_cache=no,replacement=random", 16, 4000},
    {"capacity=128Ki,swap=4Mi,thread_cache=yes,cache_blocks=2", 2, 8000},
    {"capacity=128Ki,swap=4Mi,thread_cache=yes,cache_blocks=2,cache_limit=256", 16, 8000},
    {"capacity=64Ki,swap=4Mi,thread_cache=no,compact_after=20,mover=yes,mover_budget=0", 2, 4000},
    {"capacity=64Ki,swap=4Mi,compact_order=top,mover=yes,mover_budget=0", 16, 4000},
    {"paged=yes,page=1Ki,capacity=128Ki,swap=4Mi,active=40,thread_cache=no", 2, 8000},
    {"paged=yes,page=1Ki,capacity=64Ki,swap=4Mi,active=60,thread_cache=no", 16, 4000},
    {"paged=yes,page=1Ki,capacity=64Ki,swap=4Mi,active=40,replacement=lru", 16, 4000},
    {"paged=yes,page=512,capacity=64Ki,swap=4Mi,active=100,replacement=sieve", 16, 4000},
};

struct slot {
    pthread_mutex_t mutex;
    bool full;
    mems_addr addr;
    uint64_t size;
    uint64_t seed;
};

struct party {
    const struct scenario *scenario;
    struct mems_engine *engine;
    struct mems_space *shared;
    struct slot slots[SLOTS];
    mems_addr counters[COUNTERS];
    _Atomic uint64_t added[COUNTERS];
    _Atomic uint64_t own_faults; // of spaces that have closed
    atomic_bool over;
};

struct worker {
    struct party *party;
    uint64_t random;
};

#define party_require(party, condition, ...)                                                       \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s, %u threads: ", (party)->scenario->options,                        \
                    (party)->scenario->workers);                                                   \
            test_require(condition, __VA_ARGS__);                                                  \
        }                                                                                          \
    } while (0)

// A section in which the bytes from `addr` on are there; how many is in *span.
static unsigned char *reach(struct party *party, struct mems_space *space, mems_addr addr,
                            enum mems_access mode, size_t *span)
{
    void *host = NULL;
    mems_access_begin();
    int error = mems_translate(space, addr, mode, &host, span);
    if (error == EAGAIN) {
        mems_access_end();
        error = mems_fault(space, addr, mode);
        party_require(party, error == 0, "fault: %s", strerror(error));
        error = mems_translate(space, addr, mode, &host, span);
    }
    party_require(party, error == 0, "translate: %s", strerror(error));
    return host;
}

static void stamp(struct party *party, struct mems_space *space, const struct slot *slot)
{
    size_t span;
    for (size_t done = 0; done < slot->size; done += span) {
        unsigned char *host = reach(party, space, slot->addr + done, MEMS_WRITE, &span);
        for (size_t i = 0; i < span; i++) {
            host[i] = test_stamp_byte(slot->seed, done + i);
        }
        mems_access_end();
    }
}

static void check(struct party *party, struct mems_space *space, const struct slot *slot,
                  uint64_t size)
{
    size_t span;
    for (size_t done = 0; done < size; done += span) {
        const unsigned char *host = reach(party, space, slot->addr + done, MEMS_READ, &span);
        for (size_t i = 0; i < span && done + i < size; i++) {
            unsigned byte = host[i], written = test_stamp_byte(slot->seed, done + i);
            party_require(party, byte == written,
                          "segment %#" PRIx64 ", %" PRIu64 " bytes: byte %zu is %#x, not %#x",
                          slot->addr, slot->size, done + i, byte, written);
        }
        mems_access_end();
    }
}

static void fill(struct worker *worker, struct mems_space *space, struct slot *slot)
{
    uint64_t most = worker->party->scenario->most;
    slot->size = 1 + test_below(&worker->random, test_below(&worker->random, 8) == 0 ? most : 1800);
    slot->seed = test_random(&worker->random);
    int error = mems_alloc(space, slot->size, 0, &slot->addr);
    party_require(worker->party, error == 0, "alloc of %" PRIu64 ": %s", slot->size,
                  strerror(error));
    slot->full = true;
    stamp(worker->party, space, slot);
}

static void empty(struct party *party, struct mems_space *space, struct slot *slot, bool look)
{
    if (look) { // else one on swap is released there
        check(party, space, slot, slot->size);
    }
    int error = mems_release(space, slot->addr);
    party_require(party, error == 0, "release: %s", strerror(error));
    slot->full = false;
}

static void resize(struct worker *worker, struct mems_space *space, struct slot *slot)
{
    struct party *party = worker->party;
    uint64_t size = 1 + test_below(&worker->random, party->scenario->most);
    int error = mems_resize(space, &slot->addr, size);
    party_require(party, error == 0 || error == ENOMEM, "resize to %" PRIu64 ": %s", size,
                  strerror(error));
    uint64_t now = error == 0 ? size : slot->size;
    check(party, space, slot, now < slot->size ? now : slot->size);
    slot->size = now;
    stamp(party, space, slot);
}

static void add_one(struct worker *worker)
{
    struct party *party = worker->party;
    size_t i = test_below(&worker->random, COUNTERS);
    size_t span;
    unsigned char *host = reach(party, party->shared, party->counters[i], MEMS_WRITE, &span);
    atomic_fetch_add_explicit((_Atomic uint64_t *)(void *)(host + i % 64 * 8), 1,
                              memory_order_relaxed);
    mems_access_end();
    atomic_fetch_add(&party->added[i], 1);
}

static void step(struct worker *worker)
{
    struct party *party = worker->party;
    uint64_t dice = test_below(&worker->random, 100);
    if (dice < 40) {
        add_one(worker);
        return;
    }
    struct slot *slot = &party->slots[test_below(&worker->random, SLOTS)];
    pthread_mutex_lock(&slot->mutex);
    if (!slot->full) {
        fill(worker, party->shared, slot);
    } else if (dice < 60) {
        check(party, party->shared, slot, slot->size);
    } else if (dice < 64) {
        resize(worker, party->shared, slot);
    } else {
        empty(party, party->shared, slot, dice < 90);
    }
    pthread_mutex_unlock(&slot->mutex);
}

// A space of the worker's own, closed with what is left in it, be it on swap.
static void visit_own_space(struct worker *worker)
{
    struct slot own[OWN];
    memset(own, 0, sizeof own);
    struct party *party = worker->party;
    struct mems_space *space = test_space(party->engine);
    for (unsigned i = 0; i < 2 * OWN; i++) {
        struct slot *slot = &own[test_below(&worker->random, OWN)];
        if (!slot->full) {
            fill(worker, space, slot);
        } else {
            empty(party, space, slot, i % 2 == 0);
        }
    }
    struct mems_space_stats stats;
    mems_space_snapshot(space, &stats);
    atomic_fetch_add(&party->own_faults, stats.faults);
    mems_space_close(space);
}

static void *work(void *arg)
{
    struct worker *worker = arg;
    unsigned operations = OPS / worker->party->scenario->workers;
    for (unsigned i = 0; i < operations; i++) {
        step(worker);
        if (i % 500 == 250) {
            visit_own_space(worker);
        }
    }
    return NULL;
}

static int see_piece(const struct mems_extent *extent, void *arg)
{
    uint64_t *memory = arg;
    test_require(extent->size > 0, "an empty piece");
    *memory += extent->absent ? 0 : extent->size;
    return 0;
}

static void *inspect(void *arg)
{
    struct party *party = arg;
    while (!atomic_load(&party->over)) {
        uint64_t memory = 0;
        test_checked(party->engine, false);
        mems_walk(party->engine, see_piece, &memory);
        struct mems_stats stats = test_stats(party->engine);
        party_require(party, memory <= stats.held_bytes, "%" PRIu64 " bytes on the map", memory);
        party_require(party, stats.swap_bytes <= stats.swap_most_bytes, "swap");
        int error = mems_compact(party->engine, NULL);
        party_require(party, error == 0 || error == ENOTSUP, "compact: %s", strerror(error));
    }
    return NULL;
}

static void start(pthread_t *thread, void *(*run)(void *), void *arg)
{
    int error = pthread_create(thread, NULL, run, arg);
    test_require(error == 0, "pthread_create: %s", strerror(error));
}

static void check_counters(struct party *party)
{
    for (size_t i = 0; i < COUNTERS; i++) {
        size_t span;
        unsigned char *host = reach(party, party->shared, party->counters[i], MEMS_READ, &span);
        uint64_t found = *(const uint64_t *)(const void *)(host + i % 64 * 8);
        party_require(party, found == atomic_load(&party->added[i]),
                      "counter %zu: %" PRIu64 " additions of %" PRIu64 " are there", i, found,
                      atomic_load(&party->added[i]));
        mems_access_end();
        int error = mems_release(party->shared, party->counters[i]);
        party_require(party, error == 0, "release: %s", strerror(error));
    }
}

static void clean_up(struct party *party)
{
    test_checked(party->engine, true);
    test_conserved(party->engine);
    check_counters(party);
    for (size_t i = 0; i < SLOTS; i++) {
        if (party->slots[i].full) {
            empty(party, party->shared, &party->slots[i], true);
        }
        pthread_mutex_destroy(&party->slots[i].mutex);
    }
    mems_thread_flush();
    test_checked(party->engine, true);
    test_conserved(party->engine);
    struct mems_stats stats = test_stats(party->engine);
    struct mems_space_stats space;
    mems_space_snapshot(party->shared, &space);
    party_require(party, stats.live_blocks == 0 && stats.cached_blocks == 0,
                  "%" PRIu64 " live, %" PRIu64 " cached", stats.live_blocks, stats.cached_blocks);
    party_require(party,
                  stats.free_bytes == stats.held_bytes && stats.absent_bytes == 0 &&
                      stats.swap_bytes == 0,
                  "%" PRIu64 " free, %" PRIu64 " of swap", stats.free_bytes, stats.swap_bytes);
    party_require(party, stats.misuses == 0, "%" PRIu64 " misuses", stats.misuses);
    party_require(party, stats.moves_tried == stats.moves_done + stats.moves_abandoned,
                  "moves %" PRIu64, stats.moves_tried);
    party_require(party, stats.faults == space.faults + atomic_load(&party->own_faults),
                  "faults %" PRIu64, stats.faults);
    party_require(party, stats.faults > 0, "no faults");
}

static void run_scenario(const struct scenario *scenario, uint64_t seed)
{
    static struct party party;
    static struct worker workers[WORKERS_MOST];
    pthread_t threads[WORKERS_MOST], inspector;
    memset(&party, 0, sizeof party);
    party.scenario = scenario;
    party.engine = test_engine("vm-segmentation", scenario->options);
    party.shared = test_space(party.engine);
    for (size_t i = 0; i < SLOTS; i++) {
        pthread_mutex_init(&party.slots[i].mutex, NULL);
    }
    for (size_t i = 0; i < COUNTERS; i++) {
        party.counters[i] = test_alloc(party.shared, 512);
        size_t span;
        memset(reach(&party, party.shared, party.counters[i], MEMS_WRITE, &span), 0, 512);
        mems_access_end();
    }
    start(&inspector, inspect, &party);
    for (unsigned i = 0; i < scenario->workers; i++) {
        workers[i] = (struct worker){.party = &party, .random = seed + i};
        start(&threads[i], work, &workers[i]);
    }
    for (unsigned i = 0; i < scenario->workers; i++) {
        pthread_join(threads[i], NULL);
    }
    atomic_store(&party.over, true);
    pthread_join(inspector, NULL);
    clean_up(&party);
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
