// SPDX-License-Identifier: MIT
//
// run_inner.h - how a run gets its steps.

#ifndef LESSON_RUN_INNER_H
#define LESSON_RUN_INNER_H

#include "lesson/run.h"

// A step more; "": no reason.
struct lesson_step *run_step(struct lesson_run *run, const char *reason);

#endif
