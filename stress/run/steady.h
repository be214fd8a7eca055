// SPDX-License-Identifier: MIT
//
// steady.h - whether a rate has become steady: the rule of a job, judged over the last parts.

#ifndef RUN_STEADY_H
#define RUN_STEADY_H

#include <stdbool.h>
#include <stdint.h>

#include "job/job.h"

#define STEADY_PARTS 10 // of a window

enum steady_kind { STEADY_OFF, STEADY_DEVIATION, STEADY_SLOPE };

struct steady_rule {
    enum steady_kind kind;
    double limit;     // as a share
    uint64_t part_ns; // a window is STEADY_PARTS of them
};

struct steady {
    struct steady_rule rule;
    unsigned count;            // parts in `rate`
    double rate[STEADY_PARTS]; // of the last parts, the oldest first
};

// The keys steady and steady_window. 0, or EINVAL with a complaint.
int steady_read(const struct job_section *section, struct steady_rule *rule,
                struct complaint *complaint);

// One more part, with its rate.
void steady_add(struct steady *steady, double rate);

// What the rule compares with its limit, as a share of the mean; NAN before the window is full and
// where nothing was done in it.
double steady_deviation(const struct steady *steady);
bool steady_reached(const struct steady *steady);

#endif
