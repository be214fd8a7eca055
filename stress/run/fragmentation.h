// SPDX-License-Identifier: MIT
//
// fragmentation.h - from samples of live and held bytes to figures of fragmentation.

#ifndef RUN_FRAGMENTATION_H
#define RUN_FRAGMENTATION_H

#include "run/report.h"

// Zeroed is empty.
struct fragmentation {
    double weight;                         // sum of the samples' durations
    double ratio;                          // sum of duration * held / live
    uint64_t until_ns;                     // when the last sample was taken
    struct report_sample most_live;        // where live was largest, the first of equals
    uint64_t most_held, live_at_most_held; // where held was largest
    struct report_sample last;
};

// One more sample; they come in the order of time.
void fragmentation_add(struct fragmentation *fragmentation, const struct report_sample *sample);

// What the samples so far say.
void fragmentation_report(const struct fragmentation *fragmentation,
                          struct report_fragmentation *report);

#endif
