// SPDX-License-Identifier: MIT
//
// remains.h - what is left of a cell when all of its blocks are freed.

#ifndef RUN_REMAINS_H
#define RUN_REMAINS_H

#include "run/run.h"

// Before the workers start.
void remains_prepare(struct run *run);
// Before the first operation: what the malloc itself says is in use.
void remains_begin(struct run *run);
// After the drain and what is watched after it; the report is complete. Does not return where
// something is left that should not be.
void remains_check(struct run *run);

#endif
