// SPDX-License-Identifier: MIT
//
// test_clock.c - the stopwatch agrees with the system's clock, and falls back to it.

#include "measure/clock.h"

#include <string.h>

#include "support/test.h"

static void test_rate_and_name_agree(void **state)
{
    (void)state;
    assert_string_equal(clock_name(), clock_rate.tsc ? "tsc" : "clock_gettime");
    assert_true(clock_ticks_per_ns() > 0.1 && clock_ticks_per_ns() < 100);
    if (!clock_rate.tsc) {
        assert_int_equal(clock_rate.multiplier, UINT64_C(1) << 32);
    }
    double ticks = clock_ticks_per_ns() * 1e9;
    double error = (double)clock_elapsed_ns(5, 5 + (uint64_t)ticks) - 1e9;
    assert_true(error > -10 && error < 10);
}

// The inner interval lies within the outer one, whichever clock is slower.
static void check_nested(void)
{
    uint64_t outer = clock_monotonic_ns();
    uint64_t begin = clock_begin();
    uint64_t inner = clock_monotonic_ns();
    while (clock_monotonic_ns() - inner < 3000000) {
    }
    uint64_t inner_ns = clock_monotonic_ns() - inner;
    uint64_t ns = clock_elapsed_ns(begin, clock_end());
    uint64_t outer_ns = clock_monotonic_ns() - outer;
    // One in 500: the calibration's error, and NTP's slewing of one clock and not the other.
    assert_true(ns + ns / 500 + 100 >= inner_ns);
    assert_true(ns <= outer_ns + outer_ns / 500 + 100);
}

static void test_agrees_with_the_systems_clock(void **state)
{
    (void)state;
    check_nested();
}

static void test_falls_back(void **state)
{
    (void)state;
    struct clock_rate before = clock_rate;
    clock_rate = (struct clock_rate){.multiplier = UINT64_C(1) << 32};
    assert_string_equal(clock_name(), "clock_gettime");
    check_nested();
    clock_rate = before;
}

static void test_counters_of_two_cpus_may_differ(void **state)
{
    (void)state;
    assert_int_equal(clock_elapsed_ns(1000, 990), 0);
    assert_true(clock_overhead_ns() >= 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rate_and_name_agree),
        cmocka_unit_test(test_agrees_with_the_systems_clock),
        cmocka_unit_test(test_falls_back),
        cmocka_unit_test(test_counters_of_two_cpus_may_differ),
    };
    clock_init();
    clock_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
