// SPDX-License-Identifier: MIT
//
// footprint.c - what a cell and its children take of the machine's memory, seen from outside.
//
// /proc/PID/statm is a counter of the kernel's and costs microseconds, so that it can be read many
// times a second; but forked children share their parent's pages, and a sum of resident sets counts
// those again and again. Only where the sum is too much are proportional sets read (smaps_rollup),
// which walk the page tables. Who the children are is looked up at every eighth look.

#include "run/footprint.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FOOTPRINT_FAMILY_EVERY 8

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

// Adds the children that the threads of one process have.
static void footprint_children(struct footprint *footprint, pid_t pid)
{
    char path[64], text[4096];
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *tasks = opendir(path);
    struct dirent *entry;
    while (tasks != NULL && (entry = readdir(tasks)) != NULL) {
        snprintf(path, sizeof path, "/proc/%d/task/%.16s/children", (int)pid, entry->d_name);
        if (entry->d_name[0] == '.' || footprint_slurp(path, text, sizeof text) == 0) {
            continue;
        }
        char *at = text, *end;
        for (long child; (child = strtol(at, &end, 10)) > 0 && end != at; at = end) {
            if (footprint->count < FOOTPRINT_MOST) {
                footprint->pid[footprint->count++] = (pid_t)child;
            }
        }
    }
    if (tasks != NULL) {
        closedir(tasks);
    }
}

void footprint_family(struct footprint *footprint)
{
    footprint->count = 1;
    for (unsigned i = 0; i < footprint->count; i++) {
        footprint_children(footprint, footprint->pid[i]);
    }
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
    if (footprint->looks++ % FOOTPRINT_FAMILY_EVERY == 0) {
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
