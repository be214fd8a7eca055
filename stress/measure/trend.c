// SPDX-License-Identifier: MIT
//
// trend.c - stretches, their medians, and the slopes between them.

#include "measure/trend.h"

#include <math.h>

#define TREND_CORRELATED 0.95 // more is not told from a level that wanders
#define TREND_PAIRS      (TREND_POINTS * (TREND_POINTS - 1) / 2)

// The points that stretches come to.
struct trend_points {
    double at[TREND_POINTS + 1], value[TREND_POINTS + 1];
    unsigned count;
};

// In place, without memory: the process may be one whose malloc is under test.
static void trend_sort(double *values, unsigned count)
{
    for (unsigned gap = count / 2; gap > 0; gap /= 2) {
        for (unsigned i = gap; i < count; i++) {
            double value = values[i];
            unsigned at = i;
            for (; at >= gap && values[at - gap] > value; at -= gap) {
                values[at] = values[at - gap];
            }
            values[at] = value;
        }
    }
}

static double trend_middle(const double *sorted, unsigned count)
{
    return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
}

// The place, from the nearer end of so many sorted slopes, of the interval's end.
static unsigned trend_rank(unsigned count, unsigned pairs, double deviations)
{
    double n = count;
    double spread = deviations * sqrt(n * (n - 1) * (2 * n + 5) / 18);
    return (unsigned)fmax(((double)pairs - spread) / 2 - 1, 0);
}

bool trend_slope(const double *at, const double *value, unsigned count,
                 struct trend_confidence sure, struct trend *trend)
{
    double slopes[TREND_PAIRS];
    unsigned pairs = 0;
    if (count < TREND_LEAST || count > TREND_POINTS) {
        return false;
    }
    for (unsigned i = 0; i < count; i++) {
        for (unsigned j = i + 1; j < count; j++) {
            if (at[i] < at[j] || at[i] > at[j]) {
                slopes[pairs++] = (value[j] - value[i]) / (at[j] - at[i]);
            }
        }
    }
    if (pairs == 0) {
        return false;
    }
    trend_sort(slopes, pairs);
    *trend = (struct trend){
        .slope = trend_middle(slopes, pairs),
        .low = slopes[trend_rank(count, pairs, sure.low)],
        .high = slopes[pairs - 1 - trend_rank(count, pairs, sure.high)],
    };
    return true;
}

static double trend_share(double at, double first, double last, bool logarithm)
{
    return logarithm ? log(at / first) / log(last / first) : (at - first) / (last - first);
}

// Cuts the series into stretches, equal in `at` or in its logarithm; those without a value are left
// out.
static void trend_cut(const double *at, const double *value, unsigned count, unsigned stretches,
                      bool logarithm, struct trend_points *points)
{
    double held[TREND_VALUES];
    double sum = 0;
    unsigned stretch = 0, many = 0;
    points->count = 0;
    for (unsigned i = 0; i <= count; i++) {
        double share = i < count ? trend_share(at[i], at[0], at[count - 1], logarithm) : 2;
        unsigned place = (unsigned)(share * stretches);
        place = i < count && place >= stretches ? stretches - 1 : place;
        if (place != stretch && many > 0) {
            trend_sort(held, many);
            points->at[points->count] = sum / many;
            points->value[points->count++] = trend_middle(held, many);
            many = 0;
            sum = 0;
        }
        if (i < count) {
            stretch = place;
            held[many++] = value[i];
            sum += at[i];
        }
    }
}

bool trend_even(const double *at, const double *value, unsigned count, unsigned stretches,
                struct trend_confidence sure, struct trend *trend)
{
    struct trend_points points;
    if (count < TREND_LEAST || count > TREND_VALUES || at[0] >= at[count - 1]) {
        return false;
    }
    trend_cut(at, value, count, stretches < TREND_POINTS ? stretches : TREND_POINTS, false,
              &points);
    return trend_slope(points.at, points.value, points.count, sure, trend);
}

// By how much errors that depend on their predecessors widen an interval: their correlation r, as
// of a line through the points, makes as good as n (1 - r)/(1 + r) of n points.
static double trend_widening(const struct trend_points *points, double slope)
{
    double mean = 0, squares = 0, products = 0, before = 0;
    double n = points->count;
    for (unsigned i = 0; i < points->count; i++) {
        mean += (points->value[i] - slope * points->at[i]) / n;
    }
    for (unsigned i = 0; i < points->count; i++) {
        double error = points->value[i] - slope * points->at[i] - mean;
        squares += error * error;
        products += error * before;
        before = error;
    }
    double r = squares > 0 ? products / squares : 0;
    r += (1 + 3 * r) / n; // which so few points show too little of
    r = fmin(fmax(r, 0), TREND_CORRELATED);
    return sqrt((1 + r) / (1 - r));
}

// Between nothing and all that there may be.
static double trend_share_of(double slope, const struct trend *all)
{
    return fmax(fmin(slope, fmax(all->high, 0)), fmin(all->low, 0));
}

bool trend_lasting(const double *at, const double *value, unsigned count,
                   struct trend_confidence sure, struct trend *trend)
{
    struct trend_points levels;
    double length[TREND_POINTS], rise[TREND_POINTS];
    unsigned first = 0;
    while (first < count && (at[first] <= 0 || at[first] < at[count - 1] / TREND_SPAN)) {
        first++;
    }
    if (count - first < TREND_LEAST || count - first > TREND_VALUES || at[first] >= at[count - 1]) {
        return false;
    }
    trend_cut(&at[first], &value[first], count - first, TREND_POINTS + 1, true, &levels);
    unsigned rises = levels.count - 1;
    for (unsigned i = 0; i < rises; i++) {
        length[i] = levels.at[i + 1] - levels.at[i];
        rise[i] = levels.value[i + 1] - levels.value[i];
    }
    struct trend all; // of what settles and what lasts
    trend_cut(&at[first], &value[first], count - first, TREND_POINTS, false, &levels);
    if (!trend_slope(length, rise, rises, sure, trend) ||
        !trend_slope(levels.at, levels.value, levels.count, sure, &all)) {
        return false;
    }
    sure.high *= trend_widening(&levels, all.slope);
    trend_slope(levels.at, levels.value, levels.count, sure, &all);
    trend->slope = trend_share_of(trend->slope, &all);
    trend->low = trend_share_of(trend->low, &all);
    trend->high = trend_share_of(trend->high, &all);
    return true;
}
