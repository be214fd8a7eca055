// SPDX-License-Identifier: MIT
//
// histogram.h - a log-linear histogram of 64-bit values: 6 bits of mantissa, 1,856 buckets for all
// of 2^64... at most 0.78 % error, constant memory, merged by adding.

#ifndef MEASURE_HISTOGRAM_H
#define MEASURE_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_BITS    6
#define HISTOGRAM_BUCKETS ((64 - HISTOGRAM_BITS + 1) << HISTOGRAM_BITS) // 3,776: all of 64 bits

// sum(bucket) == count                                                                        (G1)
struct histogram {
    uint64_t bucket[HISTOGRAM_BUCKETS];
    uint64_t count;
    uint64_t total; // sum of the values
    uint64_t least, most;
};

void histogram_init(struct histogram *histogram);
void histogram_add(struct histogram *histogram, uint64_t value);
void histogram_merge(struct histogram *into, const struct histogram *from);
// The value at or below which `share` (0..1) of the values lie; an upper bound within 0.78 %.
// UINT64_MAX when fewer than ten values lie above it (nothing honest can be said).
uint64_t histogram_quantile(const struct histogram *histogram, double share);

#endif
