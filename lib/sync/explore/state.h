// SPDX-License-Identifier: MIT
//
// state.h - what the files of the scheduler share; the essay is in scheduler.c.

#ifndef SYNC_EXPLORE_STATE_H
#define SYNC_EXPLORE_STATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "mems/schedule.h"
#include "os/explore.h"
#include "sync/explore/scheduler.h"
#include "sync/explore/strategy.h"

#define SCHEDULER_LOOP 8 // steps of the longest loop that is known as one

enum scheduled_state { ABLE, ASLEEP, GRACE, JOINING, ENDED };

struct scheduled {
    uint32_t go; // [atomic] 1: it has the right to run
    enum scheduled_state state;
    struct strategy_thread standing;
    uint32_t *word; // ASLEEP
    uint32_t expected;
    uint64_t timeout_ns;
    unsigned joined;                         // JOINING
    bool inside;                             // an access section
    uint64_t sections;                       // outermost ones it has begun
    uint64_t awaited[MEMS_SCHEDULE_THREADS]; // GRACE: of each thread, the section to end; 0: none
    unsigned quiet;
    unsigned rounds;                   // of destructors that have run
    const struct scheduler_site *site; // of the last point
    // The last sites of the engine, by number of steps; by a loop's length less 1, how many steps
    // on end did what was done that many steps before.
    const struct scheduler_site *recent[SCHEDULER_LOOP];
    unsigned steps, repeats[SCHEDULER_LOOP];
    const char *note_step, *note_what;
    int64_t note_number;
    pthread_t handle;
    void (*run)(void *arg);
    void *arg;
};

// 1 <= alive <= count; current is ABLE                                                        (SC1)
struct scheduler {
    bool on;
    struct mems_schedule plan;
    struct strategy strategy;
    struct scheduled threads[MEMS_SCHEDULE_THREADS];
    struct strategy_thread *standings[MEMS_SCHEDULE_THREADS];
    unsigned count, alive, current;
    struct mems_schedule_totals totals;
    uint64_t ticks, waited_ns; // points of every kind; time that timeouts took
};

extern struct scheduler scheduler;
extern __thread struct scheduled *scheduler_self; // NULL: not one of its threads

static inline unsigned number_of(const struct scheduled *thread)
{
    return (unsigned)(thread - scheduler.threads);
}

// Decides at `site`, one of the scheduler's own, who goes on; returns when it is this thread again.
void scheduler_own_point(struct scheduled *me, const struct scheduler_site *site);
// Who goes on, -1: nobody can; and lets that one run.
int scheduler_choose(void);
void scheduler_let_go(struct scheduled *next);
// Returns when this thread has the right to run.
void scheduler_wait_turn(struct scheduled *me);
// Puts the scheduler in the system's place.
void scheduler_stand_in(bool stands_in);
// Threads that the engine starts itself, as os/explore.h has them.
bool scheduler_thread_start(struct os_thread *thread, void (*run)(void *arg), void *arg,
                            bool *started);
bool scheduler_thread_join(struct os_thread *thread);

// trace.c
void scheduler_tell(const struct scheduled *me, const struct scheduler_site *site, int next);
void scheduler_tell_note(const struct scheduled *me, const char *step, const char *what,
                         int64_t number);
_Noreturn void scheduler_fail(enum mems_schedule_failure failure);
_Noreturn void scheduler_fail_stuck(void);

#endif
