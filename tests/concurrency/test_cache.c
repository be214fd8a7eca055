// SPDX-License-Identifier: MIT
//
// test_cache.c - the caches of threads: what they save, what they count, and that they leave
// nothing behind when their thread ends.

#include "support/engine.h"

#include <pthread.h>

enum { BLOCKS = 200 };

struct task {
    struct mems_space *space;
    mems_addr addrs[BLOCKS];
    size_t count;
    pthread_barrier_t *ready, *leave;
};

static void *allocate(void *arg)
{
    struct task *task = arg;
    for (size_t i = 0; i < task->count; i++) {
        task->addrs[i] = test_alloc(task->space, 40);
    }
    return NULL;
}

static void *release(void *arg)
{
    struct task *task = arg;
    for (size_t i = 0; i < task->count; i++) {
        int error = mems_release(task->space, task->addrs[i]);
        test_require(error == 0, "release: %s", strerror(error));
    }
    return NULL;
}

static void *allocate_and_release(void *arg)
{
    allocate(arg);
    release(arg);
    return NULL;
}

static void in_thread(void *(*run)(void *), struct task *task)
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, run, task), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

struct fixture {
    struct mems_engine *engine;
    struct task task;
};

static void open_fixture(struct fixture *fixture, const char *options)
{
    fixture->engine = test_engine("dynamic", options);
    fixture->task = (struct task){.space = test_space(fixture->engine), .count = BLOCKS};
}

static void test_drained_at_end(void **state)
{
    (void)state;
    struct fixture fixture;
    open_fixture(&fixture, "thread_cache=yes");
    for (unsigned round = 0; round < 20; round++) {
        in_thread(allocate_and_release, &fixture.task);
        struct mems_stats stats = test_stats(fixture.engine);
        assert_int_equal(stats.cached_blocks, 0);
        assert_int_equal(stats.cached_bytes, 0);
        assert_int_equal(stats.live_blocks, 0);
        assert_int_equal(stats.holes, stats.regions); // whole again
        test_conserved(fixture.engine);
        test_checked(fixture.engine, true);
    }
    struct mems_stats stats = test_stats(fixture.engine);
    assert_true(stats.cache_hits > stats.cache_misses);
    assert_int_equal(stats.cache_hits + stats.cache_misses, stats.allocs + stats.releases);
    assert_int_equal(stats.refilled_blocks, stats.drained_blocks);
    assert_true(stats.refills > 0 && stats.refilled_blocks >= stats.refills);
    assert_true(stats.drains > 0 && stats.drained_blocks >= stats.drains);
    mems_engine_close(fixture.engine);
}

static void test_flush(void **state)
{
    (void)state;
    struct fixture fixture;
    open_fixture(&fixture, "thread_cache=yes");
    allocate_and_release(&fixture.task);
    struct mems_stats stats = test_stats(fixture.engine);
    assert_true(stats.cached_blocks > 0);
    assert_true(stats.cached_bytes >= stats.cached_blocks * 40);
    test_conserved(fixture.engine);
    mems_thread_flush();
    stats = test_stats(fixture.engine);
    assert_int_equal(stats.cached_blocks, 0);
    assert_int_equal(stats.cached_bytes, 0);
    test_conserved(fixture.engine);
    mems_thread_flush();
    mems_engine_close(fixture.engine);
    mems_thread_flush(); // the engine is gone, this thread's cache of it too
}

static void test_remote_releases(void **state)
{
    (void)state;
    static const char *const options[] = {"thread_cache=yes", "thread_cache=no",
                                          "thread_cache=yes,arenas=4"};
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        struct fixture fixture;
        open_fixture(&fixture, options[i]);
        in_thread(allocate, &fixture.task);
        assert_int_equal(test_stats(fixture.engine).remote_releases, 0);
        in_thread(release, &fixture.task);
        struct mems_stats stats = test_stats(fixture.engine);
        assert_int_equal(stats.remote_releases, BLOCKS);
        assert_int_equal(stats.cached_blocks, 0);
        in_thread(allocate_and_release, &fixture.task);
        assert_int_equal(test_stats(fixture.engine).remote_releases, BLOCKS);
        test_checked(fixture.engine, true);
        mems_engine_close(fixture.engine);
    }
}

static void test_switched_off(void **state)
{
    (void)state;
    struct fixture fixture;
    open_fixture(&fixture, "thread_cache=no");
    allocate_and_release(&fixture.task);
    struct mems_stats stats = test_stats(fixture.engine);
    assert_int_equal(stats.allocs, BLOCKS);
    assert_int_equal(stats.cache_hits, 0);
    assert_int_equal(stats.cache_misses, 0);
    assert_int_equal(stats.refills, 0);
    assert_int_equal(stats.drains, 0);
    assert_int_equal(stats.cached_blocks, 0);
    mems_engine_close(fixture.engine);
}

// A cache takes the policy's lock less often than its blocks are many.
static uint64_t acquisitions(struct mems_engine *engine)
{
    uint64_t sum = 0;
    struct mems_lock_stats lock;
    for (size_t i = 0; mems_lock_at(engine, i, &lock) == 0; i++) {
        sum += lock.acquisitions;
    }
    return sum;
}

static void test_saves_locks(void **state)
{
    (void)state;
    uint64_t taken[2];
    static const char *const options[] = {"thread_cache=no", "thread_cache=yes"};
    for (size_t i = 0; i < 2; i++) {
        struct fixture fixture;
        open_fixture(&fixture, options[i]);
        uint64_t before = acquisitions(fixture.engine);
        for (unsigned round = 0; round < 500; round++) {
            mems_addr addr = test_alloc(fixture.task.space, 40);
            assert_int_equal(mems_release(fixture.task.space, addr), 0);
        }
        taken[i] = acquisitions(fixture.engine) - before;
        mems_engine_close(fixture.engine);
    }
    assert_true(taken[0] >= 1000);
    assert_true(taken[1] < taken[0] / 10);
}

static void *end_with_cache(void *arg)
{
    struct task *task = arg;
    allocate_and_release(task);
    pthread_barrier_wait(task->ready); // blocks are cached here; the engine closes meanwhile
    pthread_barrier_wait(task->leave);
    return NULL;
}

// The thread outlives the engine whose blocks it caches.
static void test_engine_closed_first(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 10; round++) {
        struct fixture fixture;
        open_fixture(&fixture, "thread_cache=yes");
        pthread_barrier_t ready, leave;
        pthread_barrier_init(&ready, NULL, 2);
        pthread_barrier_init(&leave, NULL, 2);
        fixture.task.ready = &ready;
        fixture.task.leave = &leave;
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, end_with_cache, &fixture.task), 0);
        pthread_barrier_wait(&ready);
        assert_true(test_stats(fixture.engine).cached_blocks > 0);
        if (round % 2 == 0) { // the space alone gives its cached blocks back
            mems_space_close(fixture.task.space);
            assert_int_equal(test_stats(fixture.engine).cached_blocks, 0);
            test_checked(fixture.engine, true);
        }
        mems_engine_close(fixture.engine);
        pthread_barrier_wait(&leave);
        pthread_join(thread, NULL);
        pthread_barrier_destroy(&ready);
        pthread_barrier_destroy(&leave);
    }
}

// A magazine of one holds one; what it must not hold goes to the policy directly.
static void test_sizes(void **state)
{
    (void)state;
    struct fixture fixture;
    open_fixture(&fixture, "thread_cache=yes,cache_blocks=1");
    allocate_and_release(&fixture.task);
    assert_true(test_stats(fixture.engine).cached_blocks <= 2);
    mems_engine_close(fixture.engine);

    open_fixture(&fixture, "thread_cache=yes,cache_limit=32");
    allocate_and_release(&fixture.task); // of 40 bytes
    struct mems_stats stats = test_stats(fixture.engine);
    assert_int_equal(stats.cached_blocks, 0);
    assert_int_equal(stats.cache_hits, 0);
    mems_addr addr = test_alloc(fixture.task.space, 20);
    assert_int_equal(mems_release(fixture.task.space, addr), 0);
    assert_true(test_stats(fixture.engine).cached_blocks > 0);
    mems_engine_close(fixture.engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_drained_at_end),  cmocka_unit_test(test_flush),
        cmocka_unit_test(test_remote_releases), cmocka_unit_test(test_switched_off),
        cmocka_unit_test(test_saves_locks),     cmocka_unit_test(test_engine_closed_first),
        cmocka_unit_test(test_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
