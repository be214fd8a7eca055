// SPDX-License-Identifier: MIT
//
// rollup.c - what of this process is in memory, in detail.
//
// The budget of detailed looks: one that took c may be followed by the next no sooner than 100 c
// later, so that in the long run they take at most one hundredth of the time, of this thread and of
// the lock they hold. A process of many gigabytes is looked at seldom, a small one at every sample.

#include "run/rollup.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "measure/clock.h"

#define ROLLUP_BUDGET 100

void rollup_open(struct rollup *rollup)
{
    rollup->file = open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);
    rollup->next_ns = 0;
}

void rollup_close(struct rollup *rollup)
{
    if (rollup->file >= 0) {
        close(rollup->file);
    }
}

static bool rollup_field(const char *text, const char *name, uint64_t *bytes)
{
    const char *line = strstr(text, name);
    if (line == NULL || line == text || line[-1] != '\n') {
        return false;
    }
    *bytes = strtoull(line + strlen(name), NULL, 10) * 1024;
    return true;
}

bool rollup_parse(const char *text, struct rollup_detail *detail)
{
    return rollup_field(text, "Rss:", &detail->rss_bytes) &&
           rollup_field(text, "Pss:", &detail->pss_bytes) &&
           rollup_field(text, "AnonHugePages:", &detail->huge_bytes);
}

bool rollup_look(const struct rollup *rollup, struct rollup_detail *detail)
{
    char text[2048];
    ssize_t length = pread(rollup->file, text, sizeof text - 1, 0);
    if (length <= 0) {
        return false;
    }
    text[length] = '\0';
    return rollup_parse(text, detail);
}

bool rollup_look_try(struct rollup *rollup, uint64_t now_ns, struct rollup_detail *detail)
{
    if (now_ns < rollup->next_ns) {
        return false;
    }
    bool known = rollup_look(rollup, detail);
    uint64_t after = clock_monotonic_ns();
    rollup->next_ns = after + (after - now_ns) * ROLLUP_BUDGET;
    return known;
}
