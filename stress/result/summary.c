// SPDX-License-Identifier: MIT
//
// summary.c - one target in one section: medians over its repeats.

#include "result/summary.h"

#include <math.h>
#include <stdlib.h>

typedef double (*summary_figure)(const struct cell *cell);

uint64_t summary_operations(const struct cell_report *report)
{
    uint64_t sum = 0;
    for (unsigned kind = 0; kind < OP_KINDS; kind++) {
        sum += report->count[kind];
    }
    return sum;
}

double summary_rate(const struct cell_report *report)
{
    return report->wall_ns > 0 ? (double)summary_operations(report) * 1e9 / (double)report->wall_ns
                               : NAN;
}

double summary_refused(const struct cell_report *report)
{
    uint64_t asked = report->count[OP_ALLOC] + report->refused;
    return asked > 0 ? (double)report->refused / (double)asked : 0;
}

bool summary_measured(const struct cell *cell)
{
    return (cell->verdict == CELL_PASS || cell->verdict == CELL_INCOMPLETE) &&
           cell->stage != NULL && cell->stage->report.wall_ns > 0;
}

static double figure_rate(const struct cell *cell)
{
    return summary_rate(&cell->stage->report);
}

static double figure_quantile(const struct cell *cell, enum op_kind kind, double share)
{
    uint64_t value = histogram_quantile(&cell->stage->report.latency[kind], share);
    return value == UINT64_MAX ? NAN : (double)value;
}

static double figure_alloc_p50(const struct cell *cell)
{
    return figure_quantile(cell, OP_ALLOC, 0.5);
}

static double figure_alloc_p99(const struct cell *cell)
{
    return figure_quantile(cell, OP_ALLOC, 0.99);
}

static double figure_alloc_p999(const struct cell *cell)
{
    return figure_quantile(cell, OP_ALLOC, 0.999);
}

// Local frees, or remote ones where the workload has mostly those.
static double figure_free_p99(const struct cell *cell)
{
    const uint64_t *count = cell->stage->report.count;
    enum op_kind kind = count[OP_FREE] >= count[OP_FREE_REMOTE] ? OP_FREE : OP_FREE_REMOTE;
    return figure_quantile(cell, kind, 0.99);
}

static double figure_held(const struct cell *cell)
{
    double ratio = cell->stage->report.fragmentation.most_held_over_most_live;
    return ratio > 0 ? ratio : NAN;
}

static double figure_internal(const struct cell *cell)
{
    double share = cell->stage->report.fragmentation.internal;
    return share >= 0 ? share : NAN;
}

static double figure_external(const struct cell *cell)
{
    double share = cell->stage->report.fragmentation.external;
    return share >= 0 ? share : NAN;
}

static double figure_rss(const struct cell *cell)
{
    return (double)cell->stage->report.peak_rss_bytes;
}

// A figure of all the engine's locks together, an operation.
static double figure_of_locks(const struct cell_report *report, uint64_t figure)
{
    uint64_t operations = summary_operations(report);
    return report->engine.known && operations > 0 ? (double)figure / (double)operations : NAN;
}

static double figure_waits(const struct cell *cell)
{
    return figure_of_locks(&cell->stage->report, cell->stage->report.engine.lock_sum.waited);
}

static double figure_wait_ns(const struct cell *cell)
{
    return figure_of_locks(&cell->stage->report, cell->stage->report.engine.lock_sum.wait_ns);
}

static double figure_refused(const struct cell *cell)
{
    return summary_refused(&cell->stage->report);
}

static int summary_compare(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

// The median of one figure over the repeats of a target; NAN where none has it.
static double summary_median(const struct plan *plan, const struct plan_section *section,
                             unsigned target, summary_figure figure)
{
    double *values = calloc(section->repeats, sizeof *values);
    size_t count = 0;
    if (values == NULL) {
        abort();
    }
    for (size_t i = 0; i < plan->cell_count; i++) {
        const struct cell *cell = &plan->cells[i];
        if (cell->section == section && cell->target == target && summary_measured(cell)) {
            double value = figure(cell);
            if (!isnan(value)) {
                values[count++] = value;
            }
        }
    }
    qsort(values, count, sizeof *values, summary_compare);
    double median = NAN;
    if (count > 0) {
        median = (values[(count - 1) / 2] + values[count / 2]) / 2;
    }
    free(values);
    return median;
}

// How bad, for the worst of a target's repeats.
static unsigned summary_rank(enum cell_verdict verdict)
{
    static const unsigned ranks[] = {
        [CELL_SKIPPED] = 0, [CELL_PASS] = 1,    [CELL_WAITING] = 2, [CELL_INCOMPLETE] = 3,
        [CELL_HUNG] = 4,    [CELL_CRASHED] = 5, [CELL_FAILED] = 6,
    };
    return ranks[verdict];
}

static void summary_verdict(const struct plan *plan, const struct plan_section *section,
                            unsigned target, struct summary *summary)
{
    summary->verdict = CELL_SKIPPED;
    for (size_t i = 0; i < plan->cell_count; i++) {
        const struct cell *cell = &plan->cells[i];
        if (cell->section == section && cell->target == target) {
            if (summary_rank(cell->verdict) > summary_rank(summary->verdict)) {
                summary->verdict = cell->verdict;
            }
            summary->measured += summary_measured(cell);
        }
    }
}

void summary_section(const struct plan *plan, const struct plan_section *section,
                     struct summary *summaries)
{
    static const struct {
        size_t offset;
        summary_figure figure;
    } figures[] = {
        {offsetof(struct summary, rate), figure_rate},
        {offsetof(struct summary, alloc_p50), figure_alloc_p50},
        {offsetof(struct summary, alloc_p99), figure_alloc_p99},
        {offsetof(struct summary, alloc_p999), figure_alloc_p999},
        {offsetof(struct summary, free_p99), figure_free_p99},
        {offsetof(struct summary, held_over_live), figure_held},
        {offsetof(struct summary, internal), figure_internal},
        {offsetof(struct summary, external), figure_external},
        {offsetof(struct summary, peak_rss), figure_rss},
        {offsetof(struct summary, waits), figure_waits},
        {offsetof(struct summary, wait_ns), figure_wait_ns},
        {offsetof(struct summary, refused), figure_refused},
    };
    for (unsigned target = 0; target < section->spec_count; target++) {
        struct summary *summary = &summaries[target];
        *summary = (struct summary){.spec = &section->specs[target]};
        summary_verdict(plan, section, target, summary);
        for (size_t i = 0; i < sizeof figures / sizeof figures[0]; i++) {
            double *field = (double *)(void *)((char *)summary + figures[i].offset);
            *field = summary_median(plan, section, target, figures[i].figure);
        }
        summary->relative = summary->rate / summaries[0].rate;
    }
}
