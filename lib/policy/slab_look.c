// SPDX-License-Identifier: MIT
//
// slab_look.c - the slab policy's map, invariants and totals.
//
// The map is the depot's chain of extents, with a slab taken to pieces: its blocks, its free blocks
// (a hole each: nothing merges them) and what is left behind the last one. Under the depot's lock
// no slab comes or goes; what is in its blocks changes all the same, and is right for each block at
// some moment. A block that is in the middle of a call is a cached one. A walk that has given the
// lock back within a slab goes on with it if the run is still the one it met. If it is not, the
// cursor is set to where the walk is, and what is there now is seen instead.

#include <errno.h>

#include "memory/slab.h"
#include "policy/extent_map.h"
#include "policy/owned.h"
#include "policy/slab.h"

#define PIECES 64

struct walk {
    struct slab_policy *policy;
    struct extent_cursor cursor;
    struct slab_run *run; // being walked, if its serial is the one below
    uint64_t serial;
    uint32_t next; // its block
    size_t count;
    bool done;
    struct mems_extent pieces[PIECES];
};

static void describe_extent(const struct extent *extent, uint64_t from, struct mems_extent *piece)
{
    extent_map_piece(extent, 0, from, piece);
    if (extent->tag == EXTENT_BLOCK) {
        owned_describe(extent->descriptor, piece);
    }
}

// Block `slot` of the run, or what is behind the last one.
static void describe_block(const struct slab_run *run, uint32_t slot, struct mems_extent *piece)
{
    const struct granule *slab = &run->granule;
    const struct extent *extent = slab->extent;
    uint64_t at = (uint64_t)slot * slab->size;
    *piece = (struct mems_extent){.piece = MEMS_PIECE_HOLE,
                                  .page = MEMS_PAGE_NONE,
                                  .region = extent->region->number,
                                  .offset = extent->position - extent->region->start + at,
                                  .size = slot < slab->count ? slab->size : extent->size - at,
                                  .host = extent_host(extent) + at};
    const struct descriptor *descriptor =
        slot < slab->count ? load_relaxed(&run->descriptor[slot]) : NULL;
    if (descriptor != NULL && !ledger_is_free(slab, slot)) {
        owned_describe(descriptor, piece);
    }
}

// Pieces that a run is shown in.
static uint32_t run_pieces(const struct slab_run *run)
{
    return run->granule.count + (slab_tail(run) != 0 ? 1u : 0);
}

// The depot's lock is held.
static void walk_run(struct walk *walk)
{
    struct slab_run *run = walk->run;
    if (run->serial != walk->serial) {
        walk->run = NULL; // gone meanwhile: the cursor stands where the walk is
        return;
    }
    const struct granule *slab = &run->granule;
    uint32_t end = run_pieces(run);
    while (walk->count < PIECES && walk->next < end) {
        describe_block(run, walk->next++, &walk->pieces[walk->count++]);
    }
    uint64_t seen = walk->next == end ? GRANULE_BYTES : (uint64_t)walk->next * slab->size;
    walk->cursor.position = slab->extent->position + seen;
    walk->cursor.next = slab->extent;
    walk->run = walk->next == end ? NULL : run;
}

// The first block that begins at the position or behind it.
static uint32_t first_block(const struct slab_run *run, uint64_t position)
{
    uint64_t seen = position - run->granule.extent->position, size = run->granule.size;
    uint64_t first = (seen + size - 1) / size, end = run_pieces(run);
    return (uint32_t)(first < end ? first : end);
}

// The next pieces, or none and `done`. The depot's lock is held.
static void walk_step(struct walk *walk)
{
    walk->count = 0;
    while (walk->count < PIECES && !walk->done) {
        uint64_t from;
        struct extent *extent;
        if (walk->run != NULL) {
            walk_run(walk);
            continue;
        }
        extent = extents_cursor_next(&walk->policy->depot.extents, &walk->cursor, &from);
        if (extent == NULL) {
            walk->done = true;
        } else if (extent->tag == EXTENT_BLOCK && extent->held) {
            walk->run = extent->holder;
            walk->serial = walk->run->serial;
            walk->next = first_block(walk->run, from);
            walk->cursor.position = from; // nothing of it has been seen
            walk->cursor.next = extent;
        } else {
            describe_extent(extent, from, &walk->pieces[walk->count++]);
        }
    }
}

int slab_policy_walk(void *state, mems_visitor visit, void *arg)
{
    struct slab_policy *policy = state;
    struct walk walk;
    walk.policy = policy;
    walk.run = NULL;
    walk.done = false;
    int stop = 0;
    lock_lock(&policy->depot.lock);
    extents_cursor_begin(&policy->depot.extents, &walk.cursor);
    do {
        walk_step(&walk);
        lock_unlock(&policy->depot.lock);
        for (size_t i = 0; i < walk.count && stop == 0; i++) {
            stop = visit(&walk.pieces[i], arg);
        }
        lock_lock(&policy->depot.lock);
    } while (!walk.done && stop == 0);
    extents_cursor_end(&walk.cursor);
    lock_unlock(&policy->depot.lock);
    return stop;
}

// ---- checking ----------------------------------------------------------------------------------

static int violate(struct mems_violation *first, const char *invariant, const char *what,
                   uint64_t where)
{
    struct printer printer;
    first->invariant = invariant;
    print_init(&printer, first->text, sizeof first->text);
    print_format(&printer, "%s: 0x%llx", what, (unsigned long long)where);
    return EUCLEAN;
}

// Whether a block's descriptor says that the block is there.                                   (S1)
static bool names_block(const struct descriptor *descriptor, const void *record, const char *host,
                        unsigned arena)
{
    uint64_t word = load_relaxed(&descriptor->word);
    return descriptor->record == record && descriptor_state(word) != DESCRIPTOR_FREE &&
           descriptor_host(word) == host && descriptor_arena(descriptor) == arena;
}

static bool blocks_named(const struct slab_run *run)
{
    for (uint32_t slot = 0; slot < run->granule.count; slot++) {
        const struct descriptor *descriptor = load_relaxed(&run->descriptor[slot]);
        if (descriptor != NULL && !names_block(descriptor, run, slab_host(run, slot), SLAB_SMALL)) {
            return false;
        }
    }
    return true;
}

static uint64_t host_of(const struct slab_run *run)
{
    return (uint64_t)(uintptr_t)slab_host(run, 0);
}

// The depot's lock is held.
static int space_check(const struct slab_space *own, uint64_t *runs, struct mems_violation *first)
{
    for (const struct list *i = own->runs.next; i != &own->runs; i = i->next) {
        const struct slab_run *run = container_of(i, struct slab_run, of_space);
        const struct extent *extent = run->granule.extent;
        if (run->own != own || run->serial == 0 || !extent->held || extent->holder != run ||
            extent->size != GRANULE_BYTES || host_of(run) % GRANULE_BYTES != 0) {
            return violate(first, "S4", "its extent does not name it: slab", host_of(run));
        }
        if (!blocks_named(run)) {
            return violate(first, "S1", "a block's descriptor does not name it: slab",
                           host_of(run));
        }
        if (run->orphan && granule_owner(&run->granule) != 0) {
            return violate(first, "S3", "an orphan has an owner: slab", host_of(run));
        }
        (*runs)++;
    }
    return 0;
}

// The depot's lock is held.
static int depot_check(struct slab_policy *policy, uint64_t of_spaces, struct mems_violation *first)
{
    struct slab_depot *depot = &policy->depot;
    const char *broken = extents_check(&depot->extents);
    uint64_t runs = 0;
    if (broken != NULL) {
        return violate(first, broken, "the depot's chain is broken, regions", 0);
    }
    bool named = true;
    for (const struct extent *i = extents_first(&depot->extents); i != NULL;
         i = extents_next(&depot->extents, i)) {
        bool block = i->tag == EXTENT_BLOCK;
        runs += block && i->held;
        named &= !block || i->held || names_block(i->descriptor, i, extent_host(i), SLAB_LARGE);
    }
    if (!named) {
        return violate(first, "S1", "a large block's descriptor does not name it", 0);
    }
    return runs == depot->run_count && runs == of_spaces ? 0 : violate(first, "S4", "slabs", runs);
}

int slab_policy_check(void *state, struct mems_violation *first)
{
    struct slab_policy *policy = state;
    uint64_t runs = 0;
    int error = 0;
    lock_lock(&policy->depot.lock);
    const struct list *spaces = &policy->depot.spaces;
    for (const struct list *i = spaces->next; i != spaces && error == 0; i = i->next) {
        error = space_check(container_of(i, struct slab_space, link), &runs, first);
    }
    if (error == 0) {
        error = depot_check(policy, runs, first);
    }
    lock_unlock(&policy->depot.lock);
    return error;
}

// Nobody is inside a call: what is free is free by both accounts.                              (S2)
static bool blocks_agree(const struct slab_run *run)
{
    for (uint32_t slot = 0; slot < run->granule.count; slot++) {
        const struct descriptor *descriptor = load_relaxed(&run->descriptor[slot]);
        bool rests = descriptor == NULL ||
                     descriptor_state(load_relaxed(&descriptor->word)) == DESCRIPTOR_CACHED;
        if (rests != ledger_is_free(&run->granule, slot)) {
            return false;
        }
    }
    return true;
}

static int run_check(const struct slab_run *run, struct mems_violation *first)
{
    const char *broken = front_check_ledger(&run->granule);
    if (broken != NULL) {
        return violate(first, broken, "slab", host_of(run));
    }
    if (!blocks_agree(run)) {
        return violate(first, "S2", "its ledger and its descriptors differ: slab", host_of(run));
    }
    bool nobody = granule_owner(&run->granule) == 0;
    return run->orphan == nobody ? 0 : violate(first, "S3", "nobody's: slab", host_of(run));
}

int slab_policy_check_fronts(void *state, void *owned, struct mems_violation *first)
{
    struct slab_policy *policy = state;
    const struct slab_space *own = owned;
    int error = 0;
    lock_lock(&policy->depot.lock);
    for (const struct list *i = own->fronts.next; i != &own->fronts && error == 0; i = i->next) {
        const struct slab_front *front = container_of(i, struct slab_front, link);
        const char *broken = front_check(&front->front);
        error = broken != NULL ? violate(first, broken, "a front of space", own->id) : 0;
    }
    for (const struct list *i = own->runs.next; i != &own->runs && error == 0; i = i->next) {
        error = run_check(container_of(i, struct slab_run, of_space), first);
    }
    lock_unlock(&policy->depot.lock);
    return error;
}

// ---- totals ------------------------------------------------------------------------------------

static void add_holes(struct policy_totals *totals, uint64_t count, uint64_t size)
{
    if (count != 0 && size != 0) {
        totals->holes += count;
        totals->free_bytes += count * size;
        totals->largest_hole = size > totals->largest_hole ? size : totals->largest_hole;
    }
}

// Blocks that are in use, each word of them at some moment.
static unsigned used_blocks(const struct granule *slab)
{
    unsigned free = 0;
    for (unsigned word = 0; word < ledger_words(slab); word++) {
        uint64_t bits = ledger_real(slab, word) | load_relaxed(&ledger_returned(slab)[word]);
        free += bits != 0 ? ledger_bits(bits) : 0;
    }
    return slab->count - free;
}

static void space_totals(const struct slab_space *own, struct policy_totals *totals)
{
    for (const struct list *i = own->runs.next; i != &own->runs; i = i->next) {
        const struct slab_run *run = container_of(i, struct slab_run, of_space);
        unsigned used = used_blocks(&run->granule);
        add_holes(totals, run->granule.count - used, run->granule.size);
        add_holes(totals, 1, slab_tail(run));
        totals->blocks += used;
    }
}

void slab_policy_totals(void *state, struct policy_totals *totals)
{
    struct slab_policy *policy = state;
    struct slab_depot *depot = &policy->depot;
    *totals = (struct policy_totals){.metadata_bytes = policy->mapped};
    lock_lock(&depot->lock);
    for (const struct list *i = depot->spaces.next; i != &depot->spaces; i = i->next) {
        space_totals(container_of(i, struct slab_space, link), totals);
    }
    extent_map_totals(&depot->extents, totals);
    totals->held_peak_bytes = depot->held_peak;
    totals->blocks -= depot->run_count; // a slab is a block of the extents'
    totals->metadata_bytes += depot->space_pool.bytes + depot->front_pool.bytes;
    for (unsigned class = 0; class < SLAB_CLASSES; class ++) {
        totals->metadata_bytes += depot->records[class].bytes;
    }
    lock_unlock(&depot->lock);
}
