// SPDX-License-Identifier: MIT
//
// trouble.h - what a person needs to go after a cell that did not pass.

#ifndef RESULT_TROUBLE_H
#define RESULT_TROUBLE_H

#include <stdio.h>

#include "run/plan.h"

// What happened, where, the last operations, the command that does it again. The document has all
// of it.
void trouble_print(FILE *out, const struct cell *cell);

#endif
