// SPDX-License-Identifier: MIT
//
// footprint.c - what a cell and its children take of the machine's memory, seen from outside.
//
// /proc/PID/statm is a counter of the kernel's and costs microseconds, so that it can be read many
// times a second; but forked children share their parent's pages, and a sum of resident sets counts
// those again and again. Only where the sum is too much are proportional sets read (smaps_rollup),
// which walk the page tables. Who the children are, every process of the machine is asked for ten
// times a second (not every kernel lists a process's children).

#include "run/footprint.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "measure/clock.h"
#include "measure/proc.h"

#define FOOTPRINT_FAMILY_NS 100000000u

void footprint_open(struct footprint *footprint, pid_t cell)
{
    *footprint = (struct footprint){.cell = cell, .pid = {cell}, .count = 1};
}

struct footprint_kin {
    pid_t pid, parent;
};

// Every process of the machine, from malloc.
static struct footprint_kin *footprint_everybody(size_t *count)
{
    struct footprint_kin *all = NULL;
    char path[64], text[512];
    *count = 0;
    DIR *proc = opendir("/proc");
    struct dirent *entry;
    while (proc != NULL && (entry = readdir(proc)) != NULL) {
        int pid = atoi(entry->d_name), parent;
        snprintf(path, sizeof path, "/proc/%d/stat", pid);
        if (pid <= 0 || proc_read(path, text, sizeof text) == 0) {
            continue;
        }
        const char *after = strrchr(text, ')'); // the name may hold anything
        if (after == NULL || sscanf(after + 1, " %*c %d", &parent) != 1) {
            continue;
        }
        if (*count % 256 == 0) {
            struct footprint_kin *grown = realloc(all, (*count + 256) * sizeof *all);
            if (grown == NULL) {
                break;
            }
            all = grown;
        }
        all[(*count)++] = (struct footprint_kin){pid, parent};
    }
    if (proc != NULL) {
        closedir(proc);
    }
    return all;
}

void footprint_family(struct footprint *footprint)
{
    size_t count;
    struct footprint_kin *all = footprint_everybody(&count);
    footprint->family_ns = clock_monotonic_ns();
    footprint->count = 1;
    for (unsigned i = 0; i < footprint->count; i++) {
        for (size_t k = 0; k < count && footprint->count < FOOTPRINT_MOST; k++) {
            if (all[k].parent == footprint->pid[i]) {
                footprint->pid[footprint->count++] = all[k].pid;
            }
        }
    }
    free(all);
}

static uint64_t footprint_resident(pid_t pid)
{
    char path[64], text[256];
    snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
    proc_read(path, text, sizeof text);
    return proc_resident_of(text);
}

static uint64_t footprint_proportional(pid_t pid)
{
    char path[64], text[4096];
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
    const char *at = proc_read(path, text, sizeof text) > 0 ? strstr(text, "\nPss:") : NULL;
    return at != NULL ? strtoull(at + 5, NULL, 10) * 1024 : footprint_resident(pid);
}

uint64_t footprint_read(struct footprint *footprint, uint64_t limit)
{
    uint64_t sum = 0;
    if (clock_monotonic_ns() - footprint->family_ns > FOOTPRINT_FAMILY_NS) {
        footprint_family(footprint);
    }
    for (unsigned i = 0; i < footprint->count; i++) {
        sum += footprint_resident(footprint->pid[i]);
    }
    if (sum <= limit || footprint->count == 1) {
        return sum;
    }
    sum = 0;
    for (unsigned i = 0; i < footprint->count; i++) {
        sum += footprint_proportional(footprint->pid[i]);
    }
    return sum;
}
