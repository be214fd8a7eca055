// SPDX-License-Identifier: MIT
//
// test_idle.c - empty slabs of threads among many: lent, had back, taken when their thread is idle,
// and nobody's twice.

#include "support/family.h"

#include <pthread.h>
#include <sched.h>

#include "base/rng.h"
#include "heap/idle.h"
#include "os/os.h"

enum { CLASSES = 32, RESTING = 60, MANY = 1000, HOUR_MS = 3600000 };

// As if there were so many threads.
static void among(uint32_t threads)
{
    store_relaxed(&front_count, threads);
}

// A block of each of the first classes, and back.
static void use_each(unsigned rounds)
{
    for (unsigned round = 0; round < rounds; round++) {
        for (unsigned class = 0; class < CLASSES; class ++) {
            family_free(family_malloc(slab_class_size(class)));
        }
    }
}

static unsigned spares(void)
{
    unsigned count = 0;
    for (unsigned class = 0; class < SLAB_CLASSES; class ++) {
        count += front_here->bin[class].spare != NULL;
    }
    return count;
}

static unsigned rings(void)
{
    unsigned count = 0;
    for (unsigned class = 0; class < SLAB_CLASSES; class ++) {
        count += front_here->bin[class].slabs;
    }
    return count;
}

static void tick(void)
{
    store_relaxed(&front_clock, load_relaxed(&front_clock) + FRONT_TICK);
}

static void decay_in(uint64_t ms)
{
    depot_settings.decay_ms = ms;
    depots[0].purge_ms = 0; // counted from the next visit
}

// A front of a test's own: nothing in it, and nobody looks at it because time goes by.
static void fresh_front(void)
{
    decay_in(HOUR_MS);
    assert_non_null(family_front());
    front_trim(front_here);
    tick();
    among(MANY);
    family_free(family_malloc(1)); // comes by
    front_trim(front_here);
    family_checked();
}

// ---- one thread ---------------------------------------------------------------------------------

// What a thread keeps of empty slabs are FRONT_KEPT, and those that are lent; the class that needs
// one has its own back. With few threads it keeps them all.
static void test_lent(void **state)
{
    (void)state;
    fresh_front();
    use_each(3);
    family_checked();
    assert_int_equal(rings() + spares(), CLASSES);
    assert_true(rings() <= FRONT_KEPT);
    uint64_t slabs = family_slabs();
    for (unsigned class = 0; class < CLASSES; class ++) {
        struct granule *spare = front_here->bin[class].spare;
        if (spare != NULL) {
            void *block = family_malloc(slab_class_size(class));
            assert_ptr_equal(granule_at(block), spare);
            assert_null(front_here->bin[class].spare);
            family_checked();
            family_free(block);
        }
    }
    assert_int_equal(family_slabs(), slabs);
    front_trim(front_here);
    assert_int_equal(family_slabs(), 0);

    among(1);
    use_each(3);
    family_checked();
    assert_int_equal(rings(), CLASSES);
    assert_int_equal(spares(), 0);
    among(MANY);
    tick();
    void *block = family_malloc(slab_class_size(CLASSES)); // comes by: they are many now
    family_checked();
    assert_true(rings() <= FRONT_KEPT + 1);
    assert_int_equal(rings() + spares(), CLASSES + 1);
    family_free(block);
    front_trim(front_here);
    assert_int_equal(family_slabs(), 0);
    among(1);
}

// One block again and again, beside one that stays or not: hardly any look. Many such classes: at
// most so many in a tick.
static void test_looks(void **state)
{
    (void)state;
    for (unsigned pinned = 0; pinned < 2; pinned++) {
        fresh_front();
        void *pin = pinned ? family_malloc(100) : NULL;
        uint32_t before = front_here->looks;
        for (unsigned i = 0; i < 10000; i++) {
            family_free(family_malloc(100));
        }
        assert_true(front_here->looks - before < 16);
        family_free(pin);
        before = front_here->looks;
        use_each(10000);
        assert_true(front_here->looks - before > 100 && front_here->looks - before < 5000);
        family_checked();
    }
    among(1);
}

// A thread that has just come by keeps what it has lent; after a tick it is taken.
static void test_taken(void **state)
{
    (void)state;
    fresh_front();
    use_each(3);
    unsigned lent = spares();
    uint64_t slabs = family_slabs();
    assert_true(lent >= CLASSES - FRONT_KEPT);
    struct depot *depot = depot_lock();
    for (unsigned i = 0; i < FRONT_TICK - 1; i++) {
        idle_grow(depot, 1);
    }
    depot_unlock(depot);
    assert_int_equal(spares(), lent);
    depot = depot_lock();
    idle_grow(depot, 1);
    idle_grow(depot, 1); // this one may have begun elsewhere
    depot_unlock(depot);
    family_checked();
    assert_int_equal(spares(), 0);
    assert_int_equal(family_slabs(), slabs - lent);
    use_each(3);
    family_checked();
    assert_int_equal(family_slabs(), slabs);
    (void)idle_purge(true); // at once
    assert_int_equal(spares(), 0);
    family_checked();
    front_trim(front_here);
    assert_int_equal(family_slabs(), 0);
    among(1);
}

// Nobody has asked, but time goes by and somebody comes by: what an idle thread has lent, and what
// others have returned to it, goes back to the OS.
static void test_decay(void **state)
{
    (void)state;
    enum { BLOCKS = 1000, SIZE = 500 };
    static void *blocks[BLOCKS];
    fresh_front();
    decay_in(20);
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = family_malloc(SIZE);
        memset(blocks[i], 1, SIZE);
    }
    use_each(3);
    for (size_t i = 0; i < BLOCKS; i++) {
        struct granule *slab = granule_at(blocks[i]);
        assert_true(ledger_return(slab, granule_slot(slab, blocks[i])));
    }
    assert_true(spares() != 0);
    unsigned back = 0;
    while (spares() != 0 || back < BLOCKS / 2) { // until then, by whoever comes by
        struct granule *large = depot_large_open(100000, 1);
        assert_true(large != NULL && depot_large_close(large));
        back = 0;
        for (size_t i = 0; i < BLOCKS; i++) {
            back += *(volatile char *)blocks[i] == 0;
        }
    }
    family_checked();
    front_trim(front_here);
    assert_int_equal(family_slabs(), 0);
    among(1);
}

static void *fill(void *arg)
{
    void **blocks = arg;
    for (size_t i = 0; i < 1000; i++) {
        blocks[i] = family_malloc(500);
        memset(blocks[i], 1, 500);
    }
    return NULL;
}

// Nobody comes by for two decays. Who comes then finds empty slabs of a thread that has ended, and
// what this one has lent: all of it goes back at once.
static void test_first_visit(void **state)
{
    (void)state;
    static void *blocks[1000];
    fresh_front();
    decay_in(20);
    (void)depot_purge(true);
    use_each(3);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, fill, blocks), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    for (size_t i = 0; i < 1000; i++) {
        struct granule *slab = granule_at(blocks[i]);
        assert_true(ledger_return(slab, granule_slot(slab, blocks[i])));
    }
    struct granule *large = depot_large_open(100000, 1);
    assert_non_null(large);
    for (uint64_t ms = os_clock_coarse_ms() + 60; os_clock_coarse_ms() < ms;) {
        sched_yield();
    }
    assert_true(depot_large_close(large));
    assert_int_equal(depots[0].dirty_bytes, 2 * GRANULE_BYTES); // of the block that is young
    assert_int_equal(spares(), 0);
    family_checked();
    front_trim(front_here);
    among(1);
}

// ---- threads that rest --------------------------------------------------------------------------

static pthread_barrier_t rested, measured;
static uint32_t resting; // [atomic]

static void *rest(void *arg)
{
    struct rng rng;
    rng_init(&rng, *(uint64_t *)arg);
    void *slots[64] = {NULL};
    for (unsigned i = 0; i < 2000; i++) {
        void **slot = &slots[rng_below(&rng, 64)];
        family_free(*slot);
        *slot = family_malloc(16 + rng_below(&rng, 1009));
    }
    for (unsigned i = 0; i < 64; i++) {
        family_free(slots[i]);
    }
    family_require(rings() <= FRONT_KEPT, "%u slabs", rings());
    (void)add_relaxed(&resting, 1);
    pthread_barrier_wait(&rested);
    pthread_barrier_wait(&measured);
    return NULL;
}

// Stamped blocks of all classes: no two overlap, and nobody else writes to them.
static void stamp_many(void)
{
    enum { BLOCKS = 3000 };
    static void *blocks[BLOCKS];
    for (size_t i = 0; i < BLOCKS; i++) {
        size_t size = slab_class_size(i % SLAB_CLASSES);
        blocks[i] = family_malloc(size);
        family_stamp(blocks[i], size, i * UINT64_C(0x9e3779b97f4a7c15));
    }
    family_checked();
    for (size_t i = 0; i < BLOCKS; i++) {
        size_t size = slab_class_size(i % SLAB_CLASSES);
        family_require(family_stamped(blocks[i], size, i * UINT64_C(0x9e3779b97f4a7c15)),
                       "block %zu: another's bytes", i);
        family_free(blocks[i]);
    }
}

// In a child the slabs of all others are the depot's, lent or not, and each once.
static int in_child(void *arg)
{
    (void)arg;
    stamp_many();
    (void)idle_purge(true);
    family_checked();
    front_trim(front_here);
    (void)depot_purge(true);
    family_checked();
    family_require(family_slabs() == 0, "%llu slabs", (unsigned long long)family_slabs());
    stamp_many();
    return 0;
}

// Threads come, use 32 classes, and rest: later ones live on what earlier ones have lent. What
// stays with each is bounded.
static void test_resting(void **state)
{
    (void)state;
    pthread_t threads[RESTING];
    uint64_t seeds[RESTING], seed = test_seed();
    fresh_front();
    (void)depot_purge(true);
    depots[0].touched_peak = 0; // each new slab grows the process
    pthread_barrier_init(&rested, NULL, RESTING + 1);
    pthread_barrier_init(&measured, NULL, RESTING + 1);
    for (unsigned i = 0; i < RESTING; i++) {
        seeds[i] = seed + i;
        assert_int_equal(pthread_create(&threads[i], NULL, rest, &seeds[i]), 0);
        while (load_relaxed(&resting) <= i) { // one after the other
            sched_yield();
        }
    }
    pthread_barrier_wait(&rested);
    assert_true(family_slabs() < RESTING * CLASSES / 2);
    family_checked();
    assert_int_equal(family_in_child(in_child, NULL), 0);
    (void)idle_purge(false); // a tick, if nobody grows
    (void)idle_purge(false);
    assert_true(family_slabs() <= RESTING * FRONT_KEPT);
    stamp_many();
    pthread_barrier_wait(&measured);
    for (unsigned i = 0; i < RESTING; i++) {
        pthread_join(threads[i], NULL);
    }
    among(1);
    front_trim(front_here);
    (void)depot_purge(true);
    family_checked();
    assert_int_equal(family_slabs(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lent),        cmocka_unit_test(test_looks),
        cmocka_unit_test(test_taken),       cmocka_unit_test(test_decay),
        cmocka_unit_test(test_first_visit), cmocka_unit_test(test_resting),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
