// SPDX-License-Identifier: MIT
//
// campaign.h - one cell of a job under many schedules: what its files share.

#ifndef EXPLORE_CAMPAIGN_H
#define EXPLORE_CAMPAIGN_H

#include "explore/explore.h"
#include "explore/trial.h"

// A seed names a list of operations and a schedule of it: its upper bits the list, the lower ones
// the schedule. Lists change after CAMPAIGN_LIST schedules; shrinking looks at more of one list.
#define CAMPAIGN_SCHEDULE_BITS 16
#define CAMPAIGN_SCHEDULES     (UINT64_C(1) << CAMPAIGN_SCHEDULE_BITS)
#define CAMPAIGN_LIST          256

struct campaign {
    const struct explore_order *order;
    const struct cell *cell;
    struct operation_shape shape;
    char *options; // of the engine, sized; NULL: none
    struct trial trial;
    struct operation_list list;
    uint64_t list_seed;
    uint64_t points; // the most that a schedule of the list has had
    // what it came to
    uint64_t schedules, total_points, total_choices, total_switches, lists;
    double seconds;
    bool failed;
    uint64_t seed;              // of the first that failed
    struct player_report first; // its report
};

// Makes the seed's list the campaign's.
void campaign_list(struct campaign *campaign, uint64_t seed);
// One schedule, with the order's strategy; k as the campaign knows it.
const struct player_report *campaign_try(struct campaign *campaign, uint64_t seed, int trace);

// Leaves out operations until none can be left out. The list keeps the smallest that was found;
// *seed and *report are those of a schedule in which it fails.
void shrink_run(struct campaign *campaign, uint64_t *seed, struct player_report *report);

// How many schedules of a shorter list are looked at (shrink.c).
#define SHRINK_TRIES       1000u
#define SHRINK_TRIES_LEAST 50u

// `same`: a second run of the seed came to the same.
void report_failure(const struct campaign *campaign, bool same);
void report_smallest(const struct campaign *campaign, uint64_t seed,
                     const struct player_report *report);
void report_summary(const struct campaign *campaign);
// The steps of the schedule, to standard output; and what it came to.
enum explore_verdict report_replay(struct campaign *campaign);
enum explore_verdict report_verdict(enum player_end end);

#endif
