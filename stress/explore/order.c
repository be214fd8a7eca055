// SPDX-License-Identifier: MIT
//
// order.c - what is asked for, read from words; also by mems-stress, which has no scheduler.

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "explore/explore.h"

// Digits, and nothing before them. false: there are none, or they say what is not within 1 .. most.
static bool strategy_number(const char **at, uint64_t most, uint64_t *number)
{
    size_t digits = strspn(*at, "0123456789");
    char *end;
    errno = 0;
    *number = strtoull(*at, &end, 10);
    *at += digits;
    return digits > 0 && errno == 0 && *number >= 1 && *number <= most;
}

int explore_strategy_read(const char *text, struct explore_order *order,
                          struct complaint *complaint)
{
    if (strcmp(text, "random") == 0) {
        order->strategy = MEMS_SCHEDULE_RANDOM;
        return 0;
    }
    if (strncmp(text, "pct:", 4) == 0) {
        const char *at = text + 4;
        uint64_t depth;
        bool good = strategy_number(&at, MEMS_SCHEDULE_DEPTH_MAX, &depth);
        order->strategy = MEMS_SCHEDULE_PCT;
        order->depth = (unsigned)depth;
        if (good && *at == ':') {
            at++;
            good = strategy_number(&at, UINT64_MAX, &order->points);
        }
        if (good && *at == '\0') {
            return 0;
        }
    }
    complain(complaint,
             "--strategy \"%s\": random, pct:DEPTH or pct:DEPTH:POINTS is wanted, without spaces "
             "(DEPTH 1 .. %u, POINTS the estimate of PCT's k)",
             text, MEMS_SCHEDULE_DEPTH_MAX);
    return EINVAL;
}

void explore_strategy_write(const struct mems_schedule *schedule, char *text, size_t size)
{
    if (schedule->strategy != MEMS_SCHEDULE_PCT) {
        snprintf(text, size, "random");
    } else if (schedule->points == 0) {
        snprintf(text, size, "pct:%u", schedule->depth);
    } else {
        snprintf(text, size, "pct:%u:%" PRIu64, schedule->depth, schedule->points);
    }
}
