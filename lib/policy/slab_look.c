// SPDX-License-Identifier: MIT
//
// slab_look.c - the slab policy's map, invariants and totals.
//
// The map is the depot's chain of extents, with a slab taken to pieces: its blocks, its free blocks
// (a hole each: nothing merges them) and what is left behind the last one. A slab's blocks may be
// looked at under its arena's lock, which comes before the depot's; so a walk that meets a slab
// notes it, drops the depot's lock, takes both, and goes on if the run is still the one it met. If
// it is not, the cursor is set to where the walk is, and what is there now is seen instead.

#include <errno.h>

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
    unsigned arena;
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

// Holes and large blocks, up to the next slab. The depot's lock is held.
static void walk_extents(struct walk *walk)
{
    while (walk->count < PIECES) {
        uint64_t from;
        struct extent *extent =
            extents_cursor_next(&walk->policy->depot.extents, &walk->cursor, &from);
        if (extent == NULL) {
            walk->done = true;
            return;
        }
        if (extent->tag == EXTENT_BLOCK && extent->held) {
            walk->run = extent->holder;
            walk->serial = walk->run->serial;
            walk->arena = walk->run->arena;
            walk->next = 0;
            walk->cursor.position = from; // nothing of it has been seen
            walk->cursor.next = extent;
            return;
        }
        describe_extent(extent, from, &walk->pieces[walk->count++]);
    }
}

// Block `index` of the run, or what is behind the last one.
static void describe_block(const struct slab_run *run, uint32_t index, struct mems_extent *piece)
{
    const struct extent *extent = run->extent;
    uint64_t at = (uint64_t)index * run->slab.size;
    *piece =
        (struct mems_extent){.piece = MEMS_PIECE_HOLE,
                             .page = MEMS_PAGE_NONE,
                             .region = extent->region->number,
                             .offset = extent->position - extent->region->start + at,
                             .size = index < run->slab.count ? run->slab.size : extent->size - at,
                             .host = run->slab.host + at};
    if (slab_is_used(&run->slab, index)) {
        owned_describe(run->descriptor[index], piece);
    }
}

// The arena's and the depot's lock are held.
static void walk_run(struct walk *walk)
{
    struct slab_run *run = walk->run;
    if (run->serial != walk->serial) {
        walk->run = NULL; // gone meanwhile: the cursor stands where the walk is
        return;
    }
    const struct slab *slab = &run->slab;
    uint32_t end = slab->count + ((uint64_t)slab->count * slab->size < run->extent->size);
    while (walk->count < PIECES && walk->next < end) {
        describe_block(run, walk->next++, &walk->pieces[walk->count++]);
    }
    uint64_t seen = walk->next == end ? run->extent->size : (uint64_t)walk->next * slab->size;
    walk->cursor.position = run->extent->position + seen;
    walk->cursor.next = run->extent;
    walk->run = walk->next == end ? NULL : run;
}

// The next pieces, or none and `done`.
static void walk_step(struct walk *walk)
{
    struct slab_depot *depot = &walk->policy->depot;
    walk->count = 0;
    while (walk->count == 0 && !walk->done) {
        struct slab_arena *arena = walk->run != NULL ? &walk->policy->arenas[walk->arena] : NULL;
        if (arena != NULL) {
            lock_lock(&arena->lock);
        }
        lock_lock(&depot->lock);
        if (arena != NULL) {
            walk_run(walk);
        } else {
            walk_extents(walk);
        }
        lock_unlock(&depot->lock);
        if (arena != NULL) {
            lock_unlock(&arena->lock);
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
    lock_unlock(&policy->depot.lock);
    do {
        walk_step(&walk);
        for (size_t i = 0; i < walk.count && stop == 0; i++) {
            stop = visit(&walk.pieces[i], arg);
        }
    } while (!walk.done && stop == 0);
    lock_lock(&policy->depot.lock);
    extents_cursor_end(&walk.cursor);
    lock_unlock(&policy->depot.lock);
    return stop;
}

// ---- checking ----------------------------------------------------------------------------------

static int violate(struct mems_violation *first, const char *invariant, const char *what,
                   uint64_t where, unsigned arena)
{
    struct printer printer;
    first->invariant = invariant;
    print_init(&printer, first->text, sizeof first->text);
    print_format(&printer, "%s: %#llx of arena %u", what, (unsigned long long)where, arena);
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
    for (uint32_t i = 0; i < run->slab.fresh; i++) {
        if (slab_is_used(&run->slab, i) &&
            !names_block(run->descriptor[i], run, slab_host(&run->slab, i), run->arena)) {
            return false;
        }
    }
    return true;
}

// The arena's lock is held.
static int run_check(const struct slab_run *run, unsigned arena, struct mems_violation *first)
{
    uint64_t where = (uint64_t)(uintptr_t)run->slab.host;
    const char *broken = slab_check(&run->slab);
    if (broken != NULL) {
        return violate(first, broken, "slab", where, arena);
    }
    if (!blocks_named(run)) {
        return violate(first, "S1", "a block's descriptor does not name it: slab", where, arena);
    }
    if ((run->slab.used == 0) == list_empty(&run->idle)) {
        return violate(first, "S2", "idle or not is not told by its use: slab", where, arena);
    }
    const struct list *next = run->of_bin.next;
    if (slab_full(&run->slab) && next != run->bin &&
        !slab_full(&container_of(next, struct slab_run, of_bin)->slab)) {
        return violate(first, "S3", "full, but not behind those that are not: slab", where, arena);
    }
    if (run->arena != arena || !run->extent->held || run->extent->holder != run ||
        extent_host(run->extent) != run->slab.host) {
        return violate(first, "S4", "its extent does not name it: slab", where, arena);
    }
    return 0;
}

static int arena_check(struct slab_arena *arena, unsigned number, struct mems_violation *first)
{
    uint64_t taken[SLAB_CLASSES] = {0}, runs[SLAB_CLASSES] = {0}, idle = 0;
    for (struct list *i = arena->runs.next; i != &arena->runs; i = i->next) {
        const struct slab_run *run = container_of(i, struct slab_run, of_arena);
        int error = run_check(run, number, first);
        if (error != 0) {
            return error;
        }
        taken[run->slab.class] += run->slab.used;
        runs[run->slab.class]++;
        idle += run->slab.used == 0;
    }
    for (unsigned class = 0; class < SLAB_CLASSES; class ++) {
        if (taken[class] != arena->taken[class] || runs[class] != arena->runs_of[class]) {
            return violate(first, "S4", "counters of class", class, number);
        }
    }
    return idle == arena->idle_count ? 0 : violate(first, "S2", "idle slabs", idle, number);
}

// The depot's lock is held.
static int depot_check(struct slab_policy *policy, struct mems_violation *first)
{
    struct slab_depot *depot = &policy->depot;
    unsigned number = (unsigned)policy->settings.arenas;
    const char *broken = extents_check(&depot->extents);
    struct extent_cursor cursor;
    struct extent *extent;
    uint64_t from, runs = 0;
    if (broken != NULL) {
        return violate(first, broken, "the depot's chain is broken, regions", 0, number);
    }
    bool named = true;
    extents_cursor_begin(&depot->extents, &cursor);
    while ((extent = extents_cursor_next(&depot->extents, &cursor, &from)) != NULL) {
        bool block = extent->tag == EXTENT_BLOCK;
        runs += block && extent->held;
        named &= !block || extent->held ||
                 names_block(extent->descriptor, extent, extent_host(extent), number);
    }
    extents_cursor_end(&cursor);
    if (!named) {
        return violate(first, "S1", "a large block's descriptor does not name it", 0, number);
    }
    return runs == depot->run_count ? 0 : violate(first, "S4", "slabs", runs, number);
}

int slab_policy_check(void *state, struct mems_violation *first)
{
    struct slab_policy *policy = state;
    int error = 0;
    for (unsigned i = 0; i < policy->settings.arenas && error == 0; i++) {
        lock_lock(&policy->arenas[i].lock);
        error = arena_check(&policy->arenas[i], i, first);
        lock_unlock(&policy->arenas[i].lock);
    }
    if (error == 0) {
        lock_lock(&policy->depot.lock);
        error = depot_check(policy, first);
        lock_unlock(&policy->depot.lock);
    }
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

static void arena_totals(const struct slab_policy *policy, const struct slab_arena *arena,
                         struct policy_totals *totals)
{
    for (unsigned class = 0; class < policy->class_count; class ++) {
        uint64_t runs = arena->runs_of[class];
        uint64_t blocks = runs * slab_capacity(class, policy->settings.slab);
        add_holes(totals, blocks - arena->taken[class], slab_class_size(class));
        add_holes(totals, runs, slab_tail(policy, class));
        totals->blocks += arena->taken[class];
    }
}

static void depot_totals(const struct slab_depot *depot, struct policy_totals *totals)
{
    extent_map_totals(&depot->extents, totals);
    totals->held_peak_bytes = depot->held_peak;
    totals->blocks -= depot->run_count; // a slab is a block of the extents'
    totals->metadata_bytes += depot->spaces.bytes;
    for (unsigned kind = 0; kind < SLAB_KINDS; kind++) {
        totals->metadata_bytes += depot->records[kind].bytes;
    }
}

void slab_policy_totals(void *state, struct policy_totals *totals)
{
    struct slab_policy *policy = state;
    *totals = (struct policy_totals){.metadata_bytes = policy->mapped};
    for (uint64_t i = 0; i < policy->settings.arenas; i++) {
        lock_lock(&policy->arenas[i].lock);
        arena_totals(policy, &policy->arenas[i], totals);
        lock_unlock(&policy->arenas[i].lock);
    }
    lock_lock(&policy->depot.lock);
    depot_totals(&policy->depot, totals);
    lock_unlock(&policy->depot.lock);
}
