// SPDX-License-Identifier: MIT
//
// explore.h - mems-stress explore: a job's operations under many schedules of the explore build.

#ifndef EXPLORE_EXPLORE_H
#define EXPLORE_EXPLORE_H

#include <mems/schedule.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "job/complaint.h"
#include "run/plan.h"

struct json_t;

#define EXPLORE_SHRINK    2000u  // schedules without an operation, before it counts as needed
#define EXPLORE_LIST_MOST 65536u // schedules of a list

// What is asked for.
struct explore_order {
    const char *command; // what the command that does a schedule again begins with
    FILE *out;           // for people; NULL: nothing is told
    uint64_t schedules;  // of each cell; 0: until its time is over
    double seconds;      // for everything, making failures smaller included; 0: without bound
    enum mems_schedule_strategy strategy;
    unsigned depth;
    uint64_t points; // PCT: k; 0: estimated from schedules that have run
    bool replay;
    bool one_list;    // schedules of the seed's list only
    uint64_t seed;    // with replay and one_list
    const char *keep; // with them: these operations only; NULL: all
    bool quiet;       // with replay: no trace
    unsigned shrink;  // schedules that show an operation to be needed; 0: failures stay as found
};

enum explore_verdict {
    EXPLORE_PASSED,
    EXPLORE_FAILED,  // a check, an invariant, corruption
    EXPLORE_STUCK,   // crash, deadlock, lost wake-up, livelock, hang
    EXPLORE_USELESS, // the job cannot be explored: a complaint
};

// A schedule that fails.
struct explore_find {
    uint64_t seed, digest;
    char strategy[48]; // as --strategy takes it
    const char *end;   // "deadlock"
    char *check;       // which
    char *text;        // what was found
    char *again;       // the command that does it again
};

// A failure's smallest list of operations.
struct explore_smallest {
    struct explore_find find;
    char *operations;   // as --keep takes them
    size_t kept, of;    // operations
    unsigned starts;    // failing schedules that were made smaller
    unsigned each;      // schedules without it that show an operation to be needed
    size_t needed;      // how many of those kept were shown to be
    bool cut_short;     // time was over first
    double seconds;     // it took
    uint64_t schedules; // it took
};

// What a cell came to.
struct explore_cell {
    const struct cell *cell;
    char strategy[48]; // as asked for
    unsigned threads, operations;
    uint64_t schedules, lists;
    uint64_t points, choices, switches; // of all of them
    double seconds, cpu_seconds;        // of the search
    enum explore_verdict verdict;
    bool same; // a failure that was done again took the same steps
    struct explore_find *first;
    struct explore_smallest *smallest; // NULL: not asked for
};

struct explore_result {
    struct explore_cell *cells;
    size_t count;
    double seconds;
};

// "random", "pct:3", "pct:3:400". 0 or EINVAL.
int explore_strategy_read(const char *text, struct explore_order *order,
                          struct complaint *complaint);
void explore_strategy_write(const struct mems_schedule *schedule, char *text, size_t size);

// Every cell of the plan; tells what it comes to. The result has the cells that were looked at, for
// explore_result_free; it keeps none after a replay.
enum explore_verdict explore_run(const struct plan *plan, const struct explore_order *order,
                                 struct explore_result *result, struct complaint *complaint);
void explore_result_free(struct explore_result *result);

// The result as JSON, "mems-stress/explore/1"; for json_decref. NULL: this build has no libjansson,
// or no memory.
struct json_t *explore_document(const struct explore_result *result,
                                const struct explore_order *order, int exit_status);

#endif
