// SPDX-License-Identifier: MIT
//
// test_stats.c - what snapshots and locks count, step by step.

#include "support/engine.h"
#include "support/policies.h"

static void test_steps(void **state)
{
    (void)state;
    struct mems_engine *engine = test_engine("dynamic", "capacity=64Ki,thread_cache=no");
    struct mems_space *space = test_space(engine);
    mems_addr a = test_alloc(space, 100);
    mems_addr b = test_alloc(space, 1000);
    mems_addr c = test_alloc(space, 10);
    struct mems_stats s = test_stats(engine);
    assert_int_equal(s.allocs, 3);
    assert_int_equal(s.live_blocks, 3);
    assert_int_equal(s.requested_bytes, 1110);
    assert_int_equal(s.block_bytes, 112 + 1008 + 16);
    assert_int_equal(s.held_bytes, 65536);
    assert_int_equal(s.free_bytes, 65536 - s.block_bytes);
    assert_int_equal(s.holes, 1);
    assert_int_equal(s.largest_hole, s.free_bytes);
    assert_int_equal(s.regions, 1);
    assert_true(s.metadata_bytes > 0);

    assert_int_equal(mems_release(space, b), 0);
    s = test_stats(engine);
    assert_int_equal(s.holes, 2);
    assert_int_equal(s.releases, 1);
    assert_int_equal(s.largest_hole, 65536 - 112 - 1008 - 16);

    assert_int_equal(mems_resize(space, &a, 50), 0);
    s = test_stats(engine);
    assert_int_equal(s.resizes, 1);
    assert_int_equal(s.requested_bytes, 60);
    assert_int_equal(s.live_blocks, 2);

    mems_addr refused = 0;
    assert_int_equal(mems_alloc(space, 65000, 0, &refused), ENOMEM); // enough, but in pieces
    assert_int_equal(mems_alloc(space, 66000, 0, &refused), ENOMEM); // not enough
    s = test_stats(engine);
    assert_int_equal(s.refusals, 2);
    assert_int_equal(s.refusals_enough_free, 1);

    assert_int_equal(mems_release(space, b), EALREADY);
    assert_int_equal(mems_release(space, c + 1), EINVAL);
    s = test_stats(engine);
    assert_int_equal(s.misuses, 2);

    mems_space_close(space); // releases what is left
    s = test_stats(engine);
    assert_int_equal(s.releases, 3);
    assert_int_equal(s.live_blocks, 0);
    assert_int_equal(s.holes, 1);
    test_conserved(engine);
    mems_engine_close(engine);
}

static void test_growth(void **state)
{
    (void)state;
    struct mems_engine *engine = test_engine("dynamic", "region=16Ki,thread_cache=no");
    struct mems_space *space = test_space(engine);
    uint64_t peak = 0;
    for (unsigned i = 1; i <= 20; i++) {
        test_alloc(space, 10000);
        struct mems_stats s = test_stats(engine);
        assert_int_equal(s.regions, i);
        assert_int_equal(s.held_bytes, (uint64_t)i * 16384);
        assert_int_equal(s.refusals, 0);
        peak = s.held_peak_bytes;
        assert_true(peak >= s.held_bytes);
    }
    mems_space_close(space);
    assert_true(test_stats(engine).held_peak_bytes == peak);
    mems_engine_close(engine);
}

static void test_spaces(void **state)
{
    (void)state;
    struct mems_engine *engine = test_engine("dynamic", "");
    uint32_t ids[100];
    for (size_t i = 0; i < 100; i++) {
        struct mems_space *space = test_space(engine);
        ids[i] = mems_space_id(space);
        assert_int_not_equal(ids[i], 0);
        for (size_t j = 0; j < i; j++) {
            assert_int_not_equal(ids[i], ids[j]);
        }
        if (i % 2 == 0) {
            test_alloc(space, 100);
            mems_space_close(space);
        }
    }
    mems_engine_close(engine); // with fifty spaces open
}

struct lock_sum {
    size_t count;
    uint64_t acquisitions;
};

static struct lock_sum sum_locks(struct mems_engine *engine)
{
    struct lock_sum sum = {0, 0};
    struct mems_lock_stats lock;
    int error;
    while ((error = mems_lock_at(engine, sum.count, &lock)) == 0) {
        assert_true(lock.name[0] != '\0' && memchr(lock.name, '\0', sizeof lock.name) != NULL);
        assert_true(lock.contended <= lock.acquisitions);
        assert_true(lock.spin_acquired + lock.waited <= lock.contended);
        assert_true(lock.owner_switches <= lock.acquisitions);
        assert_true(lock.hold_sampled <= lock.acquisitions);
        assert_true(lock.max_hold_ns <= lock.hold_ns);
        assert_true(lock.max_wait_ns <= lock.wait_ns);
        assert_true(lock.hold_sample > 0);
        sum.acquisitions += lock.acquisitions;
        sum.count++;
    }
    assert_int_equal(error, ENOENT);
    return sum;
}

static void names_differ(struct mems_engine *engine)
{
    struct mems_lock_stats lock, other;
    for (size_t i = 0; mems_lock_at(engine, i, &lock) == 0; i++) {
        for (size_t j = 0; j < i; j++) {
            assert_int_equal(mems_lock_at(engine, j, &other), 0);
            assert_string_not_equal(lock.name, other.name);
        }
    }
}

static void test_locks(void **state)
{
    (void)state;
    struct mems_engine *one = test_engine("dynamic", "arenas=1,thread_cache=no");
    struct mems_engine *four = test_engine("dynamic", "arenas=4,thread_cache=no");
    struct lock_sum before = sum_locks(one);
    assert_true(before.count >= 1);
    assert_true(sum_locks(four).count >= before.count + 3); // each arena has its own
    struct mems_space *space = test_space(one);
    for (unsigned i = 0; i < 1000; i++) {
        mems_addr addr = test_alloc(space, 64);
        assert_int_equal(mems_release(space, addr), 0);
    }
    struct lock_sum after = sum_locks(one);
    assert_true(after.acquisitions >= before.acquisitions + 2000);
    names_differ(four);
    struct mems_lock_stats lock;
    assert_int_equal(mems_lock_at(one, SIZE_MAX, &lock), ENOENT);
    mems_engine_close(one);
    mems_engine_close(four);
}

// Every policy gives account of its locks, and takes some of them to hand out a block.
static void test_locks_of_policies(void **state)
{
    (void)state;
    for (size_t i = 0; i < POLICY_CASE_COUNT; i++) {
        if (!case_there(&POLICY_CASES[i])) {
            continue;
        }
        struct policy_stage stage;
        stage_open(&stage, &POLICY_CASES[i], false);
        struct lock_sum before = sum_locks(stage.engine);
        assert_true(before.count > 2); // the engine's own two, and the policy's
        names_differ(stage.engine);
        assert_int_equal(mems_release(stage.space, test_alloc(stage.space, 64)), 0);
        struct lock_sum after = sum_locks(stage.engine);
        assert_int_equal(after.count, before.count);
        assert_true(after.acquisitions >= before.acquisitions + 2);
        mems_engine_close(stage.engine);
    }
}

static int stop_at_third(const struct mems_extent *extent, void *arg)
{
    (void)extent;
    unsigned *seen = arg;
    return ++*seen == 3 ? 77 : 0;
}

// A visitor may stop the walk, and may call the engine.
static int release_it(const struct mems_extent *extent, void *arg)
{
    if (extent->piece == MEMS_PIECE_BLOCK) {
        assert_int_equal(mems_release(arg, extent->addr), 0);
    }
    return 0;
}

static void test_walk(void **state)
{
    (void)state;
    struct mems_engine *engine = test_engine("dynamic", "thread_cache=no");
    struct mems_space *space = test_space(engine);
    for (unsigned i = 0; i < 10; i++) {
        test_alloc(space, 100);
    }
    unsigned seen = 0;
    assert_int_equal(mems_walk(engine, stop_at_third, &seen), 77);
    assert_int_equal(seen, 3);
    assert_int_equal(mems_walk(engine, release_it, space), 0);
    assert_int_equal(test_stats(engine).live_blocks, 0);
    test_checked(engine, true);
    mems_engine_close(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_growth),
        cmocka_unit_test(test_spaces),
        cmocka_unit_test(test_locks),
        cmocka_unit_test(test_locks_of_policies),
        cmocka_unit_test(test_walk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
