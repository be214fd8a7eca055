// SPDX-License-Identifier: MIT
//
// resident.h - how much memory a process holds, and a heap of a hundred megabytes to give back.

#ifndef MALLOC_INFO_RESIDENT_H
#define MALLOC_INFO_RESIDENT_H

#include "support/probe.h"

#include <fcntl.h>

enum {
    RESIDENT_FILL = 100 << 20, // bytes of a filled heap
    RESIDENT_SLACK = 4 << 20,  // may be left of it
    RESIDENT_HELD = 50 << 20,  // at least this is still there where nothing was given back
    RESIDENT_LARGE = 1 << 20,  // size of a large block
};

// Exact, unlike statm: bytes.
static inline size_t resident_bytes(void)
{
    char text[4096];
    int file = open("/proc/self/smaps_rollup", O_RDONLY);
    ssize_t length = file < 0 ? -1 : read(file, text, sizeof text - 1);
    close(file);
    probe_require(length > 0, "no /proc/self/smaps_rollup");
    text[length] = '\0';
    const char *line = strstr(text, "\nRss:");
    probe_require(line != NULL, "no Rss in /proc/self/smaps_rollup");
    return strtoull(line + 5, NULL, 10) * 1024;
}

// Blocks of `size` bytes, `bytes` of them in all, each written, each with a pointer to the next.
static inline void *resident_fill(size_t size, size_t bytes)
{
    void *first = NULL;
    for (size_t done = 0; done < bytes; done += size) {
        void **block = probe_malloc(size);
        memset(block, 0x42, size);
        *block = first;
        first = block;
    }
    return first;
}

static inline void resident_free(void *first)
{
    while (first != NULL) {
        void *next = *(void **)first;
        probe_free(first);
        first = next;
    }
}

// A little of what a program does: slow paths come by, and nothing of it stays.
static inline void resident_work(unsigned rounds)
{
    for (unsigned round = 0; round < rounds; round++) {
        void *first = NULL;
        for (size_t size = 16; size <= 70000; size += size / 2) {
            void **block = probe_malloc(size);
            *block = first;
            first = block;
        }
        resident_free(first);
    }
}

static inline void resident_back(size_t before, const char *when)
{
    size_t now = resident_bytes();
    probe_require(now <= before + RESIDENT_SLACK, "%s: %zu KiB more than before are resident", when,
                  (now - before) / 1024);
}

static inline void resident_there(size_t before, const char *when)
{
    size_t now = resident_bytes();
    probe_require(now >= before + RESIDENT_HELD, "%s: %zd KiB more than before are resident", when,
                  ((ssize_t)now - (ssize_t)before) / 1024);
}

#endif
