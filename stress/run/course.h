// SPDX-License-Identifier: MIT
//
// course.h - a cell's workers at work, watched: warm-up, measured phase, end.

#ifndef RUN_COURSE_H
#define RUN_COURSE_H

#include "run/account.h"
#include "run/run.h"

// Whether the keys that rule the course (rate, arrival, warmup, steady, latency_limit) fit
// together. 0, or EINVAL with a complaint.
int course_check(const struct job_section *section, struct complaint *complaint);

// How long the workers may work, warm-up included; 0: nothing but themselves ends them.
uint64_t course_limit_ns(const struct job_section *section);

// From just after the start barrier until the last worker has ended. `told` says whether somebody
// wants an early end.
void course_run(struct run *run, struct account *account, bool (*told)(void));

#endif
