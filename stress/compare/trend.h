// SPDX-License-Identifier: MIT
//
// trend.h - what a series of figures did: nothing, steps, or a drift. Numbers in, an account out.

#ifndef COMPARE_TREND_H
#define COMPARE_TREND_H

#include "compare/change.h"

#define TREND_LEVEL 0.95 // of the intervals

enum trend_kind { TREND_STILL, TREND_STEPS, TREND_DRIFT };

// A change from one level to another.
struct trend_step {
    size_t at;               // index of the first value after it, the likeliest
    size_t first, last;      // it is one of these: so values[first - 1] is before the change
                             // and values[last] after it
    double before, after;    // medians of the segments on both sides
    double ratio, low, high; // after/before, and its interval
    double p;                // of the permutation test
};

// A change by about the same amount from each value to the next.
struct trend_drift {
    double share, low, high; // of the middle value, a value; and its interval
    double from, to;         // the line at the first and at the last value
    double p;                // that something changes: of the permutation test
};

struct trend {
    enum trend_kind kind;
    struct trend_step steps[CHANGE_MOST / CHANGE_LEAST]; // in order
    size_t step_count;
    struct trend_drift drift;
};

// Of values[0 .. count - 1]: at most CHANGE_MOST, none of them NAN. options->least is CHANGE_LEAST
// or more. The same values and options give the same account.
void trend_find(const double *values, size_t count, const struct change_options *options,
                struct trend *trend);
const char *trend_kind_name(enum trend_kind kind);

#endif
