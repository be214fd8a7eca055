// SPDX-License-Identifier: MIT
//
// change.c - where a series of figures changed.
//
// 1. Theory. E-divisive means (Matteson and James 2014, "A nonparametric approach for multiple
//    change point analysis of multivariate data"), as MongoDB uses it on its performance tests
//    (Daly, Brown, Ingo, O'Leary, Bradford 2020). Two samples X and Y of sizes m and n are as far
//    apart as the energy distance says (Szekely and Rizzo 2005):
//
//        E = 2 mean |x - y| - mean |x - x'| - mean |y - y'|        means over all pairs
//        Q = E m n/(m + n)
//
//    which is about 0 where both come from one distribution, whatever that is, and grows with the
//    sizes where they do not. Nothing is assumed of the figures but that they can be exchanged
//    while nothing changes.
// 2. The search. In each segment between two changes (at first: the series) every X = [begin, t)
//    and Y = [t, end) is tried, and ends of Y before the segment's, so that a bump that goes back
//    to where it was is seen too. The t of the largest Q of all segments is the candidate.
// 3. The test. The values of each segment are shuffled among themselves and the search is done
//    again: p is the share of the shuffles, with the series itself as one, whose largest Q is no
//    smaller. At most alpha: the candidate is a change, its segment becomes two, and the search
//    goes on; else it ends. A series without a change is so called changed with a chance of alpha.
//    The shuffles stop as soon as they have said no (Besag and Clifford 1991).
// 4. Limits. Shuffles of few values give no small p: a step in the middle of 8 values has 70
//    orders, of which 2 are as clear. A slow drift is no step and becomes one or several. Figures
//    that hang on those before them (a machine that is slow for a week) are changes, as they are.
// 5. Cost. The distances of a segment are summed once for each shuffle, as a table of
//    S(a, b) = the sum over i < a, j < b of |v[i] - v[j]|, from which any Q is a few operations: of
//    n values n^2 steps a shuffle, and a table of n^2 figures. Hence CHANGE_MOST.
// 6. If you change this: tests/unit/compare/test_change.c counts false alarms and finds planted
//    steps.

#include "compare/change.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "compare/statistics.h"
#include "job/complaint.h"
#include "workload/random.h"

struct change_search {
    const struct change_options *options;
    double *values; // in the order that is looked at
    size_t *ends;   // of the segments, in order; the first begins at 0
    size_t ends_count;
    double *sums; // S, a row longer than the longest segment
};

// The best of a search.
struct change_best {
    double q;
    size_t at; // 0: nothing can be tried
};

static void *change_zeroed(size_t count, size_t size)
{
    void *memory = calloc(count > 0 ? count : 1, size);
    if (memory == NULL) {
        complain_exhausted();
    }
    return memory;
}

// S of values[0 .. count - 1]: sums[a * (count + 1) + b].
static void change_sum(const double *values, size_t count, double *sums)
{
    size_t width = count + 1;
    memset(sums, 0, width * sizeof *sums);
    for (size_t a = 1; a <= count; a++) {
        double row = 0;
        sums[a * width] = 0;
        for (size_t b = 1; b <= count; b++) {
            row += fabs(values[a - 1] - values[b - 1]);
            sums[a * width + b] = sums[(a - 1) * width + b] + row;
        }
    }
}

// Q of [0, t) and [t, end).
static double change_distance(const double *sums, size_t width, size_t t, size_t end)
{
    double m = (double)t;
    double n = (double)(end - t);
    double within_x = sums[t * width + t];
    double both = sums[t * width + end];
    double within_y = sums[end * width + end] - 2 * both + within_x;
    double energy =
        2 * (both - within_x) / (m * n) - within_x / (m * (m - 1)) - within_y / (n * (n - 1));
    return energy * m * n / (m + n);
}

static void change_look(const struct change_search *search, size_t begin, size_t end,
                        struct change_best *best)
{
    size_t count = end - begin;
    size_t least = search->options->least;
    if (count < 2 * least) {
        return;
    }
    change_sum(search->values + begin, count, search->sums);
    for (size_t t = least; t + least <= count; t++) {
        for (size_t past = t + least; past <= count; past++) {
            double q = change_distance(search->sums, count + 1, t, past);
            if (best->at == 0 || q > best->q) {
                *best = (struct change_best){q, begin + t};
            }
        }
    }
}

static struct change_best change_look_all(const struct change_search *search)
{
    struct change_best best = {0};
    size_t begin = 0;
    for (size_t i = 0; i < search->ends_count; i++) {
        change_look(search, begin, search->ends[i], &best);
        begin = search->ends[i];
    }
    return best;
}

static void change_shuffle(const struct change_search *search, struct random *random)
{
    size_t begin = 0;
    for (size_t i = 0; i < search->ends_count; i++) {
        for (size_t left = search->ends[i] - begin; left > 1; left--) {
            double *last = &search->values[begin + left - 1];
            double *other = &search->values[begin + random_below(random, left)];
            double value = *last;
            *last = *other;
            *other = value;
        }
        begin = search->ends[i];
    }
}

// The p of `best`; 1 as soon as it is above alpha. Leaves the values shuffled.
static double change_test(const struct change_search *search, const struct change_best *best,
                          struct random *random)
{
    unsigned permutations = search->options->permutations;
    unsigned large = 1;
    for (unsigned i = 0; i < permutations; i++) {
        change_shuffle(search, random);
        // The same sums in another order differ in their last digits.
        large += change_look_all(search).q >= best->q * (1 - 1e-9);
        if (large > search->options->alpha * (permutations + 1.0)) {
            return 1;
        }
    }
    return large / (permutations + 1.0);
}

static void change_split(struct change_search *search, size_t at)
{
    size_t i = search->ends_count++;
    for (; i > 0 && search->ends[i - 1] > at; i--) {
        search->ends[i] = search->ends[i - 1];
    }
    search->ends[i] = at;
}

// What the segments come to, once all are known.
static void change_measure(const double *values, size_t count, struct change *changes, size_t found)
{
    for (size_t i = 0; i < found; i++) {
        size_t begin = i > 0 ? changes[i - 1].at : 0;
        size_t end = i + 1 < found ? changes[i + 1].at : count;
        size_t at = changes[i].at;
        changes[i].before = statistics_median(values + begin, at - begin);
        changes[i].after = statistics_median(values + at, end - at);
    }
}

static int change_order(const void *a, const void *b)
{
    size_t left = ((const struct change *)a)->at;
    size_t right = ((const struct change *)b)->at;
    return (left > right) - (left < right);
}

size_t change_points(const double *values, size_t count, const struct change_options *options,
                     struct change *changes)
{
    struct random random;
    size_t found = 0;
    if (count < 2 * options->least || count > CHANGE_MOST) {
        return 0;
    }
    struct change_search search = {
        .options = options,
        .values = change_zeroed(count, sizeof(double)),
        .ends = change_zeroed(count / options->least + 1, sizeof(size_t)),
        .sums = change_zeroed((count + 1) * (count + 1), sizeof(double)),
    };
    random_init(&random, options->seed, 0, 0);
    change_split(&search, count);
    for (;;) {
        memcpy(search.values, values, count * sizeof *values);
        struct change_best best = change_look_all(&search);
        double p = best.at > 0 && best.q > 0 ? change_test(&search, &best, &random) : 1;
        if (p > options->alpha) {
            break;
        }
        changes[found++] = (struct change){.at = best.at, .p = p};
        change_split(&search, best.at);
    }
    qsort(changes, found, sizeof *changes, change_order);
    change_measure(values, count, changes, found);
    free(search.values);
    free(search.ends);
    free(search.sums);
    return found;
}
