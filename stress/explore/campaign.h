// SPDX-License-Identifier: MIT
//
// campaign.h - one cell of a job under many schedules: what its files share.

#ifndef EXPLORE_CAMPAIGN_H
#define EXPLORE_CAMPAIGN_H

#include "explore/explore.h"
#include "explore/trial.h"
#include "measure/clock.h"

// A seed names a list of operations and a schedule of it: its upper bits the list, the lower ones
// the schedule. Lists change after CAMPAIGN_LIST schedules; shrinking looks at more of one list.
#define CAMPAIGN_SCHEDULE_BITS 16
#define CAMPAIGN_SCHEDULES     (UINT64_C(1) << CAMPAIGN_SCHEDULE_BITS)
#define CAMPAIGN_LIST          256

// When what ends; 0: not by the clock.
struct campaign_time {
    uint64_t search_end_ns; // looking for a failure of this cell
    uint64_t shrink_end_ns; // making it smaller
    uint64_t end_ns;        // the whole command
};

// A schedule that failed.
struct campaign_find {
    uint64_t seed;
    struct mems_schedule schedule;
    struct player_report report;
};

struct campaign {
    const struct explore_order *order;
    const struct cell *cell;
    struct campaign_time time;
    struct operation_shape shape;
    char *options; // of the engine, sized; NULL: none
    struct trial trial;
    struct operation_list list;
    uint64_t list_seed;
    uint64_t points; // the most that a schedule of the list has had
    uint64_t count;  // schedules by the campaign's own seeds: the next one's number
    struct campaign_find first;
    struct explore_cell *found; // what it came to
};

static inline bool campaign_late(uint64_t end_ns)
{
    return end_ns != 0 && clock_monotonic_ns() >= end_ns;
}

int campaign_open(struct campaign *campaign, const struct explore_order *order,
                  const struct cell *cell, struct complaint *complaint);
void campaign_close(struct campaign *campaign);
enum explore_verdict campaign_run(struct campaign *campaign);
enum explore_verdict campaign_replay(struct campaign *campaign);

// The seed of the campaign's count-th schedule.
uint64_t campaign_seed(const struct campaign *campaign, uint64_t count);
// Makes the seed's list the campaign's, all of it or what the order keeps.
void campaign_list(struct campaign *campaign, uint64_t seed);
// How the order wants schedules; k as the campaign knows it.
struct mems_schedule campaign_how(const struct campaign *campaign);
// One schedule of what is kept of the list.
const struct player_report *campaign_try(struct campaign *campaign, const struct mems_schedule *how,
                                         uint64_t seed, int trace);

// Leaves out operations until none can be left out. `find` becomes that of a schedule in which what
// is left, the campaign's list then, fails; `smallest` gets what else there is to say.
void shrink_run(struct campaign *campaign, struct campaign_find *find,
                struct explore_smallest *smallest);

// ---- what is said ------------------------------------------------------------------------------

// For the result: texts of its own.
void report_find(const struct campaign *campaign, const struct campaign_find *find,
                 struct explore_find *out);
char *report_kept(const struct campaign *campaign);
// For people, to the order's `out`.
void report_summary(const struct campaign *campaign);
void report_failure(const struct campaign *campaign);
void report_smallest(const struct campaign *campaign, const struct campaign_find *find);
// The steps of the schedule, and what it came to.
enum explore_verdict report_replay(struct campaign *campaign);
enum explore_verdict report_verdict(enum player_end end);

#endif
