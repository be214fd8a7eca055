// SPDX-License-Identifier: MIT
//
// statistics.h - rank tests, Holm's correction, bootstrap intervals: numbers in, numbers out.
//
// Samples hold no NAN; infinities rank as what they are.

#ifndef COMPARE_STATISTICS_H
#define COMPARE_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct statistics_test {
    double statistic; // R's: W of the first sample, V of the positive differences
    double p;         // two-sided
    double effect;    // -1 .. 1, see the tests
    bool exact;       // else the normal approximation
};

struct statistics_interval {
    double low, high;
};

// NAN of nothing.
double statistics_median(const double *values, size_t count);

// Mann-Whitney, as R's wilcox.test(a, b) with its defaults. The effect is Cliff's delta:
// P(b > a) - P(b < a), so that it is positive where b is larger. p is 1 where nothing differs.
void statistics_unpaired(const double *a, size_t count_a, const double *b, size_t count_b,
                         struct statistics_test *test);

// Wilcoxon's signed rank, as R's wilcox.test(differences). The effect is the matched-pairs
// rank-biserial correlation: (V+ - V-)/(V+ + V-). p is 1 where nothing differs.
void statistics_paired(const double *differences, size_t count, struct statistics_test *test);

// The least p that the test can give for so many.
double statistics_least_unpaired(size_t count_a, size_t count_b);
double statistics_least_paired(size_t count);

// Holm's step-down correction of `count` p-values, as R's p.adjust(p, "holm").
void statistics_holm(const double *p, size_t count, double *adjusted);

// The percentile bootstrap interval that holds the share `level` of the resampled
// median(b)/median(a), each side resampled on its own. A ratio 0/0 counts as 1.
struct statistics_interval statistics_interval_unpaired(const double *a, size_t count_a,
                                                        const double *b, size_t count_b,
                                                        double level, uint64_t seed);
// The same of median(b) - median(a).
struct statistics_interval statistics_gap_unpaired(const double *a, size_t count_a, const double *b,
                                                   size_t count_b, double level, uint64_t seed);
// The same of the median of `ratios` (or of differences), one a pair.
struct statistics_interval statistics_interval_paired(const double *ratios, size_t count,
                                                      double level, uint64_t seed);

// b/a, where 0/0 is 1.
double statistics_ratio(double a, double b);

#endif
