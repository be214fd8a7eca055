// SPDX-License-Identifier: MIT
//
// check.c - holds the heap against the equations on its structs: G in granule.h and ledger.h, D in
// depot.h, F in front.h, H in memory/extent.h.
//
// What the program holds is not known here, so G1 is looked at from its other side: no slot may be
// free and returned at once, and what was returned is a slot.

#include "heap/check.h"

#include "heap/depot.h"
#include "os/os.h"

// ---- ledgers -----------------------------------------------------------------------------------

// The bits of a word that stand for slots below `slots`.
static uint64_t bits_below(uint32_t slots, unsigned word)
{
    uint32_t before = 64 * word, rest = slots > before ? slots - before : 0;
    return rest >= 64 ? UINT64_MAX : (UINT64_C(1) << rest) - 1;
}

static const char *ledger_check(const struct granule *slab)
{
    uint32_t part = GRANULE_BYTES % slab->size != 0; // a slot that is none
    for (unsigned word = 0; word < ledger_words(slab); word++) {
        uint64_t real = bits_below(slab->count, word);
        uint64_t none = bits_below(slab->count + part, word) & ~real;
        uint64_t free = load_relaxed(&slab->ledger->free[word]);
        uint64_t returned = load_relaxed(&ledger_returned(slab)[word]);
        if ((free & ~real) != none) {
            return "G2";
        }
        if ((returned & ~real) != 0 || (returned & free) != 0 ||
            (returned != 0 && !granule_has_mail(slab))) {
            return "G3";
        }
    }
    return NULL;
}

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
        return is_slab(record) ? ledger_check(record) : "G4";
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

// A child that has not buried yet has what threads that are gone had in their hands: what is said
// of that is not yet so.
static const char *depots_check(void)
{
    uint64_t ownerless = 0, waiting = 0;
    bool locked = lock_lock_unless(&depots[0].lock, &depots[0].frozen);
    lock_lock(&depots[1].lock);
    const char *broken = depot_check(&depots[0], &ownerless, &waiting);
    broken = broken != NULL ? broken : depot_check(&depots[1], &ownerless, &waiting);
    bool settled = depots[0].survivor == 0;
    lock_unlock(&depots[1].lock);
    if (locked) {
        lock_unlock(&depots[0].lock);
    }
    return broken == NULL && settled && ownerless != waiting ? "D3" : broken;
}

// ---- fronts ------------------------------------------------------------------------------------

static bool entries_right(const struct front *front, const struct front_bin *bin)
{
    const struct front_entry *first = &front->entry[bin->first];
    for (uint32_t i = bin->first; i <= bin->last; i++) {
        const struct front_entry *entry = &front->entry[i];
        if (entry->word != first->word || entry->base != first->base ||
            entry->size != first->size) {
            return false;
        }
    }
    const struct granule *slab = bin->current;
    if (slab == NULL) {
        return *first->word == 0;
    }
    uint64_t word = (uint64_t)(first->word - slab->ledger->free);
    return word < ledger_words(slab) && first->size == slab->size &&
           first->base == extent_host(slab->extent) + 64 * word * slab->size;
}

static bool left_right(const struct front_bin *bin, const struct granule *slab)
{
    uint32_t left = slab->ledger->left;
    uint32_t used = slab->count - ledger_count(slab, UINT32_MAX);
    uint32_t most = used + (used == 0);
    if (slab == bin->current) {
        return left != 0 && left <= (bin->lax ? LEDGER_FAR : most);
    }
    return left == most;
}

static bool fresh_right(const struct granule *slab)
{
    bool above = slab->size > FRONT_DIRECT;
    uint32_t fresh = slab->ledger->fresh, slot = above || fresh > slab->count ? fresh : 64 * fresh;
    if (above && fresh < slab->count && !slab->zeroed) {
        return false;
    }
    for (unsigned word = 0; word < ledger_words(slab); word++) {
        uint64_t behind = bits_below(slab->count, word) & ~bits_below(slot, word);
        if ((load_relaxed(&slab->ledger->free[word]) & behind) != behind) {
            return false;
        }
    }
    return true;
}

static bool is_kept(const struct front *front, const struct front_bin *bin)
{
    bool kept = false;
    for (unsigned i = 0; i < FRONT_KEPT; i++) {
        kept = kept || front->kept[i] == bin;
    }
    return kept;
}

// Nobody but the owner has it, and nothing in it is in use.
static bool spare_right(const struct front *front, const struct front_bin *bin, unsigned class)
{
    const struct granule *spare = load_relaxed(&bin->spare);
    return spare == NULL ||
           (spare != bin->current && spare->kind == GRANULE_SLAB && spare->class == class &&
            granule_owner(spare) == front->self && ledger_is_empty(spare) &&
            (load_relaxed(&front->lent) >> class & 1) != 0 && ledger_check(spare) == NULL);
}

static const char *bin_check(const struct front *front, unsigned class)
{
    const struct front_bin *bin = &front->bin[class];
    const struct granule *slab = bin->current;
    const struct granule *spare = load_relaxed(&bin->spare);
    for (uint32_t i = 0; i < bin->slabs; i++) {
        if (slab == NULL || slab->kind != GRANULE_SLAB || slab->class != class ||
            granule_owner(slab) != front->self || slab->ring.next->previous != &slab->ring ||
            slab == spare) {
            return "F1";
        }
        if (!left_right(bin, slab)) {
            return "F3";
        }
        if (!fresh_right(slab)) {
            return "F4";
        }
        slab = container_of(slab->ring.next, struct granule, ring);
    }
    if (slab != bin->current || (bin->slabs == 0) != (bin->current == NULL) ||
        !spare_right(front, bin, class)) {
        return "F1";
    }
    if (is_kept(front, bin) && !bin->lax) {
        return "F5";
    }
    return entries_right(front, bin) ? NULL : "F2";
}

const char *heap_check(const struct front *front)
{
    const char *broken = depots_check();
    for (unsigned class = 0; class < SLAB_CLASSES && front != NULL && broken == NULL; class ++) {
        broken = bin_check(front, class);
    }
    return broken;
}
