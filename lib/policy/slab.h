// SPDX-License-Identifier: MIT
//
// slab.h - what the two files of the slab policy share; the essay is in slab.c.

#ifndef POLICY_SLAB_H
#define POLICY_SLAB_H

#include "memory/extent.h"
#include "memory/slab.h"
#include "policy/policy.h"

#define SLAB_ARENAS_MOST 32
#define SLAB_KINDS       20   // records of slabs with room for 1, 2, 4 .. 2^19 blocks
#define SLAB_GRANULE     1024 // of large blocks

#ifdef MEMS_HOSTILE
#define SLAB_IDLE_MOST 1 // empty slabs that an arena keeps
#else
#define SLAB_IDLE_MOST 8
#endif

_Static_assert(SLAB_ARENAS_MOST < DESCRIPTOR_ARENAS, "the depot has a number behind them");
_Static_assert(SLAB_MOST_BYTES / SLAB_STEP < 1 << SLAB_KINDS, "every slab has a kind");

struct slab_settings {
    uint64_t arenas, slab, capacity, region;
};

// A slab of one space and arena, and who is in its blocks.
// descriptor[i] is that of block i where block i is used                                      (S1)
// used == 0  ==  it is in the arena's `idle`                                                  (S2)
// in a bin, those without a free block come last                                              (S3)
struct slab_run {
    struct slab slab;
    struct list of_bin;    // in `bin`
    struct list of_arena;  // in the arena's `runs`
    struct list idle;      // empty: in the arena's `idle`, the longest empty first
    struct list *bin;      // its space's and class's
    struct extent *extent; // its memory
    uint64_t serial;       // [depot's lock] differs for each run there ever was; 0: it is gone
    uint8_t arena;         // number
    uint8_t kind;          // of this record
    struct descriptor *descriptor[];
};

// taken[c] == sum of `used` over its runs of class c; runs_of[c] == how many there are         (S4)
struct slab_arena {
    struct lock lock; // rank LOCK_POLICY, number: the arena's
    struct descriptor_shelf shelf;
    struct list runs; // [lock]
    struct list idle; // [lock]
    uint64_t idle_count;
    uint64_t taken[SLAB_CLASSES];
    uint64_t runs_of[SLAB_CLASSES];
} __attribute__((aligned(64)));

// Memory that slabs and large blocks are cut from. Taken after an arena's lock.
struct slab_depot {
    struct lock lock; // rank LOCK_POLICY, number: behind the arenas'
    struct extents extents;
    struct descriptor_shelf shelf; // of large blocks
    uint64_t run_count;
    uint64_t held_peak;
    uint32_t surplus; // [atomic] regions may go back to the OS
    uint64_t last_serial;
    struct pool records[SLAB_KINDS];
    struct pool spaces;
};

struct slab_policy {
    struct slab_settings settings;      // [ro]
    size_t mapped;                      // [ro]
    uint64_t largest;                   // [ro] block in a slab
    unsigned class_count;               // [ro]
    uint64_t class_sizes[SLAB_CLASSES]; // [ro]
    struct slab_depot depot;
    struct slab_arena arenas[];
};

struct slab_space {
    uint32_t id;
    struct list large;  // blocks from the depot, [depot's lock]
    struct list bins[]; // arena x class, [arena's lock]
};

// Bytes that the runs of a class leave behind their last block.
static inline uint64_t slab_tail(const struct slab_policy *policy, unsigned class)
{
    return policy->settings.slab % slab_class_size(class);
}

// ---- slab_run.c: an arena's lock held, but where it says otherwise -----------------------------

// A region for the depot, its lock held. 0 or ENOMEM.
int slab_depot_grow(struct slab_depot *depot, uint64_t size, uint64_t align);
// Unlocks the depot after extents were given back.
void slab_depot_unlock(struct slab_policy *policy);
// Gives surplus regions back to the OS, if there are any. No lock is held. May wait for access
// sections, and does nothing inside one.
void slab_depot_trim(struct slab_policy *policy);

// An extent. The depot's lock is held; an arena's need not be. `grow`: a region may be mapped; but
// not for a request that then fails for want of a descriptor, for a block of `block` bytes from
// `shelf`. 0, ENOSPC, ENOMEM.
int slab_depot_cut(struct slab_policy *policy, uint64_t size, uint64_t align, bool grow,
                   struct descriptor_shelf *shelf, uint64_t block, struct extent **extent);

// A new run at the front of the bin, empty and idle. Takes the depot's lock. 0, ENOSPC, ENOMEM.
int slab_run_open(struct slab_policy *policy, struct slab_arena *arena, struct list *bin,
                  unsigned class, bool grow, struct slab_run **run);
// An idle run's memory becomes a hole. Takes the depot's lock.
void slab_run_close(struct slab_policy *policy, struct slab_arena *arena, struct slab_run *run);

// The run's lowest free block; there is one. 0 or ENOMEM.
int slab_run_take(struct slab_arena *arena, struct slab_run *run, uint32_t space,
                  struct grant *grant);
// Block `index`, whose descriptor is CACHED, is free again. The run may be idle then.
void slab_run_give(struct slab_arena *arena, struct slab_run *run, uint32_t index);

// Closes the runs that have been idle longest, until `most` are left.
void slab_arena_trim(struct slab_policy *policy, struct slab_arena *arena, uint64_t most);
// Closes every arena's idle runs. false: there were none. No lock is held.
bool slab_trim_all(struct slab_policy *policy);

// ---- slab_look.c -------------------------------------------------------------------------------

int slab_policy_walk(void *state, mems_visitor visit, void *arg);
int slab_policy_check(void *state, struct mems_violation *first);
void slab_policy_totals(void *state, struct policy_totals *totals);

#endif
