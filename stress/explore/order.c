// SPDX-License-Identifier: MIT
//
// order.c - what is asked for, read from words; also by mems-stress, which has no scheduler.

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "explore/explore.h"

int explore_strategy_read(const char *text, struct explore_order *order,
                          struct complaint *complaint)
{
    char *end;
    if (strcmp(text, "random") == 0) {
        order->strategy = MEMS_SCHEDULE_RANDOM;
        return 0;
    }
    if (strncmp(text, "pct:", 4) == 0) {
        order->strategy = MEMS_SCHEDULE_PCT;
        unsigned long depth = strtoul(text + 4, &end, 10);
        order->depth = (unsigned)depth;
        bool good = end != text + 4 && depth >= 1 && depth <= MEMS_SCHEDULE_DEPTH_MAX;
        if (good && *end == ':') {
            const char *points = end + 1;
            order->points = strtoull(points, &end, 10);
            good = end != points && order->points > 0;
        }
        if (good && *end == '\0') {
            return 0;
        }
    }
    complain(complaint,
             "--strategy %s: random, pct:DEPTH or pct:DEPTH:POINTS (DEPTH 1 .. %u, POINTS the "
             "estimate of PCT's k) is wanted",
             text, MEMS_SCHEDULE_DEPTH_MAX);
    return EINVAL;
}
