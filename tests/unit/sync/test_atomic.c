// SPDX-License-Identifier: MIT
//
// test_atomic.c - what the steps return; that they are atomic is for tests/concurrency.

#include "support/test.h"

#include <stdbool.h>

#include "sync/atomic.h"

static void test_steps(void **state)
{
    (void)state;
    uint64_t word = 5;
    assert_int_equal(load_relaxed(&word), 5);
    assert_int_equal(load_acquire(&word), 5);
    store_relaxed(&word, 6u);
    store_release(&word, load_relaxed(&word) + 1);
    assert_int_equal(add_relaxed(&word, 3u), 7);
    assert_int_equal(add_acq_rel(&word, 10u), 10);
    assert_int_equal(swap_acquire(&word, 1u), 20);
    assert_int_equal(swap_release(&word, 2u), 1);
    assert_int_equal(swap_acq_rel(&word, 3u), 2);
    count_own(&word, 4u);
    assert_int_equal(word, 7);
}

static void test_compare_and_swap(void **state)
{
    (void)state;
    uint64_t word = 1;
    uint64_t expected = 1;
    assert_true(cas_relaxed(&word, &expected, 2u));
    assert_int_equal(word, 2);
    assert_false(cas_relaxed(&word, &expected, 9u));
    assert_int_equal(expected, 2); // what was found
    assert_int_equal(word, 2);
    assert_true(cas_acquire(&word, &expected, 3u));
    assert_false(cas_release(&word, &expected, 9u));
    assert_int_equal(expected, 3);
    assert_true(cas_release(&word, &expected, 4u));
    assert_false(cas_acq_rel(&word, &expected, 9u));
    assert_true(cas_acq_rel(&word, &expected, 5u));
    assert_int_equal(word, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_compare_and_swap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
