// SPDX-License-Identifier: MIT
//
// cost.h - what an operation of the harness itself costs, on this machine, in this process.

#ifndef RUN_COST_H
#define RUN_COST_H

#include <stdbool.h>

#include "run/report.h"

// Measures, in about two milliseconds, on the calling thread. `timed`: the clock is ready
// (clock_init), so that timing an operation can be measured too. What cannot be measured is NAN.
// Nothing is left behind: no page, no count, no call of malloc or of the target under test.
void cost_measure(struct report_harness *harness, bool timed);

#endif
