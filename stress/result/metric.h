// SPDX-License-Identifier: MIT
//
// metric.h - every figure a cell is told by, as one table: for the console's columns, CSV, the
// document's `metrics` of a cell, and comparisons. Behind them, those of other tools' results.

#ifndef RESULT_METRIC_H
#define RESULT_METRIC_H

#include <stdbool.h>
#include <stddef.h>

#include "run/plan.h"

// In the order of the table.
enum metric_index {
    METRIC_RATE,
    METRIC_CPU,
    METRIC_ALLOC_P50,
    METRIC_ALLOC_P99,
    METRIC_ALLOC_P999,
    METRIC_FREE_P50,
    METRIC_FREE_P99,
    METRIC_REMOTE_P99,
    METRIC_HELD,
    METRIC_INTERNAL,
    METRIC_EXTERNAL,
    METRIC_RSS,
    METRIC_WAITS,
    METRIC_WAIT_NS,
    METRIC_REFUSED,
    METRIC_RESPONSE_P50,
    METRIC_RESPONSE_P99,
    METRIC_FREE_RESPONSE_P99,
    METRIC_REMOTE_RESPONSE_P99,
    METRIC_STARTS,
    METRIC_LATE,
    METRIC_CV,
    METRIC_OFFCPU,
    METRIC_SYSTEM,
    METRIC_FUTEX,
    METRIC_HUGE,
    METRIC_RSS_OVERHEAD,
    METRIC_DECAY_LEFT,
    METRIC_DECAY_HALF,
    METRIC_CONCENTRATION,
    METRIC_COUNT,
    // Google Benchmark's: for comparisons alone, no cell has them.
    METRIC_REAL_TIME = METRIC_COUNT,
    METRIC_CPU_TIME,
    METRIC_ITEMS,
    METRIC_ALL,
};

enum metric_better { METRIC_NEITHER, METRIC_HIGHER, METRIC_LOWER };

// What a machine that is twice as slow does to a figure.
enum metric_speed {
    METRIC_UNTIMED,  // nothing
    METRIC_TIME,     // doubles it
    METRIC_PER_TIME, // halves it
};

struct metric {
    const char *name; // as in the document and on the command line
    const char *unit;
    const char *help; // one line
    enum metric_better better;
    bool judged; // compared where nobody says what to compare
    // A side may have no such figure, and nothing is wrong: no frees by other threads, no samples.
    bool seldom;
    enum metric_speed speed;
    double floor; // a difference that is not larger is none, whatever its ratio; in its unit
    // NAN: nobody can know. The cell has been measured. NULL from METRIC_COUNT on.
    double (*of)(const struct cell *cell);
};

extern const struct metric metric_table[METRIC_ALL];

// NULL when there is none.
const struct metric *metric_find(const char *name);

#endif
