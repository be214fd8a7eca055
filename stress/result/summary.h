// SPDX-License-Identifier: MIT
//
// summary.h - one target in one section: medians over its repeats.

#ifndef RESULT_SUMMARY_H
#define RESULT_SUMMARY_H

#include "result/metric.h"

// Figures that nobody can know are NAN.
struct summary {
    const struct target_spec *spec;
    unsigned measured;         // repeats that have a report
    enum cell_verdict verdict; // the worst of the repeats
    double median[METRIC_COUNT];
    double relative; // rate over that of the section's first target that has one
};

// Operations a second as measured, without those refused.
double summary_rate(const struct cell_report *report);
uint64_t summary_operations(const struct cell_report *report);
double summary_refused(const struct cell_report *report);
// Of the CPU time, in the kernel; of the workers' time, not on a CPU; of the largest resident set,
// in huge pages. NAN: not known.
double summary_system_share(const struct cell_report *report);
double summary_offcpu_share(const struct cell_report *report);
double summary_huge_share(const struct cell_report *report);
// Whether the section has a rate, and what it is for all threads together.
bool summary_open_loop(const struct cell *cell);
double summary_intended_rate(const struct plan_section *section);
// Whether the cell has a report worth reading.
bool summary_measured(const struct cell *cell);
// Whether pictures of its memory were taken: their time, and the memory that they passed over, are
// in its figures.
bool summary_pictured(const struct cell *cell);

// Fills in one summary for each of the section's targets, in the job's order.
void summary_section(const struct plan *plan, const struct plan_section *section,
                     struct summary *summaries);

#endif
