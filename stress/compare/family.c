// SPDX-License-Identifier: MIT
//
// family.c - what is judged together: the rows of a metric, and the machine they ran on.
//
// 1. Families. "Is it slower anywhere?" is one question, "does it hold more memory anywhere?" is
//    another. Holm's correction runs over the rows of one metric: alpha is the chance that an
//    unchanged allocator is called changed in that metric, in any section or target. Over several
//    metrics the chances add up: with k metrics judged, at most k x alpha, and less as they go
//    together (a rate, a processor time and a latency tell much the same) and as a verdict wants
//    the whole interval past the threshold besides. One family over all of them would ask for more
//    repeats the more is measured, and what nobody can prove nobody is warned of. Who wants the
//    stricter promise divides --alpha by the number of metrics.
// 2. Power. With n values a side there is a least p; where it times the number of rows is above
//    alpha no difference can be proven, however large. That can be known before the run, and is
//    told then: with how many repeats it would do.
// 3. Speed. Two results are measured at different times, on a machine whose own speed differs. Each
//    cell knows what a fixed piece of work took just before and after it. Where a metric that the
//    machine's speed scales (metric.speed) is said to have changed, it is judged again with every
//    value at one speed: that of the median cell of A. Only what both judgements say is a verdict;
//    else the machine may have done it, which is inconclusive. The correction is first-order (the
//    piece is arithmetic, an allocator waits for memory as well) and its noise widens the
//    intervals: so it can take a verdict away, and never makes one. Targets of one run are
//    interleaved and paired, and need none of this.

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compare/inner.h"
#include "compare/statistics.h"

struct family {
    struct comparison *comparison;
    struct compare_row **rows; // that are judged
    size_t count;
};

// Corrects in place.
static void family_correct(const struct family *family, struct judge_result *const *results)
{
    double *p = measured_zeroed(family->count, sizeof *p);
    double *adjusted = measured_zeroed(family->count, sizeof *adjusted);
    for (size_t i = 0; i < family->count; i++) {
        p[i] = results[i]->p;
    }
    statistics_holm(p, family->count, adjusted);
    for (size_t i = 0; i < family->count; i++) {
        results[i]->p_holm = adjusted[i];
    }
    free(p);
    free(adjusted);
}

// ---- at one speed --------------------------------------------------------------------------

static bool family_knows_speed(const struct compare_row *row)
{
    bool known = row->metric->speed != METRIC_UNTIMED && !row->sides.paired;
    for (size_t i = 0; known && i < row->sides.count_a; i++) {
        known = row->speed_a[i] > 0;
    }
    for (size_t i = 0; known && i < row->sides.count_b; i++) {
        known = row->speed_b[i] > 0;
    }
    return known;
}

static double *family_scaled(const double *values, const double *speeds, size_t count,
                             double standard, enum metric_speed kind)
{
    double *scaled = measured_zeroed(count, sizeof *scaled);
    for (size_t i = 0; i < count; i++) {
        double slower = speeds[i] / standard;
        scaled[i] = kind == METRIC_TIME ? values[i] / slower : values[i] * slower;
    }
    return scaled;
}

// The row's values as they would be at one speed.
static void family_measure(const struct comparison *comparison, const struct compare_row *row,
                           struct judge_result *result)
{
    struct judge_sides sides = row->sides;
    double standard = statistics_median(row->speed_a, sides.count_a);
    sides.a =
        family_scaled(row->sides.a, row->speed_a, sides.count_a, standard, row->metric->speed);
    sides.b =
        family_scaled(row->sides.b, row->speed_b, sides.count_b, standard, row->metric->speed);
    judge_measure(&sides, &comparison->options.judge, result);
    free(sides.a);
    free(sides.b);
}

static void family_doubt(struct compare_row *row)
{
    double slower = statistics_median(row->speed_b, row->sides.count_b) /
                    statistics_median(row->speed_a, row->sides.count_a);
    const char *said = judge_verdict_name(row->result.verdict);
    row->result.verdict = JUDGE_INCONCLUSIVE;
    if (slower > 0.99 && slower < 1.01) {
        snprintf(row->result.reason, sizeof row->result.reason,
                 "%s as measured, but not at one speed: the machine's own varied from cell to cell",
                 said);
    } else {
        snprintf(row->result.reason, sizeof row->result.reason,
                 "%s as measured, but not at one speed: the machine itself was %.2fx %s while B "
                 "ran",
                 said, slower > 1 ? slower : 1 / slower, slower > 1 ? "slower" : "faster");
    }
}

// Whether one of the rows is said to have changed and could be the machine's doing.
static bool family_is_doubtful(const struct compare_row *row)
{
    return (row->result.verdict == JUDGE_REGRESSED || row->result.verdict == JUDGE_IMPROVED) &&
           family_knows_speed(row);
}

static void family_at_one_speed(const struct family *family)
{
    struct judge_result *scaled = measured_zeroed(family->count, sizeof *scaled);
    struct judge_result **results = measured_zeroed(family->count, sizeof *results);
    for (size_t i = 0; i < family->count; i++) {
        results[i] = &scaled[i];
        scaled[i] = family->rows[i]->result;
        if (family_knows_speed(family->rows[i])) {
            family_measure(family->comparison, family->rows[i], &scaled[i]);
        }
    }
    family_correct(family, results);
    for (size_t i = 0; i < family->count; i++) {
        struct compare_row *row = family->rows[i];
        if (family_is_doubtful(row)) {
            judge_decide(&row->sides, &family->comparison->options.judge, family->count,
                         &scaled[i]);
            if (scaled[i].verdict != row->result.verdict) {
                family_doubt(row);
            }
        }
    }
    free(scaled);
    free(results);
}

// ---- verdicts ------------------------------------------------------------------------------

static void family_judge(struct family *family)
{
    struct judge_result **results = measured_zeroed(family->count, sizeof *results);
    bool doubtful = false;
    for (size_t i = 0; i < family->count; i++) {
        results[i] = &family->rows[i]->result;
    }
    family_correct(family, results);
    free(results);
    for (size_t i = 0; i < family->count; i++) {
        struct compare_row *row = family->rows[i];
        row->family = family->count;
        judge_decide(&row->sides, &family->comparison->options.judge, family->count, &row->result);
        doubtful |= family_is_doubtful(row);
    }
    if (doubtful) {
        family_at_one_speed(family);
    }
}

void compare_judge(struct comparison *comparison)
{
    struct family family = {comparison, measured_zeroed(comparison->row_count, sizeof *family.rows),
                            0};
    for (size_t m = 0; m < METRIC_ALL; m++) {
        family.count = 0;
        for (size_t i = 0; i < comparison->row_count; i++) {
            struct compare_row *row = &comparison->rows[i];
            if (row->metric == &metric_table[m] && row->judged) {
                family.rows[family.count++] = row;
            } else if (row->metric == &metric_table[m] && row->result.reason[0] == '\0') {
                judge_decide(&row->sides, &comparison->options.judge, 1, &row->result);
            }
        }
        family_judge(&family);
        comparison->judged += family.count;
    }
    for (size_t i = 0; i < comparison->row_count; i++) {
        comparison->count[comparison->rows[i].result.verdict]++;
    }
    free(family.rows);
}

// ---- before the run ------------------------------------------------------------------------

static size_t family_repeats(const struct measured *measured, const char *section,
                             const char *target, bool *first, size_t from)
{
    size_t repeats = 0;
    for (size_t i = 0; i < measured->cell_count; i++) {
        const struct measured_cell *cell = &measured->cells[i];
        if (cell->verdict != CELL_SKIPPED && strcmp(cell->target, target) == 0 &&
            strcmp(measured->sections[cell->section].name, section) == 0) {
            *first &= repeats > 0 || i >= from;
            repeats++;
        }
    }
    return repeats;
}

bool compare_foresee(const struct measured *a, const struct measured *b, double alpha, char *text,
                     size_t size)
{
    size_t together = 0, least_a = SIZE_MAX, least_b = SIZE_MAX;
    double most_p = 0;
    for (size_t i = 0; i < a->cell_count; i++) {
        bool first = true;
        bool any = true;
        const char *section = a->sections[a->cells[i].section].name;
        const char *target = a->cells[i].target;
        size_t count_a = family_repeats(a, section, target, &first, i);
        size_t count_b = family_repeats(b, section, target, &any, 0);
        if (!first || count_a == 0 || count_b == 0) {
            continue;
        }
        together++;
        least_a = count_a < least_a ? count_a : least_a;
        least_b = count_b < least_b ? count_b : least_b;
        most_p = fmax(most_p, statistics_least_unpaired(count_a, count_b));
    }
    if (together == 0 ||
        (most_p * (double)together <= alpha && least_a >= JUDGE_LEAST && least_b >= JUDGE_LEAST)) {
        return false;
    }
    size_t both = judge_needed(false, 0, together, alpha);
    size_t here = judge_needed(false, least_a, together, alpha);
    int length =
        snprintf(text, size,
                 "%zu repeats in the baseline and %zu here cannot prove a difference among %zu "
                 "comparisons of a metric, however large: %zu a side would do",
                 least_a, least_b, together, both);
    if (here > 0 && here != both && length > 0 && (size_t)length < size) {
        snprintf(text + length, size - (size_t)length, ", or %zu here", here);
    }
    return true;
}
