// SPDX-License-Identifier: MIT
//
// judge.h - one metric of two sides: are they different, and is it worse?

#ifndef COMPARE_JUDGE_H
#define COMPARE_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "result/metric.h"

#define JUDGE_LEAST     5    // values a side: fewer are inconclusive
#define JUDGE_THRESHOLD 0.05 // of --max-regression, where nobody says
#define JUDGE_ALPHA     0.05

enum judge_verdict {
    JUDGE_PASS,
    JUDGE_IMPROVED,
    JUDGE_REGRESSED,
    JUDGE_INCONCLUSIVE,
    JUDGE_VERDICTS,
};

struct judge_options {
    double threshold; // share by which the median may be worse
    double alpha;     // of the tests, after Holm; the intervals hold 1 - alpha
    uint64_t seed;    // of the resampling
};

// Two sides of one metric. Paired: a[i] and b[i] are of the same repeat.
struct judge_sides {
    double *a, *b;
    size_t count_a, count_b;
    bool paired;
    enum metric_better better;
    double floor; // a difference that is not larger is none; 0: the ratio alone counts
};

struct judge_result {
    double median_a, median_b;
    double ratio;             // b/a: of the medians; paired: the median of the repeats' ratios
    double low, high;         // of the ratio
    double gap_low, gap_high; // of the difference b - a; where there is a floor
    double p;                 // of the one test
    double p_holm;            // among all that is judged together
    double effect;  // -1 .. 1: positive where b is larger (Cliff's delta; paired: rank-biserial)
    double least_p; // that so many values could have given
    enum judge_verdict verdict;
    char reason[200]; // of an inconclusive one
};

// All but p_holm, the verdict and its reason.
void judge_measure(const struct judge_sides *sides, const struct judge_options *options,
                   struct judge_result *result);

// The least number of values a side, or of pairs, that can prove a difference among `together`; of
// the second side, where the first has `count_a` (0: as many). 0: no number could.
size_t judge_needed(bool paired, size_t count_a, size_t together, double alpha);

// The verdict, once p_holm is known; `together` is how many were corrected for.
void judge_decide(const struct judge_sides *sides, const struct judge_options *options,
                  size_t together, struct judge_result *result);

const char *judge_verdict_name(enum judge_verdict verdict);

#endif
