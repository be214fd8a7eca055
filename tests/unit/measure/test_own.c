// SPDX-License-Identifier: MIT
//
// test_own.c - the harness's own memory moves the limit, and only where there is one.

#include "measure/own.h"

#include <sys/resource.h>

#include "support/test.h"

static rlim_t limit_now(void)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_DATA, &limit), 0);
    return limit.rlim_cur;
}

static void test_without_a_limit_nothing_changes(void **state)
{
    (void)state;
    if (limit_now() != RLIM_INFINITY) {
        skip();
    }
    own_memory(1 << 20);
    assert_true(limit_now() == RLIM_INFINITY);
}

static void test_a_limit_moves_by_what_is_ours(void **state)
{
    (void)state;
    struct rlimit old, low;
    assert_int_equal(getrlimit(RLIMIT_DATA, &old), 0);
    low = old;
    low.rlim_cur = 1 << 20; // less than this process has: nothing more is given
    assert_int_equal(setrlimit(RLIMIT_DATA, &low), 0);
    own_memory(5 << 20);
    assert_int_equal(limit_now(), 6 << 20);
    own_memory(SIZE_MAX); // no overflow
    assert_true(limit_now() == low.rlim_max);
    assert_int_equal(setrlimit(RLIMIT_DATA, &old), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_a_limit_nothing_changes),
        cmocka_unit_test(test_a_limit_moves_by_what_is_ours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
