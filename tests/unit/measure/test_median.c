// SPDX-License-Identifier: MIT
//
// test_median.c - the middle of some figures.

#include "measure/median.h"

#include <float.h>
#include <math.h>

#include "support/test.h"

static void test_the_middle(void **state)
{
    (void)state;
    double odd[] = {5, -1, 3};
    double even[] = {4, 1, 3, 2};
    double same[] = {DBL_MAX, DBL_MAX};
    assert_true(median_of(odd, 3) == 3);
    assert_true(median_of(even, 4) == 2.5);
    assert_true(even[0] == 1 && even[3] == 4); // in order now
    assert_true(median_of_sorted(even, 3) == 2);
    assert_true(median_of(even, 1) == 1);
    assert_true(median_of(same, 2) == DBL_MAX);
    assert_true(isnan(median_of(NULL, 0)));
}

static void test_infinities(void **state)
{
    (void)state;
    double values[] = {INFINITY, 1, INFINITY, INFINITY};
    assert_true(median_of(values, 4) == INFINITY);
    assert_true(median_between(1, INFINITY) == INFINITY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_middle),
        cmocka_unit_test(test_infinities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
