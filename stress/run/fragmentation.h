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

// The holes at one moment. Zeroed is empty.
struct fragmentation_holes {
    double bytes, squares;      // sum h, sum h^2
    double below[REPORT_CURVE]; // bytes in holes of 2^i .. 2^(i+1) - 1, larger ones in the last
};

void fragmentation_hole(struct fragmentation_holes *holes, uint64_t size);

// Concentration and the curve of what is unusable. `holes` NULL: nobody knows them.
void fragmentation_holes_report(const struct fragmentation_holes *holes,
                                struct report_fragmentation *report);

#endif
