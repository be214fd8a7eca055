// SPDX-License-Identifier: MIT
//
// player.h - one schedule of a list of operations, in a process of its own that ends with it.

#ifndef EXPLORE_PLAYER_H
#define EXPLORE_PLAYER_H

#include <mems/schedule.h>

#include "explore/operation.h"

// What a schedule came to.
enum player_end {
    PLAYER_PASSED,
    PLAYER_CHECK, // a check of the harness's: bytes, errors, overlap, conservation
    PLAYER_INVARIANT,
    PLAYER_CORRUPTION, // the engine's own hook
    PLAYER_CRASHED,
    PLAYER_DEADLOCK,
    PLAYER_LOST_WAKE,
    PLAYER_LIVELOCK,
    PLAYER_HUNG,   // no schedule point for seconds
    PLAYER_BROKEN, // the engine could not be opened, no thread started
    PLAYER_ENDS,
};

struct player_report {
    enum player_end end;
    char check[32];  // which
    char text[2000]; // what was found
    struct mems_schedule_totals totals;
    struct {
        uint32_t thread, index; // the operation under way of a thread; index 0: none
    } at[OPERATION_THREADS_MOST + 1];
    // By place in the list: the operation was begun, and its slot was in a state for it.
    bool begun[OPERATIONS_MOST * OPERATION_THREADS_MOST];
};

struct player_setup {
    const char *policy, *options;
    bool still; // live blocks keep their place on the host
    struct mems_schedule schedule;
    unsigned patience_seconds; // without an end it is a hang
    int trace;                 // a file that gets a line a step; -1: none
};

// Plays those that are kept. The report is shared with whoever watches this process; on failure it
// is filled in and the process ends. `report->end` is to be PLAYER_CRASHED before, and is so until
// the end.
void player_run(const struct operation_list *list, const struct player_setup *setup,
                struct player_report *report);

#endif
