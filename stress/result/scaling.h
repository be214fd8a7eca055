// SPDX-License-Identifier: MIT
//
// scaling.h - sections that differ in threads only: how the rate grows with them.

#ifndef RESULT_SCALING_H
#define RESULT_SCALING_H

#include <stdio.h>

#include "result/usl.h"
#include "run/plan.h"

// A target in one sweep over threads.
struct scaling_curve {
    const char *target;
    const struct plan_section *const *sections; // `count` of them, in the job's order
    const struct usl_point *points;             // median rates; NAN: none
    size_t count;
    bool fits;
    struct usl usl; // when it fits
    char why[240];  // when it does not
};

// One call for each target of each sweep.
void scaling_each(const struct plan *plan, void (*tell)(void *arg, const struct scaling_curve *),
                  void *arg);

// E(T) of a point; NAN: the sweep has no rate of one thread, or the point none.
double scaling_efficiency(const struct scaling_curve *curve, size_t point);

// For people: a line a target; nothing where there is no sweep. Returns how many lines.
size_t scaling_print(FILE *out, const struct plan *plan);

#endif
