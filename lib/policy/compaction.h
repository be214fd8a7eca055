// SPDX-License-Identifier: MIT
//
// compaction.h - when blocks are moved together: on demand, by threshold, in the background.
//
// The essay is in compaction.c. For policies whose arenas are struct extents behind a lock.

#ifndef POLICY_COMPACTION_H
#define POLICY_COMPACTION_H

#include "base/option.h"
#include "memory/extent_move.h"
#include "mems/engine.h"
#include "os/os.h"
#include "policy/policy.h"
#include "policy/regions.h"
#include "sync/lock.h"

struct compaction_settings {
    unsigned order;  // enum extent_order
    uint64_t after;  // percent; 0: off
    bool mover;      // in the background
    uint64_t budget; // bytes a second that it may move; 0: no limit
};

extern const char *const compaction_orders[];

// Rows of an option table for the compaction_settings at offset `at` of a policy's settings.
#define COMPACTION_OPTIONS(at)                                                                     \
    {"compact_order",                                                                              \
     OPTION_CHOICE,                                                                                \
     0,                                                                                            \
     0,                                                                                            \
     compaction_orders,                                                                            \
     "address|top",                                                                                \
     "address",                                                                                    \
     "address: blocks slide down in their order; top: the highest goes into a hole below",         \
     (at) + offsetof(struct compaction_settings, order)},                                          \
        {"compact_after",                                                                          \
         OPTION_NUMBER,                                                                            \
         0,                                                                                        \
         100,                                                                                      \
         NULL,                                                                                     \
         "0..100",                                                                                 \
         "0",                                                                                      \
         "a request that no hole fits though enough is free moves blocks together when this many " \
         "percent of the free bytes lie outside the largest hole; 0: never",                       \
         (at) + offsetof(struct compaction_settings, after)},                                      \
        {"mover",                                                                                  \
         OPTION_FLAG,                                                                              \
         0,                                                                                        \
         0,                                                                                        \
         NULL,                                                                                     \
         "yes|no",                                                                                 \
         "no",                                                                                     \
         "a thread of the engine's moves blocks together all the time (from compact_after on)",    \
         (at) + offsetof(struct compaction_settings, mover)},                                      \
    {                                                                                              \
        "mover_budget", OPTION_SIZE, 0, UINT64_C(1) << 46, NULL, "0..64Ti", "64Mi",                \
            "bytes a second that the mover may move; 0: no limit",                                 \
            (at) + offsetof(struct compaction_settings, budget)                                    \
    }

// One arena of the policy's.
struct compaction_arena {
    struct lock *lock; // rank LOCK_POLICY
    struct extents *extents;
};

// compactions.. waits only grow; moves_tried == moves_done + moves_abandoned (CM1)
struct compaction {
    struct compaction_settings settings;
    void (*arena_at)(void *state, size_t index, struct compaction_arena *arena); // [ro]
    void *state;                                                                 // [ro]
    size_t arenas;                                                               // [ro]
    struct regions *regions; // [ro] the policy's: what a pass has emptied goes back
    struct lock lock;        // rank LOCK_MOVER: who moves
    // [lock] to write, one writer at a time; [atomic] to read.
    uint64_t compactions, moves_tried, moves_done, moves_abandoned, moved_bytes;
    struct extent_pass pass; // [lock] of a call, from begin to end
    // the thread
    bool running;
    uint32_t stop;                 // [atomic]
    uint32_t walks;                // [atomic] under way: it rests
    bool open;                     // [lock] `background` has begun and not ended
    bool fruitful;                 // [lock] and has moved something
    size_t next;                   // [lock] the arena that it is in, or comes to next
    struct extent_pass background; // [lock] of the thread, across its rounds
    struct os_thread thread;
};

// Fills in everything; starts no thread.
void compaction_init(struct compaction *compaction, const struct compaction_settings *settings,
                     void (*arena_at)(void *, size_t, struct compaction_arena *), void *state,
                     size_t arenas, struct regions *regions);

// Starts the thread if the settings want one. 0, or ENOMEM with a complaint: the OS refused it.
int compaction_start(struct compaction *compaction, struct printer *complaint);

// Stops the thread. The arenas are still there.
void compaction_fini(struct compaction *compaction);

// policy->compact. Takes the lock, then the arenas' in turn. Not inside a section.
int compaction_run(struct compaction *compaction, struct mems_compaction *done);

// A request of `size` bytes found no hole: moves blocks together where that may help it. Returns
// whether it is worth another try, after which compaction_trim gives back the regions that are
// surplus even so. Inside a section both do nothing. No lock is held.
bool compaction_for(struct compaction *compaction, uint64_t size);
void compaction_trim(struct compaction *compaction);

// Between the two the thread moves nothing, so that a walk misses no block. No lock is held.
void compaction_walk_begin(struct compaction *compaction);
void compaction_walk_end(struct compaction *compaction);

// Adds the counters.
void compaction_totals(const struct compaction *compaction, struct policy_totals *totals);

#endif
