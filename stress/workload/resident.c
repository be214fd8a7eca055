// SPDX-License-Identifier: MIT
//
// resident.c - a series of resident sets, thinned and compared.

#include "workload/resident.h"

#include "measure/trend.h"

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

bool resident_trend(const struct resident_series *series, struct resident_trend *trend)
{
    double at[RESIDENT_PLACES], bytes[RESIDENT_PLACES];
    const struct trend_confidence sure = {RESIDENT_NORMAL, RESIDENT_NORMAL};
    struct trend found;
    if (series->count < RESIDENT_LEAST) {
        return false;
    }
    unsigned first = series->count / 2;
    unsigned kept = series->count - first;
    for (unsigned i = 0; i < kept; i++) {
        at[i] = (double)(first + i) * (double)series->stride;
        bytes[i] = (double)series->bytes[first + i];
    }
    if (!trend_even(at, bytes, kept, RESIDENT_STRETCHES, sure, &found)) {
        return false;
    }
    *trend = (struct resident_trend){
        .slope = found.slope,
        .low = found.low,
        .high = found.high,
        .steps = (double)kept * (double)series->stride,
    };
    return true;
}
