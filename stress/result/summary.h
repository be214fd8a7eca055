// SPDX-License-Identifier: MIT
//
// summary.h - one target in one section: medians over its repeats.

#ifndef RESULT_SUMMARY_H
#define RESULT_SUMMARY_H

#include "run/plan.h"

// Figures that nobody can know are NAN.
struct summary {
    const struct target_spec *spec;
    unsigned measured;                       // repeats that have a report
    enum cell_verdict verdict;               // the worst of the repeats
    double rate;                             // operations a second
    double relative;                         // rate over that of the section's first target
    double alloc_p50, alloc_p99, alloc_p999; // ns
    double free_p99;
    double held_over_live;     // mean over the run
    double internal, external; // shares of 1, when most was live
    double peak_rss;           // bytes
    double waits, wait_ns;     // for the engine's locks, an operation
    double refused;            // share of the allocations asked for
};

// Operations a second as measured, without those refused.
double summary_rate(const struct cell_report *report);
uint64_t summary_operations(const struct cell_report *report);
double summary_refused(const struct cell_report *report);
// Whether the cell has a report worth reading.
bool summary_measured(const struct cell *cell);

// Fills in one summary for each of the section's targets, in the job's order.
void summary_section(const struct plan *plan, const struct plan_section *section,
                     struct summary *summaries);

#endif
