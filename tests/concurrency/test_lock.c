// SPDX-License-Identifier: MIT
//
// test_lock.c - mutual exclusion under many threads, and an account that adds up at every moment.

#include "support/test.h"

#include <pthread.h>
#include <stdbool.h>

#include "mems/engine.h"
#include "sync/atomic.h"
#include "sync/lock.h"

#define THREADS 8u
#define ROUNDS  (400000u / MEMS_TEST_SCALE)

static struct lock lock;
static uint64_t guarded[2]; // plain on purpose: only the lock protects them
static uint32_t inside;     // [atomic] threads between lock and unlock
static uint32_t overlaps;   // [atomic]
static uint32_t tries;      // [atomic] tries that got it
static uint32_t running;    // [atomic]

static void critical(void)
{
    if (add_relaxed(&inside, 1u) != 0) {
        (void)add_relaxed(&overlaps, 1u);
    }
    guarded[0]++;
    guarded[1] = guarded[0];
    (void)add_relaxed(&inside, UINT32_MAX);
}

static void *hammer(void *argument)
{
    bool with_try = argument != NULL;
    for (unsigned i = 0; i < ROUNDS; i++) {
        if (with_try && i % 2 == 0) {
            if (!lock_try(&lock)) {
                continue;
            }
            (void)add_relaxed(&tries, 1u);
        } else {
            lock_lock(&lock);
        }
        critical();
        lock_unlock(&lock);
    }
    return NULL;
}

// L1 and L2, read while all the counters move.
static void *audit(void *argument)
{
    uintptr_t wrong = 0;
    uint64_t last = 0;
    (void)argument;
    while (load_relaxed(&running) != 0) {
        struct mems_lock_stats stats;
        lock_stats(&lock, &stats);
        wrong += stats.spin_acquired + stats.waited > stats.contended;
        wrong += stats.contended > stats.acquisitions;
        wrong += stats.hold_sampled > stats.acquisitions;
        wrong += stats.acquisitions < last;
        last = stats.acquisitions;
    }
    return (void *)wrong;
}

static void check_account(void)
{
    struct mems_lock_stats stats;
    uint64_t locked = (uint64_t)ROUNDS * THREADS / 2 + (uint64_t)ROUNDS / 2 * THREADS / 2;
    lock_stats(&lock, &stats);
    assert_int_equal(guarded[0], locked + tries);
    assert_int_equal(guarded[1], guarded[0]);
    assert_int_equal(stats.acquisitions, guarded[0]);
    assert_int_equal(stats.hold_sampled, stats.acquisitions / LOCK_HOLD_SAMPLE);
    assert_true(stats.spin_acquired + stats.waited <= stats.contended);
    assert_true(stats.contended <= stats.acquisitions);
    assert_true(stats.owner_switches >= THREADS - 1);
    assert_true(stats.owner_switches < stats.acquisitions);
    assert_true(stats.max_waiting < THREADS);
    assert_int_equal(stats.waited == 0, stats.wait_ns == 0);
    assert_int_equal(stats.waited == 0, stats.max_waiting == 0);
    assert_true(stats.max_wait_ns <= stats.wait_ns);
    assert_int_equal(lock.word, 0);
    assert_int_equal(lock.waiting, 0);
}

static void test_exclusion(void **state)
{
    (void)state;
    lock_init(&lock, LOCK_POLICY, "arena", 0);
    pthread_t threads[THREADS];
    pthread_t auditor;
    store_relaxed(&running, 1u);
    assert_int_equal(pthread_create(&auditor, NULL, audit, NULL), 0);
    for (size_t i = 0; i < THREADS; i++) {
        void *with_try = i % 2 == 0 ? NULL : &lock;
        assert_int_equal(pthread_create(&threads[i], NULL, hammer, with_try), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    store_relaxed(&running, 0u);
    void *wrong;
    pthread_join(auditor, &wrong);
    assert_null(wrong);
    assert_int_equal(overlaps, 0);
    check_account();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_exclusion)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
