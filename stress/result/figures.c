// SPDX-License-Identifier: MIT
//
// figures.c - the workload's own figures of a section, for people: a line a figure.
//
// blow-up, x (bound 5.94): libc 8.07, mems:dynamic 6.00, preload:jemalloc 9.14
//
// A target that has no such figure is left out. The bound stands once where it is the same for all
// targets, else behind each value: "held, x live (bound): libc 13.3 (32.8)". A line that would be
// longer than wrap_width() goes on below, indented.

#include "result/figures.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "job/complaint.h"
#include "measure/median.h"
#include "result/summary.h"
#include "result/wrap.h"

#define FIGURES_INDENT 4
#define FIGURES_MOST   (4 * REPORT_FIGURES) // names in a section: cells of one workload share them

// Names in the order in which cells give them.
struct figures_names {
    const struct report_figure *figure[FIGURES_MOST];
    size_t count;
};

static bool figures_of(const struct plan *plan, const struct plan_section *section, size_t i)
{
    const struct cell *cell = &plan->cells[i];
    return cell->section == section && summary_measured(cell);
}

static const struct report_figure *figures_find(const struct cell *cell, const char *name)
{
    const struct cell_report *report = &cell->stage->report;
    for (uint32_t i = 0; i < report->figure_count; i++) {
        if (strcmp(report->figures[i].name, name) == 0) {
            return &report->figures[i];
        }
    }
    return NULL;
}

static void figures_add_name(struct figures_names *names, const struct report_figure *figure)
{
    for (size_t i = 0; i < names->count; i++) {
        if (strcmp(names->figure[i]->name, figure->name) == 0) {
            return;
        }
    }
    if (names->count < FIGURES_MOST) {
        names->figure[names->count++] = figure;
    }
}

void figures_median(const struct plan *plan, const struct plan_section *section, unsigned target,
                    const char *name, double *value, double *bound)
{
    double *values = calloc(2 * (size_t)section->repeats, sizeof *values);
    if (values == NULL) {
        complain_exhausted();
    }
    double *bounds = values + section->repeats;
    size_t value_count = 0;
    size_t bound_count = 0;
    for (size_t i = 0; i < plan->cell_count; i++) {
        const struct report_figure *figure = NULL;
        if (figures_of(plan, section, i) && plan->cells[i].target == target) {
            figure = figures_find(&plan->cells[i], name);
        }
        if (figure != NULL && !isnan(figure->value)) {
            values[value_count++] = figure->value;
        }
        if (figure != NULL && !isnan(figure->bound)) {
            bounds[bound_count++] = figure->bound;
        }
    }
    *value = median_of(values, value_count);
    *bound = median_of(bounds, bound_count);
    free(values);
}

// Three significant digits or more.
static void figures_number(char *text, size_t size, double value)
{
    double magnitude = fabs(value);
    int digits = magnitude < 9.995 ? 2 : magnitude < 99.95 ? 1 : 0;
    if (magnitude < 1e7) {
        snprintf(text, size, "%.*f", digits, value);
    } else {
        snprintf(text, size, "%.2e", value);
    }
}

// Appends a piece to the line, or begins the next one with it.
static void figures_piece(FILE *out, int *column, const char *piece)
{
    int length = (int)strlen(piece);
    if (*column + 1 + length > wrap_width()) {
        fprintf(out, "\n%*s%s", FIGURES_INDENT, "", piece);
        *column = FIGURES_INDENT + length;
    } else {
        fprintf(out, " %s", piece);
        *column += 1 + length;
    }
}

// What a target has, as text; empty: nothing.
struct figures_text {
    char value[32], bound[32];
};

// Whether all targets that have the figure have the same bound, or none.
static bool figures_fill(const struct plan *plan, const struct plan_section *section,
                         const char *name, struct figures_text *texts, size_t *first, size_t *last)
{
    bool same = true;
    *first = section->spec_count;
    for (unsigned i = 0; i < section->spec_count; i++) {
        double value, bound;
        figures_median(plan, section, i, name, &value, &bound);
        if (isnan(value)) {
            continue;
        }
        figures_number(texts[i].value, sizeof texts[i].value, value);
        if (!isnan(bound)) {
            figures_number(texts[i].bound, sizeof texts[i].bound, bound);
        }
        *first = *first == section->spec_count ? i : *first;
        *last = i;
        same = same && strcmp(texts[*first].bound, texts[i].bound) == 0;
    }
    return same;
}

static void figures_line(FILE *out, const struct plan *plan, const struct plan_section *section,
                         const struct report_figure *figure)
{
    struct figures_text *texts = calloc(section->spec_count, sizeof *texts);
    if (texts == NULL) {
        complain_exhausted();
    }
    char piece[512];
    size_t first, last = 0;
    bool same = figures_fill(plan, section, figure->name, texts, &first, &last);
    if (first == section->spec_count) {
        free(texts);
        return;
    }
    const char *bound = texts[first].bound;
    bool bounded = !same || *bound != '\0';
    snprintf(piece, sizeof piece, "%s%s%s%s", bounded ? " (bound" : "", same && bounded ? " " : "",
             same ? bound : "", bounded ? ")" : "");
    int column = fprintf(out, "%s%s%s%s:", figure->name, *figure->unit != '\0' ? ", " : "",
                         figure->unit, piece);
    for (size_t i = first; i <= last; i++) {
        if (texts[i].value[0] != '\0') {
            bool own = !same && texts[i].bound[0] != '\0';
            snprintf(piece, sizeof piece, "%s %s%s%s%s%s", section->specs[i].name, texts[i].value,
                     own ? " (" : "", own ? texts[i].bound : "", own ? ")" : "",
                     i == last ? "" : ",");
            figures_piece(out, &column, piece);
        }
    }
    fprintf(out, "\n");
    free(texts);
}

void figures_print(FILE *out, const struct plan *plan, const struct plan_section *section)
{
    struct figures_names names = {.count = 0};
    for (size_t i = 0; i < plan->cell_count; i++) {
        if (figures_of(plan, section, i)) {
            const struct cell_report *report = &plan->cells[i].stage->report;
            for (uint32_t j = 0; j < report->figure_count; j++) {
                figures_add_name(&names, &report->figures[j]);
            }
        }
    }
    for (size_t i = 0; i < names.count; i++) {
        figures_line(out, plan, section, names.figure[i]);
    }
}
