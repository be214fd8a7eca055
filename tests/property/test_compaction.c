// SPDX-License-Identifier: MIT
//
// test_compaction.c - the law of compaction (law_compaction.h) on random streams; the textbook's
// case.

#include "property/law_compaction.h"

enum { OPS = 1400000 / MEMS_TEST_SCALE };

static void test_model(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    size_t rows = sizeof RUNS / sizeof RUNS[0];
    for (size_t i = 0; i < rows; i++) {
        compaction_law(&RUNS[i], OPS / rows, source_drawn(seed + i));
    }
}

// ---- the textbook's -----------------------------------------------------------------------------

enum { UNIT = 64 };

static uint64_t unit_of(struct mems_space *space, mems_addr addr, uintptr_t base)
{
    return (test_host(space, addr) - base) / UNIT;
}

// Acceptance case 16: 1,024 units, first fit; 250 units moved.
static void textbook(const char *policy, const char *options)
{
    struct mems_engine *engine = test_engine(policy, options);
    struct mems_space *space = test_space(engine);
    struct mems_compaction done;
    mems_addr p1 = test_alloc(space, 200 * UNIT), p2 = test_alloc(space, 300 * UNIT);
    uintptr_t base = test_host(space, p1);
    mems_addr p3 = test_alloc(space, 100 * UNIT);
    assert_int_equal(mems_release(space, p2), 0);
    mems_addr p4 = test_alloc(space, 150 * UNIT);
    assert_int_equal(unit_of(space, p4, base), 200);
    test_stamp(space, p3, 100 * UNIT, 3);
    test_stamp(space, p4, 150 * UNIT, 4);
    assert_int_equal(mems_release(space, p1), 0);
    assert_int_equal(mems_compact(engine, &done), 0);
    assert_int_equal(done.moved_bytes, 250 * UNIT);
    assert_int_equal(done.moved, 2);
    assert_int_equal(done.holes, 1);
    assert_int_equal(done.free_bytes, 774 * UNIT);
    mems_addr p5 = test_alloc(space, 400 * UNIT);
    assert_int_equal(unit_of(space, p4, base), 0);
    assert_int_equal(unit_of(space, p3, base), 150);
    assert_int_equal(unit_of(space, p5, base), 250);
    assert_int_equal(test_stats(engine).free_bytes, 374 * UNIT);
    assert_int_equal(test_stats(engine).holes, 1);
    test_stamped(space, p3, 100 * UNIT, 3);
    test_stamped(space, p4, 150 * UNIT, 4);
    test_checked(engine, true);
    mems_engine_close(engine);
}

static void test_textbook(void **state)
{
    (void)state;
    textbook("segmentation", "capacity=64Ki,granule=64,thread_cache=no");
    textbook("dynamic", "capacity=64Ki,granule=64,thread_cache=no,movable=yes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_textbook),
        cmocka_unit_test(test_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
