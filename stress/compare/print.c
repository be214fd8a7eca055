// SPDX-License-Identifier: MIT
//
// print.c - a comparison for people: a table a target of a section, what was not compared, the sum.

#include <math.h>
#include <string.h>

#include "compare/compare.h"
#include "result/wrap.h"

// Four digits in the row's own unit, thousands as k, M, G, T.
static void print_value(FILE *out, int width, double value)
{
    static const char suffixes[] = {' ', 'k', 'M', 'G', 'T'};
    size_t suffix = 0;
    if (isnan(value)) {
        fprintf(out, " %*s", width, "- ");
        return;
    }
    while (fabs(value) >= 9999.5 && suffix + 1 < sizeof suffixes) {
        value /= 1000;
        suffix++;
    }
    fprintf(out, " %*.4g%c", width - 1, value, suffixes[suffix]);
}

static void print_ratio(FILE *out, int width, double ratio)
{
    if (isnan(ratio)) {
        fprintf(out, " %*s", width, "-");
    } else {
        fprintf(out, ratio < 1000 ? " %*.3f" : " %*.3g", width, ratio);
    }
}

static void print_row(FILE *out, const struct compare_row *row)
{
    const struct judge_result *result = &row->result;
    char title[64];
    snprintf(title, sizeof title, "%s, %s", row->metric->name, row->metric->unit);
    fprintf(out, "  %-29s", title);
    print_value(out, 8, result->median_a);
    print_value(out, 8, result->median_b);
    print_ratio(out, 6, result->ratio);
    print_ratio(out, 7, result->low);
    print_ratio(out, 6, result->high);
    if (row->judged) {
        fprintf(out, " %7.2g %6.2f", result->p_holm, result->effect);
    } else {
        fprintf(out, " %7s %6s", "-", "-");
    }
    fprintf(out, " %s\n", judge_verdict_name(result->verdict));
    if (result->reason[0] != '\0') {
        wrap_words(out, 0, 4, result->reason);
    }
}

static bool print_same(const struct compare_row *a, const struct compare_row *b)
{
    return strcmp(a->section, b->section) == 0 && strcmp(a->target, b->target) == 0;
}

static void print_notes(const struct comparison *comparison, FILE *out)
{
    for (size_t i = 0; i < comparison->note_count; i++) {
        const struct compare_note *note = &comparison->notes[i];
        int at = fprintf(out, "%s:", compare_kind_name(note->kind));
        if (*note->section != '\0') {
            at += fprintf(out, " [%s]", note->section);
        }
        if (*note->target != '\0') {
            at += fprintf(out, " %s", note->target);
        }
        if (*note->section != '\0' || *note->target != '\0') {
            at += fprintf(out, ":");
        }
        wrap_words(out, at, 4, note->reason);
    }
    if (comparison->note_count > 0) {
        fprintf(out, "\n");
    }
}

void compare_print(const struct comparison *comparison, FILE *out)
{
    const struct judge_options *judge = &comparison->options.judge;
    fprintf(out, "A: %s\nB: %s\n\n", comparison->name_a, comparison->name_b);
    for (size_t i = 0; i < comparison->row_count; i++) {
        const struct compare_row *row = &comparison->rows[i];
        if (i == 0 || !print_same(row, row - 1)) {
            fprintf(out, "%s[%s] %s: %zu and %zu repeats%s\n", i > 0 ? "\n" : "", row->section,
                    row->target, row->sides.count_a, row->sides.count_b,
                    row->sides.paired ? ", paired" : "");
            fprintf(out, "  %-29s %8s %8s %6s %14s %7s %6s verdict\n", "median of", "A ", "B ",
                    "B/A", "interval", "p", "effect");
        }
        print_row(out, row);
    }
    if (comparison->row_count > 0) {
        fprintf(out, "\n");
    }
    print_notes(comparison, out);
    if (comparison->row_count > 0) {
        fprintf(out,
                "intervals of %g %%, p after Holm's correction within each metric, threshold %g %% "
                "worse, alpha %g\n",
                (1 - judge->alpha) * 100, judge->threshold * 100, judge->alpha);
    }
    fprintf(out, "comparison:");
    const char *separator = " ";
    for (int i = 0; i < JUDGE_VERDICTS; i++) {
        if (comparison->count[i] > 0) {
            fprintf(out, "%s%zu %s", separator, comparison->count[i],
                    judge_verdict_name((enum judge_verdict)i));
            separator = ", ";
        }
    }
    if (comparison->refused > 0) {
        fprintf(out, "%s%zu refused", separator, comparison->refused);
    }
    fprintf(out, "\n");
}
