// SPDX-License-Identifier: MIT
//
// test_trend.c - steps are told as steps with the place among those named, drifts as drifts, and
// noise as nothing: counted over many series.

#include "compare/trend.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "support/chance.h"
#include "support/test.h"
#include "workload/random.h"

// Fewer permutations than a history takes: the least p is alpha.
static const struct change_options standard = {CHANGE_ALPHA, CHANGE_LEAST, 99, 1};

#define SERIES_MOST 80

// How a series goes: level(i), times noise, once in a while far off, as machines are.
struct shape {
    const char *name;
    size_t count;
    double noise;    // standard deviation, a share
    double outliers; // share of values that are 10 % off
    size_t at[2];    // of steps; 0: none
    double step[2];  // factors
    double drift;    // share of the first level, a value
};

static double shape_level(const struct shape *shape, size_t i)
{
    double level = 1 + shape->drift * (double)i;
    for (size_t s = 0; s < 2; s++) {
        level *= shape->at[s] > 0 && i >= shape->at[s] ? shape->step[s] : 1;
    }
    return level;
}

static void shape_make(const struct shape *shape, struct random *random, double *values)
{
    for (size_t i = 0; i < shape->count; i++) {
        double sum = 0;
        for (int n = 0; n < 12; n++) {
            sum += (double)(random_next(random) >> 11) * 0x1p-53;
        }
        bool far = (double)random_below(random, 1000) < 1000 * shape->outliers;
        values[i] = 1000 * shape_level(shape, i) * (1 + (sum - 6) * shape->noise) * (far ? 1.1 : 1);
    }
}

struct tally {
    size_t kinds[3];
    size_t right;   // of those with steps: as many as were planted
    size_t covered; // of the steps of these: the place is among those named
    size_t wide;    // places named beyond one, of these
    size_t sized;   // the ratio is in its interval
    size_t slope;   // of the drifts: the slope is in its interval
};

static void tally_steps(const struct shape *shape, const struct trend *trend, struct tally *tally)
{
    size_t planted = shape->at[1] > 0 ? 2 : shape->at[0] > 0 ? 1 : 0;
    if (trend->kind != TREND_STEPS || trend->step_count != planted) {
        return;
    }
    tally->right++;
    for (size_t s = 0; s < planted; s++) {
        const struct trend_step *step = &trend->steps[s];
        assert_true(step->first >= 1 && step->first <= step->at && step->at <= step->last);
        assert_true(step->last < shape->count && step->low <= step->ratio);
        assert_true(step->ratio <= step->high && step->p > 0 && step->p <= standard.alpha);
        tally->covered += shape->at[s] >= step->first && shape->at[s] <= step->last;
        tally->wide += step->last - step->first;
        tally->sized += shape->step[s] >= step->low && shape->step[s] <= step->high;
    }
}

static struct tally tally_of(const struct shape *shape, uint64_t seed, size_t tries)
{
    struct tally tally = {.right = 0};
    for (size_t i = 0; i < tries; i++) {
        struct random random;
        struct trend trend;
        struct change_options options = standard;
        double values[SERIES_MOST];
        random_init(&random, seed, i, shape->count);
        options.seed = i;
        shape_make(shape, &random, values);
        trend_find(values, shape->count, &options, &trend);
        tally.kinds[trend.kind]++;
        tally_steps(shape, &trend, &tally);
        if (trend.kind == TREND_DRIFT) {
            double middle = shape_level(shape, shape->count / 2);
            double share = shape->drift / middle;
            tally.slope += share >= trend.drift.low && share <= trend.drift.high;
        }
    }
    return tally;
}

struct expected {
    struct shape shape;
    enum trend_kind kind;
    size_t least; // of a hundred that are of this kind
};

struct drawn {
    const struct expected *expected;
    uint64_t seed;
};

static bool as_expected(const void *what, size_t tries, double beyond, unsigned look)
{
    const struct drawn *drawn = what;
    const struct expected *expected = drawn->expected;
    const struct shape *shape = &expected->shape;
    struct tally tally = tally_of(shape, drawn->seed + look, tries);
    size_t planted = shape->at[1] > 0 ? 2 : 1;
    bool good = tally.kinds[expected->kind] * 100 >= expected->least * tries;
    (void)beyond;
    if (expected->kind == TREND_STEPS) {
        good = good && tally.right * 100 >= expected->least * tries;
        good = good && tally.covered * 100 >= planted * tally.right * 80;
        good = good && tally.sized * 100 >= planted * tally.right * 75;
        good = good && tally.wide <= 6 * planted * tally.right; // and not by naming all of them
    } else if (expected->kind == TREND_DRIFT) {
        good = good && tally.slope * 100 >= tally.kinds[TREND_DRIFT] * 75;
    }
    if (!good) {
        print_message("%s, %zu series: still %zu, steps %zu (%zu as planted; of their places %zu "
                      "named among %zu too many, of their sizes %zu), drift %zu (%zu slopes)\n",
                      shape->name, tries, tally.kinds[TREND_STILL], tally.kinds[TREND_STEPS],
                      tally.right, tally.covered, tally.wide, tally.sized, tally.kinds[TREND_DRIFT],
                      tally.slope);
    }
    return good;
}

// Intervals of 95 % are asked for 80 % or 75.
static void test_kinds(void **state)
{
    (void)state;
    static const struct expected expected[] = {
        {{"a step", 30, 0.01, 0.05, {15}, {0.9}, 0}, TREND_STEPS, 85},
        {{"a small step", 40, 0.005, 0, {20}, {0.985}, 0}, TREND_STEPS, 75},
        {{"a step near the end", 24, 0.01, 0.03, {20}, {0.85}, 0}, TREND_STEPS, 75},
        {{"a bump", 36, 0.01, 0.03, {14, 22}, {0.9, 1 / 0.9}, 0}, TREND_STEPS, 80},
        {{"stairs", 36, 0.005, 0.03, {12, 24}, {0.94, 0.94}, 0}, TREND_STEPS, 80},
        {{"a drift", 36, 0.01, 0.05, {0}, {0}, 0.004}, TREND_DRIFT, 85},
        {{"a drift down", 30, 0.01, 0.05, {0}, {0}, -0.006}, TREND_DRIFT, 85},
        {{"a clean drift", 24, 0.001, 0, {0}, {0}, 0.002}, TREND_DRIFT, 95},
    };
    size_t tries = MEMS_TEST_SCALE > 1 ? 10 : 30;
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        const struct drawn drawn = {&expected[i], test_seed()};
        assert_true(chance_holds(as_expected, &drawn, tries));
    }
}

static bool few_alarms(const void *what, size_t tries, double beyond, unsigned look)
{
    const struct drawn *drawn = what;
    const struct shape *shape = &drawn->expected->shape;
    struct tally tally = tally_of(shape, drawn->seed + look, tries);
    size_t alarms = tally.kinds[TREND_STEPS] + tally.kinds[TREND_DRIFT];
    if (alarms > chance_most(tries, CHANGE_ALPHA, beyond)) {
        print_message("%s, %zu series: %zu steps and %zu drifts\n", shape->name, tries,
                      tally.kinds[TREND_STEPS], tally.kinds[TREND_DRIFT]);
        return false;
    }
    return true;
}

// Without a change something is told with a chance of alpha.
static void test_false_alarms(void **state)
{
    (void)state;
    static const struct expected expected[] = {
        {{"noise", 24, 0.01, 0, {0}, {0}, 0}, TREND_STILL, 0},
        {{"noise and outliers", 24, 0.01, 0.05, {0}, {0}, 0}, TREND_STILL, 0},
    };
    for (size_t i = 0; i < 2; i++) {
        const struct drawn drawn = {&expected[i], test_seed()};
        assert_true(chance_holds(few_alarms, &drawn, 200 / MEMS_TEST_SCALE));
    }
}

// A step of many times the noise lies at one place; that of the last two values too, which the
// search puts a value too early.
static void test_place(void **state)
{
    (void)state;
    double values[60];
    struct trend trend;
    for (size_t i = 0; i < 60; i++) {
        values[i] = (i < 58 ? 1000 : 700) + (double)(i * 7 % 5);
    }
    trend_find(values, 60, &standard, &trend);
    assert_int_equal(trend.kind, TREND_STEPS);
    assert_int_equal(trend.step_count, 1);
    assert_int_equal(trend.steps[0].at, 58);
    assert_int_equal(trend.steps[0].first, 58);
    assert_int_equal(trend.steps[0].last, 58);
}

static void test_nothing(void **state)
{
    (void)state;
    double values[CHANGE_MOST] = {0};
    struct trend trend;
    trend_find(values, 0, &standard, &trend);
    assert_int_equal(trend.kind, TREND_STILL);
    trend_find(values, CHANGE_MOST, &standard, &trend); // zeros
    assert_int_equal(trend.kind, TREND_STILL);
    for (size_t i = 0; i < 30; i++) { // from nothing to something: no share of it
        values[i] = i < 15 ? 0 : 5;
    }
    trend_find(values, 30, &standard, &trend);
    assert_int_equal(trend.kind, TREND_STEPS);
    assert_true(isinf(trend.steps[0].ratio));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_place),
        cmocka_unit_test(test_false_alarms),
        cmocka_unit_test(test_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
