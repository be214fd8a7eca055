// SPDX-License-Identifier: MIT
//
// compare.c - are two results different? Pairs what can be compared, refuses what cannot, judges.
//
// 1. What fits together. A section of the same name, with the same workload in the same version,
//    the same number of threads, the same files and the same values of all keys but a few, which
//    change neither the operations nor how they are measured (fit.c). A key that only one document
//    knows must have its default there: it is one that the other version did not have yet.
// 2. Refused. A pair that does not fit, a cell that did not pass, a section or target of A that B
//    lacks, a figure that A has and B lost. A refusal is no verdict about the allocators: the input
//    is at fault, and the exit status says so. What was skipped for a missing library is noted, not
//    refused, and so is what a run was told to leave out.
// 3. Together. Holm's correction runs over the rows of one metric (family.c).
// 4. All repeats count. A figure that is unknown in some of them makes the row inconclusive; an
//    unsteady cell does.
// 5. Pictures of memory (map=) cost an engine time and memory that no other target spends. Between
//    two targets such cells are refused; between two results, where both have them, it is noted.
// 6. Before a run. Its plan, with cells that have no figures yet, is held against the other result
//    by the same code: what is refused whatever the run brings is known before it.
// 7. Not judged. Machine, build, allocator and settings that differ are told (differ.c).

#include "compare/compare.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "compare/inner.h"
#include "job/complaint.h"
#include "job/job.h"

// ---- notes ---------------------------------------------------------------------------------

const char *compare_kind_name(enum compare_kind kind)
{
    static const char *const names[] = {
        [COMPARE_TOLD] = "note",
        [COMPARE_LEFT_OUT] = "left out",
        [COMPARE_REFUSED] = "refused",
    };
    return names[kind];
}

void compare_note(struct comparison *comparison, const char *section, const char *target,
                  enum compare_kind kind, const char *format, ...)
{
    va_list arguments;
    comparison->notes =
        realloc(comparison->notes, (comparison->note_count + 1) * sizeof *comparison->notes);
    if (comparison->notes == NULL) {
        complain_exhausted();
    }
    struct compare_note *note = &comparison->notes[comparison->note_count++];
    note->section = measured_copy(section);
    note->target = measured_copy(target);
    note->kind = kind;
    va_start(arguments, format);
    vsnprintf(note->reason, sizeof note->reason, format, arguments);
    va_end(arguments);
    comparison->refused += kind == COMPARE_REFUSED;
}

void compare_tell(struct comparison *comparison, const char *text)
{
    compare_note(comparison, NULL, NULL, COMPARE_TOLD, "%s", text);
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

// ---- sides ---------------------------------------------------------------------------------

// The cells of one target in one section, by repeat.
struct compare_side {
    const struct measured_cell **cells;
    size_t count;
    size_t unsteady;
    size_t pictured;
    bool planned; // cells that have not run yet are no fault
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
            side->pictured += cell->pictured;
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
        if (side->planned && cell->verdict == CELL_WAITING) {
            continue;
        }
        if (cell->verdict == CELL_SKIPPED) {
            compare_note(comparison, section, target, COMPARE_LEFT_OUT,
                         "skipped in %s: not installed", where);
            return false;
        }
        if (!passed || !cell->known) {
            compare_note(comparison, section, target, COMPARE_REFUSED, "repeat %u of %s: %s",
                         cell->repeat, where,
                         passed ? "no figures" : cell_verdict_name(cell->verdict));
            return false;
        }
        if (i > 0 && cell->repeat == side->cells[i - 1]->repeat) {
            compare_note(comparison, section, target, COMPARE_REFUSED,
                         "repeat %u is there twice in %s", cell->repeat, where);
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
        complain_exhausted();
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

static double *compare_speeds(const struct compare_side *side)
{
    double *speeds = measured_zeroed(side->count, sizeof *speeds);
    for (size_t i = 0; i < side->count; i++) {
        speeds[i] = side->cells[i]->speed_ns;
    }
    return speeds;
}

// A figure that not every cell has. Whether there is a row of it all the same: an inconclusive one.
static bool compare_partly(struct comparison *comparison, const char *section, const char *target,
                           const struct metric *metric, bool asked, const struct judge_sides *sides)
{
    size_t lost_a = compare_unknown(sides->a, sides->count_a);
    size_t lost_b = compare_unknown(sides->b, sides->count_b);
    if (lost_a == 0 && (lost_b == sides->count_b || !metric->seldom)) {
        compare_note(comparison, section, target, COMPARE_REFUSED,
                     "%s is known in all of A, and in %zu of %zu cells of B: it was lost",
                     metric->name, sides->count_b - lost_b, sides->count_b);
        return false;
    }
    bool one_side = lost_a == sides->count_a || lost_b == sides->count_b;
    if (one_side && (asked || lost_a + lost_b < sides->count_a + sides->count_b)) {
        compare_note(comparison, section, target, COMPARE_LEFT_OUT, "%s is not known in %s",
                     metric->name,
                     lost_a < sides->count_a   ? "B"
                     : lost_b < sides->count_b ? "A"
                                               : "either");
    }
    return !one_side;
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
        .floor = metric->floor,
    };
    size_t unknown = compare_unknown(made.a, made.count_a) + compare_unknown(made.b, made.count_b);
    if (unknown > 0 && !compare_partly(comparison, section, target, metric, asked, &made)) {
        free(made.a);
        free(made.b);
        return;
    }
    struct compare_row *row = compare_add(comparison, section, target, metric);
    row->sides = made;
    row->speed_a = compare_speeds(&sides[0]);
    row->speed_b = compare_speeds(&sides[1]);
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
    for (size_t i = 0; i < METRIC_ALL; i++) {
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

// ---- two results ---------------------------------------------------------------------------

static void compare_target(struct comparison *comparison, const struct measured *a,
                           const struct measured_section *in_a, const struct measured *b,
                           const struct measured_section *in_b, const char *target)
{
    struct compare_side sides[2];
    compare_gather(a, in_a, target, &sides[0]);
    compare_gather(b, in_b, target, &sides[1]);
    sides[1].planned = comparison->planned;
    if (sides[1].count == 0) {
        bool chosen = comparison->options.chosen;
        compare_note(comparison, in_a->name, target, chosen ? COMPARE_LEFT_OUT : COMPARE_REFUSED,
                     "only in A, not in B%s", chosen ? ": this run left it out" : "");
    } else if (compare_usable(comparison, in_a->name, target, &sides[0], "A") &&
               compare_usable(comparison, in_a->name, target, &sides[1], "B")) {
        comparison->pairs++;
        if (sides[0].pictured + sides[1].pictured > 0) {
            compare_note(comparison, in_a->name, target, COMPARE_TOLD,
                         "pictures of memory (map) were taken: their time and memory are in the "
                         "figures");
        }
        if (!comparison->planned) {
            compare_metrics(comparison, in_a->name, target, sides, false);
        }
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

static bool compare_is_of(const struct job *job, const char *section)
{
    for (size_t i = 0; job != NULL && i < job->section_count; i++) {
        if (strcmp(job->sections[i].name, section) == 0) {
            return true;
        }
    }
    return false;
}

static void compare_section(struct comparison *comparison, const struct measured *a,
                            const struct measured_section *in_a, const struct measured *b)
{
    const struct measured_section *in_b = compare_find(b, in_a->name);
    if (in_b == NULL) {
        bool chosen = compare_is_of(comparison->options.whole, in_a->name);
        compare_note(comparison, in_a->name, NULL, chosen ? COMPARE_LEFT_OUT : COMPARE_REFUSED,
                     "only in A, not in B%s", chosen ? ": this run left it out" : "");
        comparison->absent += !chosen;
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
                compare_note(comparison, in_a->name, b->cells[i].target, COMPARE_LEFT_OUT,
                             "only in B, not in A");
            }
            free(side.cells);
        }
    }
}

static void compare_sections(struct comparison *comparison, const struct measured *a,
                             const struct measured *b)
{
    for (size_t i = 0; i < a->section_count; i++) {
        compare_section(comparison, a, &a->sections[i], b);
    }
    for (size_t i = 0; i < b->section_count; i++) {
        if (compare_find(a, b->sections[i].name) == NULL) {
            compare_note(comparison, b->sections[i].name, NULL, COMPARE_LEFT_OUT,
                         "only in B, not in A");
        }
    }
}

static int compare_end(struct comparison *comparison)
{
    compare_judge(comparison);
    if (comparison->row_count > 0 || comparison->refused > comparison->absent) {
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
    compare_circumstances(comparison, a, b);
    compare_sections(comparison, a, b);
    if (compare_end(comparison) != 0) {
        complain(complaint, "%s and %s have nothing in common that could be compared", a->name,
                 b->name);
        return EINVAL;
    }
    return 0;
}

int compare_check(const struct measured *a, const struct measured *planned,
                  const struct compare_options *options, struct complaint *complaint)
{
    struct comparison comparison = {.name_a = measured_copy(a->name),
                                    .name_b = measured_copy(planned->name),
                                    .options = *options,
                                    .planned = true};
    compare_sections(&comparison, a, planned);
    bool common = comparison.pairs > 0 || comparison.refused > comparison.absent;
    size_t refused = comparison.refused;
    for (size_t i = 0; common && i < comparison.note_count; i++) {
        const struct compare_note *note = &comparison.notes[i];
        if (note->kind == COMPARE_REFUSED) {
            char more[40] = "";
            if (refused > 1) {
                snprintf(more, sizeof more, " (and %zu more)", refused - 1);
            }
            complain(complaint, "%s (A) and %s (B) cannot be compared: [%s]%s%s: %s%s", a->name,
                     planned->name, complaint_clip(note->section).text, *note->target ? " " : "",
                     complaint_clip(note->target).text, note->reason, more);
            break;
        }
    }
    if (!common) {
        complain(complaint, "%s and %s have nothing in common that could be compared", a->name,
                 planned->name);
    }
    compare_fini(&comparison);
    return common && refused == 0 ? 0 : EINVAL;
}

// ---- two targets ---------------------------------------------------------------------------

static void compare_two(struct comparison *comparison, const char *section, const char *title,
                        const struct compare_side sides[2], const char *a, const char *b)
{
    if (sides[0].pictured + sides[1].pictured > 0) {
        compare_note(comparison, section, title, COMPARE_REFUSED,
                     "pictures of memory (map) were taken of %s, and what they cost is in the "
                     "figures: measure without map",
                     sides[1].pictured == 0   ? complaint_clip(a).text
                     : sides[0].pictured == 0 ? complaint_clip(b).text
                                              : "both");
    } else if (!compare_pairs(sides)) {
        compare_note(comparison, section, title, COMPARE_REFUSED,
                     "their repeats are not the same: nothing to pair");
    } else {
        compare_metrics(comparison, section, title, sides, true);
    }
}

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
            compare_note(comparison, section->name, title, COMPARE_LEFT_OUT,
                         "%s is not in this section",
                         complaint_clip(sides[0].count == 0 ? a : b).text);
        } else if (compare_usable(comparison, section->name, title, &sides[0], a) &&
                   compare_usable(comparison, section->name, title, &sides[1], b)) {
            compare_two(comparison, section->name, title, sides, a, b);
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
        free(comparison->rows[i].speed_a);
        free(comparison->rows[i].speed_b);
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
