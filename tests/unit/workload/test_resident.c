// SPDX-License-Identifier: MIT
//
// test_resident.c - growth and trend of the last half of a series, whatever its length.

#include <math.h>

#include "support/test.h"
#include "workload/resident.h"

// How much a series of `steps` values grows that `value` gives.
static bool growth_of(uint64_t steps, uint64_t (*value)(uint64_t step), double *growth)
{
    static struct resident_series series;
    series = (struct resident_series){0};
    for (uint64_t i = 0; i < steps; i++) {
        if (resident_step(&series)) {
            resident_keep(&series, value(i));
        }
        assert_true(series.count <= RESIDENT_PLACES);
    }
    return resident_growth(&series, growth);
}

static uint64_t steady(uint64_t step)
{
    return 5000000 + (step % 7) * 1000;
}

static uint64_t rising(uint64_t step)
{
    return 1000 * step;
}

// Rises until step 100, then stays.
static uint64_t warming(uint64_t step)
{
    return step < 100 ? 1000 * step : 100000;
}

static void test_growth(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {16, 100, 256, 257, 1000, 100000};
    for (unsigned i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        double growth;
        double steps = (double)lengths[i];
        assert_true(growth_of(lengths[i], steady, &growth));
        assert_true(growth >= -6000 && growth <= 6000);
        assert_true(growth_of(lengths[i], rising, &growth));
        // Half of all, but for what lies between two kept values.
        assert_true(growth >= 0.48 * steps * 1000 && growth <= 0.52 * steps * 1000);
        assert_true(growth_of(lengths[i], warming, &growth));
        assert_true(lengths[i] < 400 || growth == 0);
    }
}

static struct resident_trend trend_of(uint64_t steps, uint64_t (*value)(uint64_t step))
{
    static struct resident_series series;
    struct resident_trend trend;
    series = (struct resident_series){0};
    for (uint64_t i = 0; i < steps; i++) {
        if (resident_step(&series)) {
            resident_keep(&series, value(i));
        }
    }
    assert_true(resident_trend(&series, &trend));
    assert_true(trend.low <= trend.slope && trend.slope <= trend.high);
    return trend;
}

// A page at a time, a peak now and then.
static uint64_t rising_by_pages(uint64_t step)
{
    return 1000 * step / 4096 * 4096 + (step % 31 == 0 ? 3000000 : 0);
}

static uint64_t one_step_up(uint64_t step)
{
    return step < 75000 ? 1000000 : 50000000;
}

static uint64_t falling(uint64_t step)
{
    return 1000000000 - 1000 * step;
}

static void test_trend(void **state)
{
    (void)state;
    static const uint64_t lengths[] = {16, 100, 256, 257, 1000, 100000};
    for (unsigned i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct resident_trend trend = trend_of(lengths[i], rising);
        assert_true(fabs(trend.slope - 1000) < 1 && fabs(trend.low - 1000) < 1);
        assert_true(fabs(trend.steps / (double)lengths[i] - 0.5) < 0.02);
        trend = trend_of(lengths[i], falling);
        assert_true(fabs(trend.slope + 1000) < 1 && fabs(trend.high + 1000) < 1);
        trend = trend_of(lengths[i], steady);
        assert_true(trend.low <= 0 && trend.high >= 0);
    }
    struct resident_trend trend = trend_of(100000, rising_by_pages);
    assert_true(trend.low > 990 && trend.high < 1010);
    trend = trend_of(100000, one_step_up); // in the middle of the last half
    assert_true(trend.low == 0 && trend.slope > 0);
}

static void test_too_few_say_nothing(void **state)
{
    (void)state;
    double growth;
    assert_false(growth_of(0, steady, &growth));
    assert_false(growth_of(RESIDENT_LEAST - 1, steady, &growth));
    assert_true(growth_of(RESIDENT_LEAST, steady, &growth));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_growth),
        cmocka_unit_test(test_trend),
        cmocka_unit_test(test_too_few_say_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
