// SPDX-License-Identifier: MIT
//
// host.h - where a result was measured: machine, system, build, environment.

#ifndef RESULT_HOST_H
#define RESULT_HOST_H

#include <stddef.h>

#define HOST_TEXT 256

struct host {
    char name[HOST_TEXT];
    char cpu[HOST_TEXT];
    long cores; // online
    unsigned long long memory_bytes;
    char kernel[HOST_TEXT];
    char system[HOST_TEXT]; // the distribution
    char transparent_hugepages[HOST_TEXT];
    char governor[HOST_TEXT];
    char libc[HOST_TEXT];
    char compiler[HOST_TEXT];
    char flags[HOST_TEXT]; // of this build
};

void host_look(struct host *host);

// The index-th environment variable "NAME=value" that an allocator would read (MALLOC_CONF,
// GLIBC_TUNABLES, MIMALLOC_*, ...); NULL past the last.
const char *host_setting_at(size_t index);

#endif
