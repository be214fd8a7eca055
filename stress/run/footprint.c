// SPDX-License-Identifier: MIT
//
// footprint.c - what of this process is in memory, in detail.
//
// The budget of detailed looks: one that took c may be followed by the next no sooner than 100 c
// later, so that in the long run they take at most one hundredth of the time, of this thread and of
// the lock they hold. A process of many gigabytes is looked at seldom, a small one at every sample.

#include "run/footprint.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "measure/clock.h"

#define FOOTPRINT_BUDGET 100

void footprint_open(struct footprint *footprint)
{
    footprint->rollup = open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);
    footprint->next_ns = 0;
}

void footprint_close(struct footprint *footprint)
{
    if (footprint->rollup >= 0) {
        close(footprint->rollup);
    }
}

static bool footprint_field(const char *text, const char *name, uint64_t *bytes)
{
    const char *line = strstr(text, name);
    if (line == NULL || line == text || line[-1] != '\n') {
        return false;
    }
    *bytes = strtoull(line + strlen(name), NULL, 10) * 1024;
    return true;
}

bool footprint_parse(const char *text, struct footprint_detail *detail)
{
    return footprint_field(text, "Rss:", &detail->rss_bytes) &&
           footprint_field(text, "Pss:", &detail->pss_bytes) &&
           footprint_field(text, "AnonHugePages:", &detail->huge_bytes);
}

bool footprint_look(const struct footprint *footprint, struct footprint_detail *detail)
{
    char text[2048];
    ssize_t length = pread(footprint->rollup, text, sizeof text - 1, 0);
    if (length <= 0) {
        return false;
    }
    text[length] = '\0';
    return footprint_parse(text, detail);
}

bool footprint_look_try(struct footprint *footprint, uint64_t now_ns,
                        struct footprint_detail *detail)
{
    if (now_ns < footprint->next_ns) {
        return false;
    }
    bool known = footprint_look(footprint, detail);
    uint64_t after = clock_monotonic_ns();
    footprint->next_ns = after + (after - now_ns) * FOOTPRINT_BUDGET;
    return known;
}
