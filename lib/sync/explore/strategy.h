// SPDX-License-Identifier: MIT
//
// strategy.h - who goes on: the random walk, and PCT.

#ifndef SYNC_EXPLORE_STRATEGY_H
#define SYNC_EXPLORE_STRATEGY_H

#include "base/rng.h"
#include "mems/schedule.h"

// What a strategy may know of a thread: nothing that depends on addresses or on time.
struct strategy_thread {
    bool able;        // it can go on
    bool idle;        // it has just said that it can do nothing useful (yield, timed sleep)
    int64_t priority; // PCT: the highest goes on
};

struct strategy {
    enum mems_schedule_strategy kind;
    struct rng rng;
    uint64_t change[MEMS_SCHEDULE_DEPTH_MAX]; // PCT: points at which a priority falls
    unsigned changes;
    int64_t floor; // PCT: where the thread stands that was idle last
};

void strategy_init(struct strategy *strategy, const struct mems_schedule *schedule);
// A new thread.
void strategy_start(struct strategy *strategy, struct strategy_thread *thread);
// The thread has said that others should go on.
void strategy_idle(struct strategy *strategy, struct strategy_thread *thread);
// The point of that number, at which `current` runs: which of `count` threads goes on, -1: none
// can. *able: how many could.
int strategy_choose(struct strategy *strategy, struct strategy_thread *const *threads,
                    unsigned count, unsigned current, uint64_t point, unsigned *able);
// One of `count` sleepers that a wake-up may go to.
unsigned strategy_draw(struct strategy *strategy, unsigned count);

#endif
