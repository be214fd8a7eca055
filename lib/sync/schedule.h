// SPDX-License-Identifier: MIT
//
// schedule.h - the points at which a test may switch threads.
//
// Three builds have three uses for them; in every other build all macros are nothing.
//
// The hostile build (MEMS_HOSTILE): schedule_step() now and then yields the CPU or spins a little,
// drawn from a per-thread random stream (seed: MEMS_SCHEDULE_SEED in the environment, else 1), so
// that windows of a few instructions become wide; schedule_lock() does too. Points are nothing.
//
// The explore build (MEMS_EXPLORE): one scheduler owns every atomic step, lock, sleep, access
// section, grace period, thread start and end (sync/explore/scheduler.c, mems/schedule.h). A point
// says what the step is called and which word it is about, as texts for the trace; schedule_lock
// says which lock the points that follow belong to. Between schedule_quiet_begin and
// schedule_quiet_end this thread's points are no choices: for accounts that nobody decides by.

#ifndef SYNC_SCHEDULE_H
#define SYNC_SCHEDULE_H

#ifdef MEMS_EXPLORE
#include "sync/explore/scheduler.h"

#define schedule_point(name, what)                                                                 \
    ({                                                                                             \
        static const struct scheduler_site site_ = {name, what, __FILE__, __LINE__};               \
        scheduler_point(&site_);                                                                   \
    })
#define schedule_step(name)               ((void)0) // the atomic after it is the point
#define schedule_lock(name, lock, number) scheduler_note((name), (lock), (number))
#define schedule_quiet_begin()            scheduler_quiet(true)
#define schedule_quiet_end()              scheduler_quiet(false)
#else
#define schedule_point(name, what) ((void)0)
#define schedule_quiet_begin()     ((void)0)
#define schedule_quiet_end()       ((void)0)
#ifdef MEMS_HOSTILE
#define schedule_step(name)               schedule_delay()
#define schedule_lock(name, lock, number) schedule_delay()
void schedule_delay(void);
#else
#define schedule_step(name)               ((void)0)
#define schedule_lock(name, lock, number) ((void)0)
#endif
#endif

#endif
