// SPDX-License-Identifier: MIT
//
// change.h - where a series of figures changed: numbers in, places out.

#ifndef COMPARE_CHANGE_H
#define COMPARE_CHANGE_H

#include <stddef.h>
#include <stdint.h>

#define CHANGE_MOST         200 // values: of a longer series the newest
#define CHANGE_LEAST        3   // values between two changes
#define CHANGE_ALPHA        0.01
#define CHANGE_PERMUTATIONS 999

struct change_options {
    double alpha;          // chance of a change that is none, a look
    size_t least;          // values of a segment, 2 or more
    unsigned permutations; // of a look; the least p is 1/(permutations + 1)
    uint64_t seed;         // of the permutations
};

struct change {
    size_t at;            // index of the first value after it
    double p;             // of the permutation test
    double before, after; // medians of the segments on both sides
};

// The changes of values[0 .. count - 1], in order; at most CHANGE_MOST values and none of them NAN.
// `changes` has room for count/least. The same values and options give the same changes.
size_t change_points(const double *values, size_t count, const struct change_options *options,
                     struct change *changes);

#endif
