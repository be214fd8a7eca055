// SPDX-License-Identifier: MIT
//
// judge.c - one metric of two sides: are they different, and is it worse?
//
// 1. Two questions. "Is there a difference?" is the rank test's, corrected for how many of them are
//    asked at once. "Is it as large as matters?" is the interval's. A run whose every comparison is
//    significant at 0.1 % may still be as good as the other.
// 2. Verdicts, with the ratio b/a and a threshold of 5 %, for a metric that is better when lower:
//
//        interval      1         1.05
//        |----|        .           .         improved, if p <= alpha too; else pass
//           |----------------|     .         pass: nothing past the threshold is likely
//           .          .   |-------.----|    inconclusive: it holds the threshold
//           .          .           .  |--|   regressed, if p <= alpha too; else inconclusive
//
//    For one that is better when higher the same below 1, with 0.95. "improved" asks that the whole
//    interval be past the threshold on the good side.
// 3. Pairs. Values of one interleaved run are compared within a repeat: a machine that is 1.7 times
//    slower for a minute is so for both. Then the ratio is formed a repeat, the interval is of the
//    median of these, and the test is the signed rank of their logarithms. Values of two runs have
//    nothing in common: Mann-Whitney, and the ratio of the medians.
// 4. How many. Below 4 against 4 no p can be below 0.05 (3 against 3: 0.10; 5 pairs: 0.0625). Fewer
//    than JUDGE_LEAST a side are inconclusive without a look. More may be needed when much is
//    judged together: the reason then says how many.
// 5. Floors. A ratio says nothing where both sides are next to nothing: a metric has a difference
//    below which nobody cares, and the whole interval of the difference must be above it too.
// 6. Nothing is left out: no outlier, no first repeat. Zero is a figure like any other: a rate of 0
//    has regressed, and what rises from 0 has a ratio without end.

#include "compare/judge.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "compare/statistics.h"
#include "job/complaint.h"

const char *judge_verdict_name(enum judge_verdict verdict)
{
    static const char *const names[JUDGE_VERDICTS] = {
        [JUDGE_PASS] = "pass",
        [JUDGE_IMPROVED] = "improved",
        [JUDGE_REGRESSED] = "regressed",
        [JUDGE_INCONCLUSIVE] = "inconclusive",
    };
    return names[verdict];
}

static void judge_measure_paired(const struct judge_sides *sides,
                                 const struct judge_options *options, struct judge_result *result)
{
    size_t count = sides->count_a;
    double *ratios = calloc(count + 1, sizeof *ratios);
    double *logs = calloc(count + 1, sizeof *logs);
    if (ratios == NULL || logs == NULL) {
        complain_exhausted();
    }
    for (size_t i = 0; i < count; i++) {
        ratios[i] = statistics_ratio(sides->a[i], sides->b[i]);
        logs[i] = log(ratios[i]);
    }
    struct statistics_test test;
    statistics_paired(logs, count, &test);
    struct statistics_interval interval =
        statistics_interval_paired(ratios, count, 1 - options->alpha, options->seed);
    result->ratio = statistics_median(ratios, count);
    result->low = interval.low;
    result->high = interval.high;
    result->p = test.p;
    result->effect = test.effect;
    result->least_p = statistics_least_paired(count);
    if (sides->floor > 0) {
        for (size_t i = 0; i < count; i++) {
            ratios[i] = sides->b[i] - sides->a[i];
        }
        interval = statistics_interval_paired(ratios, count, 1 - options->alpha, options->seed);
        result->gap_low = interval.low;
        result->gap_high = interval.high;
    }
    free(ratios);
    free(logs);
}

static void judge_measure_unpaired(const struct judge_sides *sides,
                                   const struct judge_options *options, struct judge_result *result)
{
    struct statistics_test test;
    statistics_unpaired(sides->a, sides->count_a, sides->b, sides->count_b, &test);
    struct statistics_interval interval = statistics_interval_unpaired(
        sides->a, sides->count_a, sides->b, sides->count_b, 1 - options->alpha, options->seed);
    result->ratio = statistics_ratio(result->median_a, result->median_b);
    result->low = interval.low;
    result->high = interval.high;
    result->p = test.p;
    result->effect = test.effect;
    result->least_p = statistics_least_unpaired(sides->count_a, sides->count_b);
    if (sides->floor > 0) {
        interval = statistics_gap_unpaired(sides->a, sides->count_a, sides->b, sides->count_b,
                                           1 - options->alpha, options->seed);
        result->gap_low = interval.low;
        result->gap_high = interval.high;
    }
}

void judge_measure(const struct judge_sides *sides, const struct judge_options *options,
                   struct judge_result *result)
{
    *result = (struct judge_result){.p = 1, .p_holm = 1, .least_p = 1};
    result->median_a = statistics_median(sides->a, sides->count_a);
    result->median_b = statistics_median(sides->b, sides->count_b);
    if (sides->paired) {
        judge_measure_paired(sides, options, result);
    } else {
        judge_measure_unpaired(sides, options, result);
    }
}

size_t judge_needed(bool paired, size_t count_a, size_t together, double alpha)
{
    if (count_a != 0 && count_a < JUDGE_LEAST) {
        return 0;
    }
    for (size_t count = JUDGE_LEAST; count < 1000; count++) {
        size_t first = count_a != 0 ? count_a : count;
        double least =
            paired ? statistics_least_paired(count) : statistics_least_unpaired(first, count);
        if ((double)together * least <= alpha) {
            return count;
        }
    }
    return 0;
}

static void judge_doubt(const struct judge_sides *sides, const struct judge_options *options,
                        size_t together, struct judge_result *result)
{
    result->verdict = JUDGE_INCONCLUSIVE;
    if (result->least_p * (double)together > options->alpha) {
        snprintf(result->reason, sizeof result->reason,
                 "the interval is past the threshold, but %zu repeats cannot prove anything among "
                 "%zu comparisons: %zu could",
                 sides->count_a < sides->count_b ? sides->count_a : sides->count_b, together,
                 judge_needed(sides->paired, 0, together, options->alpha));
    } else {
        snprintf(result->reason, sizeof result->reason,
                 "the interval is past the threshold, but p = %.2g is above %g", result->p_holm,
                 options->alpha);
    }
}

static void judge_undecided(const struct judge_sides *sides, const struct judge_options *options,
                            bool past, struct judge_result *result)
{
    result->verdict = JUDGE_INCONCLUSIVE;
    if (past) {
        snprintf(result->reason, sizeof result->reason,
                 "the ratio is past the threshold, but the interval of the difference holds %g, "
                 "up to which none counts",
                 sides->floor);
    } else {
        snprintf(result->reason, sizeof result->reason,
                 "the interval holds the threshold of %g %%: more repeats, or a quieter machine",
                 options->threshold * 100);
    }
}

void judge_decide(const struct judge_sides *sides, const struct judge_options *options,
                  size_t together, struct judge_result *result)
{
    size_t count = sides->count_a < sides->count_b ? sides->count_a : sides->count_b;
    double worse = 1 + options->threshold;
    double better = 1 - options->threshold;
    result->verdict = JUDGE_PASS;
    if (count < JUDGE_LEAST) {
        result->verdict = JUDGE_INCONCLUSIVE;
        snprintf(result->reason, sizeof result->reason,
                 "%zu repeat%s a side, %d are the least (3 against 3 cannot give a p below 0.1)",
                 count, count == 1 ? "" : "s", JUDGE_LEAST);
        return;
    }
    if (sides->better == METRIC_NEITHER) {
        return;
    }
    bool lower = sides->better == METRIC_LOWER;
    bool all_worse = lower ? result->low > worse : result->high < better;
    bool some_worse = lower ? result->high > worse : result->low < better;
    bool all_better = lower ? result->high < better : result->low > worse;
    bool past = all_worse;
    if (sides->floor > 0) { // how much worse, at least and at most
        double least = lower ? result->gap_low : -result->gap_high;
        double most = lower ? result->gap_high : -result->gap_low;
        all_worse = all_worse && least > sides->floor;
        some_worse = some_worse && most > sides->floor;
        all_better = all_better && -most > sides->floor;
    }
    bool proven = result->p_holm <= options->alpha;
    if (all_worse && proven) {
        result->verdict = JUDGE_REGRESSED;
    } else if (all_worse) {
        judge_doubt(sides, options, together, result);
    } else if (some_worse) {
        judge_undecided(sides, options, past, result);
    } else if (all_better && proven) {
        result->verdict = JUDGE_IMPROVED;
    }
}
