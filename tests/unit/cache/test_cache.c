// SPDX-License-Identifier: MIT
//
// test_cache.c - a thread's caches: many spaces, closed ones, and none to be had.

#include "support/engine.h"

#include <mems/inject.h>

#define SPACES 300

// Every space meets its own cache again, however many a thread serves and however many have closed
// in between.
static void test_many_spaces(void **state)
{
    (void)state;
    struct mems_engine *engine = test_engine("dynamic", "");
    struct mems_space *spaces[SPACES];
    mems_addr kept[SPACES];
    for (size_t i = 0; i < SPACES; i++) {
        spaces[i] = test_space(engine);
        kept[i] = test_alloc(spaces[i], 64);
        test_stamp(spaces[i], kept[i], 64, i);
        assert_int_equal(mems_release(spaces[i], test_alloc(spaces[i], 100)), 0);
    }
    for (size_t i = 0; i < SPACES; i += 3) {
        mems_space_close(spaces[i]);
        spaces[i] = test_space(engine);
        kept[i] = test_alloc(spaces[i], 64);
        test_stamp(spaces[i], kept[i], 64, i);
        assert_int_equal(mems_release(spaces[i], test_alloc(spaces[i], 100)), 0);
    }
    uint64_t refills = test_stats(engine).refills;
    for (size_t i = 0; i < SPACES; i++) {
        test_stamped(spaces[i], kept[i], 64, i);
        assert_int_equal(mems_release(spaces[i], test_alloc(spaces[i], 100)), 0);
    }
    assert_int_equal(test_stats(engine).refills, refills); // each found its block of 100 again
    assert_int_equal(test_stats(engine).live_blocks, SPACES);
    test_checked(engine, true);
    mems_engine_close(engine);
}

// A thread that makes caches for spaces that close does not pile them up.
static void test_closed_spaces(void **state)
{
    (void)state;
    struct mems_engine *engine = test_engine("dynamic", "");
    mems_inject(MEMS_SEAM_UNMAP, 0, 0); // counts from here
    for (size_t i = 0; i < SPACES; i++) {
        struct mems_space *space = test_space(engine);
        test_alloc(space, 64);
        mems_space_close(space);
    }
    assert_true(mems_inject_calls(MEMS_SEAM_UNMAP) >= SPACES - 4);
    mems_engine_close(engine);
}

// The thread that closes its spaces keeps nothing of them, however many it served at once.
static void test_closed_by_owner(void **state)
{
    (void)state;
    struct mems_engine *engine = test_engine("dynamic", "");
    struct mems_space *spaces[SPACES];
    for (size_t i = 0; i < SPACES; i++) {
        spaces[i] = test_space(engine);
        test_alloc(spaces[i], 64);
    }
    mems_inject(MEMS_SEAM_UNMAP, 0, 0); // counts from here
    for (size_t i = 0; i < SPACES; i++) {
        mems_space_close(spaces[i]);
    }
    assert_true(mems_inject_calls(MEMS_SEAM_UNMAP) >= SPACES);
    mems_engine_close(engine);
}

// The last cache's space has closed, and a new cache cannot be had: the old one is not looked at.
static void test_refused_after_close(void **state)
{
    (void)state;
    struct mems_engine *engine = test_engine("dynamic", "");
    struct mems_space *space = test_space(engine), *gone = test_space(engine);
    test_alloc(gone, 64);
    mems_space_close(gone);
    mems_inject(MEMS_SEAM_MAP, 1, 1);
    mems_addr addr = 0;
    for (size_t i = 0; i < 3; i++) { // the region and the descriptors are there already
        assert_int_equal(mems_alloc(space, 64, 0, &addr), 0);
        assert_int_equal(mems_release(space, addr), 0);
    }
    assert_true(mems_inject_hits(MEMS_SEAM_MAP) >= 1);
    mems_inject(MEMS_SEAM_MAP, 0, 0);
    struct mems_stats stats = test_stats(engine);
    assert_int_equal(stats.allocs, 4);     // counted without a cache as well
    assert_int_equal(stats.cache_hits, 0); // nor does closing a space count as one
    assert_int_equal(stats.live_blocks, 0);
    test_checked(engine, true);
    mems_engine_close(engine);
}

// Every allocation and release that succeeded is a hit, a miss or none of a magazine's; refusals
// are not among them.
static void test_hits_when_full(void **state)
{
    (void)state;
    struct mems_engine *engine = test_engine("dynamic", "capacity=64Ki");
    struct mems_space *space = test_space(engine);
    mems_addr addr = 0, last = 0;
    while (mems_alloc(space, 100, 0, &addr) == 0) {
        last = addr;
    }
    for (size_t i = 0; i < 1000; i++) {
        assert_int_equal(mems_alloc(space, 100, 0, &addr), ENOMEM);
        assert_int_equal(mems_alloc(space, 40000, 0, &addr), ENOMEM);
    }
    assert_int_equal(mems_release(space, last), 0);
    struct mems_stats stats = test_stats(engine);
    assert_int_equal(stats.refusals, 2001);
    assert_int_equal(stats.cache_misses, stats.refills);
    assert_int_equal(stats.cache_hits + stats.cache_misses, stats.allocs + stats.releases);
    mems_engine_close(engine);
}

// Before it is refused a thread gets what lies in its own magazines, whatever their sizes.
static void test_magazines_given_up(void **state)
{
    (void)state;
    static const size_t sizes[] = {60000, 4096, 16}; // past the magazines, and out of others
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        struct mems_engine *engine = test_engine("dynamic", "capacity=64Ki");
        struct mems_space *space = test_space(engine);
        mems_addr blocks[64];
        for (size_t i = 0; i < 64; i++) {
            blocks[i] = test_alloc(space, 1024);
        }
        for (size_t i = 0; i < 64; i++) {
            assert_int_equal(mems_release(space, blocks[i]), 0);
        }
        test_alloc(space, sizes[s]);
        assert_int_equal(test_stats(engine).refusals, 0);
        test_checked(engine, true);
        mems_engine_close(engine);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_spaces),     cmocka_unit_test(test_closed_spaces),
        cmocka_unit_test(test_closed_by_owner), cmocka_unit_test(test_refused_after_close),
        cmocka_unit_test(test_hits_when_full),  cmocka_unit_test(test_magazines_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
