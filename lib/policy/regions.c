// SPDX-License-Identifier: MIT
//
// regions.c - what all arenas of a policy hold from the OS, and the way back to it.
//
// The release or closing that leaves too many regions empty first unlocks the arena, waits for the
// access sections under way, since there may be late readers of released blocks, and then lets
// those go that were empty before and still are. A mover does the same at the end of its pass:
// while a batch of moves is in flight nobody does.

#include "policy/regions.h"

#include "sync/atomic.h"
#include "sync/section.h"
#include "sync/thread.h"

int regions_map(struct regions *regions, struct extents *extents, uint64_t size, uint64_t align)
{
    uint64_t before = extents->held_bytes;
    int error = extents_grow(extents, size, align);
    uint64_t more = extents->held_bytes - before;
    uint64_t held = add_relaxed(&regions->held, more) + more;
    uint64_t peak = load_relaxed(&regions->held_peak);
    while (held > peak && !cas_relaxed(&regions->held_peak, &peak, held)) {
    }
    return error;
}

uint64_t regions_peak(const struct regions *regions, uint64_t held)
{
    uint64_t peak = load_relaxed(&regions->held_peak); // the sum is of several moments
    return peak > held ? peak : held;
}

void regions_trim(struct regions *regions, struct lock *lock, struct extents *extents)
{
    if (section_inside() || thread_ending()) {
        return;
    }
    lock_lock(lock);
    uint64_t mark = extents->emptied;
    bool wanted = extents_may_trim(extents);
    lock_unlock(lock);
    if (!wanted) {
        return; // another thread was here
    }
    section_wait(); // [model:unmap]
    lock_lock(lock);
    (void)add_relaxed(&regions->held, -extents_trim(extents, mark));
    lock_unlock(lock);
}
