// SPDX-License-Identifier: MIT
//
// extent_move.h - blocks moved together, a batch at a time, while their owners use them.
//
// The essay is in extent_move.c; how one block moves is told in memory/relocation.c. A *pass* goes
// once through the extents of one owner (an arena) and tries each block at most once. Its user:
//
//   lock; extent_pass_begin; unlock
//   repeat: lock; more = extent_pass_step; unlock; extent_pass_move    while more
//   lock; extent_pass_end; unlock
//
// The lock is the owner's; the user is the engine's one mover from step to step, see relocation.h.
// Between two repetitions with nothing in flight (extent_pass_resting) the mover may change.

#ifndef MEMORY_EXTENT_MOVE_H
#define MEMORY_EXTENT_MOVE_H

#include "memory/extent.h"
#include "memory/relocation.h"

enum extent_order {
    EXTENT_ORDER_ADDRESS, // slide: each block to the end of the one before
    EXTENT_ORDER_TOP,     // the highest block into a hole below it
};

// A block on its way.
struct extent_move {
    struct descriptor *descriptor;
    struct extent *block; // where it is, if its word is still `moving`
    struct extent *place; // reserved for it
    uint64_t moving;      // the descriptor's word while it is marked
    const char *from;
    uint64_t size;
};

// tried == moved + abandoned + count                                                          (EM1)
struct extent_pass {
    struct extents *extents;
    enum extent_order order;
    struct extent_cursor hole;  // [lock] holes before it are done with
    struct extent_cursor block; // [lock] blocks before it (order TOP: after it) were tried
    size_t count;               // moves in flight
    size_t steps;               // [lock] extents that this step may still look at
    bool parking;               // the batch makes room: its blocks come back down in the next one
    int error;                  // ENOMEM: a record was refused, and the pass ended early
    uint64_t tried, moved, abandoned, moved_bytes, pinned, waits;
    struct extent_move moves[RELOCATION_BATCH];
};

void extent_pass_begin(struct extent_pass *pass, struct extents *extents, enum extent_order order);

// Settles the batch in flight: publishes what was copied, gives up what was not to be moved. Then
// chooses, reserves and marks the next batch of about `most` bytes (0: none but what must come back
// down). false: the pass is over. Called with the lock held.
bool extent_pass_step(struct extent_pass *pass, uint64_t most);

// Waits for a grace period and copies what is in flight. Called without the lock.
void extent_pass_move(struct extent_pass *pass);

static inline bool extent_pass_resting(const struct extent_pass *pass)
{
    return pass->count == 0;
}

// Called with the lock held and nothing in flight.
void extent_pass_end(struct extent_pass *pass);

// Whether the extent is a place that a mover has reserved: no block yet, and no hole.
static inline bool extent_is_reserved(const struct extent *extent)
{
    return extent->tag == EXTENT_BLOCK && extent->descriptor == NULL;
}

// The block will be changed where it stands: a mover that has it in hand must let go. Called with
// the lock held; the descriptor's block is allocated.
void extent_hold(struct descriptor *descriptor);

#endif
