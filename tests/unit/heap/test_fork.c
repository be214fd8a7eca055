// SPDX-License-Identifier: MIT
//
// test_fork.c - a frozen depot does not change, others go on beside it, and a child's heap is
// whole.

#include "support/family.h"

#include <pthread.h>
#include <signal.h>

#include "base/rng.h"

enum { BYTES = 3000, LARGE = 200000 };

static void elsewhere(void *(*run)(void *arg), void *arg)
{
    pthread_t thread;
    family_require(pthread_create(&thread, NULL, run, arg) == 0, "no thread");
    pthread_join(thread, NULL);
}

// Somebody comes by: what waits for the first depot is taken in, slabs of gone threads are found.
static void come_by(void)
{
    struct granule *large = depot_large_open(LARGE, 1);
    family_require(large != NULL && depot_large_close(large), "no memory");
}

static uint8_t depot_of(const void *block)
{
    return granule_at(block)->depot;
}

// ---- frozen -------------------------------------------------------------------------------------

struct things {
    char *small[64], *large[2];
};

static void *get_things(void *arg)
{
    struct things *things = arg;
    for (size_t i = 0; i < 64; i++) {
        things->small[i] = family_malloc(BYTES);
        family_stamp(things->small[i], BYTES, i);
    }
    for (size_t i = 0; i < 2; i++) {
        things->large[i] = family_malloc(LARGE);
        family_stamp(things->large[i], LARGE, i);
    }
    return NULL;
}

static void *free_things(void *arg)
{
    struct things *things = arg;
    for (size_t i = 0; i < 64; i++) {
        family_require(family_stamped(things->small[i], BYTES, i), "another's bytes");
        family_free(things->small[i]);
    }
    for (size_t i = 0; i < 2; i++) {
        family_require(family_stamped(things->large[i], LARGE, i), "another's bytes");
        family_free(things->large[i]);
    }
    return NULL;
}

struct picture {
    uint64_t slabs, large_count, large_bytes, free_bytes, holes, regions;
};

static struct picture picture_of(const struct depot *depot)
{
    struct picture picture = {.large_count = depot->large_count,
                              .large_bytes = depot->large_bytes,
                              .free_bytes = depot->extents.free_bytes,
                              .holes = depot->extents.hole_count,
                              .regions = depot->extents.region_count};
    for (unsigned class = 0; class < SLAB_CLASSES; class ++) {
        picture.slabs += depot->slabs[class];
    }
    return picture;
}

static void test_frozen(void **state)
{
    (void)state;
    struct things before, during;
    assert_non_null(family_front());
    elsewhere(get_things, &before);
    come_by();
    struct picture first = picture_of(&depots[0]);
    depot_freeze();
    elsewhere(free_things, &before);
    elsewhere(get_things, &during);
    struct picture frozen = picture_of(&depots[0]);
    assert_memory_equal(&first, &frozen, sizeof first);
    assert_non_null(depots[0].returned);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(depot_of(during.large[i]), depots[1].number);
        assert_false(depot_large_resize(granule_at(before.large[0]), LARGE / 2));
        assert_false(depot_large_close(granule_at(before.large[i]))); // it is no more
    }
    family_checked();
    depot_thaw();
    family_checked();
    come_by();
    assert_null(depots[0].returned);
    assert_int_equal(depots[0].large_count, first.large_count - 2);
    family_checked();
    elsewhere(free_things, &during);
    family_checked();
    assert_int_equal(depots[1].large_count, 0);
}

static void *freeze(void *arg)
{
    (void)arg;
    depot_freeze();
    return NULL;
}

static void *thaw(void *arg)
{
    (void)arg;
    depot_thaw();
    return NULL;
}

// Forks at one time, in any order: frozen until the last is done.
static void test_nested(void **state)
{
    (void)state;
    for (unsigned order = 0; order < 4; order++) {
        depot_freeze();
        elsewhere(freeze, NULL);
        depot_freeze();
        assert_int_equal(depots[0].frozen, 3);
        for (unsigned i = 0; i < 3; i++) {
            struct granule *large = depot_large_open(LARGE, 1);
            assert_int_equal(large->depot, depots[1].number);
            assert_true(depot_large_close(large));
            family_checked();
            if ((order >> i & 1) == 0) {
                depot_thaw();
            } else {
                elsewhere(thaw, NULL);
            }
        }
        struct granule *large = depot_large_open(LARGE, 1);
        assert_int_equal(large->depot, 0);
        assert_true(depot_large_close(large));
        family_checked();
    }
}

// A thread that ends while the depot is frozen leaves slabs behind that somebody uses again.
static void test_end_in_a_freeze(void **state)
{
    (void)state;
    struct things things;
    unsigned class = slab_class(BYTES);
    elsewhere(get_things, &things);
    elsewhere(free_things, &things);
    depot_freeze();
    elsewhere(get_things, &things);
    depot_thaw();
    come_by();
    const struct granule *slab = granule_at(things.small[0]);
    assert_int_equal(slab->owner, 0);
    family_free(things.small[0]);
    bool found = false;
    for (const struct granule *orphan; !found && (orphan = depot_orphan_get(class, 0)) != NULL;) {
        found = orphan == slab;
    }
    assert_true(found);
}

// ---- a child ------------------------------------------------------------------------------------

// Uses the heap, all classes, and what the parent's threads have left.
static int use_all(void *arg)
{
    struct things *things = arg;
    family_checked();
    come_by();
    family_checked();
    if (things != NULL) {
        free_things(things);
    }
    void *blocks[SLAB_CLASSES][40];
    for (unsigned class = 0; class < SLAB_CLASSES; class ++) {
        for (size_t i = 0; i < 40; i++) {
            blocks[class][i] = family_malloc(slab_class_size(class));
            family_require(blocks[class][i] != NULL, "class %u", class);
            family_stamp(blocks[class][i], slab_class_size(class), 40 * class + i);
        }
    }
    family_checked();
    for (unsigned class = 0; class < SLAB_CLASSES; class ++) {
        for (size_t i = 0; i < 40; i++) {
            family_require(family_stamped(blocks[class][i], slab_class_size(class), 40 * class + i),
                           "another's bytes");
            family_free(blocks[class][i]);
        }
    }
    front_trim(front_here);
    family_checked();
    return 0;
}

static int use_all_and_fork(void *arg)
{
    return use_all(arg) + family_in_child(use_all, NULL);
}

// In a child made by a handler that interrupted the holder: it uses the second depot until the
// interrupted change is done.
static int go_on(void *arg)
{
    (void)arg;
    assert_int_equal(depots[0].frozen, DEPOT_ALONE);
    struct granule *large = depot_large_open(LARGE, 1);
    assert_int_equal(large->depot, depots[1].number);
    depot_unlock(&depots[0]);
    assert_int_equal(depots[0].frozen, 0);
    assert_true(depot_large_close(large));
    return use_all_and_fork(NULL);
}

static int fork_and_go_on(void *arg)
{
    return family_in_child(go_on, arg) + go_on(arg);
}

// A fork in a handler that interrupted this thread while it held the depot.
static void test_interrupted(void **state)
{
    (void)state;
    struct things things;
    assert_non_null(family_front());
    struct depot *depot = depot_lock();
    assert_ptr_equal(depot, &depots[0]);
    assert_int_equal(family_in_child(fork_and_go_on, NULL), 0);
    depot_freeze();
    elsewhere(get_things, &things);
    assert_int_equal(depot_of(things.large[0]), depots[1].number);
    depot_freeze();
    depot_thaw();
    assert_int_equal(depots[0].frozen, DEPOT_ALONE);
    depot_thaw();
    assert_int_equal(depots[0].frozen, 0);
    assert_true(lock_is_mine(&depot->lock));
    depot_unlock(depot);
    free_things(&things);
    family_checked();
}

// Who has the second depot runs no handlers, which might fork; nor do signals stay blocked.
static void test_signals(void **state)
{
    (void)state;
    sigset_t before, inside, after;
    (void)pthread_sigmask(SIG_SETMASK, NULL, &before);
    assert_true(depot_lock_this(&depots[1]));
    (void)pthread_sigmask(SIG_SETMASK, NULL, &inside);
    depot_unlock(&depots[1]);
    (void)pthread_sigmask(SIG_SETMASK, NULL, &after);
    for (int signal = 1; signal < NSIG; signal++) {
        bool never = signal == SIGKILL || signal == SIGSTOP;
        assert_true(never || sigismember(&inside, signal) != 0);
        assert_int_equal(sigismember(&after, signal), sigismember(&before, signal));
    }
}

// Slabs on their way from one thread's hands to the depot, or back, when the fork came.
static void test_on_the_way(void **state)
{
    (void)state;
    assert_non_null(family_front());
    struct granule *slab = depot_slab_open(5, 0), *orphan = depot_slab_open(6, 0);
    orphan->ledger->free[0] &= ~UINT64_C(6);
    store_relaxed(&orphan->owner, 2);
    family_orphan(orphan);
    assert_ptr_equal(depot_orphan_get(6, 0), orphan);
    assert_int_equal(family_in_child(use_all, NULL), 0);
    store_relaxed(&slab->owner, 2);
    depot_slab_close(slab);
    family_orphan(orphan);
    assert_int_equal(family_in_child(use_all, NULL), 0);
    assert_ptr_equal(depot_orphan_get(6, 0), orphan);
    orphan->ledger->free[0] |= UINT64_C(6);
    depot_slab_close(orphan);
    family_checked();
}

// Blocks of the second depot outlive it, in children and theirs.
static void test_eras(void **state)
{
    (void)state;
    struct things things;
    assert_non_null(family_front());
    depot_freeze();
    elsewhere(get_things, &things);
    assert_int_equal(depot_of(things.large[0]), depots[1].number);
    assert_int_equal(family_in_child(use_all_and_fork, &things), 0);
    depot_thaw();
    assert_int_equal(family_in_child(use_all_and_fork, &things), 0);
    free_things(&things);
    come_by();
    family_checked();
}

// ThreadSanitizer starts no threads in a child of a process with several.
#ifndef MEMS_TSAN
static pthread_barrier_t there, end;

struct held {
    char *block[4000];
};

static void *hold(void *arg)
{
    struct held *held = arg;
    for (size_t i = 0; i < 4000; i++) {
        held->block[i] = family_malloc(64);
    }
    pthread_barrier_wait(&there);
    pthread_barrier_wait(&end);
    return NULL;
}

static void *free_held(void *arg)
{
    struct held *held = arg;
    for (size_t i = 0; i < 4000; i++) {
        family_free(held->block[i]);
    }
    family_checked();
    return NULL;
}

static int free_in_new_thread(void *arg)
{
    elsewhere(free_held, arg);
    for (unsigned class = 0; class < SLAB_CLASSES; class ++) {
        const struct front_bin *bin = &front_none.bin[class];
        family_require(bin->spare == NULL && bin->slabs == 0, "who has no front has a slab");
    }
    return use_all(NULL);
}

// A child's new thread stands where a gone one stood (glibc keeps its stack for it), and releases
// its blocks first of all: it is a stranger to them.
static void test_same_place(void **state)
{
    (void)state;
    static struct held held;
    pthread_t holder;
    assert_non_null(family_front());
    pthread_barrier_init(&there, NULL, 2);
    pthread_barrier_init(&end, NULL, 2);
    assert_int_equal(pthread_create(&holder, NULL, hold, &held), 0);
    pthread_barrier_wait(&there);
    assert_int_equal(family_in_child(free_in_new_thread, &held), 0);
    pthread_barrier_wait(&end);
    pthread_join(holder, NULL);
    for (size_t i = 0; i < 4000; i++) {
        family_free(held.block[i]);
    }
    family_checked();
}
#endif

// ---- forks while others are busy ----------------------------------------------------------------

enum { BUSY = 3, HELD = 300, FORKS = 60 / MEMS_TEST_SCALE + 4 };

static uint32_t stop; // [atomic]

// All kinds of steps: slabs come and go, large blocks too, threads end (by elsewhere).
static void busy_for_a_while(struct rng *rng, unsigned operations)
{
    void *held[HELD] = {NULL};
    for (unsigned i = 0; i < operations; i++) {
        size_t at = rng_below(rng, HELD);
        if (held[at] != NULL) {
            family_free(held[at]);
            held[at] = NULL;
        } else {
            held[at] = family_malloc(rng_below(rng, 20) == 0 ? 40000 + rng_below(rng, LARGE)
                                                             : 1000 + rng_below(rng, 15000));
        }
    }
    for (size_t i = 0; i < HELD; i++) {
        family_free(held[i]);
    }
}

static void *short_lived(void *arg)
{
    busy_for_a_while(arg, 200);
    return NULL;
}

static void *busy(void *arg)
{
    struct rng rng;
    rng_init(&rng, (uint64_t)(uintptr_t)arg);
    while (load_acquire(&stop) == 0) {
        busy_for_a_while(&rng, 1000);
        elsewhere(short_lived, &rng);
    }
    return NULL;
}

static void test_busy(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    pthread_t threads[BUSY];
    assert_non_null(family_front());
    for (size_t i = 0; i < BUSY; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, busy, (void *)(uintptr_t)(seed + i)), 0);
    }
    for (unsigned i = 0; i < FORKS; i++) {
        assert_int_equal(family_in_child(i % 4 == 0 ? use_all_and_fork : use_all, NULL), 0);
    }
    store_release(&stop, 1);
    for (size_t i = 0; i < BUSY; i++) {
        pthread_join(threads[i], NULL);
    }
    come_by();
    family_checked();
    assert_int_equal(depots[0].large_count + depots[1].large_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_on_the_way),
        cmocka_unit_test(test_frozen),
        cmocka_unit_test(test_nested),
        cmocka_unit_test(test_interrupted),
        cmocka_unit_test(test_signals),
        cmocka_unit_test(test_eras),
        cmocka_unit_test(test_busy),
#ifndef MEMS_TSAN
        cmocka_unit_test(test_same_place),
#endif
        cmocka_unit_test(test_end_in_a_freeze), // loses a slab
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
