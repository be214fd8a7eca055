// SPDX-License-Identifier: MIT
//
// test_threads.c - what is no sin (another thread's block) and what is one that races (two threads
// release the same block).

#include "misuse/sinner.h"

#include <pthread.h>
#include <stdatomic.h>

static atomic_uint corruptions;

static void count_corruption(const char *what, mems_addr addr)
{
    (void)what;
    (void)addr;
    atomic_fetch_add(&corruptions, 1);
}

struct release {
    struct mems_space *space;
    mems_addr addr;
    pthread_barrier_t *barrier;
    int error;
};

static void *release_it(void *arg)
{
    struct release *release = arg;
    if (release->barrier != NULL) {
        pthread_barrier_wait(release->barrier);
    }
    release->error = mems_release(release->space, release->addr);
    return NULL;
}

static void commit_remote(struct sinner *sinner)
{
    for (unsigned i = 0; i < 50; i++) {
        struct release release = {.space = sinner->space,
                                  .addr = test_alloc(sinner->space, 16 + 20 * (i % 5))};
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, release_it, &release), 0);
        pthread_join(thread, NULL);
        assert_int_equal(release.error, 0);
        sin_expect(sinner, sinner->space, release.addr, EALREADY, EALREADY, EALREADY);
    }
    struct mems_stats stats = test_stats(sinner->engine);
    assert_int_equal(stats.live_blocks, 1); // the bystander
}

static void test_remote(void **state)
{
    (void)state;
    sin_each(commit_remote);
}

// One of the two is refused, or the corruption hook hears of it when both caches have reached the
// policy. Never do both succeed in silence, and never is the place given out twice.
static void commit_race(struct sinner *sinner)
{
    enum { ROUNDS = 400 / (MEMS_TEST_SCALE > 4 ? 4 : MEMS_TEST_SCALE) };
    mems_corruption_hook before = mems_on_corruption(count_corruption);
    for (unsigned round = 0; round < ROUNDS; round++) {
        pthread_barrier_t barrier;
        pthread_barrier_init(&barrier, NULL, 2);
        atomic_store(&corruptions, 0);
        struct release releases[2];
        mems_addr addr = test_alloc(sinner->space, 40);
        pthread_t threads[2];
        for (size_t i = 0; i < 2; i++) {
            releases[i] = (struct release){sinner->space, addr, &barrier, -1};
            assert_int_equal(pthread_create(&threads[i], NULL, release_it, &releases[i]), 0);
        }
        for (size_t i = 0; i < 2; i++) {
            pthread_join(threads[i], NULL);
        }
        pthread_barrier_destroy(&barrier);
        unsigned succeeded =
            (releases[0].error == 0 ? 1u : 0u) + (releases[1].error == 0 ? 1u : 0u);
        test_require(succeeded >= 1, "both failed: %d, %d", releases[0].error, releases[1].error);
        for (size_t i = 0; i < 2; i++) {
            test_require(releases[i].error == 0 || releases[i].error == EALREADY, "error %d",
                         releases[i].error);
        }
        test_require(succeeded == 1 || atomic_load(&corruptions) == 1,
                     "%s(%s): both releases succeeded and %u corruptions were reported",
                     sinner->kind->policy, sinner->kind->options, atomic_load(&corruptions));
        sinner->corrupted = sinner->corrupted || succeeded == 2;
        mems_addr first = test_alloc(sinner->space, 40);
        mems_addr second = test_alloc(sinner->space, 40);
        assert_true(test_host(sinner->space, first) != test_host(sinner->space, second));
        assert_int_equal(mems_release(sinner->space, first), 0);
        assert_int_equal(mems_release(sinner->space, second), 0);
    }
    mems_on_corruption(before);
}

static void test_race(void **state)
{
    (void)state;
    sin_each(commit_race);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_remote),
        cmocka_unit_test(test_race),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
