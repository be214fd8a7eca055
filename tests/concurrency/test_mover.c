// SPDX-License-Identifier: MIT
//
// test_mover.c - blocks move while 2 and 16 threads read, write, release, resize and share them.
//
// 1. Every word of a block says whose it is: the block's number and its version, but for word 0,
//    which counts. A slot's lock says who may do what: with it for reading a thread adds to the
//    count (no addition may be lost: the slot knows how many there were) and checks every word (no
//    stale byte: the version is the slot's); for writing it rewrites, replaces, resizes or shares
//    the block.
// 2. Late readers take (address, number) and go without the lock: the block may be released, its
//    place given to others. Where translate says yes before and after the words were read, they
//    must be the block's own. Then every byte is written by atomic stores only, so that TSan has
//    nothing to say about the test; without late readers plain accesses and the engine's copies are
//    under its eyes as well.
// 3. Meanwhile one thread compacts in a loop, or the engine's own mover does. Nobody stops before
//    blocks have been moved and moves been abandoned, so neither way can be missing. For the latter
//    a worker now and then looks at slots in one section: a mover waits for its end and meets the
//    accesses. For the former not all slots are in use all the time: blocks outside the window,
//    which wanders, move undisturbed. The engine's mover rests while the map is walked, so its
//    work is checked only when there have been some more moves.
// 4. Where memory grows, regions that are empty go back meanwhile, but never while a batch is in
//    flight: a mover would read what is not there.

#include "support/engine.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

enum {
    SLOTS = 48,
    WINDOW = 12, // of them, which are in use for a while
    OPS_A_WINDOW = 256,
    THREADS_MOST = 16,
    OPS = 26000 / MEMS_TEST_SCALE,
    WORDS_MOST = 160,
    MOVES_A_LOOK = 16
};

struct scenario {
    const char *policy;
    const char *options;
    bool late;  // readers without the lock
    bool calls; // mems_compact in a loop; else the engine's mover
    bool shares;
};

static const struct scenario SCENARIOS[] = {
    {"segmentation", "capacity=64Ki,thread_cache=no", true, true, true},
    {"segmentation", "capacity=128Ki,cache_blocks=2", true, true, true},
    {"segmentation", "region=4Ki,mover=yes,mover_budget=0,thread_cache=no", true, false, true},
    {"segmentation", "capacity=64Ki,thread_cache=no", false, true, true},
    {"segmentation", "region=8Ki,fit=best,arenas=2,compact_after=20", false, true, true},
    {"segmentation", "capacity=64Ki,compact_order=top,fit=next,thread_cache=no", false, true, true},
    {"segmentation", "capacity=128Ki,cache_blocks=2,mover=yes,mover_budget=1G", false, false, true},
    {"segmentation", "capacity=64Ki,mover=yes,mover_budget=0,compact_order=top,thread_cache=no",
     true, true, true},
    {"dynamic", "capacity=64Ki,movable=yes,thread_cache=no", true, true, false},
    {"dynamic", "region=4Ki,movable=yes,fit=worst,cache_blocks=1", false, true, false},
    {"dynamic", "region=8Ki,movable=yes,mover=yes,mover_budget=0,compact_after=5,cache_blocks=1",
     false, false, false},
    {"dynamic", "capacity=64Ki,movable=yes,fit=next,coalesce=deferred,min_block=128", false, true,
     false},
    {"dynamic", "capacity=64Ki,movable=yes,fit=tlsf,coalesce=deferred,compact_order=top", false,
     true, false},
    {"dynamic", "region=4Ki,movable=yes,fit=best,arenas=2,mover=yes,mover_budget=0,thread_cache=no",
     true, false, false},
    // Each block is a region or half of one: these go back while blocks move.
    {"segmentation", "granule=4Ki,region=4Ki,thread_cache=no", true, true, true},
    {"segmentation",
     "granule=2Ki,region=4Ki,mover=yes,mover_budget=0,compact_order=top,thread_cache=no", false,
     false, true},
    {"dynamic", "granule=4Ki,region=4Ki,movable=yes,fit=tlsf,thread_cache=no", true, true, false},
};

struct slot {
    pthread_rwlock_t lock;
    mems_addr addr, twin; // twin: in the other space, or 0
    uint64_t number;      // 0: no block
    uint64_t version, words;
    atomic_ulong count;
};

struct party {
    const struct scenario *scenario;
    struct mems_engine *engine;
    struct mems_space *space, *other;
    struct slot slots[SLOTS];
    atomic_ulong next_number;
    atomic_ulong late_seen, late_gone, shared, resized;
    atomic_ulong window; // where it begins
    atomic_bool enough, over;
    struct mems_compaction done; // the compactor's
};

struct worker {
    struct party *party;
    uint64_t random;
};

#define party_require(party, condition, ...)                                                       \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s(%s): ", (party)->scenario->policy, (party)->scenario->options);    \
            test_require(condition, __VA_ARGS__);                                                  \
        }                                                                                          \
    } while (0)

static struct slot *slot_in_window(struct party *party, size_t i)
{
    return &party->slots[(atomic_load(&party->window) + i) % SLOTS];
}

static uint64_t word_of(uint64_t number, uint64_t version)
{
    return number << 24 | (version & 0xffffff);
}

static uint64_t *words_at(struct party *party, struct mems_space *space, mems_addr addr,
                          enum mems_access mode)
{
    void *host = NULL;
    int error = mems_translate(space, addr, mode, &host, NULL);
    party_require(party, error == 0, "translate of %#" PRIx64 ": %s", addr, strerror(error));
    return host;
}

// ---- with the slot's lock for writing -----------------------------------------------------------

static void rewrite(struct party *party, struct slot *slot)
{
    slot->version++;
    uint64_t word = word_of(slot->number, slot->version);
    if (!party->scenario->late && slot->version % 2 == 0) { // the way by copies
        uint64_t buffer[WORDS_MOST];
        for (size_t i = 0; i < slot->words; i++) {
            buffer[i] = i == 0 ? atomic_load(&slot->count) : word;
        }
        int error = mems_write(party->space, slot->addr, buffer, slot->words * 8);
        party_require(party, error == 0, "write: %s", strerror(error));
        return;
    }
    mems_access_begin();
    uint64_t *words = words_at(party, party->space, slot->addr, MEMS_WRITE);
    __atomic_store_n(&words[0], atomic_load(&slot->count), __ATOMIC_RELAXED);
    for (size_t i = 1; i < slot->words; i++) {
        __atomic_store_n(&words[i], word, __ATOMIC_RELAXED);
    }
    mems_access_end();
}

static void verify(struct party *party, struct slot *slot, struct mems_space *space, mems_addr addr)
{
    uint64_t word = word_of(slot->number, slot->version);
    mems_access_begin();
    uint64_t *words = words_at(party, space, addr, MEMS_READ);
    for (size_t i = 1; i < slot->words; i++) {
        uint64_t is = __atomic_load_n(&words[i], __ATOMIC_RELAXED);
        party_require(party, is == word, "block %" PRIu64 ", word %zu: %#" PRIx64 ", not %#" PRIx64,
                      slot->number, i, is, word);
    }
    mems_access_end();
}

// With the lock for writing nobody adds: the count must be what it is.
static void verify_count(struct party *party, struct slot *slot, struct mems_space *space,
                         mems_addr addr)
{
    mems_access_begin();
    uint64_t *words = words_at(party, space, addr, MEMS_READ);
    uint64_t is = __atomic_load_n(&words[0], __ATOMIC_RELAXED), was = atomic_load(&slot->count);
    mems_access_end();
    party_require(party, is == was, "block %" PRIu64 " counted %" PRIu64 " of %" PRIu64,
                  slot->number, is, was);
}

static void begin(struct worker *worker, struct slot *slot)
{
    struct party *party = worker->party;
    uint64_t words =
        2 + test_below(&worker->random, test_below(&worker->random, 8) == 0 ? WORDS_MOST - 2 : 14);
    int error = mems_alloc(party->space, words * 8, 0, &slot->addr);
    party_require(party, error == 0 || error == ENOMEM, "alloc: %s", strerror(error));
    if (error == 0) {
        slot->number = atomic_fetch_add(&party->next_number, 1) + 1;
        slot->words = words;
        slot->version = 0;
        slot->twin = 0;
        atomic_store(&slot->count, 0);
        rewrite(party, slot);
    }
}

static void release(struct party *party, struct mems_space *space, mems_addr addr)
{
    int error = mems_release(space, addr);
    party_require(party, error == 0, "release of %#" PRIx64 ": %s", addr, strerror(error));
}

static void finish(struct party *party, struct slot *slot)
{
    verify(party, slot, party->space, slot->addr);
    verify_count(party, slot, party->space, slot->addr);
    if (slot->number % 2 == 0) {
        release(party, party->space, slot->addr);
    }
    if (slot->twin != 0) { // the bytes are still there for the other one
        verify(party, slot, party->other, slot->twin);
        verify_count(party, slot, party->other, slot->twin);
        release(party, party->other, slot->twin);
    }
    if (slot->number % 2 != 0) {
        release(party, party->space, slot->addr);
    }
    slot->number = 0;
}

static void share(struct party *party, struct slot *slot)
{
    if (slot->twin == 0) {
        int error =
            mems_share(party->space, slot->addr, party->other, MEMS_READ | MEMS_WRITE, &slot->twin);
        party_require(party, error == 0, "share: %s", strerror(error));
        atomic_fetch_add(&party->shared, 1);
    }
    verify(party, slot, party->other, slot->twin);
    verify_count(party, slot, party->other, slot->twin);
}

static void resize(struct worker *worker, struct slot *slot)
{
    struct party *party = worker->party;
    uint64_t words = 2 + test_below(&worker->random, 60);
    int error = mems_resize(party->space, &slot->addr, words * 8);
    if (slot->twin != 0) {
        party_require(party, error == EBUSY, "resize of a shared block: %s", strerror(error));
        return;
    }
    party_require(party, error == 0 || error == ENOMEM, "resize: %s", strerror(error));
    if (error == 0) {
        slot->words = words < slot->words ? words : slot->words;
        verify(party, slot, party->space, slot->addr);
        verify_count(party, slot, party->space, slot->addr);
        slot->words = words;
        atomic_fetch_add(&party->resized, 1);
        rewrite(party, slot);
    }
}

static void change(struct worker *worker, struct slot *slot)
{
    struct party *party = worker->party;
    pthread_rwlock_wrlock(&slot->lock);
    uint64_t choice = test_below(&worker->random, 8);
    if (slot->number == 0) {
        begin(worker, slot);
    } else if (choice < 3) {
        finish(party, slot);
    } else if (choice < 4 && party->scenario->shares) {
        share(party, slot);
    } else if (choice < 6 && !party->scenario->late) {
        resize(worker, slot);
    } else {
        rewrite(party, slot);
    }
    pthread_rwlock_unlock(&slot->lock);
}

// ---- with the lock for reading ------------------------------------------------------------------

static void add(struct party *party, struct slot *slot)
{
    pthread_rwlock_rdlock(&slot->lock);
    if (slot->number != 0) {
        bool twin = slot->twin != 0 && slot->number % 3 == 0;
        struct mems_space *space = twin ? party->other : party->space;
        mems_addr addr = twin ? slot->twin : slot->addr;
        mems_access_begin();
        uint64_t *words = words_at(party, space, addr, MEMS_WRITE);
        __atomic_fetch_add(&words[0], 1, __ATOMIC_RELAXED);
        mems_access_end();
        atomic_fetch_add(&slot->count, 1);
        verify(party, slot, space, addr);
    }
    pthread_rwlock_unlock(&slot->lock);
}

static void look_at_window(struct party *party)
{
    mems_access_begin();
    for (unsigned again = 0; again < 4; again++) {
        for (size_t i = 0; i < WINDOW; i++) {
            struct slot *slot = slot_in_window(party, i);
            if (pthread_rwlock_tryrdlock(&slot->lock) == 0) {
                if (slot->number != 0) {
                    (void)words_at(party, party->space, slot->addr, MEMS_READ);
                }
                pthread_rwlock_unlock(&slot->lock);
            }
        }
    }
    mems_access_end();
}

// ---- without it ---------------------------------------------------------------------------------

static void read_late(struct party *party, struct slot *slot)
{
    uint64_t copy[WORDS_MOST];
    void *host = NULL;
    size_t span = 0;
    pthread_rwlock_rdlock(&slot->lock);
    uint64_t number = slot->number;
    mems_addr addr = slot->addr;
    pthread_rwlock_unlock(&slot->lock);
    for (unsigned again = 0; number != 0 && again < 4; again++) {
        mems_access_begin();
        int error = mems_translate(party->space, addr, MEMS_READ, &host, &span);
        if (error == 0) {
            for (size_t i = 1; i < span / 8; i++) {
                copy[i] = __atomic_load_n((uint64_t *)host + i, __ATOMIC_ACQUIRE);
            }
            error = mems_translate(party->space, addr, MEMS_READ, &host, NULL);
        }
        mems_access_end();
        if (error != 0) {
            party_require(party, error == EALREADY || error == ESTALE,
                          "translate of %#" PRIx64 ": %s", addr, strerror(error));
            atomic_fetch_add(&party->late_gone, 1);
            return;
        }
        for (size_t i = 1; i < span / 8; i++) {
            party_require(party, copy[i] >> 24 == number,
                          "block %" PRIu64 ": word %zu is %#" PRIx64, number, i, copy[i]);
        }
        atomic_fetch_add(&party->late_seen, 1);
    }
}

// ---- threads ------------------------------------------------------------------------------------

static struct slot *draw_slot(struct worker *worker)
{
    struct party *party = worker->party;
    if (test_below(&worker->random, OPS_A_WINDOW) == 0) {
        atomic_store(&party->window, test_below(&worker->random, SLOTS));
    }
    return slot_in_window(party, test_below(&worker->random, WINDOW));
}

static void *work(void *arg)
{
    struct worker *worker = arg;
    struct party *party = worker->party;
    for (uint64_t i = 0; i < OPS || !atomic_load(&party->enough); i++) {
        struct slot *slot = draw_slot(worker);
        uint64_t choice = test_below(&worker->random, 64);
        if (choice == 0) {
            look_at_window(party);
        } else if (choice < 16) {
            change(worker, slot);
        } else if (choice < 32 && party->scenario->late) {
            read_late(party, slot);
        } else {
            add(party, slot);
        }
    }
    mems_thread_flush();
    return NULL;
}

static void *compact(void *arg)
{
    struct party *party = arg;
    uint64_t looked = 0;
    while (!atomic_load(&party->over)) {
        if (party->scenario->calls) {
            struct mems_compaction done;
            int error = mems_compact(party->engine, &done);
            party_require(party, error == 0, "compact: %s", strerror(error));
            party_require(party, done.tried == done.moved + done.abandoned, "tried %" PRIu64,
                          done.tried);
            party->done.moved += done.moved;
            party->done.abandoned += done.abandoned;
            party->done.moved_bytes += done.moved_bytes;
        }
        struct mems_stats stats = test_stats(party->engine);
        party_require(party, stats.moves_tried == stats.moves_done + stats.moves_abandoned,
                      "moves tried");
        if (stats.moves_done >= 100 && stats.moves_abandoned >= 3) {
            atomic_store(&party->enough, true);
        }
        if (party->scenario->calls || stats.moves_tried - looked >= MOVES_A_LOOK) {
            test_checked(party->engine, false);
            looked = stats.moves_tried;
        } else {
            sched_yield();
        }
    }
    return NULL;
}

static void check_after(struct party *party)
{
    struct mems_stats stats = test_stats(party->engine);
    const char *options = party->scenario->options;
    assert_true(stats.moves_done > 0 && stats.moves_abandoned > 0 && stats.moved_bytes > 0);
    assert_true(stats.compactions > 0);
    if (strstr(options, "mover=yes") == NULL && strstr(options, "compact_after") == NULL) {
        assert_int_equal(stats.moves_done, party->done.moved);
        assert_int_equal(stats.moves_abandoned, party->done.abandoned);
        assert_int_equal(stats.moved_bytes, party->done.moved_bytes);
    }
    assert_true(!party->scenario->late || atomic_load(&party->late_seen) > 0);
    assert_true(!party->scenario->shares || atomic_load(&party->shared) > 0);
    assert_true(party->scenario->late || atomic_load(&party->resized) > 0);
}

// All blocks have gone; with what a batch in flight was in the way of the regions are given back,
// too, but for one an arena.
static void check_regions(struct party *party)
{
    const char *options = party->scenario->options;
    uint64_t arenas = strstr(options, "arenas=2") != NULL ? 2 : 1;
    if (strstr(options, "capacity") == NULL) {
        assert_int_equal(mems_compact(party->engine, NULL), 0);
        struct mems_stats stats = test_stats(party->engine);
        party_require(party, stats.regions <= arenas, "%" PRIu64 " regions", stats.regions);
        party_require(party, stats.held_peak_bytes > stats.held_bytes, "no region went");
    }
}

static void run_party(const struct scenario *scenario, size_t threads, uint64_t seed)
{
    static struct party party;
    struct worker workers[THREADS_MOST];
    pthread_t ids[THREADS_MOST], compactor;
    memset(&party, 0, sizeof party);
    party.scenario = scenario;
    party.engine = test_engine(scenario->policy, scenario->options);
    party.space = test_space(party.engine);
    party.other = test_space(party.engine);
    for (size_t i = 0; i < SLOTS; i++) {
        pthread_rwlock_init(&party.slots[i].lock, NULL);
    }
    assert_int_equal(pthread_create(&compactor, NULL, compact, &party), 0);
    for (size_t i = 0; i < threads; i++) {
        workers[i] = (struct worker){&party, seed + i};
        assert_int_equal(pthread_create(&ids[i], NULL, work, &workers[i]), 0);
    }
    for (size_t i = 0; i < threads; i++) {
        pthread_join(ids[i], NULL);
    }
    atomic_store(&party.over, true);
    pthread_join(compactor, NULL);
    check_after(&party);
    for (size_t i = 0; i < SLOTS; i++) {
        struct slot *slot = &party.slots[i];
        if (slot->number != 0 && i % 4 != 0) { // the rest goes with the spaces
            finish(&party, slot);
        }
        pthread_rwlock_destroy(&slot->lock);
    }
    mems_thread_flush();
    test_checked(party.engine, true); // the engine's mover may still be at it
    test_conserved(party.engine);
    mems_space_close(party.space);
    test_checked(party.engine, true);
    mems_space_close(party.other);
    struct mems_stats stats = test_stats(party.engine);
    assert_int_equal(stats.live_blocks, 0);
    assert_int_equal(stats.free_bytes, stats.held_bytes);
    assert_int_equal(stats.absent_bytes, 0);
    check_regions(&party);
    mems_engine_close(party.engine);
}

static void run_all(size_t threads)
{
    uint64_t seed = test_seed();
    for (size_t i = 0; i < sizeof SCENARIOS / sizeof SCENARIOS[0]; i++) {
        run_party(&SCENARIOS[i], threads, seed + 100 * i);
    }
}

static void test_two(void **state)
{
    (void)state;
    run_all(2);
}

static void test_sixteen(void **state)
{
    (void)state;
    run_all(16);
}

// ---- a block that nobody has looked at yet ------------------------------------------------------

struct fresh {
    struct mems_space *space;
    mems_addr addr;
    atomic_bool begun, over;
};

static void *begin_fresh(void *arg)
{
    struct fresh *fresh = arg;
    assert_int_equal(mems_alloc(fresh->space, 100, 0, &fresh->addr), 0);
    atomic_store_explicit(&fresh->begun, true, memory_order_relaxed);
    while (!atomic_load_explicit(&fresh->over, memory_order_relaxed)) {
        sched_yield();
    }
    test_stamp(fresh->space, fresh->addr, 100, 7);
    return NULL;
}

// It moves, and nothing but its word orders that after what its thread did to begin it.
static void test_fresh(void **state)
{
    (void)state;
    static const char *const kinds[][2] = {{"segmentation", "capacity=256Ki"},
                                           {"dynamic", "capacity=256Ki,movable=yes"},
                                           {"vm-segmentation", "capacity=256Ki,swap=1Mi"}};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct mems_engine *engine = test_engine(kinds[i][0], kinds[i][1]);
        struct fresh fresh = {.space = test_space(engine)};
        struct mems_compaction done;
        pthread_t thread;
        mems_addr below = test_alloc(fresh.space, 100000);
        assert_int_equal(pthread_create(&thread, NULL, begin_fresh, &fresh), 0);
        while (!atomic_load_explicit(&fresh.begun, memory_order_relaxed)) {
            sched_yield();
        }
        assert_int_equal(mems_release(fresh.space, below), 0);
        assert_int_equal(mems_compact(engine, &done), 0);
        assert_int_equal(done.moved, 1);
        atomic_store_explicit(&fresh.over, true, memory_order_relaxed);
        pthread_join(thread, NULL);
        test_stamped(fresh.space, fresh.addr, 100, 7);
        test_checked(engine, true);
        mems_engine_close(engine);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_fresh), cmocka_unit_test(test_two),
                                       cmocka_unit_test(test_sixteen)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
