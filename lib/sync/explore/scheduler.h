// SPDX-License-Identifier: MIT
//
// scheduler.h - schedule points as the rooms of lib/ see them; users see mems/schedule.h.

#ifndef SYNC_EXPLORE_SCHEDULER_H
#define SYNC_EXPLORE_SCHEDULER_H

#include <stdbool.h>
#include <stdint.h>

// A place in the sources at which threads may be switched.
struct scheduler_site {
    const char *step, *what, *file;
    unsigned line;
};

// Decides who goes on, and returns when it is this thread. Nothing for a thread that the scheduler
// does not run, or whose points are quiet.
void scheduler_point(const struct scheduler_site *site);
// This thread's points until the next note are about the lock (or whatever it is) of that name.
void scheduler_note(const char *step, const char *what, int64_t number);
// Calls nest.
void scheduler_quiet(bool quiet);

// Outermost access sections (sync/section.h), and the wait for those that others are in.
void scheduler_section_begin(void);
void scheduler_section_end(void);
void scheduler_section_wait(void);

#endif
