// SPDX-License-Identifier: MIT
//
// trial.h - one schedule in a child process: whatever it does, the seed is not lost.

#ifndef EXPLORE_TRIAL_H
#define EXPLORE_TRIAL_H

#include "explore/player.h"

struct trial {
    struct player_setup setup;
    struct player_report *report; // shared with the child
    int complaints;               // a file that the child's standard error goes to
};

// 0 or an errno value.
int trial_open(struct trial *trial);
void trial_close(struct trial *trial);

// Plays what is kept of the list under the schedule of that seed. `trace`: a file for the steps;
// -1: none. The report stays as it is until the next one.
const struct player_report *trial_run(struct trial *trial, const struct operation_list *list,
                                      uint64_t seed, int trace);

// "deadlock", "failed check".
const char *trial_end_name(enum player_end end);

#endif
