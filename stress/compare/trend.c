// SPDX-License-Identifier: MIT
//
// trend.c - what a series of figures did: nothing, steps, or a drift.
//
// 1. Whether. That something changes is said by the permutation test of change.c alone; what is
//    here says what it was and where. A series in which nothing changes is called changed with the
//    chance of that test, whatever the following makes of it.
// 2. What. A figure that creeps by a little from run to run is no step, though it can be cut into
//    several. Two models are fitted: the levels between the changes, by their medians, and a line,
//    by the median of all slopes between two values (Theil 1950, Sen 1968) with the median of what
//    is left. The one of the smaller Bayesian information criterion (Schwarz 1978) is told:
//
//        2 n log(sum |residual| / n) + p log n
//
//    with the likelihood of errors after Laplace's first law, for which medians are the best fit
//    and a run that is far off weighs no more than it is far. p is 2 for a line and 2 k + 1 for k
//    changes: their places count like their levels (Yao 1988, "Estimating the number of
//    change-points via Schwarz' criterion").
// 3. Where. A change's place among the values from the change before it to the one after it is the
//    t of the least
//
//        sum over [0, t) of |value - their median| + sum over [t, n) of |value - their median|
//
//    (least absolute deviations: Bai 1995). Segments of one value are allowed here: the search of
//    change.c needs three, and would put the change of the last two runs a run too early.
// 4. How sure. The series is made again 499 times, each side of values drawn from its own (which is
//    its level and residuals of it), the place is found again in each, and the interval of 95 % of
//    the place's errors, turned round, is where the change lies (the bootstrap of Huskova and Kirch
//    2008, "Bootstrapping confidence intervals for the change-point of time series"). A step of
//    many times the noise has one place. The ratio of the levels has the bootstrap interval of
//    comparisons (statistics.h), the slope Sen's, from Kendall's variance.
// 5. Limits. Three values hardly know their spread: intervals of so few are too short. A step in a
//    drift is told as one or the other.
// 6. If you change this: tests/unit/compare/test_trend.c has the rates of both mistakes and the
//    cover of the intervals.

#include "compare/trend.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "compare/statistics.h"
#include "job/complaint.h"
#include "workload/random.h"

#define TREND_RESAMPLES 499
#define TREND_QUANTILE  1.959964 // of the normal distribution, both sides of 95 %
#define TREND_TINY      1e-12    // share of a level below which there is no residual

const char *trend_kind_name(enum trend_kind kind)
{
    static const char *const names[] = {
        [TREND_STILL] = "still", [TREND_STEPS] = "steps", [TREND_DRIFT] = "drift"};
    return names[kind];
}

static void *trend_zeroed(size_t count, size_t size)
{
    void *memory = calloc(count > 0 ? count : 1, size);
    if (memory == NULL) {
        complain_exhausted();
    }
    return memory;
}

static int trend_order(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

// ---- places --------------------------------------------------------------------------------

// spread[t]: the sum of |value - median| over the first t values, or over the last t. One value
// more adds its distance from the median, of an even number from the nearer of the two in the
// middle.
static void trend_spread(const double *values, size_t count, bool last, double *sorted,
                         double *spread)
{
    spread[0] = 0;
    for (size_t size = 0; size < count; size++) {
        double value = last ? values[count - 1 - size] : values[size];
        size_t place = 0;
        for (size_t step = 256; step > 0; step /= 2) {
            place += place + step <= size && sorted[place + step - 1] < value ? step : 0;
        }
        double low = size > 0 ? sorted[(size - 1) / 2] : value;
        double high = size > 0 ? sorted[size / 2] : value;
        spread[size + 1] = spread[size] + fmax(fmax(low - value, value - high), 0);
        memmove(sorted + place + 1, sorted + place, (size - place) * sizeof *sorted);
        sorted[place] = value;
    }
}

// 1 .. count - 1: the first value after the change; of several as good the nearest to `near`.
static size_t trend_place(const double *values, size_t count, size_t near)
{
    double sorted[CHANGE_MOST], before[CHANGE_MOST + 1], after[CHANGE_MOST + 1];
    double best = INFINITY;
    size_t place = near;
    trend_spread(values, count, false, sorted, before);
    trend_spread(values, count, true, sorted, after);
    double tiny =
        before[count] * 1e-9; // the same sums in another order differ in their last digits
    for (size_t t = 1; t < count; t++) {
        double both = before[t] + after[count - t];
        size_t distance = t > near ? t - near : near - t;
        size_t so_far = place > near ? place - near : near - place;
        if (both < best - tiny || (both <= best + tiny && distance < so_far)) {
            best = both;
            place = t;
        }
    }
    return place;
}

// What is needed to make a segment's values again.
struct trend_maker {
    size_t count, at;
    const double *values;
    double made[CHANGE_MOST];
};

static void trend_make(struct trend_maker *maker, struct random *random)
{
    for (size_t i = 0; i < maker->count; i++) {
        bool after = i >= maker->at;
        size_t from = after ? maker->at : 0;
        size_t size = after ? maker->count - maker->at : maker->at;
        maker->made[i] = maker->values[from + random_below(random, size)];
    }
}

// The places between which the change lies: shifts of `at` that 95 % of the errors make good.
static void trend_range(struct trend_maker *maker, struct random *random, size_t *first,
                        size_t *last)
{
    double errors[TREND_RESAMPLES];
    size_t out = (size_t)(TREND_RESAMPLES * (1 - TREND_LEVEL) / 2);
    for (size_t i = 0; i < TREND_RESAMPLES; i++) {
        trend_make(maker, random);
        size_t place = trend_place(maker->made, maker->count, maker->at);
        errors[i] = (double)place - (double)maker->at;
    }
    qsort(errors, TREND_RESAMPLES, sizeof *errors, trend_order);
    double at = (double)maker->at;
    double low = fmin(at, at - errors[TREND_RESAMPLES - 1 - out]);
    double high = fmax(at, at - errors[out]);
    *first = (size_t)fmax(low, 1);
    *last = (size_t)fmin(high, (double)maker->count - 1);
}

// ---- steps ---------------------------------------------------------------------------------

// Places first, one after the other: each lies between the ones beside it.
static void trend_settle(const double *values, size_t count, struct trend *trend)
{
    for (size_t i = 0; i < trend->step_count; i++) {
        size_t begin = i > 0 ? trend->steps[i - 1].at : 0;
        size_t end = i + 1 < trend->step_count ? trend->steps[i + 1].at : count;
        size_t near = trend->steps[i].at - begin;
        trend->steps[i].at = begin + trend_place(values + begin, end - begin, near);
    }
}

static void trend_measure(const double *values, size_t count, struct trend *trend, size_t i,
                          uint64_t seed)
{
    struct trend_step *step = &trend->steps[i];
    size_t begin = i > 0 ? trend->steps[i - 1].at : 0;
    size_t end = i + 1 < trend->step_count ? trend->steps[i + 1].at : count;
    size_t left = step->at - begin, right = end - step->at;
    struct random random;
    struct statistics_interval interval = statistics_interval_unpaired(
        values + begin, left, values + step->at, right, TREND_LEVEL, seed);
    step->before = statistics_median(values + begin, left);
    step->after = statistics_median(values + step->at, right);
    step->ratio = statistics_ratio(step->before, step->after);
    step->low = interval.low;
    step->high = interval.high;
    struct trend_maker maker = {
        .count = left + right,
        .at = left,
        .values = values + begin,
    };
    random_init(&random, seed, i, 1);
    trend_range(&maker, &random, &step->first, &step->last);
    step->first += begin;
    step->last += begin;
}

// ---- a line --------------------------------------------------------------------------------

static void trend_fit_line(const double *values, size_t count, struct trend_drift *drift)
{
    size_t pairs = 0;
    double *slopes = trend_zeroed(count * (count - 1) / 2, sizeof *slopes);
    double *left = trend_zeroed(count, sizeof *left);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = i + 1; j < count; j++) {
            slopes[pairs++] = (values[j] - values[i]) / (double)(j - i);
        }
    }
    qsort(slopes, pairs, sizeof *slopes, trend_order);
    double n = (double)count;
    double slope = statistics_median(slopes, pairs);
    double spread = TREND_QUANTILE * sqrt(n * (n - 1) * (2 * n + 5) / 18);
    double below = floor(((double)pairs - spread) / 2);
    double above = ceil(((double)pairs + spread) / 2);
    for (size_t i = 0; i < count; i++) {
        left[i] = values[i] - slope * (double)i;
    }
    drift->from = statistics_median(left, count);
    drift->to = drift->from + slope * (n - 1);
    double middle = statistics_median(values, count);
    drift->share = slope / middle;
    drift->low = slopes[(size_t)fmax(below, 0)] / middle;
    drift->high = slopes[(size_t)fmin(above, (double)pairs - 1)] / middle;
    free(slopes);
    free(left);
}

static double trend_criterion(double residuals, size_t count, size_t parameters, double level)
{
    double n = (double)count;
    double mean = fmax(residuals / n, fabs(level) * TREND_TINY);
    return 2 * n * log(mean) + (double)parameters * log(n);
}

static double trend_left_of_line(const double *values, size_t count,
                                 const struct trend_drift *drift)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        double share = (double)i / (double)(count - 1);
        sum += fabs(values[i] - drift->from - share * (drift->to - drift->from));
    }
    return sum;
}

static double trend_left_of_steps(const double *values, size_t count, const struct trend *trend)
{
    double sum = 0;
    for (size_t i = 0, step = 0; i < count; i++) {
        step += step < trend->step_count && trend->steps[step].at == i;
        double level = step > 0 ? trend->steps[step - 1].after : trend->steps[0].before;
        sum += fabs(values[i] - level);
    }
    return sum;
}

// ---- which ---------------------------------------------------------------------------------

static bool trend_is_drift(const double *values, size_t count, const struct trend *trend)
{
    double level = statistics_median(values, count);
    if (!(level > 0)) { // no share of it
        return false;
    }
    double line =
        trend_criterion(trend_left_of_line(values, count, &trend->drift), count, 2, level);
    double steps = trend_criterion(trend_left_of_steps(values, count, trend), count,
                                   2 * trend->step_count + 1, level);
    return line < steps;
}

void trend_find(const double *values, size_t count, const struct change_options *options,
                struct trend *trend)
{
    struct change changes[CHANGE_MOST];
    memset(trend, 0, sizeof *trend);
    trend->step_count = change_points(values, count, options, changes);
    if (trend->step_count == 0) {
        return;
    }
    trend->drift.p = 1;
    for (size_t i = 0; i < trend->step_count; i++) {
        trend->steps[i] = (struct trend_step){.at = changes[i].at, .p = changes[i].p};
        trend->drift.p = fmin(trend->drift.p, changes[i].p);
    }
    trend_settle(values, count, trend);
    for (size_t i = 0; i < trend->step_count; i++) {
        trend_measure(values, count, trend, i, options->seed);
    }
    trend_fit_line(values, count, &trend->drift);
    trend->kind = TREND_STEPS;
    if (trend_is_drift(values, count, trend)) {
        trend->kind = TREND_DRIFT;
        trend->step_count = 0;
    } else {
        trend->drift = (struct trend_drift){0};
    }
}
