// SPDX-License-Identifier: MIT
//
// test_span.c - how evenly operations are spread over threads.

#include "run/span.h"

#include <math.h>
#include <string.h>

#include "support/test.h"

static struct cell_report report;

static void fairness(const uint64_t *operations, unsigned threads)
{
    memcpy(report.thread_operations, operations, threads * sizeof *operations);
    span_fairness(&report, threads);
}

static void test_even(void **state)
{
    (void)state;
    fairness((uint64_t[]){70, 70, 70}, 3);
    assert_true(report.jain == 1 && report.thread_cv == 0);
    assert_int_equal(report.thread_least, 70);
    assert_int_equal(report.thread_most, 70);
}

static void test_one_does_everything(void **state)
{
    (void)state;
    fairness((uint64_t[]){0, 0, 400, 0}, 4);
    assert_true(fabs(report.jain - 0.25) < 1e-12);
    assert_true(fabs(report.thread_cv - sqrt(3)) < 1e-12);
    assert_int_equal(report.thread_least, 0);
    assert_int_equal(report.thread_most, 400);
}

// Mean 20, variance 200/3.
static void test_figures(void **state)
{
    (void)state;
    fairness((uint64_t[]){10, 20, 30}, 3);
    assert_true(fabs(report.thread_cv - sqrt(200.0 / 3) / 20) < 1e-12);
    assert_true(fabs(report.jain - 3600.0 / (3 * 1400)) < 1e-12);
    assert_true(fabs(report.jain - 1 / (1 + report.thread_cv * report.thread_cv)) < 1e-12);
}

static void test_nothing(void **state)
{
    (void)state;
    fairness((uint64_t[]){0, 0}, 2);
    assert_true(report.jain == 1 && report.thread_cv == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_even),
        cmocka_unit_test(test_one_does_everything),
        cmocka_unit_test(test_figures),
        cmocka_unit_test(test_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
