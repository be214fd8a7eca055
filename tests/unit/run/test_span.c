// SPDX-License-Identifier: MIT
//
// test_span.c - how evenly operations are spread over threads; what locks are called.

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

static struct mems_engine *engine;

static struct mems_engine *engine_of(struct target_instance *instance)
{
    (void)instance;
    return engine;
}

// The lock of the swap file is the only one of its name, and has no number.
static void test_names_of_locks(void **state)
{
    (void)state;
    static struct span span;
    static const struct target target = {.name = "mems", .engine = engine_of};
    static struct run run = {.target = &target};
    const struct mems_config config = {.policy = "vm-paging", .options = "frames=16,swap=1Mi"};
    assert_int_equal(mems_engine_open(&config, &engine), 0);
    span_begin(&span, &run, NULL, 0);
    unsigned swaps = 0, orders = 0;
    for (uint32_t i = 0; i < span.locks.count && i < REPORT_LOCKS; i++) {
        const char *name = span.locks.lock[i].name;
        swaps += strcmp(name, "swap") == 0;
        orders += strcmp(name, "vm.order.1") == 0;
        assert_null(strstr(name, "4294967295"));
    }
    assert_int_equal(swaps, 1);
    assert_int_equal(orders, 1);
    mems_engine_close(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_even),           cmocka_unit_test(test_one_does_everything),
        cmocka_unit_test(test_figures),        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_names_of_locks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
