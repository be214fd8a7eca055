// SPDX-License-Identifier: MIT
//
// curves.h - the workers' histograms: started afresh while they run, put together at the end.

#ifndef RUN_CURVES_H
#define RUN_CURVES_H

#include <stdbool.h>
#include <stddef.h>

#include "run/report.h"
#include "run/steady.h"
#include "workload/op.h"

struct curves {
    unsigned threads;
    unsigned kinds;           // OP_KINDS, with response twice as many
    unsigned current;         // of `set`: where the workers write
    bool pending;             // the other set is of a part that counts, and not yet in `part`
    unsigned parts;           // that `part` has room for; 0: the rate need not become steady
    unsigned turns;           // parts that went into `part`
    struct histogram *set[2]; // [threads][kinds]; the second is NULL where nothing starts afresh
    struct histogram *part;   // [parts][kinds], merged over the workers
};

// What a cell of `threads` needs.
struct curves_shape {
    unsigned threads;
    bool response; // open loop
    bool afresh;   // warm-up, steady state or an end that is not the workers' own
    bool steady;
};

// Bytes of all histograms: depends on the shape, not on the run's length.
size_t curves_bytes(const struct curves_shape *shape);

// In `memory`: curves_bytes of zeroes.
void curves_init(struct curves *curves, const struct curves_shape *shape, void *memory);
struct histogram *curves_of(const struct curves *curves, unsigned worker);

// Points every worker to a fresh set. What they wrote until now counts or does not (warm-up). A
// worker that is just timing an operation may still add it to the old set, which is read and
// cleaned at the next turn.
void curves_turn(struct curves *curves, struct worker *workers, bool counts);

// Everything that counts from part `first` on, with the set of the moment unless it came after the
// end. At least the last STEADY_PARTS whole parts are there. No worker runs.
void curves_report(const struct curves *curves, unsigned first, bool with_current,
                   struct histogram service[OP_KINDS], struct histogram response[OP_KINDS]);

#endif
