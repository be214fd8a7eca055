// SPDX-License-Identifier: MIT
//
// schedule.h - the points at which a test may switch threads.
//
// In the hostile build (MEMS_HOSTILE) schedule_step() now and then yields the CPU or spins a
// little, drawn from a per-thread random stream (seed: MEMS_SCHEDULE_SEED in the environment, else
// 1), so that windows of a few instructions become wide. In every other build both macros are
// nothing. Locks call schedule_step; atomics call schedule_point, which the hostile build leaves
// empty (a later build puts every one under a scheduler).

#ifndef SYNC_SCHEDULE_H
#define SYNC_SCHEDULE_H

#define schedule_point() ((void)0)

#ifdef MEMS_HOSTILE
void schedule_step(void);
#else
#define schedule_step() ((void)0)
#endif

#endif
