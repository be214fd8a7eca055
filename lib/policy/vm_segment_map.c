// SPDX-License-Identifier: MIT
//
// vm_segment_map.c - the memory map of segments, their invariants, their counters.
//
// The map is memory in order of place, and then the segments on swap in order of their keys. The
// lock is dropped every few pieces. A segment that leaves or comes back meanwhile may be seen at
// both of its places, or at neither.

#include <errno.h>

#include "policy/extent_map.h"
#include "policy/owned.h"
#include "policy/vm_segment.h"

enum { PIECES = 64 }; // described before the lock is dropped

struct pieces {
    struct mems_extent piece[PIECES];
    size_t count;
};

static int pieces_visit(const struct pieces *pieces, mems_visitor visit, void *arg)
{
    int stop = 0;
    for (size_t i = 0; i < pieces->count && stop == 0; i++) {
        stop = visit(&pieces->piece[i], arg);
    }
    return stop;
}

static void describe(const void *policy, const struct extent *extent, uint64_t from,
                     struct mems_extent *piece)
{
    (void)policy;
    (void)from;
    if (extent->tag == EXTENT_BLOCK && !extent_is_reserved(extent)) {
        owned_describe(vm_segment_face(extent->descriptor->record), piece);
    }
}

static bool key_after(const struct tree_node *node, const void *key)
{
    return container_of(node, struct vm_segment, node)->key > *(const uint64_t *)key;
}

static int walk_absent(struct vm_segments *segments, mems_visitor visit, void *arg)
{
    struct pieces pieces;
    uint64_t seen = 0;
    int stop = 0;
    do {
        pieces.count = 0;
        lock_lock(&segments->lock);
        for (struct tree_node *node = tree_lower_bound(&segments->absent, key_after, &seen);
             node != NULL && pieces.count < PIECES; node = tree_next(node)) {
            const struct vm_segment *segment = container_of(node, struct vm_segment, node);
            struct mems_extent *piece = &pieces.piece[pieces.count++];
            *piece = (struct mems_extent){.absent = true, .size = segment->size};
            owned_describe(vm_segment_face(segment), piece);
            seen = segment->key;
        }
        lock_unlock(&segments->lock);
        stop = pieces_visit(&pieces, visit, arg);
    } while (pieces.count != 0 && stop == 0);
    return stop;
}

// The users of shared segments but the oldest of each. The walk's mark in the list stays where it
// is while links come and go around it.
static int walk_links(struct vm_segments *segments, mems_visitor visit, void *arg)
{
    struct pieces pieces;
    struct vm_segment_link mark = {.segment = NULL};
    int stop;
    lock_lock(&segments->lock);
    list_push_front(&segments->links, &mark.all);
    do {
        pieces.count = 0;
        while (pieces.count < PIECES && mark.all.next != &segments->links) {
            struct list *next = mark.all.next;
            const struct vm_segment_link *link = container_of(next, struct vm_segment_link, all);
            list_remove(&mark.all);
            list_insert_after(next, &mark.all);
            if (link->segment != NULL && vm_segment_face(link->segment) != link->descriptor) {
                struct mems_extent *piece = &pieces.piece[pieces.count++];
                *piece = (struct mems_extent){.absent = true, .size = link->segment->size};
                owned_describe(link->descriptor, piece);
            }
        }
        lock_unlock(&segments->lock);
        stop = pieces_visit(&pieces, visit, arg);
        lock_lock(&segments->lock);
    } while (pieces.count != 0 && stop == 0);
    list_remove(&mark.all);
    lock_unlock(&segments->lock);
    return stop;
}

int vm_segment_walk(void *state, mems_visitor visit, void *arg)
{
    struct vm_segments *segments = state;
    struct extent_map map = {&segments->lock, &segments->extents, 0, describe, segments};
    compaction_walk_begin(&segments->compaction);
    int stop = extent_map_walk(&map, visit, arg);
    if (stop == 0) {
        stop = walk_absent(segments, visit, arg);
    }
    if (stop == 0) {
        stop = walk_links(segments, visit, arg);
    }
    compaction_walk_end(&segments->compaction);
    return stop;
}

// ---- checking ----------------------------------------------------------------------------------

static int violate(struct mems_violation *first, const char *invariant, const char *what,
                   uint64_t number)
{
    struct printer printer;
    first->invariant = invariant;
    print_init(&printer, first->text, sizeof first->text);
    print_format(&printer, "%s: %llu", what, (unsigned long long)number);
    return EUCLEAN;
}

// What the segments add up to.
struct census {
    uint64_t blocks, slots_reserved, slots_held, absent_bytes, shared_bytes;
    uint64_t links, links_right;
};

static void count_segment(const struct vm_segments *segments, const struct vm_segment *segment,
                          struct census *census)
{
    census->blocks += segment->user_count == 0 ? 1 : segment->user_count;
    census->shared_bytes +=
        segment->user_count == 0 ? 0 : (segment->user_count - 1) * segment->size;
    for (const struct list *i = segment->users.next; i != &segment->users; i = i->next) {
        const struct vm_segment_link *link = container_of(i, struct vm_segment_link, users);
        census->links_right +=
            link->segment == segment && vm_segment_link_of(link->descriptor) == link;
    }
    census->links += segment->user_count;
    census->slots_reserved += vm_segment_slots(segments, segment->size);
    census->slots_held += vm_segment_slots_held(segments, segment);
}

// What is held is in the mover's hands, and its word may be any.
static int check_memory(struct vm_segments *segments, struct census *census,
                        struct mems_violation *first)
{
    struct extent_cursor cursor;
    const struct extent *extent;
    uint64_t from;
    int error = 0;
    extents_cursor_begin(&segments->extents, &cursor);
    while (error == 0 &&
           (extent = extents_cursor_next(&segments->extents, &cursor, &from)) != NULL) {
        if (extent->tag != EXTENT_BLOCK || extent_is_reserved(extent)) {
            continue;
        }
        const struct descriptor *descriptor = extent->descriptor;
        const struct vm_segment *segment = descriptor->record;
        uint64_t word = load_relaxed(&descriptor->word);
        enum descriptor_state state = descriptor_state(word);
        bool there = state == DESCRIPTOR_RESIDENT || state == DESCRIPTOR_MOVING;
        if (segment->extent != extent || segment->descriptor != descriptor ||
            segment->size != extent->size || state == DESCRIPTOR_FREE ||
            (!segment->held && state == DESCRIPTOR_SWAPPED) ||
            (there && descriptor_host(word) != extent_host(extent))) {
            error =
                violate(first, "VS1", "a segment is not what stands at position", extent->position);
        } else if (segment->frame >= segments->frames.given ||
                   segments->frames.resident[segment->frame] != segment) {
            error = violate(first, "VS2", "the replacement knows another segment as frame",
                            segment->frame);
        }
        count_segment(segments, segment, census);
    }
    extents_cursor_end(&cursor);
    return error;
}

static int check_absent(struct vm_segments *segments, struct census *census,
                        struct mems_violation *first)
{
    if (!tree_check(&segments->absent)) {
        return violate(first, "VS1", "the tree of absent segments is broken; segments",
                       segments->absent.count);
    }
    for (const struct tree_node *node = tree_first(&segments->absent); node != NULL;
         node = tree_next(node)) {
        const struct vm_segment *segment = container_of(node, struct vm_segment, node);
        enum descriptor_state state = descriptor_state(load_relaxed(&segment->descriptor->word));
        if (segment->extent != NULL || segment->descriptor->record != segment ||
            (state != DESCRIPTOR_SWAPPED && state != DESCRIPTOR_CACHED) ||
            (segment->slot != SWAP_NONE && vm_segment_slots_held(segments, segment) !=
                                               vm_segment_slots(segments, segment->size))) {
            return violate(first, "VS1", "a segment is not on swap as it should; its key",
                           segment->key);
        }
        census->absent_bytes += segment->size;
        count_segment(segments, segment, census);
    }
    return 0;
}

static int check_numbers(struct vm_segments *segments, const struct census *census,
                         struct mems_violation *first)
{
    const struct vm_segment_frames *frames = &segments->frames;
    uint64_t used = 0;
    for (uint32_t i = 0; i < frames->given; i++) {
        used += frames->resident[i] != NULL;
    }
    if (used + frames->free_count != frames->given) {
        return violate(first, "VS2", "frames in use and free do not add up to", frames->given);
    }
    if (census->slots_reserved != segments->reserved ||
        segments->reserved + segments->pending > segments->slots) {
        return violate(first, "VS3", "slots reserved", segments->reserved);
    }
    if (census->absent_bytes != segments->absent_bytes) {
        return violate(first, "VS4", "absent bytes", segments->absent_bytes);
    }
    if (census->slots_held != vm_segment_slots_used(segments)) {
        return violate(first, "VS4", "slots in use", vm_segment_slots_used(segments));
    }
    if (census->shared_bytes != segments->shared_bytes || census->links != census->links_right) {
        return violate(first, "VS5", "users of shared segments", census->links);
    }
    return census->blocks == segments->blocks ? 0
                                              : violate(first, "VS1", "blocks", segments->blocks);
}

static int check_locked(struct vm_segments *segments, struct mems_violation *first)
{
    struct census census = {0};
    const char *broken = extents_check(&segments->extents);
    if (broken == NULL && segments->frames.bytes != 0) {
        broken = segments->replacement->check(segments->frames.state);
    }
    if (broken == NULL) {
        broken = swap_check(&segments->swap);
    }
    if (broken != NULL) {
        return violate(first, broken,
                       "the chain of extents, the replacement or swap is broken; blocks",
                       segments->blocks);
    }
    int error = check_memory(segments, &census, first);
    if (error == 0) {
        error = check_absent(segments, &census, first);
    }
    return error != 0 ? error : check_numbers(segments, &census, first);
}

int vm_segment_check(void *state, struct mems_violation *first)
{
    struct vm_segments *segments = state;
    lock_lock(&segments->lock);
    int error = check_locked(segments, first);
    lock_unlock(&segments->lock);
    return error;
}

// ---- counting ----------------------------------------------------------------------------------

void vm_segment_totals(void *state, struct policy_totals *totals)
{
    struct vm_segments *segments = state;
    const struct vm_segment_counters *counters = &segments->counters;
    lock_lock(&segments->lock);
    *totals = (struct policy_totals){
        .metadata_bytes = segments->mapped + segments->records.bytes + segments->links_pool.bytes +
                          segments->frames.bytes + vm_segment_swap_metadata(segments),
        .absent_bytes = segments->absent_bytes + segments->shared_bytes,
        .moves_tried = counters->moves_tried,
        .moves_done = counters->evictions,
        .moves_abandoned = counters->moves_abandoned,
        .faults = counters->faults,
        .zero_faults = counters->zero_faults,
        .swap_faults = counters->faults - counters->zero_faults,
        .evictions = counters->evictions,
        .write_backs = counters->write_backs,
        .swap_bytes = vm_segment_slots_used(segments) * segments->slot_bytes,
        .swap_most_bytes = segments->slots * segments->slot_bytes,
        .thrashing = counters->thrashing,
    };
    extent_map_totals(&segments->extents, totals);
    totals->blocks = segments->blocks; // those on swap as well
    lock_unlock(&segments->lock);
    compaction_totals(&segments->compaction, totals);
    lock_lock(&segments->spaces_lock);
    totals->metadata_bytes += segments->spaces.bytes;
    lock_unlock(&segments->spaces_lock);
}

const struct lock *vm_segment_lock_at(void *state, size_t index)
{
    struct vm_segments *segments = state;
    const struct lock *const locks[] = {&segments->lock, &segments->compaction.lock,
                                        &segments->spaces_lock};
    return index < sizeof locks / sizeof locks[0] ? locks[index] : NULL;
}
