// SPDX-License-Identifier: MIT
//
// figures.h - the workload's own figures of a section, for people: a line a figure.

#ifndef RESULT_FIGURES_H
#define RESULT_FIGURES_H

#include <stdio.h>

#include "run/plan.h"

// The median over a target's repeats of the figure of that name, and of its bound; NAN where none
// has it.
void figures_median(const struct plan *plan, const struct plan_section *section, unsigned target,
                    const char *name, double *value, double *bound);

// Nothing where no cell of the section has a figure.
void figures_print(FILE *out, const struct plan *plan, const struct plan_section *section);

#endif
