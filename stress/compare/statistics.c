// SPDX-License-Identifier: MIT
//
// statistics.c - rank tests, Holm's correction, bootstrap intervals: numbers in, numbers out.
//
// 1. Theory. Rates of a machine are skewed and have outliers, so that nothing here assumes a
//    distribution: ranks (Wilcoxon 1945, Mann and Whitney 1947), medians, resampling (Efron 1979),
//    the step-down correction (Holm 1979), dominance (Cliff 1993).
// 2. Exact or normal. Both rank tests follow R's wilcox.test to the digit. Exact where every sample
//    has fewer than 50 values and no two values tie (for the signed rank: and none is zero). Else
//    the normal approximation with the variance corrected for ties and the statistic moved half a
//    step towards its mean. Zero differences are dropped first.
// 3. Exact distributions. The count of subsets of ranks by their sum, one rank added at a time:
//    sums of positive numbers only, whose relative error stays near 2^-53. Both distributions are
//    symmetric, so that a two-sided p is twice the tail on the statistic's own side.
// 4. Intervals. The statistic is the median ratio, 10,000 resamples, percentiles. Not the
//    bias-corrected accelerated form: its acceleration is estimated by a jackknife, which is
//    inconsistent for a median, and it cannot be formed where all values of a side agree, as
//    figures of memory often do. The percentile interval is as wide as zero there. Its ends are
//    resampled values, the next ones outward. Of very few values it is too narrow: that is why no
//    verdict rests on it alone.
// 5. Bootstrap of a paired median. A resample's median depends only on how often each place in
//    sorted order was drawn: drawing places and walking their counts needs no sorting.
// 6. If you change this: tests/unit/compare/test_statistics.c has R's answers and the commands.

#include "compare/statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "job/complaint.h"
#include "measure/median.h"
#include "workload/random.h"

#define STATISTICS_EXACT     50 // a sample of so many is too large for the exact form
#define STATISTICS_RESAMPLES 10000

static void *statistics_zeroed(size_t count, size_t size)
{
    void *memory = calloc(count > 0 ? count : 1, size);
    if (memory == NULL) {
        complain_exhausted();
    }
    return memory;
}

static double *statistics_sorted(const double *values, size_t count)
{
    double *sorted = statistics_zeroed(count, sizeof *sorted);
    memcpy(sorted, values, count * sizeof *sorted);
    median_sort(sorted, count);
    return sorted;
}

double statistics_median(const double *values, size_t count)
{
    if (count == 0) {
        return NAN;
    }
    double *sorted = statistics_sorted(values, count);
    double median = median_of_sorted(sorted, count);
    free(sorted);
    return median;
}

double statistics_ratio(double a, double b)
{
    return a == b ? 1 : b / a;
}

// ---- ranks ---------------------------------------------------------------------------------

struct ranked {
    double value;
    double rank; // the mean of the places that equal values share
    bool chosen; // of the first sample; a positive difference
};

static int ranked_order(const void *a, const void *b)
{
    const struct ranked *left = a;
    const struct ranked *right = b;
    return (left->value > right->value) - (left->value < right->value);
}

// Sorts and ranks. Returns the sum of t^3 - t over groups of t equal values: 0 means no ties.
static double ranked_fill(struct ranked *items, size_t count)
{
    double ties = 0;
    qsort(items, count, sizeof *items, ranked_order);
    for (size_t first = 0; first < count;) {
        size_t past = first + 1;
        while (past < count && items[past].value == items[first].value) {
            past++;
        }
        for (size_t i = first; i < past; i++) {
            items[i].rank = (double)(first + 1 + past) / 2;
        }
        double group = (double)(past - first);
        ties += group * group * group - group;
        first = past;
    }
    return ties;
}

static double ranked_sum(const struct ranked *items, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += items[i].chosen ? items[i].rank : 0;
    }
    return sum;
}

// Two-sided p of a statistic `off` from its mean, continuity corrected.
static double statistics_normal(double off, double sigma)
{
    if (!(sigma > 0)) {
        return 1;
    }
    double z = off == 0 ? 0 : (fabs(off) - 0.5) / sigma;
    return fmin(1, erfc(z / sqrt(2)));
}

// ---- Mann-Whitney --------------------------------------------------------------------------

// P(W <= w) of ranks without ties: subsets of `choose` of the ranks 1 .. total by their sum, less
// the least sum.
static double mann_whitney_tail(size_t choose, size_t other, size_t w)
{
    size_t total = choose + other;
    size_t width = w + 1;
    double *ways = statistics_zeroed((choose + 1) * width, sizeof *ways);
    ways[0] = 1;
    // A subset of k ranks with sum s + k(k+1)/2: rank r as its largest adds r - k to the rest's s.
    for (size_t rank = 1; rank <= total; rank++) {
        for (size_t k = rank < choose ? rank : choose; k > 0; k--) {
            for (size_t s = w + 1; s-- > rank - k;) {
                ways[k * width + s] += ways[(k - 1) * width + s - (rank - k)];
            }
        }
    }
    double below = 0;
    for (size_t s = 0; s <= w; s++) {
        below += ways[choose * width + s];
    }
    free(ways);
    double all = 1;
    for (size_t k = 1; k <= choose; k++) {
        all = all * (double)(other + k) / (double)k;
    }
    return below / all;
}

void statistics_unpaired(const double *a, size_t count_a, const double *b, size_t count_b,
                         struct statistics_test *test)
{
    double m = (double)count_a;
    double n = (double)count_b;
    size_t count = count_a + count_b;
    *test = (struct statistics_test){.p = 1};
    if (count_a == 0 || count_b == 0) {
        return;
    }
    struct ranked *items = statistics_zeroed(count, sizeof *items);
    for (size_t i = 0; i < count; i++) {
        items[i].chosen = i < count_a;
        items[i].value = i < count_a ? a[i] : b[i - count_a];
    }
    double ties = ranked_fill(items, count);
    double w = ranked_sum(items, count) - m * (m + 1) / 2;
    free(items);
    test->statistic = w;
    test->effect = 1 - 2 * w / (m * n);
    test->exact = ties == 0 && count_a < STATISTICS_EXACT && count_b < STATISTICS_EXACT;
    if (test->exact) {
        double tail = mann_whitney_tail(count_a, count_b, (size_t)fmin(w, m * n - w));
        test->p = fmin(1, 2 * tail);
    } else {
        double variance = m * n / 12 * (m + n + 1 - ties / ((m + n) * (m + n - 1)));
        test->p = statistics_normal(w - m * n / 2, sqrt(variance));
    }
}

double statistics_least_unpaired(size_t count_a, size_t count_b)
{
    return count_a > 0 && count_b > 0 ? fmin(1, 2 * mann_whitney_tail(count_a, count_b, 0)) : 1;
}

// ---- signed rank ---------------------------------------------------------------------------

// P(V <= v): subsets of the ranks 1 .. count by their sum.
static double signed_rank_tail(size_t count, size_t v)
{
    double *chance = statistics_zeroed(v + 1, sizeof *chance);
    chance[0] = 1;
    for (size_t rank = 1; rank <= count; rank++) {
        for (size_t s = v + 1; s-- > 0;) {
            chance[s] = (chance[s] + (s >= rank ? chance[s - rank] : 0)) / 2;
        }
    }
    double below = 0;
    for (size_t s = 0; s <= v; s++) {
        below += chance[s];
    }
    free(chance);
    return below;
}

void statistics_paired(const double *differences, size_t count, struct statistics_test *test)
{
    struct ranked *items = statistics_zeroed(count, sizeof *items);
    size_t kept = 0;
    *test = (struct statistics_test){.p = 1};
    for (size_t i = 0; i < count; i++) {
        if (differences[i] != 0) {
            items[kept].chosen = differences[i] > 0;
            items[kept++].value = fabs(differences[i]);
        }
    }
    double n = (double)kept;
    double all = n * (n + 1) / 2;
    double ties = ranked_fill(items, kept);
    double v = ranked_sum(items, kept);
    free(items);
    if (kept == 0) {
        return;
    }
    test->statistic = v;
    test->effect = 2 * v / all - 1;
    test->exact = ties == 0 && kept == count && kept < STATISTICS_EXACT;
    if (test->exact) {
        test->p = fmin(1, 2 * signed_rank_tail(kept, (size_t)fmin(v, all - v)));
    } else {
        double variance = n * (n + 1) * (2 * n + 1) / 24 - ties / 48;
        test->p = statistics_normal(v - all / 2, sqrt(variance));
    }
}

double statistics_least_paired(size_t count)
{
    return fmin(1, ldexp(1, 1 - (int)(count < 1000 ? count : 1000)));
}

// ---- Holm ----------------------------------------------------------------------------------

struct holm_place {
    double p;
    size_t index;
};

static int holm_order(const void *a, const void *b)
{
    double left = ((const struct holm_place *)a)->p;
    double right = ((const struct holm_place *)b)->p;
    return (left > right) - (left < right);
}

void statistics_holm(const double *p, size_t count, double *adjusted)
{
    struct holm_place *places = statistics_zeroed(count, sizeof *places);
    for (size_t i = 0; i < count; i++) {
        places[i] = (struct holm_place){p[i], i};
    }
    qsort(places, count, sizeof *places, holm_order);
    double most = 0;
    for (size_t i = 0; i < count; i++) {
        most = fmax(most, fmin(1, (double)(count - i) * places[i].p));
        adjusted[places[i].index] = most;
    }
    free(places);
}

// ---- bootstrap -----------------------------------------------------------------------------

// The median of as many draws, with replacement, from sorted values. `times` is scratch.
static double bootstrap_median(const double *sorted, size_t count, uint32_t *times,
                               struct random *random)
{
    size_t low = (count - 1) / 2;
    size_t high = count / 2;
    size_t seen = 0;
    size_t place = 0;
    memset(times, 0, count * sizeof *times);
    for (size_t i = 0; i < count; i++) {
        times[random_below(random, count)]++;
    }
    while (seen + times[place] <= low) {
        seen += times[place++];
    }
    double lower = sorted[place];
    while (seen + times[place] <= high) {
        seen += times[place++];
    }
    return median_between(lower, sorted[place]);
}

// The part in the middle that holds `level` of the resamples.
static struct statistics_interval bootstrap_cut(double *resamples, double level)
{
    struct statistics_interval interval;
    median_sort(resamples, STATISTICS_RESAMPLES);
    size_t off = (size_t)floor((1 - level) / 2 * STATISTICS_RESAMPLES + 1e-9);
    interval.low = resamples[off];
    interval.high = resamples[STATISTICS_RESAMPLES - 1 - off];
    return interval;
}

static struct statistics_interval bootstrap_unpaired(const double *a, size_t count_a,
                                                     const double *b, size_t count_b, double level,
                                                     uint64_t seed, double (*of)(double, double))
{
    struct random random;
    struct statistics_interval interval = {NAN, NAN};
    if (count_a == 0 || count_b == 0) {
        return interval;
    }
    double *sorted_a = statistics_sorted(a, count_a);
    double *sorted_b = statistics_sorted(b, count_b);
    size_t most = count_a > count_b ? count_a : count_b;
    uint32_t *times = statistics_zeroed(most, sizeof *times);
    double *resamples = statistics_zeroed(STATISTICS_RESAMPLES, sizeof *resamples);
    random_init(&random, seed, 0, 0);
    for (size_t i = 0; i < STATISTICS_RESAMPLES; i++) {
        double median_a = bootstrap_median(sorted_a, count_a, times, &random);
        double median_b = bootstrap_median(sorted_b, count_b, times, &random);
        resamples[i] = of(median_a, median_b);
    }
    interval = bootstrap_cut(resamples, level);
    free(resamples);
    free(times);
    free(sorted_a);
    free(sorted_b);
    return interval;
}

struct statistics_interval statistics_interval_unpaired(const double *a, size_t count_a,
                                                        const double *b, size_t count_b,
                                                        double level, uint64_t seed)
{
    return bootstrap_unpaired(a, count_a, b, count_b, level, seed, statistics_ratio);
}

static double statistics_gap(double a, double b)
{
    return b - a;
}

struct statistics_interval statistics_gap_unpaired(const double *a, size_t count_a, const double *b,
                                                   size_t count_b, double level, uint64_t seed)
{
    return bootstrap_unpaired(a, count_a, b, count_b, level, seed, statistics_gap);
}

struct statistics_interval statistics_interval_paired(const double *ratios, size_t count,
                                                      double level, uint64_t seed)
{
    struct random random;
    struct statistics_interval interval = {NAN, NAN};
    if (count == 0) {
        return interval;
    }
    double *sorted = statistics_sorted(ratios, count);
    uint32_t *times = statistics_zeroed(count, sizeof *times);
    double *resamples = statistics_zeroed(STATISTICS_RESAMPLES, sizeof *resamples);
    random_init(&random, seed, 0, 0);
    for (size_t i = 0; i < STATISTICS_RESAMPLES; i++) {
        resamples[i] = bootstrap_median(sorted, count, times, &random);
    }
    interval = bootstrap_cut(resamples, level);
    free(resamples);
    free(times);
    free(sorted);
    return interval;
}
