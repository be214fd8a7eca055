// SPDX-License-Identifier: MIT
//
// depot.h - the memory that all threads share: granules, and what threads left behind.
//
// The essay is in depot.c. A function whose comment says nothing else takes and gives back the
// depot's lock.

#ifndef HEAP_DEPOT_H
#define HEAP_DEPOT_H

#include "heap/granule.h"
#include "heap/ledger.h"
#include "memory/extent.h"
#include "sync/lock.h"

struct front;

enum depot_thp { DEPOT_THP_NEVER, DEPOT_THP_AUTO, DEPOT_THP_ALWAYS };

#define DEPOT_DECAY_NEVER UINT64_MAX
#define DEPOT_ALONE       (UINT32_C(1) << 31)

// Set once, before other threads run.
struct depot_settings {
    uint64_t decay_ms; // how long free memory waits before it goes back to the OS
    enum depot_thp thp;
};

extern struct depot_settings depot_settings;

// slabs[c] == granules of class c that are cut                                                 (D1)
// large_count, large_bytes == large blocks, those in `returned` included                       (D2)
// orphan_count[c] == length of orphans[c]; a slab without an owner is in one depot's
// orphans[its class] or in `returned`, but on its way from one thread's hands to there         (D3)
// purge_ms != 0, where a free granule is dated                                                 (D4)
// dirty_bytes == bytes of free granules that have an age                                       (D5)
struct depot {
    struct lock lock;       // rank LOCK_POLICY
    uint32_t frozen;        // [atomic] forks under way: nobody changes what the lock guards. Or
                            // DEPOT_ALONE: its holder, interrupted, forks
    uint16_t number;        // 0, or the second one's era: see depot_fork.c
    bool open;              // [lock]
    uint64_t survivor;      // [lock] 0, or: all slabs but this owner's are nobody's,
    struct granule *spared; // [lock] and but for this one, which it was closing,
    bool common_lives;      // [lock] and the common front's, which it was taking from
    uint8_t tick;           // [lock] 1..255: now, in eighths of the decay
    uint64_t purge_ms;      // [lock] when to look again; 0: nothing is old enough ever
    struct extents extents; // [lock]
    struct pool ledgers[LEDGER_LINES + 1]; // [lock] by lines of either half
    struct pool front_pool;                // [lock]
    struct list orphans[SLAB_CLASSES];     // [lock] slabs whose thread has ended
    uint32_t orphan_count[SLAB_CLASSES];   // [lock to write, atomic]
    uint64_t slabs[SLAB_CLASSES];          // [lock]
    uint64_t large_count, large_bytes;     // [lock]
    uint64_t dirty_bytes;                  // [lock] of free granules that have an age
    uint64_t touched_peak;                 // [lock] of bytes that are used or dirty
    uint64_t purged_bytes;                 // [lock]
    uint64_t peak_bytes;                   // [lock] of extents.held_bytes
    struct pool_place visited;             // [lock] the front that growth has looked at last
    const void *twice;                     // [lock] a block that was released twice, to be told of
    size_t twice_bytes;                    // [lock] its size
    struct granule *returned;              // [atomic] granules that came while it was frozen
};

// A slab of the class, all free, owned by `self`. NULL: ENOMEM.
struct granule *depot_slab_open(unsigned class, uint64_t self);
void depot_slab_close(struct granule *slab); // it is empty; its inbox too

// The first granule of a large block, with usable bytes set. `align` is a power of two. NULL:
// ENOMEM.
struct granule *depot_large_open(uint64_t size, uint64_t align);
bool depot_large_close(struct granule *large); // false: it is closed, by another or before
// In place. false: it cannot.
bool depot_large_resize(struct granule *large, uint64_t size);
// Whether bytes of a block that was just opened may be anything but zero.
bool depot_large_dirty(const struct granule *large);

// Memory for a thread's front, `bytes` each time. NULL: ENOMEM.
struct front *depot_front_open(size_t bytes);
void depot_front_close(struct front *front);
// The open front of `self`, or NULL. false: a fork is under way, and it cannot be told.
bool depot_front_find(uint64_t self, struct front **front);

// An ending thread's slabs, a list by `ring`, wait for who needs one of their class. It is empty
// then.
void depot_orphans_put(struct list *slabs);
// One with a free block, owned by `self` now; or NULL.
struct granule *depot_orphan_get(unsigned class, uint64_t self);

// Memory that has been free long enough goes back to the OS; all that is free when `now`. Bytes.
uint64_t depot_purge(bool now);

// ---- for fork (depot_fork.c) -------------------------------------------------------------------

void depot_fork_init(void); // once, before the first fork
// Before a fork: nobody changes the depot until it is done. Waits for the holder of its lock, for
// nothing else; where this thread is the holder (in a signal handler that interrupted it), for
// nobody.
void depot_freeze(void);
void depot_thaw(void);       // after it, in the parent
void depot_thaw_child(void); // in the child: all threads but this one are gone

// The same, for who comes to the heap in the child before libc has called that (another's handler,
// registered earlier, may allocate). Called before any lock of the heap is waited for.
void depot_settle_slow(void);
#define depot_settle()                                                                             \
    (__builtin_expect(load_relaxed(&depots[0].frozen) != 0, 0) ? depot_settle_slow() : (void)0)

// ---- between the files of this room ------------------------------------------------------------

extern struct depot depots[2]; // the second serves while the first is frozen
// A granule that this thread is closing: who buries leaves it to it.
extern __thread struct granule *depot_hand;

struct depot *depot_lock(void);
void depot_unlock(struct depot *depot);
bool depot_lock_this(struct depot *depot); // false: it is frozen
// A fork is under way in a signal handler that has interrupted this thread while it held the first
// depot; or this is the child of such a one, and that thread has yet to go on and unlock.
extern __thread bool depot_interrupted;
void depot_thaw_late(void); // in such a child, when it has
// The lock held, nothing in `returned`: slabs of threads that a fork has left behind become
// orphans, large blocks that they were closing are returned.
void depot_bury(struct depot *depot);
// The lock held; the slab is empty, and nobody else has it in hand.
void depot_slab_end(struct depot *depot, struct granule *slab);
void depot_orphan_push(struct depot *depot, struct granule *slab);
void depot_orphans_end(struct depot *depot); // of those that are empty; the lock held
// No lock: a slab or large block that is closed waits until somebody comes by.
void depot_return(struct depot *depot, struct granule *granule);

#endif
