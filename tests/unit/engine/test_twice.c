// SPDX-License-Identifier: MIT
//
// test_twice.c - one block in two magazines: what two releases that race can leave behind.
//
// The race itself is rare; its outcome is made by hand here.

#include "support/engine.h"

#include "engine/engine.h"

static size_t reports;

static void count_report(const char *what, mems_addr addr)
{
    (void)addr;
    assert_string_equal(what, "block released twice at once");
    reports++;
}

// Releases a block as two threads do that see it live at once.
static void release_twice(struct mems_space *space, mems_addr addr)
{
    struct descriptor *descriptor = descriptor_find(space->table, addr);
    struct grant again = {descriptor, addr + (UINT64_C(1) << DESCRIPTOR_PLACE_BITS)};
    uint64_t requested = descriptor->limit;
    assert_int_equal(mems_release(space, addr), 0);
    struct cache *here = cache_here(&space->cache);
    assert_true(cache_push(here, descriptor->class, again));
    here->counters.releases++;
    here->counters.requested -= requested;
}

static void test_handed_out_twice(void **state)
{
    (void)state;
    struct mems_engine *engine = test_engine("dynamic", "");
    struct mems_space *space = test_space(engine);
    mems_corruption_hook before = mems_on_corruption(count_report);
    release_twice(space, test_alloc(space, 48));
    mems_addr one = test_alloc(space, 48), two = test_alloc(space, 48);
    assert_true(one == two);
    char byte = 0;
    reports = 0;
    assert_int_equal(mems_write(space, one, &byte, 1), EALREADY); // nobody may write into it
    assert_int_equal(reports, 1);
    assert_int_equal(mems_release(space, one), EALREADY);
    assert_int_equal(mems_release(space, two), EALREADY);
    assert_int_equal(reports, 3);
    test_checked(engine, true);
    mems_space_close(space);
    assert_int_equal(test_stats(engine).live_blocks, 0);
    assert_int_equal(test_stats(engine).requested_bytes, 0);
    space = test_space(engine);
    assert_int_equal(mems_release(space, one), EALREADY);
    assert_int_equal(reports, 3);
    test_checked(engine, true);
    mems_on_corruption(before);
    mems_engine_close(engine);
}

// Both come back to the policy, which takes one.
static void test_given_back_twice(void **state)
{
    (void)state;
    struct mems_engine *engine = test_engine("dynamic", "");
    struct mems_space *space = test_space(engine);
    mems_corruption_hook before = mems_on_corruption(count_report);
    reports = 0;
    release_twice(space, test_alloc(space, 48));
    mems_thread_flush();
    assert_int_equal(reports, 1);
    mems_addr one = test_alloc(space, 48), two = test_alloc(space, 48);
    assert_true(one != two);
    mems_on_corruption(before);
    mems_engine_close(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_handed_out_twice),
        cmocka_unit_test(test_given_back_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
