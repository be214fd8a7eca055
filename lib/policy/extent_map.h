// SPDX-License-Identifier: MIT
//
// extent_map.h - what a policy whose memory is struct extents shows of it: pieces of the map,
// totals.

#ifndef POLICY_EXTENT_MAP_H
#define POLICY_EXTENT_MAP_H

#include "memory/extent_move.h"
#include "policy/policy.h"

// The extent from position `from` on, as a hole: who knows that it is a block says so afterwards.
void extent_map_piece(const struct extent *extent, unsigned arena, uint64_t from,
                      struct mems_extent *piece);

// One arena's memory, and how its blocks are described.
struct extent_map {
    struct lock *lock;
    struct extents *extents;
    unsigned arena;
    // Says whose block the piece is, if it is one; the lock is held. A place that a mover has
    // reserved is a hole to everyone who looks.
    void (*describe)(const void *policy, const struct extent *extent, uint64_t from,
                     struct mems_extent *piece);
    const void *policy;
};

// Shows all extents in order of position. The lock is taken, and dropped while the visitor looks.
int extent_map_walk(const struct extent_map *map, mems_visitor visit, void *arg);

// Adds an arena's memory, holes and blocks to the totals. Its lock is held.
void extent_map_totals(const struct extents *extents, struct policy_totals *totals);

#endif
