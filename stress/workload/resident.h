// SPDX-License-Identifier: MIT
//
// resident.h - how the resident set grows, for workloads that say something of it.
//
// A series keeps what was seen at regular steps of a count that nobody knows the end of: when its
// places are full every second one is dropped, and of those that follow as many. It then answers
// two questions of the last half.
//
// How much did the resident set grow (resident_growth)? The highest of the last quarter less the
// highest of the second one. Steady growth comes out as it is, and one peak in each quarter, which
// a working set has anywhere, as nothing.
//
// How fast does it grow with every step (resident_trend)? The slope between the medians of even
// stretches of the last half, with its interval: measure/trend.h. That is above zero only where
// nearly every stretch lies above those before it.

#ifndef WORKLOAD_RESIDENT_H
#define WORKLOAD_RESIDENT_H

#include <stdbool.h>
#include <stdint.h>

#define RESIDENT_PLACES 256
#define RESIDENT_LEAST  16 // kept values below which a series does not answer

// A zeroed series is an empty one.                 count <= RESIDENT_PLACES, stride a power of 2
struct resident_series {
    uint64_t bytes[RESIDENT_PLACES];
    unsigned count;
    uint64_t stride; // of steps between two kept; 0: the first is yet to come
    uint64_t steps;  // gone by
};

// One step goes by. True: its value is wanted, by resident_keep.
bool resident_step(struct resident_series *series);
void resident_keep(struct resident_series *series, uint64_t bytes);
// False: too few were kept.
bool resident_growth(const struct resident_series *series, double *bytes);

struct resident_trend {
    double slope;     // bytes a step
    double low, high; // of it, with 99 % confidence
    double steps;     // that the last half has
};
// False: too few were kept.
bool resident_trend(const struct resident_series *series, struct resident_trend *trend);

#endif
