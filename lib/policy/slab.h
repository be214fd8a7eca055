// SPDX-License-Identifier: MIT
//
// slab.h - what the files of the slab policy share; the essay is in slab.c.

#ifndef POLICY_SLAB_H
#define POLICY_SLAB_H

#include "heap/front.h"
#include "memory/extent.h"
#include "policy/policy.h"

#define SLAB_GRANULE 1024 // of large blocks

// A descriptor's arena: what its record is.
enum slab_arena { SLAB_SMALL /* struct slab_run */, SLAB_LARGE /* struct extent */ };

struct slab_settings {
    uint64_t capacity, region;
};

// A slab of one space, and who is in its blocks. `owner` is the front that it belongs to, 0 where
// that is gone; the rest of the granule is the front's to use, the ledger stands behind the
// descriptors. A record is used again, for a slab of the same class, and never for anything else:
// a stranger may say late that there is mail.
//
// descriptor[i], where there is one, names the run and block i; a block in use has one        (S1)
// a block is free == its descriptor is CACHED or not there, when nobody is inside a call      (S2)
// orphan == it is in its space's orphans; then nobody owns it                                 (S3)
struct slab_run {
    struct granule granule; // `ring`: also in the depot's `spare`
    struct slab_space *own; // [depot's lock]
    uint64_t serial;        // [depot's lock] no other run ever had it; 0: it is gone
    struct list of_space;   // [depot's lock] in the space's runs
    bool orphan;            // [depot's lock]
    void *descriptor[];     // [depot's lock to write] struct descriptor
};

// Memory that slabs and large blocks are cut from.
// run_count == runs of all spaces == extents that are held                                    (S4)
struct slab_depot {
    struct lock lock; // rank LOCK_POLICY, number 1
    struct extents extents;
    struct descriptor_shelf shelf;
    struct list spaces;
    uint64_t run_count;
    uint64_t held_peak;
    uint32_t surplus; // [atomic] regions may go back to the OS
    uint64_t last_serial;
    struct pool records[SLAB_CLASSES];
    struct list spare[SLAB_CLASSES]; // of these records
    struct pool space_pool, front_pool;
};

struct slab_policy {
    struct slab_settings settings; // [ro]
    size_t mapped;                 // [ro]
    struct lock common;            // rank LOCK_POLICY, number 0: the common fronts'
    struct slab_depot depot;
};

// One thread's, or the common one of those that have none.
struct slab_front {
    struct front front; // its `self` is its address
    struct slab_space *own;
    struct list link; // [depot's lock] in its space's fronts
    int error;        // [own] why no slab could be had last
    mems_addr twice;  // [own] 0, or a block that was returned twice, to be reported
};

struct slab_space {
    uint32_t id;
    struct slab_policy *policy;
    struct list link;                  // [depot's lock] in its spaces
    struct list large;                 // [depot's lock] blocks that are extents of their own
    struct list runs;                  // [depot's lock]
    struct list fronts;                // [depot's lock]
    struct slab_front *common;         // [common lock to write, atomic] NULL: nobody has needed it
    struct list orphans[SLAB_CLASSES]; // [depot's lock]
    uint32_t orphan_count[SLAB_CLASSES]; // [depot's lock to write, atomic]
};

// Bytes of a slab behind its last block.
static inline uint64_t slab_tail(const struct slab_run *run)
{
    return GRANULE_BYTES % run->granule.size;
}

static inline char *slab_host(const struct slab_run *run, uint32_t slot)
{
    return extent_host(run->granule.extent) + (uint64_t)slot * run->granule.size;
}

// ---- slab_run.c: the depot's lock held, but where it says otherwise ----------------------------

void slab_depot_init(struct slab_depot *depot, const struct slab_settings *settings,
                     struct descriptor_table *table);
void slab_depot_fini(struct slab_depot *depot);
// A region. 0 or ENOMEM.
int slab_depot_grow(struct slab_depot *depot, uint64_t size, uint64_t align);
// Unlocks the depot after extents were given back.
void slab_depot_unlock(struct slab_policy *policy);
// Gives surplus regions back to the OS, if there are any. No lock is held. May wait for access
// sections, and does nothing inside one.
void slab_depot_trim(struct slab_policy *policy);
// An extent. `grow`: a region may be mapped; but not for a request that then fails for want of a
// descriptor, for a block of `block` bytes. 0, ENOSPC, ENOMEM.
int slab_depot_cut(struct slab_policy *policy, uint64_t size, uint64_t align, bool grow,
                   uint64_t block, struct extent **extent);

// What a space is to its fronts.
extern const struct front_source slab_source;

// Gives a slot of the run, which is the caller's, a descriptor, and some behind it. 0 or ENOMEM.
// Takes the depot's lock.
int slab_run_name(struct slab_policy *policy, struct slab_run *run, uint32_t slot);
// Takes it away, where its generations are used up. The slot is still the caller's. Takes the
// depot's lock.
void slab_run_unname(struct slab_policy *policy, struct slab_run *run, uint32_t slot);
// The run's memory becomes a hole.
void slab_run_end(struct slab_policy *policy, struct slab_run *run);
// The spare slabs of all fronts of all spaces become holes. Takes the depot's lock.
void slab_spares_end(struct slab_policy *policy);
// A run that was nobody's when a block of it had been returned: ends it if that was the last one.
// Takes the depot's lock. *twice: the address of a block that was returned twice, or 0.
void slab_run_look(struct slab_policy *policy, struct slab_run *run, mems_addr *twice);

// ---- slab_look.c -------------------------------------------------------------------------------

int slab_policy_walk(void *state, mems_visitor visit, void *arg);
int slab_policy_check(void *state, struct mems_violation *first);
int slab_policy_check_fronts(void *state, void *owned, struct mems_violation *first);
void slab_policy_totals(void *state, struct policy_totals *totals);

#endif
