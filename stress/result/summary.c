// SPDX-License-Identifier: MIT
//
// summary.c - one target in one section: medians over its repeats.

#include "result/summary.h"

#include <math.h>
#include <stdlib.h>

#include "job/complaint.h"
#include "measure/median.h"

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

static double summary_share(uint64_t part, uint64_t whole)
{
    return whole > 0 ? (double)part / (double)whole : NAN;
}

double summary_system_share(const struct cell_report *report)
{
    return summary_share(report->system_ns, report->user_ns + report->system_ns);
}

double summary_offcpu_share(const struct cell_report *report)
{
    return summary_share(report->offcpu_ns, report->worker_ns);
}

double summary_huge_share(const struct cell_report *report)
{
    return report->detail_count > 0 ? summary_share(report->peak_huge_bytes, report->peak_rss_bytes)
                                    : NAN;
}

double summary_intended_rate(const struct plan_section *section)
{
    return (double)job_number(section->section, "rate") * section->threads;
}

bool summary_open_loop(const struct cell *cell)
{
    return summary_intended_rate(cell->section) > 0;
}

// Whether the report is complete though the cell has failed: it was judged by it (latency_limit).
static bool summary_judged_by_report(const struct cell *cell)
{
    return cell->verdict == CELL_FAILED && cell->phase == STAGE_DONE && cell->stage != NULL &&
           cell->stage->evidence.kind == EVIDENCE_CHECK;
}

bool summary_measured(const struct cell *cell)
{
    return (cell->verdict == CELL_PASS || cell->verdict == CELL_INCOMPLETE ||
            cell->verdict == CELL_UNSTEADY || summary_judged_by_report(cell)) &&
           cell->stage != NULL && cell->stage->report.wall_ns > 0;
}

bool summary_pictured(const struct cell *cell)
{
    const struct picture_album *album = cell->stage != NULL ? stage_album(cell->stage) : NULL;
    return album != NULL && album->count > 0;
}

// The median of one figure over the repeats of a target; NAN where none has it.
static double summary_median(const struct plan *plan, const struct plan_section *section,
                             unsigned target, const struct metric *metric)
{
    double *values = calloc(section->repeats, sizeof *values);
    size_t count = 0;
    if (values == NULL) {
        complain_exhausted();
    }
    for (size_t i = 0; i < plan->cell_count; i++) {
        const struct cell *cell = &plan->cells[i];
        if (cell->section == section && cell->target == target && summary_measured(cell)) {
            double value = metric->of(cell);
            if (!isnan(value)) {
                values[count++] = value;
            }
        }
    }
    double median = median_of(values, count);
    free(values);
    return median;
}

// How bad, for the worst of a target's repeats.
static unsigned summary_rank(enum cell_verdict verdict)
{
    static const unsigned ranks[] = {
        [CELL_SKIPPED] = 0,  [CELL_PASS] = 1, [CELL_WAITING] = 2, [CELL_INCOMPLETE] = 3,
        [CELL_UNSTEADY] = 4, [CELL_HUNG] = 5, [CELL_CRASHED] = 6, [CELL_FAILED] = 7,
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
    for (unsigned target = 0; target < section->spec_count; target++) {
        struct summary *summary = &summaries[target];
        *summary = (struct summary){.spec = &section->specs[target]};
        summary_verdict(plan, section, target, summary);
        for (size_t i = 0; i < METRIC_COUNT; i++) {
            summary->median[i] = summary_median(plan, section, target, &metric_table[i]);
        }
    }
    double first = NAN; // the rate of the first target that has one
    for (unsigned target = 0; target < section->spec_count; target++) {
        double rate = summaries[target].median[METRIC_RATE];
        first = isnan(first) ? rate : first;
        summaries[target].relative = rate / first;
    }
}
