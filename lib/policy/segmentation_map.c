// SPDX-License-Identifier: MIT
//
// segmentation_map.c - looking at segments: the map, the invariants, the totals.
//
// 1. A shared segment's memory is one piece, its oldest user's; the further users' pieces, absent,
//    follow after the arena's memory. So blocks are counted once each, and memory once (S1, S2).
// 2. Places that a mover has reserved are holes to everyone who looks.
// 3. Walks through links keep a mark in the arena's list: it stays where it is while links come and
//    go around it.

#include <errno.h>

#include "policy/extent_map.h"
#include "policy/owned.h"
#include "policy/segmentation.h"

#define PIECES 64 // described at a time, under the lock

// ---- the map -----------------------------------------------------------------------------------

static void describe(const void *policy, const struct extent *extent, uint64_t from,
                     struct mems_extent *piece)
{
    (void)policy;
    (void)from;
    if (extent->tag == EXTENT_BLOCK && !extent_is_reserved(extent)) {
        const struct segment_share *share = segment_share_of(extent);
        owned_describe(share != NULL ? segment_first_user(share)->descriptor : extent->descriptor,
                       piece);
    }
}

// Hands out what was described, without the lock. Returns what the visitor did.
static int show(struct segment_arena *arena, const struct mems_extent *pieces, size_t count,
                mems_visitor visit, void *arg)
{
    int stop = 0;
    lock_unlock(&arena->lock);
    for (size_t i = 0; i < count && stop == 0; i++) {
        stop = visit(&pieces[i], arg);
    }
    lock_lock(&arena->lock);
    return stop;
}

// The further users of shared segments. Called with the arena's lock held; drops and retakes it.
static int walk_links(struct segment_arena *arena, unsigned number, mems_visitor visit, void *arg)
{
    struct mems_extent pieces[PIECES];
    struct segment_link mark = {.share = NULL};
    size_t count;
    int stop = 0;
    list_push_front(&arena->links, &mark.arena);
    do {
        for (count = 0; count < PIECES && mark.arena.next != &arena->links;) {
            struct list *next = mark.arena.next;
            const struct segment_link *link = container_of(next, struct segment_link, arena);
            list_remove(&mark.arena);
            list_insert_after(next, &mark.arena);
            if (link->share == NULL || segment_first_user(link->share) == link) {
                continue; // another walk's mark; or seen with the memory
            }
            const struct extent *block = link->share->primary->record;
            extent_map_piece(block, number, block->position, &pieces[count]);
            owned_describe(link->descriptor, &pieces[count]);
            pieces[count++].absent = true;
        }
        stop = show(arena, pieces, count, visit, arg);
    } while (count != 0 && stop == 0);
    list_remove(&mark.arena);
    return stop;
}

int segmentation_walk(void *state, mems_visitor visit, void *arg)
{
    struct segmentation *segmentation = state;
    int stop = 0;
    compaction_walk_begin(&segmentation->compaction);
    for (unsigned i = 0; i < segmentation->settings.arenas && stop == 0; i++) {
        struct segment_arena *arena = &segmentation->arenas[i];
        struct extent_map map = {&arena->lock, &arena->extents, i, describe, segmentation};
        stop = extent_map_walk(&map, visit, arg);
        if (stop == 0) {
            lock_lock(&arena->lock);
            stop = walk_links(arena, i, visit, arg);
            lock_unlock(&arena->lock);
        }
    }
    compaction_walk_end(&segmentation->compaction);
    return stop;
}

// ---- checking ----------------------------------------------------------------------------------

static int violate(struct mems_violation *first, const char *invariant, unsigned arena,
                   const char *what, uint64_t a, uint64_t b)
{
    struct printer printer;
    first->invariant = invariant;
    print_init(&printer, first->text, sizeof first->text);
    print_format(&printer, "arena %u: %s: %llu, %llu", arena, what, (unsigned long long)a,
                 (unsigned long long)b);
    return EUCLEAN;
}

// a segment's descriptor points back at it, is not FREE, belongs to the arena, and says where the
// segment is                                                                                  (SG1)
static int blocks_check(struct segment_arena *arena, unsigned number, struct mems_violation *first)
{
    struct extents *extents = &arena->extents;
    struct extent_cursor cursor;
    const struct extent *extent;
    uint64_t from;
    int error = 0;
    extents_cursor_begin(extents, &cursor);
    while (error == 0 && (extent = extents_cursor_next(extents, &cursor, &from)) != NULL) {
        if (extent->tag != EXTENT_BLOCK || extent_is_reserved(extent)) {
            continue;
        }
        const struct descriptor *descriptor = extent->descriptor;
        uint64_t word = load_relaxed(&descriptor->word);
        if (descriptor->record != extent || descriptor_state(word) == DESCRIPTOR_FREE ||
            descriptor_state(word) == DESCRIPTOR_LINK || descriptor_arena(descriptor) != number ||
            descriptor_host(word) != extent_host(extent)) {
            error = violate(first, "SG1", number, "the descriptor does not name the segment at",
                            extent->position, word);
        }
    }
    extents_cursor_end(&cursor);
    if (error == 0 && !extents_reserved_check(extents)) {
        error = violate(first, "H7", number, "counted as reserved by a mover; batches in flight",
                        extents->reserved_count, extents->pinned);
    }
    return error;
}

// Whether a link's descriptor is one, or on its way back.
static bool link_is_right(const struct segment_link *link, unsigned number)
{
    const struct descriptor *descriptor = link->descriptor, *primary = link->share->primary;
    uint64_t word = load_relaxed(&descriptor->word);
    bool linked = descriptor_state(word) == DESCRIPTOR_LINK;
    return segment_link_of(descriptor) == link && descriptor_arena(descriptor) == number &&
           (linked ? descriptor_linked(word) == primary
                   : descriptor_state(word) == DESCRIPTOR_CACHED) &&
           load_relaxed(&descriptor->class) == DESCRIPTOR_UNCACHED;
}

// a share's users are its links, as many as it counts, each LINK to its primary or CACHED; the
// primary is nobody's                                                                         (SG2)
// and SG3
static int links_check(struct segment_arena *arena, unsigned number, struct mems_violation *first)
{
    uint64_t absent = 0;
    for (struct list *i = arena->links.next; i != &arena->links; i = i->next) {
        const struct segment_link *link = container_of(i, struct segment_link, arena);
        const struct segment_share *share = link->share;
        if (share == NULL) {
            continue; // a walk's mark
        }
        const struct extent *block = share->primary->record;
        if (!link_is_right(link, number) || segment_share_of(block) != share) {
            return violate(first, "SG2", number, "a user of the shared segment at, its word",
                           block->position, load_relaxed(&link->descriptor->word));
        }
        if (segment_first_user(share) != link) {
            absent += block->size;
            continue;
        }
        uint64_t users = 0;
        for (const struct list *u = share->users.next; u != &share->users; u = u->next) {
            users++;
        }
        if (users != share->user_count) {
            return violate(first, "SG2", number, "users of a shared segment, and counted", users,
                           share->user_count);
        }
    }
    return absent == arena->absent_bytes
               ? 0
               : violate(first, "SG3", number, "absent bytes, and counted", absent,
                         arena->absent_bytes);
}

static int arena_check(struct segment_arena *arena, unsigned number, struct mems_violation *first)
{
    const char *broken = extents_check(&arena->extents);
    if (broken != NULL) {
        return violate(first, broken, number, "the chain is broken; regions, blocks",
                       arena->extents.region_count, arena->extents.block_count);
    }
    int error = blocks_check(arena, number, first);
    return error != 0 ? error : links_check(arena, number, first);
}

int segmentation_check(void *state, struct mems_violation *first)
{
    struct segmentation *segmentation = state;
    int error = 0;
    for (unsigned i = 0; i < segmentation->settings.arenas && error == 0; i++) {
        lock_lock(&segmentation->arenas[i].lock);
        error = arena_check(&segmentation->arenas[i], i, first);
        lock_unlock(&segmentation->arenas[i].lock);
    }
    return error;
}

// ---- totals ------------------------------------------------------------------------------------

void segmentation_totals(void *state, struct policy_totals *totals)
{
    struct segmentation *segmentation = state;
    *totals = (struct policy_totals){.metadata_bytes = segmentation->mapped};
    for (uint64_t i = 0; i < segmentation->settings.arenas; i++) {
        struct segment_arena *arena = &segmentation->arenas[i];
        lock_lock(&arena->lock);
        extent_map_totals(&arena->extents, totals);
        totals->absent_bytes += arena->absent_bytes;
        totals->metadata_bytes += arena->share_pool.bytes + arena->link_pool.bytes;
        lock_unlock(&arena->lock);
    }
    totals->held_peak_bytes = regions_peak(&segmentation->regions, totals->held_bytes);
    lock_lock(&segmentation->lock);
    totals->metadata_bytes += segmentation->spaces.bytes;
    lock_unlock(&segmentation->lock);
    compaction_totals(&segmentation->compaction, totals);
}
