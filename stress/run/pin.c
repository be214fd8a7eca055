// SPDX-License-Identifier: MIT
//
// pin.c - which CPU each worker stays on: the key `pin`.
//
//   none      the system moves threads as it likes
//   compact   neighbours first: worker 0 and 1 on the two threads of a core, where it has two
//   spread    one a core, package by package in turn; second threads when all cores have one
//   0-3/8     these CPUs, in this order
//
// A list goes round when there are more workers than CPUs.

#include "run/pin.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure/topology.h"

// Takes "first" or "first-last" off *text. False: that is not what is there.
static bool pin_range(const char **text, unsigned *first, unsigned *last)
{
    char *end;
    if (**text < '0' || **text > '9') {
        return false;
    }
    unsigned long from = strtoul(*text, &end, 10);
    unsigned long to = from;
    if (*end == '-' && end[1] >= '0' && end[1] <= '9') {
        to = strtoul(end + 1, &end, 10);
    }
    if ((*end != '\0' && *end != '/') || to < from || to >= CPU_SETSIZE) {
        return false;
    }
    *first = (unsigned)from;
    *last = (unsigned)to;
    *text = *end == '/' ? end + 1 : end;
    return *end != '/' || end[1] != '\0';
}

static int pin_check_list(const struct job_section *section, const char *list,
                          const struct topology *topology, struct complaint *complaint)
{
    unsigned first, last;
    for (const char *text = list; *text != '\0';) {
        if (!pin_range(&text, &first, &last)) {
            job_complain(section, "pin", complaint,
                         "it should be none, spread, compact, or CPUs such as 0-3/8");
            return EINVAL;
        }
        for (unsigned cpu = first; cpu <= last; cpu++) {
            size_t i = 0;
            while (i < topology->cpu_count && topology->cpus[i].number != cpu) {
                i++;
            }
            if (i == topology->cpu_count) {
                job_complain(section, "pin", complaint,
                             "CPU %u is not there, or not for this process, which may use %zu", cpu,
                             topology->cpu_count);
                return EINVAL;
            }
        }
    }
    return 0;
}

// The numbers as ranges: 0 1 2 8 is "0-2/8". False: too long.
static bool pin_write(const unsigned *cpus, size_t count, char text[PIN_TEXT])
{
    size_t length = 0;
    text[0] = '\0';
    for (size_t i = 0; i < count && length < PIN_TEXT;) {
        size_t last = i;
        while (last + 1 < count && cpus[last + 1] == cpus[last] + 1) {
            last++;
        }
        int wrote = last > i ? snprintf(text + length, PIN_TEXT - length, "%s%u-%u",
                                        i > 0 ? "/" : "", cpus[i], cpus[last])
                             : snprintf(text + length, PIN_TEXT - length, "%s%u", i > 0 ? "/" : "",
                                        cpus[i]);
        length += (size_t)wrote;
        i = last + 1;
    }
    return length < PIN_TEXT;
}

int pin_resolve(const struct job_section *section, char text[PIN_TEXT], struct complaint *complaint)
{
    const char *pin = job_text(section, "pin");
    unsigned cpus[TOPOLOGY_CPUS];
    struct topology topology;
    text[0] = '\0';
    if (strcmp(pin, "none") == 0) {
        return 0;
    }
    topology_look(&topology);
    bool spread = strcmp(pin, "spread") == 0;
    if (!spread && strcmp(pin, "compact") != 0) {
        if (snprintf(text, PIN_TEXT, "%s", pin) >= PIN_TEXT) {
            job_complain(section, "pin", complaint, "at most %d characters", PIN_TEXT - 1);
            return EINVAL;
        }
        return pin_check_list(section, pin, &topology, complaint);
    }
    size_t count = topology_cpus(&topology, spread ? TOPOLOGY_SPREAD : TOPOLOGY_COMPACT, cpus);
    size_t threads = job_number(section, "threads");
    if (!pin_write(cpus, threads > 0 && threads < count ? threads : count, text)) {
        job_complain(section, "pin", complaint, "so many CPUs cannot be listed; give a list");
        return EINVAL;
    }
    return 0;
}

int pin_thread(const char *text, unsigned number)
{
    unsigned first, last, count = 0;
    for (const char *at = text; *at != '\0' && pin_range(&at, &first, &last);) {
        count += last - first + 1;
    }
    if (count == 0) {
        return 0;
    }
    unsigned place = number % count;
    for (const char *at = text; *at != '\0' && pin_range(&at, &first, &last);) {
        if (place <= last - first) {
            cpu_set_t one;
            CPU_ZERO(&one);
            CPU_SET(first + place, &one);
            return pthread_setaffinity_np(pthread_self(), sizeof one, &one);
        }
        place -= last - first + 1;
    }
    return 0;
}
