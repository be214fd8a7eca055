// SPDX-License-Identifier: MIT
//
// harness.h - what the harness itself cost, in one line.

#ifndef RESULT_HARNESS_H
#define RESULT_HARNESS_H

#include <stdio.h>

#include "run/plan.h"

// Medians over the cells that were measured, at most 80 columns. Nothing where there is none.
void harness_print(FILE *out, const struct plan *plan);

#endif
