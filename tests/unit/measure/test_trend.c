// SPDX-License-Identifier: MIT
//
// test_trend.c - what grows for good is told from what settles, wanders, or comes back.

#include "measure/trend.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/test.h"

#define LOOKS 600u

static const struct trend_confidence sure = {3.891, 2.326};
static double at[LOOKS], value[LOOKS];
static uint64_t seed;

// Evenly over (0, 1).
static double chance(void)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return ((double)(seed >> 33) + 0.5) / 0x1p31;
}

static double normal(void)
{
    return sqrt(-2 * log(chance())) * cos(6.283185307179586 * chance());
}

// What the level is after each look; `at` goes from 1 to 16.
static void stands(unsigned i)
{
    value[i] = 5e6 + 2e4 * normal();
}

static void wanders(unsigned i)
{
    value[i] = (i > 0 ? value[i - 1] : 5e6) + 2e4 * normal();
}

static void lags(unsigned i)
{
    value[i] = 5e6 + 0.98 * (i > 0 ? value[i - 1] - 5e6 : 0) + 2e4 * normal();
}

// The sum of the largest that parts ever were; their first looks are the past before `at` = 1.
static void keeps_records(unsigned i)
{
    static double most[60];
    value[i] = 0;
    for (unsigned part = 0; part < 60; part++) {
        most[part] = i == 0 ? -9 : most[part];
        for (unsigned past = i == 0 ? LOOKS / 15 : 1; past > 0; past--) {
            most[part] = fmax(most[part], normal());
        }
        value[i] += 6e4 * most[part];
    }
}

// Regions that are added, by chance, ever more seldom.
static void adds_regions(unsigned i)
{
    bool added = chance() < 3 / (LOOKS / 15.0 + i);
    value[i] = (i > 0 ? value[i - 1] : 5e6) + (added ? -1e6 * log(chance()) : 0);
}

static void saws(unsigned i)
{
    value[i] = 5e6 + 3e6 * fabs(remainder(i, 47) / 23.5);
}

static void (*const shapes[])(unsigned i) = {stands,        wanders,      lags,
                                             keeps_records, adds_regions, saws};

static void draw(void (*shape)(unsigned i), double leak)
{
    for (unsigned i = 0; i < LOOKS; i++) {
        at[i] = 1 + 15.0 * i / (LOOKS - 1);
        shape(i);
    }
    for (unsigned i = 0; i < LOOKS; i++) {
        value[i] += leak * at[i];
    }
}

static struct trend lasting(void)
{
    struct trend trend;
    assert_true(trend_lasting(at, value, LOOKS, sure, &trend));
    assert_true(trend.low <= trend.slope && trend.slope <= trend.high);
    return trend;
}

// What has no leak is not told to have one, and what has one that is larger than the rest is.
static void test_leaks_only(void **state)
{
    (void)state;
    for (unsigned shape = 0; shape < sizeof shapes / sizeof shapes[0]; shape++) {
        unsigned found = 0, tries = 200 / MEMS_TEST_SCALE;
        for (seed = 1; seed <= tries;) {
            uint64_t first = seed;
            draw(shapes[shape], 0);
            struct trend trend = lasting();
            if (trend.low > 0) {
                fail_msg("shape %u, seed %llu: %g .. %g", shape, (unsigned long long)first,
                         trend.low, trend.high);
            }
            seed = first;
            draw(shapes[shape], 1e7);
            found += lasting().low > 0;
            seed = first + 1;
        }
        if (found < 0.8 * tries) {
            fail_msg("shape %u: %u leaks of %u found", shape, found, tries);
        }
    }
}

// What leaks is not excluded: the upper end is below a leak that is there in few tries. Of a level
// that wanders for as long as one looks it is too often: no number of points tells that from one
// that leaks the other way.
static void test_bounds_of_leaks(void **state)
{
    (void)state;
    for (unsigned shape = 0; shape < sizeof shapes / sizeof shapes[0]; shape++) {
        unsigned excluded = 0, tries = 400 / MEMS_TEST_SCALE;
        for (uint64_t first = 1; first <= tries; first++) {
            seed = first;
            draw(shapes[shape], 5e4);
            excluded += lasting().high < 5e4;
        }
        if (excluded > 2 + tries * (shapes[shape] == wanders ? 0.1 : 0.05)) {
            fail_msg("shape %u: %u leaks of %u excluded", shape, excluded, tries);
        }
    }
}

// Without any noise the slope is exact, beyond a logarithm of any size.
static void test_exactly(void **state)
{
    (void)state;
    for (int leak = -1; leak <= 1; leak++) {
        for (unsigned i = 0; i < LOOKS; i++) {
            at[i] = 1e6 + 15e6 * i / (LOOKS - 1);
            value[i] = 1e7 + 1e6 * log(at[i]) + leak * at[i];
        }
        struct trend trend = lasting();
        assert_true(leak <= 0 ? trend.high <= 0.2 : fabs(trend.slope - 1) < 0.1);
        assert_int_equal(trend.low > 0, leak > 0);
    }
}

static void nothing(unsigned i)
{
    value[i] = 0;
}

// What comes to an end has ended; what falls does not rise.
static void test_other_ways(void **state)
{
    (void)state;
    draw(nothing, 0);
    struct trend trend = lasting();
    assert_true(trend.low == 0 && trend.slope == 0 && trend.high == 0);
    draw(nothing, -100);
    assert_true(lasting().high < 0);
    for (unsigned i = 0; i < LOOKS; i++) { // first touched at a steady rate, until a third
        value[i] = fmin(at[i], 6) * 1e6;
    }
    assert_true(lasting().low <= 0);
}

// What is before a sixteenth is left out, and few looks say nothing.
static void test_bounds(void **state)
{
    (void)state;
    struct trend trend;
    draw(nothing, 1000);
    at[0] = 0;
    value[0] = 1e9;
    at[1] = 0.5;
    value[1] = -1e9;
    assert_true(fabs(lasting().slope - 1000) < 1);
    assert_false(trend_lasting(at, value, 0, sure, &trend));
    assert_false(trend_lasting(at, value, TREND_LEAST, sure, &trend));
    for (unsigned i = 0; i < LOOKS; i++) {
        at[i] = 7;
    }
    assert_false(trend_lasting(at, value, LOOKS, sure, &trend));
    assert_false(trend_even(at, value, LOOKS, 16, sure, &trend));
    assert_false(trend_slope(at, value, 16, sure, &trend));
    assert_false(trend_slope(at, value, TREND_LEAST - 1, sure, &trend));
    assert_false(trend_slope(at, value, TREND_POINTS + 1, sure, &trend));
}

// Sen's estimate by hand: slopes 1, 1, .. of a line with one point astray.
static void test_slope(void **state)
{
    (void)state;
    struct trend trend;
    for (unsigned i = 0; i < 20; i++) {
        at[i] = i;
        value[i] = i == 7 ? 1e6 : 2.0 * i;
    }
    assert_true(trend_slope(at, value, 20, sure, &trend));
    assert_true(trend.slope == 2 && trend.low == 2 && trend.high == 2);
    assert_true(trend_even(at, value, 20, 20, sure, &trend));
    assert_true(trend.slope == 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_leaks_only),      cmocka_unit_test(test_exactly),
        cmocka_unit_test(test_bounds_of_leaks), cmocka_unit_test(test_other_ways),
        cmocka_unit_test(test_bounds),          cmocka_unit_test(test_slope),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
