// SPDX-License-Identifier: MIT
//
// dynamic.h - what the files of dynamic partitioning share; the essay is in dynamic.c.

#ifndef POLICY_DYNAMIC_H
#define POLICY_DYNAMIC_H

#include "base/bits.h"
#include "memory/extent.h"
#include "policy/compaction.h"
#include "policy/policy.h"

struct dynamic_settings {
    unsigned fit; // enum extent_fit
    unsigned addresses;
    uint64_t capacity, region, granule, start, arenas;
    bool movable;
    struct compaction_settings compaction;
};

#define DYNAMIC_CLASSES 32 // sizes for magazines where the granule is above 16

struct arena {
    struct lock lock; // rank LOCK_POLICY
    struct extents extents;
    struct descriptor_shelf shelf;
} __attribute__((aligned(64)));

struct dynamic {
    struct dynamic_settings settings;      // [ro]
    bool flat;                             // [ro]
    size_t mapped;                         // [ro]
    struct lock lock;                      // rank LOCK_POOL
    struct pool spaces;                    // [lock]
    uint64_t class_sizes[DYNAMIC_CLASSES]; // [ro]
    struct compaction compaction;          // of use where blocks are movable
    struct arena arenas[];
};

// The size rounded up to the granule; false: no memory could hold it.
static inline bool dynamic_round(const struct dynamic *dynamic, size_t size, uint64_t *rounded)
{
    return bits_round_up(size, dynamic->settings.granule, rounded) && *rounded <= PTRDIFF_MAX;
}

// dynamic_move.c
int dynamic_move_validate(struct dynamic_settings *settings, struct printer *complaint);
int dynamic_move_open(struct dynamic *dynamic, struct policy_site *site, struct printer *complaint);
int dynamic_compact(void *state, struct mems_compaction *done);

// dynamic_flat.c
int dynamic_flat_release(void *state, mems_addr addr, size_t *requested);
int dynamic_flat_resize(void *state, mems_addr addr, size_t size, size_t *before);
int dynamic_flat_find(void *state, mems_addr addr, void **host, size_t *span, size_t *requested,
                      size_t *size);

#endif
