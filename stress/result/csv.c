// SPDX-License-Identifier: MIT
//
// csv.c - the result as a table for spreadsheets and data frames: one row a cell (RFC 4180).
//
// The header names each column with its unit; figures are the raw ones, with 9 significant digits
// where they are not whole, as in the document; what is not known is empty. Columns come from the
// metric table, so that a new metric is a new column at the end.

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "disk/memory.h"
#include "result/metric.h"
#include "result/output.h"
#include "result/summary.h"
#include "workload/workload.h"

static void csv_text(FILE *out, const char *text)
{
    if (strpbrk(text, ",\"\r\n") == NULL) {
        fprintf(out, "%s", text);
        return;
    }
    fputc('"', out);
    for (; *text != '\0'; text++) {
        fprintf(out, *text == '"' ? "\"\"" : "%c", *text);
    }
    fputc('"', out);
}

static void csv_real(FILE *out, double value)
{
    if (!isnan(value)) {
        fprintf(out, value == rint(value) && fabs(value) < 0x1p53 ? "%.0f" : "%.9g", value);
    }
}

static void csv_header(FILE *out)
{
    fprintf(out, "section,workload,workload_version,threads,target,repeat,order,seed,verdict,"
                 "message,seconds (s)");
    for (size_t i = 0; i < METRIC_COUNT; i++) {
        fprintf(out, ",%s (%s)", metric_table[i].name, metric_table[i].unit);
    }
    fprintf(out, "\r\n");
}

static void csv_row(FILE *out, const struct plan *plan, const struct cell *cell)
{
    const struct plan_section *section = cell->section;
    csv_text(out, section->section->name);
    fprintf(out, ",%s,%u,%u,", section->section->workload->name,
            section->section->workload->version, section->threads);
    csv_text(out, cell->spec->name);
    fprintf(out, ",%u,%zu,%llu,%s,", cell->repeat, (size_t)(cell - plan->cells),
            (unsigned long long)cell->seed, cell_verdict_name(cell->verdict));
    csv_text(out, cell->message);
    fputc(',', out);
    csv_real(out, cell->seconds);
    bool measured = summary_measured(cell);
    for (size_t i = 0; i < METRIC_COUNT; i++) {
        fputc(',', out);
        csv_real(out, measured ? metric_table[i].of(cell) : NAN);
    }
    fprintf(out, "\r\n");
}

char *output_csv(const struct output_scene *scene)
{
    char *text = NULL;
    size_t size;
    FILE *out = disk_memory(&text, &size);
    if (out == NULL) {
        return NULL;
    }
    csv_header(out);
    for (size_t i = 0; i < scene->plan->cell_count; i++) {
        csv_row(out, scene->plan, &scene->plan->cells[i]);
    }
    if (fclose(out) != 0) {
        free(text);
        text = NULL;
    }
    return text;
}
