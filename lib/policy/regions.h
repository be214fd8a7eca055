// SPDX-License-Identifier: MIT
//
// regions.h - what all arenas of a policy hold from the OS, and the way back to it.
//
// For policies whose arenas are struct extents behind a lock; which regions go, and what that waits
// for, is told in memory/extent_region.c.

#ifndef POLICY_REGIONS_H
#define POLICY_REGIONS_H

#include "memory/extent.h"
#include "sync/lock.h"

#define REGIONS_ARENAS 64 // most: one bit each

// held == sum of the arenas' held_bytes, whenever no arena's lock is held                      (R1)
struct regions {
    uint64_t held, held_peak; // [atomic]
};

// Maps a region in an arena, its lock held, and counts it. 0 or ENOMEM.
int regions_map(struct regions *regions, struct extents *extents, uint64_t size, uint64_t align);

// The most that was held; `held` is a sum over the arenas that the caller has made.
uint64_t regions_peak(const struct regions *regions, uint64_t held);

// Gives an arena's surplus regions back after a grace period. Inside a section, and while the
// thread ends (the registry is locked then), it does nothing: a later release does it. Called
// without the arena's lock.
void regions_trim(struct regions *regions, struct lock *lock, struct extents *extents);

// Unlocks an arena into which blocks were given; *surplus gets its bit when there is more to do.
static inline void regions_unlock(struct lock *lock, const struct extents *extents, size_t arena,
                                  uint64_t *surplus)
{
    if (__builtin_expect(extents_may_trim(extents), 0)) {
        *surplus |= UINT64_C(1) << arena;
    }
    lock_unlock(lock);
}

#endif
