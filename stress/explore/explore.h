// SPDX-License-Identifier: MIT
//
// explore.h - mems-stress explore: a job's operations under many schedules of the explore build.

#ifndef EXPLORE_EXPLORE_H
#define EXPLORE_EXPLORE_H

#include <mems/schedule.h>
#include <stdbool.h>
#include <stdint.h>

#include "job/complaint.h"
#include "run/plan.h"

// What is asked for.
struct explore_order {
    const char *command; // what the command that does a schedule again begins with
    uint64_t schedules;  // of each cell; 0: until its time is over
    double seconds;      // for all cells together; 0: without bound
    enum mems_schedule_strategy strategy;
    unsigned depth;
    uint64_t points; // PCT: k; 0: estimated from schedules that have run
    bool replay;
    uint64_t seed;    // with replay
    const char *keep; // with replay: these operations only; NULL: all
    bool quiet;       // with replay: no trace
    bool shrink;
};

enum explore_verdict {
    EXPLORE_PASSED,
    EXPLORE_FAILED,  // a check, an invariant, corruption
    EXPLORE_STUCK,   // crash, deadlock, lost wake-up, livelock, hang
    EXPLORE_USELESS, // the job cannot be explored: a complaint
};

// "random", "pct:3", "pct:3:400". 0 or EINVAL.
int explore_strategy_read(const char *text, struct explore_order *order,
                          struct complaint *complaint);

// Every cell of the plan; prints what it comes to.
enum explore_verdict explore_run(const struct plan *plan, const struct explore_order *order,
                                 struct complaint *complaint);

#endif
