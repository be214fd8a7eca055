// SPDX-License-Identifier: MIT
//
// test_block_front.c - blocks of threads that have fronts: the way in line, and what it leaves.

#include "support/engine.h"

static uint64_t acquisitions(struct mems_engine *engine)
{
    struct mems_lock_stats stats;
    uint64_t sum = 0;
    for (size_t i = 0; mems_lock_at(engine, i, &stats) == 0; i++) {
        sum += stats.acquisitions;
    }
    return sum;
}

// Once a thread has a slab and a descriptor, a pair takes no lock and is no miss.
static void test_in_line(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 16, 17, 100, 1008, 1009, 1024, 1025, 2000, 4096};
    enum { PAIRS = 1000 };
    struct mems_engine *engine = test_engine("slab", "");
    struct mems_space *space = test_space(engine);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        mems_addr kept = test_alloc(space, sizes[i]);
        mems_addr next = test_alloc(space, sizes[i]);
        assert_int_equal(mems_release(space, next), 0);
        struct mems_stats before = test_stats(engine);
        uint64_t locks = acquisitions(engine);
        for (size_t k = 0; k < PAIRS; k++) {
            mems_addr addr = test_alloc(space, sizes[i]);
            assert_int_equal(mems_release(space, addr), 0);
        }
        assert_int_equal(acquisitions(engine), locks);
        struct mems_stats after = test_stats(engine);
        assert_int_equal(after.cache_misses, before.cache_misses);
        assert_int_equal(after.cache_hits, before.cache_hits + 2 * PAIRS);
        assert_int_equal(after.requested_bytes, before.requested_bytes);
        assert_int_equal(mems_release(space, kept), 0);
    }
    test_checked(engine, true);
    mems_engine_close(engine);
}

// Whatever way a block comes, its limit is what was asked for, its size its class's.
static void test_sizes(void **state)
{
    (void)state;
    struct mems_engine *engine = test_engine("slab", "");
    struct mems_space *space = test_space(engine);
    for (size_t size = 1; size <= 20000; size += size < 1100 ? 1 : 97) {
        for (size_t align = 0; align <= 8192; align = align == 0 ? 8 : align * 32) {
            mems_addr addr = 0;
            size_t requested = 0, taken = 0;
            char byte = 1;
            assert_int_equal(mems_alloc(space, size, align, &addr), 0);
            assert_int_equal(mems_block_size(space, addr, &requested, &taken), 0);
            assert_int_equal(requested, size);
            assert_true(taken >= size && test_host(space, addr) % (align == 0 ? 16 : align) == 0);
            assert_true(align > 16 || size > 16384 || taken <= 16 || 9 * (taken - size) <= taken ||
                        taken - size < 16);
            assert_int_equal(mems_write(space, addr + size - 1, &byte, 1), 0);
            assert_int_equal(mems_write(space, addr + size, &byte, 1), ERANGE);
            if (size % 3 == 0) {
                assert_int_equal(mems_release(space, addr), 0);
                assert_int_equal(mems_release(space, addr), EALREADY);
            }
        }
    }
    mems_addr none = 42;
    assert_int_equal(mems_alloc(space, 0, 0, &none), EINVAL);
    assert_int_equal(mems_alloc(space, 8, 3, &none), EINVAL);
    assert_int_equal(none, 42);
    test_checked(engine, true);
    test_conserved(engine);
    mems_engine_close(engine);
}

// A thread has a front for each space, and finds it again however many there are.
static void test_spaces(void **state)
{
    (void)state;
    enum { SPACES = 40 };
    struct mems_engine *engine = test_engine("slab", "");
    struct mems_space *spaces[SPACES];
    mems_addr kept[SPACES], gone[SPACES];
    for (size_t i = 0; i < SPACES; i++) {
        spaces[i] = test_space(engine);
        kept[i] = test_alloc(spaces[i], 64);
        test_stamp(spaces[i], kept[i], 64, i);
    }
    for (size_t round = 0; round < 3; round++) {
        for (size_t i = 0; i < SPACES; i++) {
            gone[i] = test_alloc(spaces[i], 64);
            assert_int_equal(mems_release(spaces[(i + 1) % SPACES], gone[i]), EPERM);
            assert_int_equal(mems_release(spaces[i], gone[i]), 0);
        }
    }
    for (size_t i = 0; i < SPACES; i += 2) {
        mems_space_close(spaces[i]);
        spaces[i] = test_space(engine);
        assert_int_equal(mems_release(spaces[i], kept[i]), EALREADY);
        kept[i] = test_alloc(spaces[i], 64);
        test_stamp(spaces[i], kept[i], 64, i);
    }
    for (size_t i = 0; i < SPACES; i++) {
        test_stamped(spaces[i], kept[i], 64, i);
    }
    assert_int_equal(test_stats(engine).live_blocks, SPACES);
    test_checked(engine, true);
    mems_engine_close(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_line),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_spaces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
