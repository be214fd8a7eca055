// SPDX-License-Identifier: MIT
//
// figure.c - figures of the workload's own, for the report.

#include <stdio.h>
#include <string.h>

#include "run/run.h"
#include "run/stage.h"

void run_figure(struct run *run, const char *name, const char *unit, double value, double bound)
{
    struct cell_report *report = &run->stage->report;
    uint32_t i = 0;
    while (i < report->figure_count && strcmp(report->figures[i].name, name) != 0) {
        i++;
    }
    if (i == REPORT_FIGURES) {
        return;
    }
    struct report_figure *figure = &report->figures[i];
    snprintf(figure->name, sizeof figure->name, "%s", name);
    snprintf(figure->unit, sizeof figure->unit, "%s", unit);
    figure->value = value;
    figure->bound = bound;
    report->figure_count = i == report->figure_count ? i + 1 : report->figure_count;
}
