// SPDX-License-Identifier: MIT
//
// lock.h - the lock: instrumented, ranked, small.
//
// (essay in lock.c)

#ifndef SYNC_LOCK_H
#define SYNC_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "mems/engine.h"

// Locks are taken in this order only; a debug build (MEMS_CHECK_RANKS) checks it. Locks of one rank
// are held together only in ascending order of their number: that is how all arenas are taken.
enum lock_rank {
    LOCK_FACE = 1, // mems.h: the default engine comes and goes
    LOCK_THREADS,  // the registry of threads and their exit hooks
    LOCK_ENGINE,   // an engine's list of spaces
    LOCK_MOVER,    // who moves or evicts: one at a time an engine
    LOCK_SPACE,    // a space's list of caches
    LOCK_POLICY,   // an arena of a policy
    LOCK_ORDER,    // the order in which pages go; also taken inside access sections, so its holder
                   // never waits for a grace period
    LOCK_FRAMES,   // free frames, and threads' shares of them
    LOCK_TABLE,    // a descriptor table's growth
    LOCK_POOL,     // a pool of metadata records
    LOCK_RANKS
};

// spin_acquired + waited <= contended <= acquisitions                                          (L1)
// hold_sampled <= acquisitions                                                                 (L2)
// hold_sampled <= sum(hold), waited <= sum(wait), equal while nobody takes or gives            (L3)
struct lock {
    uint32_t word;     // [atomic] 0 free; else held: by whom, and whether somebody may sleep
    uint32_t owner;    // [lock] number of the thread that took it last, from 1
    uint8_t rank;      // [ro]
    uint8_t spins;     // [atomic] about how many steps of spinning have paid off lately
    uint32_t number;   // [ro] which of several of that name
    const char *name;  // [ro] static text, at most 23 characters
    struct lock *next; // [lock] MEMS_CHECK_RANKS: the lock that the holder had taken before
    // [lock] from here on: written by the holder only; readers use atomic loads.
    uint64_t acquisitions, contended, spin_acquired, waited;
    uint64_t wait_ns, max_wait_ns, max_waiting, owner_switches;
    uint64_t hold_sampled, hold_ns, max_hold_ns;
    uint64_t hold_start_ns; // 0: this acquisition is not timed
    uint32_t waiting;       // [atomic] threads asleep now
    uint64_t wait[MEMS_LOCK_BUCKETS], hold[MEMS_LOCK_BUCKETS];
};

// A lock that is ready before any code has run.
#define LOCK_READY(rank_, name_)                                                                   \
    {                                                                                              \
        .rank = (rank_), .name = (name_)                                                           \
    }

#define LOCK_LAST UINT32_MAX // a number: the last of its rank, and the only one of its name

#define LOCK_HOLD_SAMPLE 1024 // hold time is taken on one acquisition in so many

// Called when a rank is taken out of order; tests replace it. The default complains and aborts.
// When a handler returns, the lock is taken all the same.
typedef void (*lock_rank_handler)(const struct lock *held, const struct lock *wanted);

void lock_init(struct lock *lock, enum lock_rank rank, const char *name, uint32_t number);
void lock_lock(struct lock *lock); // may sleep; not recursive
bool lock_try(struct lock *lock);  // never sleeps, so any order of ranks is right; a try that fails
                                   // is not counted
void lock_unlock(struct lock *lock);

// Whether this thread holds it: exact, also in a signal handler that interrupted any step of taking
// it or giving it back.
bool lock_is_mine(const struct lock *lock);

// For fork. A lock is frozen while nobody changes what it guards: it stays taken, by nobody in
// particular, and who waits for it by lock_lock_unless gives up (false) instead of waiting.
bool lock_lock_unless(struct lock *lock, const uint32_t *frozen); // *frozen is not 0: at once
// Waits until nobody holds it, freezes it and sets *frozen to `value`; who sleeps on it wakes.
// false: another has frozen it.
bool lock_freeze(struct lock *lock, uint32_t *frozen, uint32_t value);
// The same by its holder, whom a signal handler has interrupted; and back: it is this thread's
// again. *frozen is cleared after that.
void lock_freeze_mine(struct lock *lock, uint32_t *frozen, uint32_t value);
void lock_thaw_mine(struct lock *lock);
// Any thread, after *frozen was cleared.
void lock_thaw(struct lock *lock);
// Fills in an account (mems/engine.h). Takes no lock; each figure is right at some moment, and L1
// holds between them.
void lock_stats(const struct lock *lock, struct mems_lock_stats *stats);
// Whether this thread holds it (debug builds; elsewhere always true). For assertions.
bool lock_held(const struct lock *lock);
// Returns the handler that was there; NULL stands for the default.
lock_rank_handler lock_on_rank(lock_rank_handler handler);

#endif
