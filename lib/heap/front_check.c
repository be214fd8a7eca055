// SPDX-License-Identifier: MIT
//
// front_check.c - holds fronts and the ledgers of their slabs against the equations on their
// structs: F in front.h, G2 and G3 in ledger.h.
//
// What the program holds is not known here, so G1 is looked at from its other side: no slot may be
// free and returned at once, and what was returned is a slot.

#include "heap/front.h"
#include "memory/extent.h"

// ---- ledgers -----------------------------------------------------------------------------------

// The bits of a word that stand for slots below `slots`.
static uint64_t bits_below(uint32_t slots, unsigned word)
{
    uint32_t before = 64 * word, rest = slots > before ? slots - before : 0;
    return rest >= 64 ? UINT64_MAX : (UINT64_C(1) << rest) - 1;
}

const char *front_check_ledger(const struct granule *slab)
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

// ---- fronts ------------------------------------------------------------------------------------

static bool entries_right(const struct front *front, const struct front_bin *bin)
{
    const struct front_entry *first = &front->entry[bin->first];
    for (uint32_t i = bin->first; i <= bin->last; i++) {
        const struct front_entry *entry = &front->entry[i];
        if (entry->word != first->word || entry->base != first->base ||
            entry->size != first->size || entry->tags != first->tags) {
            return false;
        }
    }
    const struct granule *slab = bin->current;
    if (slab == NULL) {
        return *first->word == 0;
    }
    uint64_t word = (uint64_t)(first->word - slab->ledger->free);
    return word < ledger_words(slab) && first->size == slab->size &&
           first->base == extent_host(slab->extent) + 64 * word * slab->size &&
           (const char *)first->tags == (const char *)slab + front->source->tags + 512 * word;
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

// Nobody but the owner has it, and nothing in it is in use.
static bool spare_right(const struct front *front, const struct front_bin *bin, unsigned class)
{
    const struct granule *spare = load_relaxed(&bin->spare);
    return spare == NULL ||
           (spare != bin->current && spare->kind == GRANULE_SLAB && spare->class == class &&
            granule_owner(spare) == front->self && ledger_is_empty(spare) &&
            (load_relaxed(&front->lent) >> class & 1) != 0 && front_check_ledger(spare) == NULL);
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
    if (front_keeps(front, bin) && !bin->lax) {
        return "F5";
    }
    return entries_right(front, bin) ? NULL : "F2";
}

const char *front_check(const struct front *front)
{
    const char *broken = NULL;
    for (unsigned class = 0; class < SLAB_CLASSES && broken == NULL; class ++) {
        broken = bin_check(front, class);
    }
    return broken;
}
