// SPDX-License-Identifier: MIT
//
// trend.h - whether a series grows: slopes with intervals that peaks and steps do not move.
//
// 1. Slope (trend_slope). The median of the slopes between any two points (Theil's estimate); the
//    interval goes by the ranks of these slopes as Kendall's tau does (P. K. Sen, "Estimates of the
//    regression coefficient based on Kendall's tau", 1968). No distribution is assumed, but that
//    the points' errors do not depend on each other. What is sampled often does not keep to that,
//    so points are medians of stretches: peaks and pages do not move those.
// 2. Even stretches (trend_even) are for a series whose level stands: a single step is zero between
//    all stretches on its either side, more than are needed to bring the interval's lower end to
//    nothing.
// 3. What settles (trend_lasting). A heap's resident set is, more or less, the largest that each of
//    its parts ever was. The records of a series whose distribution stays the same come at a
//    constant rate in the logarithm of the time gone by, independently of each other (A. Renyi,
//    1962): the 10th minute has ten times fewer of them than the first. So such a set never stands
//    still, and any test of its level finds it growing, yet it grows no more in each doubling of
//    the time. A leak grows twice as much in each doubling. Stretches of equal length in the
//    logarithm tell these apart: what the level rises by from one to the next is, of what settles,
//    as much in the last as in the first (less, where it comes to an end), and of a leak in
//    proportion to how long they are. So the slope is that of the rises against the lengths. The
//    rises of a level that wanders do not depend on each other, as 1 asks; those of one that stands
//    and is noisy turn each other back, which makes the interval wider than it had to be.
//    What lasts is a share of what there is: the slope and its interval end where that of the
//    levels does, and where it says nothing, at 0. So of a level that stands the interval is
//    narrow, and what settles faster than a logarithm is not taken for something that shrinks. The
//    levels' errors do depend on each other, which would make their upper end too low: it is as
//    wide as that many fewer points of a series of such correlation would make it.
// 4. What 3 cannot tell from a leak: memory that is touched for the first time at a steady rate. It
//    comes to an end; begin after it, or go on for some times as long.

#ifndef MEASURE_TREND_H
#define MEASURE_TREND_H

#include <stdbool.h>

#define TREND_POINTS 32u   // most stretches, and points of a slope
#define TREND_LEAST  8u    // fewer of them say nothing
#define TREND_VALUES 1024u // that a series may have

struct trend {
    double slope;     // of value a unit of `at`
    double low, high; // its interval
};

// How sure the interval's ends are: that it lies at `low` or above, and at `high` or below. What a
// test needs at its one end, where a false alarm is dear, makes the other wider than it has to be.
struct trend_confidence {
    double low, high; // deviations of a normal distribution
};

// Of `count` points, TREND_LEAST .. TREND_POINTS. False: too few, or all at one place.
bool trend_slope(const double *at, const double *value, unsigned count,
                 struct trend_confidence sure, struct trend *trend);

// The medians of `stretches` stretches of a series whose `at` rises. False: too few stretches have
// a value.
bool trend_even(const double *at, const double *value, unsigned count, unsigned stretches,
                struct trend_confidence sure, struct trend *trend);

// The slope beyond what settles, of a series whose `at` rises and counts from where all began. What
// lies before a TREND_SPAN-th of the last `at` is left out.
#define TREND_SPAN 16.0
bool trend_lasting(const double *at, const double *value, unsigned count,
                   struct trend_confidence sure, struct trend *trend);

#endif
