// SPDX-License-Identifier: MIT
//
// resident.c - a series of resident sets, thinned and compared.

#include "workload/resident.h"

#include <math.h>

#define RESIDENT_STRETCHES 16u   // of the last half, by which a trend goes
#define RESIDENT_NORMAL    2.576 // 99 % of a normal distribution lie within so many deviations

bool resident_step(struct resident_series *series)
{
    series->stride = series->stride == 0 ? 1 : series->stride;
    return series->steps++ % series->stride == 0;
}

void resident_keep(struct resident_series *series, uint64_t bytes)
{
    if (series->count == RESIDENT_PLACES) {
        for (unsigned i = 0; i < RESIDENT_PLACES / 2; i++) {
            series->bytes[i] = series->bytes[2 * i];
        }
        series->count = RESIDENT_PLACES / 2;
        series->stride *= 2;
    }
    series->bytes[series->count++] = bytes;
}

static uint64_t resident_highest(const struct resident_series *series, unsigned from, unsigned to)
{
    uint64_t highest = 0;
    for (unsigned i = from; i < to; i++) {
        highest = series->bytes[i] > highest ? series->bytes[i] : highest;
    }
    return highest;
}

bool resident_growth(const struct resident_series *series, double *bytes)
{
    unsigned count = series->count;
    if (count < RESIDENT_LEAST) {
        return false;
    }
    uint64_t late = resident_highest(series, count - count / 4, count);
    uint64_t middle = resident_highest(series, count / 4, count / 2);
    *bytes = (double)late - (double)middle;
    return true;
}

static void resident_sort(double *values, unsigned count)
{
    for (unsigned i = 1; i < count; i++) {
        double value = values[i];
        unsigned at = i;
        for (; at > 0 && values[at - 1] > value; at--) {
            values[at] = values[at - 1];
        }
        values[at] = value;
    }
}

static double resident_middle(const double *sorted, unsigned count)
{
    return (sorted[(count - 1) / 2] + sorted[count / 2]) / 2;
}

static double resident_median(const uint64_t *bytes, unsigned count)
{
    double values[RESIDENT_PLACES];
    for (unsigned i = 0; i < count; i++) {
        values[i] = (double)bytes[i];
    }
    resident_sort(values, count);
    return resident_middle(values, count);
}

bool resident_trend(const struct resident_series *series, struct resident_trend *trend)
{
    if (series->count < RESIDENT_LEAST) {
        return false;
    }
    unsigned first = series->count / 2;
    unsigned kept = series->count - first;
    unsigned count = kept < RESIDENT_STRETCHES ? kept : RESIDENT_STRETCHES;
    double at[RESIDENT_STRETCHES], bytes[RESIDENT_STRETCHES];
    for (unsigned i = 0; i < count; i++) {
        unsigned from = first + i * kept / count;
        unsigned to = first + (i + 1) * kept / count;
        at[i] = (double)(from + to - 1) / 2 * (double)series->stride;
        bytes[i] = resident_median(&series->bytes[from], to - from);
    }
    double slopes[RESIDENT_STRETCHES * (RESIDENT_STRETCHES - 1) / 2];
    unsigned pairs = 0;
    for (unsigned i = 0; i < count; i++) {
        for (unsigned j = i + 1; j < count; j++) {
            slopes[pairs++] = (bytes[j] - bytes[i]) / (at[j] - at[i]);
        }
    }
    resident_sort(slopes, pairs);
    double n = count;
    double spread = RESIDENT_NORMAL * sqrt(n * (n - 1) * (2 * n + 5) / 18);
    unsigned rank = (unsigned)fmax(((double)pairs - spread) / 2 - 1, 0);
    *trend = (struct resident_trend){
        .slope = resident_middle(slopes, pairs),
        .low = slopes[rank],
        .high = slopes[pairs - 1 - rank],
        .steps = (double)kept * (double)series->stride,
    };
    return true;
}
