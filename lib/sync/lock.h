// SPDX-License-Identifier: MIT
//
// lock.h - the lock: instrumented, ranked, small.
//
// (essay in lock.c)

#ifndef SYNC_LOCK_H
#define SYNC_LOCK_H

#include <stdbool.h>
#include <stdint.h>

// Locks are taken in this order only; a debug build (MEMS_CHECK_RANKS) checks it. Two locks of one
// rank are never held together, except under LOCK_ENGINE_LIST, which serialises their takers.
enum lock_rank {
    LOCK_FACE = 1, // mems.h: the default engine comes and goes
    LOCK_THREADS,  // the registry of threads and their exit hooks
    LOCK_ENGINE,   // an engine's list of spaces
    LOCK_SPACE,    // a space's list of caches
    LOCK_POLICY,   // an arena of a policy
    LOCK_TABLE,    // a descriptor table's growth
    LOCK_POOL,     // a pool of metadata records
    LOCK_RANKS
};

// spin_acquired + waited <= contended <= acquisitions                                         (L1)
struct lock {
    uint32_t word;    // [atomic] 0 free, 1 held, 2 held and somebody sleeps
    uint32_t owner;   // [lock] number of the thread that took it last, from 1
    uint8_t rank;     // [ro]
    const char *name; // [ro] static text, at most 23 characters
    uint32_t number;  // [ro] which of several of that name
    // [lock] from here on: written by the holder only; readers use relaxed loads.
    uint64_t acquisitions, contended, spin_acquired, waited;
    uint64_t wait_ns, max_wait_ns, max_waiting, owner_switches;
    uint64_t hold_sampled, hold_ns, max_hold_ns, hold_start_ns;
    uint32_t waiting; // [atomic] threads asleep now
};

#define LOCK_HOLD_SAMPLE 1024 // hold time is taken on one acquisition in so many

// Called when a rank is taken out of order; tests replace it. The default complains and aborts.
typedef void (*lock_rank_handler)(const struct lock *held, const struct lock *wanted);

struct mems_lock_stats;

void lock_init(struct lock *lock, enum lock_rank rank, const char *name, uint32_t number);
void lock_lock(struct lock *lock); // may sleep; not recursive
bool lock_try(struct lock *lock);  // never sleeps
void lock_unlock(struct lock *lock);
// Fills in an account (mems/engine.h). Takes no lock; each figure is right at some moment.
void lock_stats(const struct lock *lock, struct mems_lock_stats *stats);
// Whether this thread holds it (debug builds; elsewhere always true). For assertions.
bool lock_held(const struct lock *lock);
lock_rank_handler lock_on_rank(lock_rank_handler handler);

#endif
