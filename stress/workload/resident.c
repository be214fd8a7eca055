// SPDX-License-Identifier: MIT
//
// resident.c - a series of resident sets, thinned and compared.

#include "workload/resident.h"

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
