// SPDX-License-Identifier: MIT
//
// dynamic.h - what the files of dynamic partitioning share; the essay is in dynamic.c.

#ifndef POLICY_DYNAMIC_H
#define POLICY_DYNAMIC_H

#include "memory/extent.h"
#include "policy/compaction.h"
#include "policy/policy.h"

struct dynamic_settings {
    unsigned fit; // enum extent_fit
    unsigned coalesce, addresses;
    uint64_t capacity, region, granule, min_block, start, arenas;
    bool movable;
    struct compaction_settings compaction;
};

#define DYNAMIC_CLASSES 32             // sizes for magazines where not every size will do
#define DYNAMIC_ARENAS  REGIONS_ARENAS // most

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
    struct regions regions;
    struct compaction compaction; // of use where blocks are movable
    struct arena arenas[];
};

// The bytes that a block for the request takes at least; false: no memory could hold it.
static inline bool dynamic_round(const struct dynamic *dynamic, size_t size, size_t align,
                                 uint64_t *rounded)
{
    return extents_round(&dynamic->arenas[0].extents, size, align, rounded);
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

int dynamic_walk(void *state, mems_visitor visit, void *arg);
int dynamic_check(void *state, struct mems_violation *first);
void dynamic_totals(void *state, struct policy_totals *totals);
const struct lock *dynamic_lock_at(void *state, size_t index);

#endif
