// SPDX-License-Identifier: MIT
//
// harness.c - what the harness itself cost, in one line: nanoseconds that an operation takes of it
// where it is neither timed nor checked, where every one is timed, where checks 1 to 3 look at
// blocks of 64 bytes (run/cost.h); and the memory that measuring a cell takes.

#include "result/harness.h"

#include <math.h>
#include <stdlib.h>

#include "job/complaint.h"
#include "result/summary.h"
#include "result/wrap.h"

enum harness_figure {
    HARNESS_OP,
    HARNESS_TIMED,
    HARNESS_CHECKED,
    HARNESS_METRICS,
    HARNESS_FIGURES
};

static double harness_of(const struct cell *cell, enum harness_figure figure)
{
    const struct cell_report *report = &cell->stage->report;
    switch (figure) {
    case HARNESS_OP:
        return report->harness.op_ns;
    case HARNESS_TIMED:
        return report->harness.timed_ns;
    case HARNESS_CHECKED:
        return report->harness.checked_ns;
    default:
        return (double)report->metrics_bytes;
    }
}

static int harness_compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

// NAN where no cell has it. `values` has room for every cell.
static double harness_median(const struct plan *plan, enum harness_figure figure, double *values,
                             size_t *cells)
{
    size_t count = 0;
    *cells = 0;
    for (size_t i = 0; i < plan->cell_count; i++) {
        const struct cell *cell = &plan->cells[i];
        if (summary_measured(cell) && cell->stage->report.harness_known) {
            ++*cells;
            values[count] = harness_of(cell, figure);
            count += isnan(values[count]) ? 0 : 1;
        }
    }
    qsort(values, count, sizeof *values, harness_compare);
    return count == 0 ? NAN : (values[(count - 1) / 2] + values[count / 2]) / 2;
}

void harness_print(FILE *out, const struct plan *plan)
{
    double median[HARNESS_FIGURES];
    size_t cells = 0;
    double *values = calloc(plan->cell_count + 1, sizeof *values);
    if (values == NULL) {
        complain_exhausted();
    }
    for (enum harness_figure figure = 0; figure < HARNESS_FIGURES; figure++) {
        median[figure] = harness_median(plan, figure, values, &cells);
    }
    free(values);
    if (isnan(median[HARNESS_OP])) {
        return;
    }
    char text[160];
    int length = snprintf(text, sizeof text, "%.1f ns/op, ", median[HARNESS_OP]);
    if (!isnan(median[HARNESS_TIMED])) {
        length += snprintf(text + length, sizeof text - (size_t)length, "timed %.0f, ",
                           median[HARNESS_TIMED]);
    }
    snprintf(text + length, sizeof text - (size_t)length,
             "checked (64 B) %.0f; metrics %.1f MiB; %zu cell%s", median[HARNESS_CHECKED],
             median[HARNESS_METRICS] / 0x1p20, cells, cells == 1 ? "" : "s");
    wrap_words(out, fprintf(out, "harness:"), 4, text);
    fputc('\n', out);
}
