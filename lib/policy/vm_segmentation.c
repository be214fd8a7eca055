// SPDX-License-Identifier: MIT
//
// vm_segmentation.c - virtual memory by segments: a block is a segment, in memory whole or not at
// all.
//
// 1. Theory. Burroughs B5000 (1961): a program's segments are as large as what they hold, a
//    descriptor has a presence bit, and an access to one that is absent traps; memory management
//    finds a hole or makes one by sending other segments to the drum. The same idea with objects in
//    place of segments is today's far memory (AIFM, OSDI 2020). With paged=yes segments consist of
//    pages, as in Multics: vm_segment_paged.c.
// 2. Words. A segment *leaves* (is evicted) and *comes back* (a fault). A segment's *frame* is the
//    small number by which the replacement algorithm knows it while it is in memory
//    (policy/replacement/replacement.h); it says nothing about where the segment is.
// 3. States of a descriptor's word: CACHED -> RESIDENT (allocated) -> MOVING (marked) -> SWAPPED ->
//    RESIDENT somewhere else. A hit is the engine's in-line path and leaves no trace. But a hit on
//    a marked segment takes the mark away, so the mark itself is the reference bit, inverted:
//    RESIDENT is R = 1, MOVING is R = 0, and the hit that sets R is the slow one. Clearing R is
//    marking. So the hand of clock and second-chance passes a RESIDENT segment by marking it and
//    putting it behind the others, and takes one that is still MOVING when it comes round. R is 1
//    on load: the reference that faulted is a reference.
// 4. Which algorithms. Those that are true on that ground: fifo and random, which ask nothing of a
//    hit, and clock and second-chance. The others would need an order of hits (lru, arc, ..), their
//    number (s3fifo), a bit that is read without being moved (sieve, nru): refused.
// 5. Leaving (vm_segment_place). Victims are chosen and marked under the policy's lock until there
//    will be room for the request where they stood: exactly as many as one at a time would be. Then
//    one grace period for the batch, with only the mover's lock held; each is copied to a buffer
//    and written to its slots; then they are published MOVING -> SWAPPED under the policy's lock,
//    and the request takes its place before the lock is let go. An access that came in between has
//    cancelled: the segment stays, as one that was used. A mark may be older than the batch: what
//    counts is that the grace period begins after it, that only the holder of the mover's lock
//    marks, and that nothing is marked between the begin of a grace period and the publishing. A
//    segment in a magazine (CACHED) has no bytes to write: it only loses its place, at once, and is
//    SWAPPED without slots when it is allocated again (policy_site.drops).
// 6. Held. While the mover works on a segment without the policy's lock, the segment is `held`: a
//    release then only says `ended`, and the mover finishes it. A resize takes the mark away.
// 7. Swap is reserved, as 4.3BSD did it: an allocation succeeds only if swap has slots for all
//    segments there are. So a fault never fails for want of swap, whatever is in memory; what is
//    allocated is at most `swap`, and memory is what of it is in use. Slots are picked when a
//    segment leaves and given back when it has come back.
// 8. Locking. Mover (one eviction or fault at a time), then the policy's lock. Take evicts only
//    outside an access section: inside one a grace period would wait for itself.
// 9. Failure. EIO: a segment that cannot be written stays in memory, one that cannot be read stays
//    on swap. Progress: VM_SEGMENT_ROUNDS batches in a row without one victim that was left alone,
//    and the request is refused.
// 10. Thrashing. A turnover is the time in which as many bytes leave as memory has. Where more than
//    half of them had been away for less than a turnover when they came back, the segments in use
//    are more than memory holds: counted once a turnover.
// 11. Compaction is segmentation's (policy/compaction.c, memory/extent_move.c), with the same lock
//    of the mover: on demand, before an eviction from `compact_after` on, in the background. A
//    segment that has been moved counts as used.
// 12. Sharing: vm_segment_share.c. A LINK is not marked; the segment's own descriptor is.
// 13. If you change this: tests/property/test_vm_segmentation.c has a model of every step for one
//    thread; tests/concurrency/test_vm_segmentation.c holds stamps against 3, 5 and 6.

#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "memory/relocation.h"
#include "os/os.h"
#include "policy/owned.h"
#include "policy/vm_segment.h"
#include "sync/section.h"

// ---- opening -----------------------------------------------------------------------------------

static bool before_by_key(const struct tree_node *a, const struct tree_node *b)
{
    return container_of(a, struct vm_segment, node)->key <
           container_of(b, struct vm_segment, node)->key;
}

static void segments_close(void *state)
{
    struct vm_segments *segments = state;
    compaction_fini(&segments->compaction);
    vm_segment_swap_close(segments);
    vm_segment_frames_close(segments);
    extents_fini(&segments->extents);
    pool_fini(&segments->records);
    pool_fini(&segments->spaces);
    pool_fini(&segments->links_pool);
    os_unmap(segments, segments->mapped);
}

static void arena_at(void *state, size_t index, struct compaction_arena *arena)
{
    struct vm_segments *segments = state;
    (void)index;
    arena->lock = &segments->lock;
    arena->extents = &segments->extents;
}

static void segment_moved(struct descriptor *descriptor, struct extent *place)
{
    ((struct vm_segment *)descriptor->record)->extent = place;
}

static int segments_init(struct vm_segments *segments, struct descriptor_table *table)
{
    const struct vm_segment_settings *settings = &segments->settings;
    struct extents_settings set = {.fit = (enum extent_fit)settings->fit,
                                   .granule = settings->granule};
    compaction_init(&segments->compaction, &settings->compaction, arena_at, segments, 1,
                    &segments->regions);
    lock_init(&segments->lock, LOCK_POLICY, "segments", 0);
    lock_init(&segments->spaces_lock, LOCK_POOL, "segments.spaces", 0);
    descriptor_shelf_init(&segments->shelf, table);
    pool_init(&segments->records, sizeof(struct vm_segment));
    pool_init(&segments->spaces, sizeof(struct vm_segment_space));
    pool_init(&segments->links_pool, sizeof(struct vm_segment_link));
    list_init(&segments->links);
    tree_init(&segments->absent, before_by_key, NULL);
    extents_sizes(settings->granule, segments->class_sizes, VM_SEGMENT_CLASSES);
    int error = extents_init(&segments->extents, &set);
    segments->extents.moved = segment_moved;
    return error;
}

static int segments_open(const void *settings, struct policy_site *site, void **state,
                         struct printer *complaint)
{
    struct vm_segment_settings own = *(const struct vm_segment_settings *)settings;
    uint32_t index = 0;
    if (vm_segment_validate(&own, &index, complaint) != 0) {
        return EINVAL;
    }
    if (own.paged) {
        return vm_segment_paged_open(&own, index, site, state, complaint);
    }
    uint64_t bytes = 0, capacity = 0;
    bits_round_up(sizeof(struct vm_segments), os_page_size(), &bytes);
    struct vm_segments *segments = os_map(bytes, 0);
    if (segments == NULL) {
        return ENOMEM;
    }
    segments->settings = own;
    segments->mapped = bytes;
    segments->replacement = replacement_at(index);
    segments->second_chance = segments->replacement->touch != REPLACEMENT_TOUCH_NONE;
    bits_round_up(own.capacity, os_page_size(), &capacity);
    int error = segments_init(segments, site->table);
    if (error == 0) {
        error = regions_map(&segments->regions, &segments->extents, capacity, 1);
    }
    if (error == 0) {
        error = vm_segment_swap_open(segments, complaint);
    }
    if (error == 0) {
        error = compaction_start(&segments->compaction, complaint);
    }
    if (error != 0) {
        segments_close(segments);
        return error;
    }
    site->moves = site->drops = true;
    *state = segments;
    return 0;
}

// ---- spaces ------------------------------------------------------------------------------------

static int segments_space_open(void *state, uint32_t space, void **owned)
{
    struct vm_segments *segments = state;
    lock_lock(&segments->spaces_lock);
    struct vm_segment_space *own = pool_take(&segments->spaces);
    lock_unlock(&segments->spaces_lock);
    if (own == NULL) {
        return ENOMEM;
    }
    *own = (struct vm_segment_space){.id = space};
    list_init(&own->owned);
    list_init(&own->links);
    *owned = own;
    return 0;
}

void vm_segment_finish(struct vm_segments *segments, struct vm_segment *segment)
{
    if (segment->extent != NULL) {
        vm_segment_frame_give(segments, segment);
        extents_give(&segments->extents, segment->extent);
    } else {
        tree_remove(&segments->absent, &segment->node);
        segments->absent_bytes -= segment->size;
    }
    vm_segment_slots_give(segments, segment);
    segments->reserved -= vm_segment_slots(segments, segment->size);
    segments->blocks--;
    descriptor_give(&segments->shelf, segment->descriptor);
    pool_give(&segments->records, segment);
}

// The segment's owner has nothing to do with it any more.
static void segment_end(struct vm_segments *segments, struct vm_segment *segment)
{
    list_remove(&segment->owned);
    if (segment->held) {
        segment->ended = true;
        return;
    }
    if (segment->extent != NULL) {
        segments->replacement->forget(segments->frames.state, segment->frame);
    }
    vm_segment_finish(segments, segment);
}

static void segments_space_close(void *state, void *owned, struct policy_closed *closed)
{
    struct vm_segments *segments = state;
    struct vm_segment_space *own = owned;
    lock_lock(&segments->lock);
    while (!list_empty(&own->owned)) {
        struct vm_segment *segment = container_of(own->owned.next, struct vm_segment, owned);
        owned_end(segment->descriptor, closed);
        segment_end(segments, segment);
    }
    while (!list_empty(&own->links)) {
        struct vm_segment_link *link = container_of(own->links.next, struct vm_segment_link, owned);
        struct vm_segment *segment = link->segment;
        owned_end(link->descriptor, closed);
        if (vm_segment_unlink(segments, link)) {
            segment_end(segments, segment);
        }
    }
    lock_unlock(&segments->lock);
    lock_lock(&segments->spaces_lock);
    pool_give(&segments->spaces, own);
    lock_unlock(&segments->spaces_lock);
}

static void segments_space_stats(void *owned, struct mems_space_stats *stats)
{
    const struct vm_segment_space *own = owned;
    stats->faults += load_relaxed(&own->faults);
}

// ---- take and give -----------------------------------------------------------------------------

// What to take, and whether others may be sent away for it.
struct wish {
    struct vm_segment_space *own;
    uint64_t size, align;
    bool evict; // the mover's lock is held
};

// The record, which has its slots reserved, gets memory, a number and a descriptor.
static int segment_make(struct vm_segments *segments, const struct wish *wish,
                        struct vm_segment *segment, struct grant *grant)
{
    struct extent *place;
    uint64_t rover = segments->extents.rover;
    int error = wish->evict ? vm_segment_place(segments, wish->size, wish->align, &place)
                            : extents_take(&segments->extents, wish->size, wish->align, &place);
    if (error != 0) {
        return error;
    }
    error = vm_segment_frame_take(segments, segment);
    if (error == 0) {
        error = descriptor_take(&segments->shelf, wish->size, extent_host(place), grant);
        if (error != 0) {
            vm_segment_frame_give(segments, segment);
        }
    }
    if (error != 0) {
        extents_give(&segments->extents, place);
        segments->extents.rover = rover;
        return error;
    }
    place->descriptor = segment->descriptor = grant->descriptor;
    segment->extent = place;
    grant->descriptor->record = segment;
    descriptor_own(grant->descriptor, wish->own->id, 0);
    return 0;
}

// One segment. Called with the lock held, which it may drop and retake where it evicts.
static int take_one(struct vm_segments *segments, const struct wish *wish, struct grant *grant)
{
    uint64_t slots = vm_segment_slots(segments, wish->size);
    if (slots > segments->slots - segments->reserved - segments->pending) {
        return ENOSPC;
    }
    struct vm_segment *segment = pool_take(&segments->records);
    if (segment == NULL) {
        return ENOMEM;
    }
    *segment = (struct vm_segment){
        .key = ++segments->last_key, .size = wish->size, .align = wish->align, .slot = SWAP_NONE};
    list_init(&segment->users);
    segments->pending += slots;
    int error = segment_make(segments, wish, segment, grant);
    segments->pending -= slots;
    if (error != 0) {
        pool_give(&segments->records, segment);
        return error;
    }
    segments->reserved += slots;
    segments->blocks++;
    list_push_front(&wish->own->owned, &segment->owned);
    vm_segment_load(segments, segment);
    return 0;
}

// The size rounded up; false: no memory could hold it.
static bool segments_round(const struct vm_segments *segments, size_t size, uint64_t *rounded)
{
    return bits_round_up(size, segments->settings.granule, rounded) && *rounded <= PTRDIFF_MAX;
}

// Marks are taken away, as if everything had been used: what is marked does not move.
static void unmark(struct vm_segments *segments)
{
    lock_lock(&segments->lock);
    for (uint32_t i = 0; i < segments->frames.given; i++) {
        const struct vm_segment *segment = segments->frames.resident[i];
        if (segment != NULL && !segment->held) {
            extent_hold(segment->descriptor);
        }
    }
    lock_unlock(&segments->lock);
}

static int segments_compact(void *state, struct mems_compaction *done)
{
    struct vm_segments *segments = state;
    unmark(segments);
    return compaction_run(&segments->compaction, done);
}

// Moves segments together for the request where that may help. Whether it did anything.
static bool compact_for(struct vm_segments *segments, uint64_t size)
{
    if (segments->settings.compaction.after == 0 || section_inside()) {
        return false;
    }
    unmark(segments);
    return compaction_for(&segments->compaction, size);
}

// What is there, without sending others away.
static size_t take_some(struct vm_segments *segments, const struct wish *wish, struct grant *grants,
                        size_t count, int *error)
{
    size_t taken = 0;
    lock_lock(&segments->lock);
    do {
        *error = take_one(segments, wish, &grants[taken]);
        taken += *error == 0;
    } while (*error == 0 && taken < count);
    lock_unlock(&segments->lock);
    return taken;
}

// Only a first segment is worth an eviction.
static size_t take_evicting(struct vm_segments *segments, const struct wish *wish,
                            struct grant *grant, int *error)
{
    lock_lock(&segments->compaction.lock);
    lock_lock(&segments->lock);
    *error = take_one(segments, wish, grant);
    lock_unlock(&segments->lock);
    lock_unlock(&segments->compaction.lock);
    *error = *error == EBUSY ? ENOSPC : *error;
    return *error == 0;
}

static size_t segments_take(void *state, void *owned, size_t size, size_t align,
                            struct grant *grants, size_t count, int *error)
{
    struct vm_segments *segments = state;
    struct wish wish = {.own = owned, .align = align};
    if (!segments_round(segments, size, &wish.size)) {
        *error = ENOMEM;
        return 0;
    }
    size_t taken = take_some(segments, &wish, grants, count, error);
    bool may = *error == ENOSPC && wish.size <= segments->extents.held_bytes;
    if (taken == 0 && may && compact_for(segments, wish.size)) {
        taken = take_some(segments, &wish, grants, count, error);
    }
    if (taken == 0 && may && *error == ENOSPC && !section_inside()) {
        wish.evict = true;
        taken = take_evicting(segments, &wish, grants, error);
    }
    return taken;
}

// A user's descriptor comes back. false: it has done so before. Called with the lock held.
static bool descriptor_end(struct vm_segments *segments, const struct descriptor *descriptor)
{
    struct vm_segment_link *link = vm_segment_link_of(descriptor);
    struct vm_segment *segment = vm_segment_of(descriptor);
    if (link == NULL && segment->ended) {
        return false;
    }
    if (link == NULL || vm_segment_unlink(segments, link)) {
        segment_end(segments, segment);
    }
    return true;
}

static void segments_give(void *state, const struct grant *grants, size_t count)
{
    struct vm_segments *segments = state;
    uint64_t bad[POLICY_BATCH];
    size_t bad_count = 0;
    lock_lock(&segments->lock);
    for (size_t i = 0; i < count; i++) {
        if (!owned_may_return(&grants[i]) || !descriptor_end(segments, grants[i].descriptor)) {
            bad[bad_count++] = grants[i].addr;
        }
    }
    lock_unlock(&segments->lock);
    owned_report(bad, bad_count);
}

// Called with the lock held.
static int resize_locked(struct vm_segments *segments, struct descriptor *descriptor, uint64_t size)
{
    uint64_t word = load_relaxed(&descriptor->word);
    if (!descriptor_is_allocated(descriptor_state(word)) ||
        descriptor_state(word) == DESCRIPTOR_SWAPPED) {
        return ENOMEM; // on swap: copied to another place, which brings it in
    }
    struct vm_segment *segment = vm_segment_of(descriptor);
    if (vm_segment_link_of(descriptor) != NULL) { // others rely on its size; the last may copy it
        return segment->user_count > 1 ? EBUSY : ENOMEM;
    }
    uint64_t before = vm_segment_slots(segments, segment->size),
             after = vm_segment_slots(segments, size);
    if (after > before &&
        after - before > segments->slots - segments->reserved - segments->pending) {
        return ENOMEM;
    }
    int error = extents_resize(&segments->extents, segment->extent, size);
    if (error == 0) {
        // A mover that has the segment in hand must not publish what it has copied.
        relocation_cancel(&descriptor->word, descriptor_turned(word, DESCRIPTOR_MOVING),
                          descriptor_turned(word, DESCRIPTOR_RESIDENT));
        segments->reserved += after - before;
        segment->size = size;
    }
    return error;
}

static int segments_resize(void *state, struct descriptor *descriptor, size_t size)
{
    struct vm_segments *segments = state;
    uint64_t rounded;
    // The address has room for offsets up to what its kind can say.
    uint64_t room = UINT64_C(1) << descriptor_offset_bits(descriptor_addr(descriptor));
    if (!segments_round(segments, size, &rounded) || rounded > room) {
        return ENOMEM;
    }
    lock_lock(&segments->lock);
    int error = resize_locked(segments, descriptor, rounded);
    lock_unlock(&segments->lock);
    return error;
}

static size_t segments_block_size(void *state, const struct descriptor *descriptor)
{
    (void)state;
    return vm_segment_of(descriptor)->size;
}

static size_t segments_measure(void *state, const struct descriptor *descriptor)
{
    struct vm_segments *segments = state;
    lock_lock(&segments->lock);
    bool taken = descriptor_state(load_relaxed(&descriptor->word)) != DESCRIPTOR_FREE;
    size_t size = taken ? vm_segment_of(descriptor)->size : 0;
    lock_unlock(&segments->lock);
    return size;
}

static const uint64_t *segments_classes(void *state, size_t *count)
{
    struct vm_segments *segments = state;
    bool any = segments->settings.granule == 16;
    *count = any ? 0 : VM_SEGMENT_CLASSES;
    return any ? NULL : segments->class_sizes;
}

// ---- the row -----------------------------------------------------------------------------------

const struct policy policy_vm_segmentation = {
    .name = "vm-segmentation",
    .help = "demand segments: whole segments go to swap and come back, placed by a fit",
    .options = vm_segment_options,
    .rights = true,
    .open = segments_open,
    .close = segments_close,
    .space_open = segments_space_open,
    .space_close = segments_space_close,
    .take = segments_take,
    .give = segments_give,
    .resize = segments_resize,
    .block_size = segments_block_size,
    .measure = segments_measure,
    .classes = segments_classes,
    .fault = vm_segment_fault,
    .share = vm_segment_share,
    .compact = segments_compact,
    .space_stats = segments_space_stats,
    .walk = vm_segment_walk,
    .check = vm_segment_check,
    .totals = vm_segment_totals,
    .lock_at = vm_segment_lock_at,
};
