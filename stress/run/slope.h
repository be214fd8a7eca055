// SPDX-License-Identifier: MIT
//
// slope.h - whether a cell's resident set went on growing while it worked: the key rss_slope.

#ifndef RUN_SLOPE_H
#define RUN_SLOPE_H

#include "measure/trend.h"
#include "run/report.h"
#include "run/run.h"

// By how much the resident set grows with the work, beyond what settles: bytes an hour, at the rate
// of the measured phase. False: too few samples, or no work between them.
bool slope_of(const struct cell_report *report, struct trend *hourly);

// Where the job asks for it: three figures of the slope, and an end where it is above zero, not
// known, or not known to be below rss_slope_limit. The report is complete; of a cell that was told
// to stop early nothing is asked.
void slope_check(struct run *run);

#endif
