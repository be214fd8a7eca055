// SPDX-License-Identifier: MIT
//
// false_sharing.h - what the two workloads about false sharing do alike: tiny blocks are rewritten.

#ifndef WORKLOAD_FALSE_SHARING_H
#define WORKLOAD_FALSE_SHARING_H

#include "run/run.h"

// A thread has one: the harness's own slots are on lines of their own.
struct false_sharing_slot {
    struct slot slot;
} __attribute__((aligned(128)));

// One for each worker, numbered.
struct false_sharing_slot *false_sharing_slots(const struct run *run);

#define FALSE_SHARING_WRITES                                                                       \
    {                                                                                              \
        .name = "writes", .kind = JOB_NUMBER, .least = 1, .most = 1e9, .values = "1 .. 1G",        \
        .standard = "500",                                                                         \
        .help = "how often a block's bytes are inverted and inverted back before it is freed",     \
    }

// A block of each thread.
int false_sharing_demand(const struct job_section *section, struct target_demand *demand,
                         struct complaint *complaint);

// Blocks, one after the other, that are allocated, rewritten and freed, until it is time to look at
// the clock. Returns the operations done.
uint64_t false_sharing_batch(struct worker *worker, struct slot *slot,
                             const struct distribution *sizes, uint64_t writes);

#endif
