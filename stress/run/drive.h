// SPDX-License-Identifier: MIT
//
// drive.h - runs the cells of a plan, one process each, one after the other.

#ifndef RUN_DRIVE_H
#define RUN_DRIVE_H

#include "run/plan.h"

// Who is told how it goes, any may be NULL; and whether the first cell that failed, crashed or hung
// ends the run.
struct drive_view {
    bool abort;
    void (*began)(void *arg, const struct plan *plan, size_t cell);
    void (*tick)(void *arg, const struct plan *plan, size_t cell); // about ten times a second
    void (*ended)(void *arg, const struct plan *plan, size_t cell);
    void *arg;
    // Told after `ended`: where outcomes are kept as they come. NULL: nowhere.
    void (*keep)(void *arg, struct plan *plan, size_t cell);
    void *keep_arg;
};

// Fills in the outcome of every cell that is not kept from an earlier run. Never fails as a whole:
// a cell that cannot start says so. Stops early after SIGINT, SIGTERM or SIGHUP
// (drive_interrupted); the cell at work is then asked to end and its measurements are kept.
void drive_plan(struct plan *plan, const struct drive_view *view);
bool drive_interrupted(void);

#endif
