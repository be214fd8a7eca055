// SPDX-License-Identifier: MIT
//
// host.h - where a result was measured: machine, system, build, environment.

#ifndef RESULT_HOST_H
#define RESULT_HOST_H

#include <stddef.h>
#include <stdint.h>

#include "measure/topology.h"

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
    char libc_path[HOST_TEXT];
    char libc_build_id[48];
    char hypervisor[HOST_TEXT]; // "none", or what the CPU says it runs on
    char boost[HOST_TEXT];      // "on", "off"; empty: not known
    char revision[HOST_TEXT];   // of the sources this program was built from
    double load[3];             // when looked at: over 1, 5 and 15 minutes; negative: not known
    struct topology topology;
    char compiler[HOST_TEXT];
    char flags[HOST_TEXT]; // of this build
};

void host_look(struct host *host);

// What the whole machine's CPUs have done since it started, in ticks.
struct host_ticks {
    uint64_t all, busy, stolen; // stolen: by the hypervisor, for others
};
void host_tick(struct host_ticks *ticks);

// The index-th environment variable "NAME=value" that an allocator would read (MALLOC_CONF,
// GLIBC_TUNABLES, MIMALLOC_*, ...); NULL past the last.
const char *host_setting_at(size_t index);

#endif
