// SPDX-License-Identifier: MIT
//
// print.c - a comparison for people: a table a target of a section, what was not compared, the sum.
//
// 80 columns. A hundred rows that nothing is known of for one reason say so once: rows have the
// number of their reason, and below the tables is each reason with how many rows it is for.

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compare/compare.h"
#include "job/plain.h"
#include "result/wrap.h"

#define PRINT_WIDTH 80
#define PRINT_NAME  20

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
    } else if (ratio < 1000) {
        fprintf(out, " %*.*f", width, ratio < 10 ? 3 : ratio < 100 ? 2 : 1, ratio);
    } else {
        fprintf(out, " %*.2g", width, ratio);
    }
}

// ---- reasons -------------------------------------------------------------------------------

struct print_reasons {
    const char **texts;
    size_t *rows; // that have it
    size_t count;
};

// The number of the reason, from 1.
static size_t print_reason(struct print_reasons *reasons, const char *text)
{
    size_t at = 0;
    while (at < reasons->count && strcmp(reasons->texts[at], text) != 0) {
        at++;
    }
    reasons->count += at == reasons->count;
    reasons->texts[at] = text;
    reasons->rows[at]++;
    return at + 1;
}

static void print_reasons(const struct print_reasons *reasons, FILE *out)
{
    for (size_t i = 0; i < reasons->count; i++) {
        int at = fprintf(out, "%zu: %zu row%s:", i + 1, reasons->rows[i],
                         reasons->rows[i] == 1 ? "" : "s");
        wrap_within(out, PRINT_WIDTH, at, 4, reasons->texts[i]);
    }
    if (reasons->count > 0) {
        fprintf(out, "\n");
    }
}

// ---- rows ----------------------------------------------------------------------------------

static void print_row(FILE *out, const struct compare_row *row, struct print_reasons *reasons)
{
    const struct judge_result *result = &row->result;
    const char *name = row->metric->name;
    if (strlen(name) > PRINT_NAME) {
        fprintf(out, "  %s\n", name);
        name = "";
    }
    fprintf(out, "  %-*s", PRINT_NAME, name);
    print_value(out, 7, result->median_a);
    print_value(out, 7, result->median_b);
    print_ratio(out, 5, result->ratio);
    print_ratio(out, 5, result->low);
    print_ratio(out, 5, result->high);
    if (row->judged) {
        fprintf(out, " %7.2g", result->p_holm);
    } else {
        fprintf(out, " %7s", "-");
    }
    fprintf(out, " %s", judge_verdict_name(result->verdict));
    if (result->reason[0] != '\0') {
        fprintf(out, " %zu", print_reason(reasons, result->reason));
    }
    fprintf(out, "\n");
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
            at += fprintf(out, " [%s]", plain_line(note->section).text);
        }
        if (*note->target != '\0') {
            at += fprintf(out, " %s", plain_line(note->target).text);
        }
        if (*note->section != '\0' || *note->target != '\0') {
            at += fprintf(out, ":");
        }
        wrap_within(out, PRINT_WIDTH, at, 4, note->reason);
    }
    if (comparison->note_count > 0) {
        fprintf(out, "\n");
    }
}

void compare_print(const struct comparison *comparison, FILE *out)
{
    const struct judge_options *judge = &comparison->options.judge;
    struct print_reasons reasons = {
        .texts = measured_zeroed(comparison->row_count, sizeof *reasons.texts),
        .rows = measured_zeroed(comparison->row_count, sizeof *reasons.rows)};
    fprintf(out, "A: %s\nB: %s\n\n", plain_line(comparison->name_a).text,
            plain_line(comparison->name_b).text);
    for (size_t i = 0; i < comparison->row_count; i++) {
        const struct compare_row *row = &comparison->rows[i];
        if (i == 0 || !print_same(row, row - 1)) {
            fprintf(out, "%s[%s] %s: %zu and %zu repeats%s\n", i > 0 ? "\n" : "",
                    plain_line(row->section).text, plain_line(row->target).text, row->sides.count_a,
                    row->sides.count_b, row->sides.paired ? ", paired" : "");
            fprintf(out, "  %-*s %7s %7s %5s %11s %7s verdict\n", PRINT_NAME, "median of", "A ",
                    "B ", "B/A", "interval", "p");
        }
        print_row(out, row, &reasons);
    }
    if (comparison->row_count > 0) {
        fprintf(out, "\n");
    }
    print_reasons(&reasons, out);
    free(reasons.texts);
    free(reasons.rows);
    print_notes(comparison, out);
    if (comparison->row_count > 0) {
        fprintf(
            out,
            "intervals of %g %%, p after Holm's correction within each metric,\nthreshold %g %% "
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
