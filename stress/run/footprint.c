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
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "measure/clock.h"

#define FOOTPRINT_FAMILY_NS 100000000u

void footprint_open(struct footprint *footprint, pid_t cell)
{
    *footprint = (struct footprint){.cell = cell, .pid = {cell}, .count = 1};
}

// A small file of /proc as text. 0: not there.
static size_t footprint_slurp(const char *path, char *text, size_t size)
{
    size_t used = 0;
    ssize_t got;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && used + 1 < size && (got = read(fd, text + used, size - 1 - used)) > 0) {
        used += (size_t)got;
    }
    text[used] = '\0';
    if (fd >= 0) {
        close(fd);
    }
    return used;
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
        if (pid <= 0 || footprint_slurp(path, text, sizeof text) == 0) {
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
    unsigned long long pages = 0;
    snprintf(path, sizeof path, "/proc/%d/statm", (int)pid);
    if (footprint_slurp(path, text, sizeof text) == 0 || sscanf(text, "%*u %llu", &pages) != 1) {
        return 0;
    }
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t footprint_proportional(pid_t pid)
{
    char path[64], text[4096];
    snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
    const char *at = footprint_slurp(path, text, sizeof text) > 0 ? strstr(text, "\nPss:") : NULL;
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
