// SPDX-License-Identifier: MIT
//
// pace.h - when operations are intended to start: the open loop of one worker.

#ifndef WORKLOAD_PACE_H
#define WORKLOAD_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "workload/random.h"

enum pace_arrival { PACE_FIXED, PACE_POISSON };

// [own] but for the fields that others read or write.
struct pace {
    uint64_t rate; // operations a second
    enum pace_arrival arrival;
    const uint64_t *origin_ns; // [atomic] when the plan begins; 0: not yet
    const bool *stop;          // [atomic] true: nobody waits any more
    void (*tick)(void *arg);   // called now and then while the worker sleeps
    void *arg;
    struct random random; // of the distances; a stream of its own
    uint64_t index;       // operations whose time was told so far
    double phase;         // fixed: of the first one, as a share of the distance
    double elapsed_ns;    // poisson: from the origin to the last intended start
    uint64_t lag_ns;      // of the operation that has just begun: start - intended start
    bool inside;          // a step that was waited for is under way: what is in it is not paced
    uint64_t begun;       // [atomic] intended starts that were begun
    uint64_t late;        // [atomic] of them, behind their time
};

// Worker `number` of `threads`: with fixed distances the workers' operations are spread evenly over
// one distance.
void pace_init(struct pace *pace, uint64_t rate, enum pace_arrival arrival, uint64_t seed,
               unsigned number, unsigned threads);

// The next intended start, in nanoseconds since the origin.
uint64_t pace_next(struct pace *pace);

// Waits for the next intended start; sets lag_ns. Returns at once when it has passed, and when the
// run is stopping.
void pace_wait(struct pace *pace);

// Intended starts before `until_ns` since the origin that are still to be told.
uint64_t pace_missed(const struct pace *pace, uint64_t until_ns);

#endif
