// SPDX-License-Identifier: MIT
//
// resident.c - how much of this process is in memory, cheaply and in detail.
//
// The budget of detailed looks: one that took c may be followed by the next no sooner than 100 c
// later, so that in the long run they take at most one hundredth of the time, of this thread and of
// the lock they hold. A process of many gigabytes is looked at seldom, a small one at every sample.

#include "run/resident.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "measure/clock.h"

#define RESIDENT_BUDGET 100

void resident_open(struct resident *resident)
{
    resident->statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    resident->rollup = open("/proc/self/smaps_rollup", O_RDONLY | O_CLOEXEC);
    resident->next_ns = 0;
}

void resident_close(struct resident *resident)
{
    close(resident->statm);
    if (resident->rollup >= 0) {
        close(resident->rollup);
    }
}

uint64_t resident_rss(const struct resident *resident)
{
    char text[128];
    ssize_t length = pread(resident->statm, text, sizeof text - 1, 0);
    if (length <= 0) {
        return 0;
    }
    text[length] = '\0';
    char *second = strchr(text, ' ');
    return second != NULL ? strtoull(second, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

static bool resident_field(const char *text, const char *name, uint64_t *bytes)
{
    const char *line = strstr(text, name);
    if (line == NULL || line == text || line[-1] != '\n') {
        return false;
    }
    *bytes = strtoull(line + strlen(name), NULL, 10) * 1024;
    return true;
}

bool resident_parse(const char *text, struct resident_detail *detail)
{
    return resident_field(text, "Rss:", &detail->rss_bytes) &&
           resident_field(text, "Pss:", &detail->pss_bytes) &&
           resident_field(text, "AnonHugePages:", &detail->huge_bytes);
}

bool resident_look(const struct resident *resident, struct resident_detail *detail)
{
    char text[2048];
    ssize_t length = pread(resident->rollup, text, sizeof text - 1, 0);
    if (length <= 0) {
        return false;
    }
    text[length] = '\0';
    return resident_parse(text, detail);
}

bool resident_look_try(struct resident *resident, uint64_t now_ns, struct resident_detail *detail)
{
    if (now_ns < resident->next_ns) {
        return false;
    }
    bool known = resident_look(resident, detail);
    uint64_t after = clock_monotonic_ns();
    resident->next_ns = after + (after - now_ns) * RESIDENT_BUDGET;
    return known;
}
