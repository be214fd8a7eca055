// SPDX-License-Identifier: MIT
//
// check.c - holds the heap against the equations on its structs: G in granule.h, D in depot.h,
// H in memory/extent.h; those of ledgers and fronts are in front_check.c.

#include "heap/check.h"

#include "heap/depot.h"
#include "os/os.h"

// ---- granules ----------------------------------------------------------------------------------

static bool is_slab(const struct granule *record)
{
    return record->size == slab_class_size(record->class) &&
           record->count == GRANULE_BYTES / record->size &&
           record->reciprocal == PLACE_RECIPROCAL(record->size) &&
           record->extent->size == GRANULE_BYTES;
}

static bool is_large(const struct granule *record)
{
    return granule_owner(record) == 0 && record->usable % os_page_size() == 0 &&
           record->usable <= record->extent->size &&
           record->extent->size - record->usable < GRANULE_BYTES;
}

static const char *granule_check(const struct granule *record)
{
    if (record->kind == GRANULE_SLAB) {
        return is_slab(record) ? front_check_ledger(record) : "G4";
    }
    bool large = record->kind == GRANULE_LARGE || record->kind == GRANULE_PAST_LARGE;
    return large && is_large(record) ? NULL : "G4";
}

// ---- depots ------------------------------------------------------------------------------------

// What the extents of a depot, and the lists of both, add up to.
struct census {
    uint64_t slabs[SLAB_CLASSES], large_count, large_bytes, gone; // gone: no longer the program's
    uint64_t ownerless, waiting;
    uint64_t dirty_bytes;
};

static const char *block_check(const struct depot *depot, const struct extent *extent,
                               struct census *census)
{
    const struct granule *record = granule_at(extent_host(extent));
    if (extent->holder != record || record->extent != extent || record->depot != depot->number) {
        return "G4";
    }
    const char *broken = granule_check(record);
    if (broken == NULL && record->kind == GRANULE_SLAB) {
        census->slabs[record->class]++;
        census->ownerless += granule_owner(record) == 0;
    } else if (broken == NULL) {
        census->large_count++;
        census->large_bytes += extent->size;
        census->gone += record->kind == GRANULE_PAST_LARGE;
    }
    return broken;
}

static void hole_count(const struct extent *hole, struct census *census)
{
    const char *host = extent_host(hole);
    for (uint64_t offset = 0; offset < hole->size; offset += GRANULE_BYTES) {
        census->dirty_bytes += *granule_age(host + offset) != 0 ? GRANULE_BYTES : 0;
    }
}

static const char *extent_walk(const struct depot *depot, struct census *census)
{
    const struct extents *extents = &depot->extents;
    const char *broken = NULL;
    for (const struct extent *i = extents_first(extents); i != NULL && broken == NULL;
         i = extents_next(extents, i)) {
        if (i->tag == EXTENT_HOLE) {
            hole_count(i, census);
        } else if (i->held) {
            broken = block_check(depot, i, census);
        }
    }
    return broken;
}

// A large block that is no longer the program's waits for its depot.
static const char *returned_check(const struct depot *depot, struct census *census)
{
    uint64_t large = 0;
    for (const struct granule *i = depot->returned; i != NULL;
         i = (const struct granule *)i->ring.next) {
        if (i->kind == GRANULE_SLAB && (granule_owner(i) != 0 || !ledger_is_empty(i))) {
            return "D3";
        }
        census->waiting += i->kind == GRANULE_SLAB;
        large += i->kind != GRANULE_SLAB;
    }
    return large == census->gone || depot->survivor != 0 ? NULL : "D2";
}

static const char *orphans_check(const struct depot *depot, struct census *census)
{
    for (unsigned class = 0; class < SLAB_CLASSES; class ++) {
        const struct list *orphans = &depot->orphans[class];
        uint64_t count = 0;
        for (const struct list *i = orphans->next; i != orphans; i = i->next) {
            const struct granule *slab = container_of(i, struct granule, ring);
            if (slab->kind != GRANULE_SLAB || slab->class != class || granule_owner(slab) != 0 ||
                slab->ring.next->previous != &slab->ring) {
                return "D3";
            }
            count++;
            census->waiting += depots[slab->depot != 0].number == slab->depot; // else a past era's
        }
        if (count != depot->orphan_count[class]) {
            return "D3";
        }
    }
    return NULL;
}

// Adds what it finds of slabs without an owner to `ownerless` and `waiting`: a slab may wait in the
// other depot.
static const char *depot_check(const struct depot *depot, uint64_t *ownerless, uint64_t *waiting)
{
    struct census census = {0};
    if (!depot->open) {
        return NULL;
    }
    const char *broken = extents_check(&depot->extents);
    broken = broken != NULL ? broken : extent_walk(depot, &census);
    broken = broken != NULL ? broken : returned_check(depot, &census);
    broken = broken != NULL ? broken : orphans_check(depot, &census);
    if (broken != NULL) {
        return broken;
    }
    for (unsigned class = 0; class < SLAB_CLASSES; class ++) {
        if (census.slabs[class] != depot->slabs[class]) {
            return "D1";
        }
    }
    if (census.large_count != depot->large_count || census.large_bytes != depot->large_bytes) {
        return "D2";
    }
    *ownerless += census.ownerless;
    *waiting += census.waiting;
    if (census.dirty_bytes != depot->dirty_bytes) {
        return "D5";
    }
    return census.dirty_bytes != 0 && depot->purge_ms == 0 ? "D4" : NULL;
}

// Under both locks, which keep spare slabs from being borrowed, also the front. A child that has
// not buried yet has what threads that are gone had in their hands: what is said of that is not yet
// so.
static const char *depots_check(const struct front *front)
{
    uint64_t ownerless = 0, waiting = 0;
    bool locked = lock_lock_unless(&depots[0].lock, &depots[0].frozen);
    lock_lock(&depots[1].lock);
    const char *broken = depot_check(&depots[0], &ownerless, &waiting);
    broken = broken != NULL ? broken : depot_check(&depots[1], &ownerless, &waiting);
    broken = broken == NULL && front != NULL ? front_check(front) : broken;
    bool settled = depots[0].survivor == 0;
    lock_unlock(&depots[1].lock);
    if (locked) {
        lock_unlock(&depots[0].lock);
    }
    return broken == NULL && settled && ownerless != waiting ? "D3" : broken;
}

const char *heap_check(const struct front *front)
{
    return depots_check(front);
}
