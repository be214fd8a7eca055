// SPDX-License-Identifier: MIT
//
// compare.c - are two results different? Pairs what can be compared, refuses what cannot, judges.
//
// 1. What fits together. A section of the same name, with the same workload in the same version,
//    the same number of threads and the same values of all keys but compare_free, which change
//    neither the operations nor how they are measured. A key that only one document knows must have
//    its default there: it is one that the other version did not have yet.
// 2. Refused. A pair that does not fit, a cell that did not pass, a target that only one result
//    has. A refusal is no verdict about the allocators: the input is at fault, and the exit status
//    says so. What was skipped for a missing library is noted, not refused.
// 3. Together. Holm's correction runs over everything that is judged in one comparison, so that
//    alpha is the chance that an unchanged allocator is called changed anywhere in it.
// 4. All repeats count. A figure that is unknown in some of them makes the row inconclusive; an
//    unsteady cell does.

#include "compare/compare.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "compare/statistics.h"
#include "job/job.h"

// Keys that may differ.
static const char *const compare_free[] = {
    "target",  "repeats", "seed",     "threads",       "timeout",      "setup",
    "prepare", "cleanup", "wait_for", "latency_limit", "memory_limit",
};

// ---- notes ---------------------------------------------------------------------------------

static void compare_note(struct comparison *comparison, const char *section, const char *target,
                         bool refused, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

static void compare_note(struct comparison *comparison, const char *section, const char *target,
                         bool refused, const char *format, ...)
{
    va_list arguments;
    comparison->notes =
        realloc(comparison->notes, (comparison->note_count + 1) * sizeof *comparison->notes);
    if (comparison->notes == NULL) {
        abort();
    }
    struct compare_note *note = &comparison->notes[comparison->note_count++];
    note->section = measured_copy(section);
    note->target = measured_copy(target);
    note->refused = refused;
    va_start(arguments, format);
    vsnprintf(note->reason, sizeof note->reason, format, arguments);
    va_end(arguments);
    comparison->refused += refused;
}

// ---- sections ------------------------------------------------------------------------------

static const struct measured_section *compare_find(const struct measured *measured,
                                                   const char *name)
{
    for (size_t i = 0; i < measured->section_count; i++) {
        if (strcmp(measured->sections[i].name, name) == 0) {
            return &measured->sections[i];
        }
    }
    return NULL;
}

static const char *compare_value(const struct measured_section *section, const char *key)
{
    for (size_t i = 0; i < section->value_count; i++) {
        if (strcmp(section->values[i].key, key) == 0) {
            return section->values[i].text;
        }
    }
    return NULL;
}

static bool compare_may_differ(const char *key)
{
    for (size_t i = 0; i < sizeof compare_free / sizeof compare_free[0]; i++) {
        if (strcmp(compare_free[i], key) == 0) {
            return true;
        }
    }
    return false;
}

static const char *compare_standard(const char *key)
{
    const struct workload *workload;
    const struct job_key *row = job_key_find(key, &workload);
    return row != NULL && row->standard != NULL ? row->standard : "";
}

// The first key whose value differs; NULL: none.
static const char *compare_differs(const struct measured_section *a,
                                   const struct measured_section *b, const char **text_a,
                                   const char **text_b)
{
    for (size_t i = 0; i < a->value_count; i++) {
        const char *key = a->values[i].key;
        *text_a = a->values[i].text;
        *text_b = compare_value(b, key);
        if (*text_b == NULL) {
            *text_b = compare_standard(key);
        }
        if (strcmp(*text_a, *text_b) != 0 && !compare_may_differ(key)) {
            return key;
        }
    }
    return NULL;
}

// Whether the sections are the same work; else a note says what is not.
static bool compare_fits(struct comparison *comparison, const struct measured_section *a,
                         const struct measured_section *b)
{
    const char *text_a;
    const char *text_b;
    if (strcmp(a->workload, b->workload) != 0) {
        compare_note(comparison, a->name, NULL, true, "workload is %s in A, %s in B",
                     complaint_clip(a->workload).text, complaint_clip(b->workload).text);
        return false;
    }
    if (a->version != b->version) {
        compare_note(comparison, a->name, NULL, true,
                     "workload %s is version %u in A, %u in B: they do other operations",
                     complaint_clip(a->workload).text, a->version, b->version);
        return false;
    }
    if (a->threads != b->threads) {
        compare_note(comparison, a->name, NULL, true, "threads are %u in A, %u in B", a->threads,
                     b->threads);
        return false;
    }
    const char *key = compare_differs(a, b, &text_a, &text_b);
    if (key == NULL) {
        key = compare_differs(b, a, &text_b, &text_a);
    }
    if (key != NULL) {
        compare_note(comparison, a->name, NULL, true, "%s is \"%s\" in A, \"%s\" in B",
                     complaint_clip(key).text, complaint_clip(text_a).text,
                     complaint_clip(text_b).text);
    }
    return key == NULL;
}

// ---- sides ---------------------------------------------------------------------------------

// The cells of one target in one section, by repeat.
struct compare_side {
    const struct measured_cell **cells;
    size_t count;
    size_t unsteady;
};

static int compare_order(const void *a, const void *b)
{
    const struct measured_cell *left = *(const struct measured_cell *const *)a;
    const struct measured_cell *right = *(const struct measured_cell *const *)b;
    return (left->repeat > right->repeat) - (left->repeat < right->repeat);
}

static void compare_gather(const struct measured *measured, const struct measured_section *section,
                           const char *target, struct compare_side *side)
{
    size_t index = (size_t)(section - measured->sections);
    *side = (struct compare_side){
        .cells = measured_zeroed(measured->cell_count, sizeof(struct measured_cell *))};
    for (size_t i = 0; i < measured->cell_count; i++) {
        const struct measured_cell *cell = &measured->cells[i];
        if (cell->section == index && strcmp(cell->target, target) == 0) {
            side->cells[side->count++] = cell;
            side->unsteady += cell->verdict == CELL_UNSTEADY;
        }
    }
    qsort(side->cells, side->count, sizeof(struct measured_cell *), compare_order);
}

// Whether every cell of the side can be used; else a note says why not.
static bool compare_usable(struct comparison *comparison, const char *section, const char *target,
                           const struct compare_side *side, const char *where)
{
    for (size_t i = 0; i < side->count; i++) {
        const struct measured_cell *cell = side->cells[i];
        bool passed = cell->verdict == CELL_PASS || cell->verdict == CELL_UNSTEADY;
        if (cell->verdict == CELL_SKIPPED) {
            compare_note(comparison, section, target, false, "skipped in %s: not installed", where);
            return false;
        }
        if (!passed || !cell->known) {
            compare_note(comparison, section, target, true, "repeat %u of %s: %s", cell->repeat,
                         where, passed ? "no figures" : cell_verdict_name(cell->verdict));
            return false;
        }
        if (i > 0 && cell->repeat == side->cells[i - 1]->repeat) {
            compare_note(comparison, section, target, true, "repeat %u is there twice in %s",
                         cell->repeat, where);
            return false;
        }
    }
    return true;
}

// ---- rows ----------------------------------------------------------------------------------

static size_t compare_unknown(const double *values, size_t count)
{
    size_t unknown = 0;
    for (size_t i = 0; i < count; i++) {
        unknown += isnan(values[i]) ? 1 : 0;
    }
    return unknown;
}

static double *compare_values(const struct compare_side *side, size_t metric)
{
    double *values = measured_zeroed(side->count, sizeof *values);
    for (size_t i = 0; i < side->count; i++) {
        values[i] = side->cells[i]->metric[metric];
    }
    return values;
}

static struct compare_row *compare_add(struct comparison *comparison, const char *section,
                                       const char *target, const struct metric *metric)
{
    comparison->rows =
        realloc(comparison->rows, (comparison->row_count + 1) * sizeof *comparison->rows);
    if (comparison->rows == NULL) {
        abort();
    }
    struct compare_row *row = &comparison->rows[comparison->row_count++];
    *row = (struct compare_row){
        .section = measured_copy(section), .target = measured_copy(target), .metric = metric};
    return row;
}

// A verdict without a look.
static void compare_settle(struct compare_row *row, const char *format, size_t many, size_t all)
{
    row->judged = false;
    row->result.verdict = JUDGE_INCONCLUSIVE;
    snprintf(row->result.reason, sizeof row->result.reason, format, many, all);
}

static void compare_metric(struct comparison *comparison, const char *section, const char *target,
                           const struct metric *metric, bool asked,
                           const struct compare_side sides[2], bool paired)
{
    size_t index = (size_t)(metric - metric_table);
    size_t all = sides[0].count + sides[1].count;
    struct judge_sides made = {
        .a = compare_values(&sides[0], index),
        .b = compare_values(&sides[1], index),
        .count_a = sides[0].count,
        .count_b = sides[1].count,
        .paired = paired,
        .better = metric->better,
    };
    size_t unknown = compare_unknown(made.a, made.count_a) + compare_unknown(made.b, made.count_b);
    if (unknown == all) {
        free(made.a);
        free(made.b);
        if (asked) {
            compare_note(comparison, section, target, false, "%s is not known", metric->name);
        }
        return;
    }
    struct compare_row *row = compare_add(comparison, section, target, metric);
    row->sides = made;
    if (unknown > 0) {
        row->result = (struct judge_result){.median_a = NAN,
                                            .median_b = NAN,
                                            .ratio = NAN,
                                            .low = NAN,
                                            .high = NAN,
                                            .p = NAN,
                                            .p_holm = NAN,
                                            .effect = NAN};
        compare_settle(row, "not known in %zu of %zu cells", unknown, all);
        return;
    }
    judge_measure(&row->sides, &comparison->options.judge, &row->result);
    row->judged = made.count_a >= JUDGE_LEAST && made.count_b >= JUDGE_LEAST &&
                  metric->better != METRIC_NEITHER;
    if (sides[0].unsteady + sides[1].unsteady > 0) {
        compare_settle(row, "the rate did not become steady in %zu of %zu cells",
                       sides[0].unsteady + sides[1].unsteady, all);
    }
}

static void compare_metrics(struct comparison *comparison, const char *section, const char *target,
                            const struct compare_side sides[2], bool paired)
{
    const struct metric *const *asked = comparison->options.metrics;
    for (size_t i = 0; i < METRIC_COUNT; i++) {
        const struct metric *metric = &metric_table[i];
        bool wanted = asked[0] == NULL && metric->judged;
        for (size_t m = 0; asked[m] != NULL; m++) {
            wanted |= asked[m] == metric;
        }
        if (wanted) {
            compare_metric(comparison, section, target, metric, asked[0] != NULL, sides, paired);
        }
    }
}

static bool compare_pairs(const struct compare_side sides[2])
{
    bool pairs = sides[0].count == sides[1].count;
    for (size_t i = 0; pairs && i < sides[0].count; i++) {
        pairs = sides[0].cells[i]->repeat == sides[1].cells[i]->repeat;
    }
    return pairs;
}

// Holm's correction over all rows, then their verdicts.
static void compare_judge(struct comparison *comparison)
{
    double *p = measured_zeroed(comparison->row_count, sizeof *p);
    double *adjusted = measured_zeroed(comparison->row_count, sizeof *adjusted);
    for (size_t i = 0; i < comparison->row_count; i++) {
        if (comparison->rows[i].judged) {
            p[comparison->judged++] = comparison->rows[i].result.p;
        }
    }
    statistics_holm(p, comparison->judged, adjusted);
    size_t next = 0;
    for (size_t i = 0; i < comparison->row_count; i++) {
        struct compare_row *row = &comparison->rows[i];
        if (row->judged) {
            row->result.p_holm = adjusted[next++];
        }
        if (row->result.reason[0] == '\0') {
            judge_decide(&row->sides, &comparison->options.judge, comparison->judged, &row->result);
        }
        comparison->count[row->result.verdict]++;
    }
    free(p);
    free(adjusted);
}

// ---- two results ---------------------------------------------------------------------------

static void compare_target(struct comparison *comparison, const struct measured *a,
                           const struct measured_section *in_a, const struct measured *b,
                           const struct measured_section *in_b, const char *target)
{
    struct compare_side sides[2];
    compare_gather(a, in_a, target, &sides[0]);
    compare_gather(b, in_b, target, &sides[1]);
    if (sides[1].count == 0) {
        compare_note(comparison, in_a->name, target, !comparison->options.partial,
                     "only in A, not in B");
    } else if (compare_usable(comparison, in_a->name, target, &sides[0], "A") &&
               compare_usable(comparison, in_a->name, target, &sides[1], "B")) {
        compare_metrics(comparison, in_a->name, target, sides, false);
    }
    free(sides[0].cells);
    free(sides[1].cells);
}

// The first cell of each target of a section stands for it.
static bool compare_is_first(const struct measured *measured, size_t cell)
{
    const struct measured_cell *it = &measured->cells[cell];
    for (size_t i = 0; i < cell; i++) {
        if (measured->cells[i].section == it->section &&
            strcmp(measured->cells[i].target, it->target) == 0) {
            return false;
        }
    }
    return true;
}

static void compare_section(struct comparison *comparison, const struct measured *a,
                            const struct measured_section *in_a, const struct measured *b)
{
    const struct measured_section *in_b = compare_find(b, in_a->name);
    if (in_b == NULL) {
        compare_note(comparison, in_a->name, NULL, false, "only in A, not in B");
        return;
    }
    if (!compare_fits(comparison, in_a, in_b)) {
        return;
    }
    for (size_t i = 0; i < a->cell_count; i++) {
        if (&a->sections[a->cells[i].section] == in_a && compare_is_first(a, i)) {
            compare_target(comparison, a, in_a, b, in_b, a->cells[i].target);
        }
    }
    for (size_t i = 0; i < b->cell_count; i++) {
        struct compare_side side;
        if (&b->sections[b->cells[i].section] == in_b && compare_is_first(b, i)) {
            compare_gather(a, in_a, b->cells[i].target, &side);
            if (side.count == 0) {
                compare_note(comparison, in_a->name, b->cells[i].target, false,
                             "only in B, not in A");
            }
            free(side.cells);
        }
    }
}

static int compare_end(struct comparison *comparison)
{
    compare_judge(comparison);
    if (comparison->row_count > 0 || comparison->refused > 0) {
        return 0;
    }
    compare_fini(comparison);
    return EINVAL;
}

int compare_results(const struct measured *a, const struct measured *b,
                    const struct compare_options *options, struct comparison *comparison,
                    struct complaint *complaint)
{
    *comparison = (struct comparison){
        .name_a = measured_copy(a->name), .name_b = measured_copy(b->name), .options = *options};
    for (size_t i = 0; i < a->section_count; i++) {
        compare_section(comparison, a, &a->sections[i], b);
    }
    for (size_t i = 0; i < b->section_count; i++) {
        if (compare_find(a, b->sections[i].name) == NULL) {
            compare_note(comparison, b->sections[i].name, NULL, false, "only in B, not in A");
        }
    }
    if (compare_end(comparison) != 0) {
        complain(complaint, "%s and %s have nothing in common that could be compared", a->name,
                 b->name);
        return EINVAL;
    }
    return 0;
}

// ---- two targets ---------------------------------------------------------------------------

int compare_targets(const struct measured *measured, const char *a, const char *b,
                    const struct compare_options *options, struct comparison *comparison,
                    struct complaint *complaint)
{
    *comparison = (struct comparison){
        .name_a = measured_copy(a), .name_b = measured_copy(b), .options = *options};
    for (size_t i = 0; i < measured->section_count; i++) {
        const struct measured_section *section = &measured->sections[i];
        struct compare_side sides[2];
        char title[512];
        snprintf(title, sizeof title, "%s against %s", b, a);
        compare_gather(measured, section, a, &sides[0]);
        compare_gather(measured, section, b, &sides[1]);
        if (sides[0].count == 0 || sides[1].count == 0) {
            compare_note(comparison, section->name, title, false, "%s is not in this section",
                         complaint_clip(sides[0].count == 0 ? a : b).text);
        } else if (compare_usable(comparison, section->name, title, &sides[0], a) &&
                   compare_usable(comparison, section->name, title, &sides[1], b)) {
            if (compare_pairs(sides)) {
                compare_metrics(comparison, section->name, title, sides, true);
            } else {
                compare_note(comparison, section->name, title, true,
                             "their repeats are not the same: nothing to pair");
            }
        }
        free(sides[0].cells);
        free(sides[1].cells);
    }
    if (compare_end(comparison) != 0) {
        complain(complaint, "%s: no section has been measured on both \"%s\" and \"%s\"",
                 measured->name, complaint_clip(a).text, complaint_clip(b).text);
        return EINVAL;
    }
    return 0;
}

void compare_fini(struct comparison *comparison)
{
    for (size_t i = 0; i < comparison->row_count; i++) {
        free(comparison->rows[i].section);
        free(comparison->rows[i].target);
        free(comparison->rows[i].sides.a);
        free(comparison->rows[i].sides.b);
    }
    for (size_t i = 0; i < comparison->note_count; i++) {
        free(comparison->notes[i].section);
        free(comparison->notes[i].target);
    }
    free(comparison->rows);
    free(comparison->notes);
    free(comparison->name_a);
    free(comparison->name_b);
    memset(comparison, 0, sizeof *comparison);
}

enum verdict_outcome compare_outcome(const struct comparison *comparison)
{
    if (comparison->refused > 0) {
        return VERDICT_REFUSED;
    }
    if (comparison->count[JUDGE_REGRESSED] > 0) {
        return VERDICT_REGRESSED;
    }
    return comparison->count[JUDGE_INCONCLUSIVE] > 0 ? VERDICT_INCONCLUSIVE : VERDICT_SAME;
}
