// SPDX-License-Identifier: MIT
//
// decay.h - the resident set after everything was freed: when to look, and what it comes to.

#ifndef RUN_DECAY_H
#define RUN_DECAY_H

#include "run/report.h"

// When look `index` is due, after the drain: 0 ns, then 1, 2, 5, 10, 20, 50 .. ms, and `whole_ns`
// last. UINT64_MAX past the last; there are at most REPORT_DECAY of them for a whole minute.
uint64_t decay_at_ns(unsigned index, uint64_t whole_ns);

// What is left of the peak at the last look: (RSS - baseline) / (peak - baseline). NAN: no look, or
// the peak was none.
double decay_left_share(const struct cell_report *report);

// The time after the drain at which half of (peak - baseline) was left: 0 where the first look
// finds no more than that, between two looks by a straight line. NAN: it never came to that.
double decay_half_life_ns(const struct cell_report *report);

#endif
