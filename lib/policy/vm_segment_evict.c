// SPDX-License-Identifier: MIT
//
// vm_segment_evict.c - segments leave memory and come back; the essay is in vm_segmentation.c.

#include <errno.h>
#include <string.h>

#include "memory/relocation.h"
#include "policy/vm_segment.h"
#include "sync/section.h"

// Segments on their way to swap: what one grace period is paid for.
struct eviction {
    size_t count, dropped;
    struct {
        struct vm_segment *segment;
        uint64_t moving; // its descriptor's word
        const char *host;
        uint64_t size;
        int error;
    } victims[RELOCATION_BATCH];
};

// ---- thrashing ---------------------------------------------------------------------------------

// A turnover is over when as many bytes have left as memory has.
static void turnover(struct vm_segments *segments)
{
    uint64_t left = segments->evicted_bytes - segments->turn_began;
    if (left >= segments->extents.held_bytes) {
        segments->counters.thrashing += segments->turn_returned > left / 2;
        segments->turn_began = segments->evicted_bytes;
        segments->turn_returned = 0;
    }
}

static void account_return(struct vm_segments *segments, struct vm_segment *segment)
{
    if (segment->slot != SWAP_NONE &&
        segments->evicted_bytes - segment->left <= segments->extents.held_bytes) {
        segments->turn_returned += segment->size;
    }
}

// ---- choosing ----------------------------------------------------------------------------------

// A segment that this batch may send away is one of: R = 0 (marked), in a magazine (dropped at
// once), or, without a second chance, any.

// A hole, or a place that this batch is about to leave.
static bool will_be_free(const struct extent *extent)
{
    if (extent->tag == EXTENT_HOLE) {
        return true;
    }
    const struct vm_segment *segment = extent->descriptor->record; // no mover has reserved any
    return segment->held;
}

// Whether the hole around a victim, once the batch has gone, has room for the request.
static bool makes_room(const struct vm_segment *victim, uint64_t size, uint64_t align)
{
    const struct extent *first = victim->extent, *last = victim->extent;
    while (first->previous != NULL && will_be_free(first->previous)) {
        first = first->previous;
    }
    while (last->next != NULL && will_be_free(last->next)) {
        last = last->next;
    }
    uint64_t hole = last->position + last->size - first->position;
    uint64_t gap = align <= 1 ? 0 : -(uint64_t)(uintptr_t)extent_host(first) & (align - 1);
    return gap <= hole && hole - gap >= size;
}

// Whether a segment that the replacement has chosen may go: it becomes, or is, marked. One that
// stays has had its reference bit cleared, where there is one.
static bool claim(const struct vm_segments *segments, struct vm_segment *segment, uint64_t *moving)
{
    uint64_t *word = &segment->descriptor->word, found = load_relaxed(word);
    *moving = descriptor_turned(found, DESCRIPTOR_MOVING);
    if (descriptor_state(found) == DESCRIPTOR_MOVING) {
        return true; // marked when it was looked at last, and not used since
    }
    return descriptor_state(found) == DESCRIPTOR_RESIDENT &&
           relocation_mark(word, found, *moving) && !segments->second_chance;
}

static void leave(struct vm_segments *segments, struct vm_segment *segment)
{
    vm_segment_frame_give(segments, segment);
    extents_give(&segments->extents, segment->extent);
    segment->extent = NULL;
    segments->absent_bytes += segment->size;
    tree_insert(&segments->absent, &segment->node);
}

// A segment in a magazine has nothing to lose but its place. Whether it has lost it.
static bool drop(struct vm_segments *segments, struct vm_segment *segment)
{
    uint64_t *word = &segment->descriptor->word, found = load_relaxed(word);
    uint32_t generation = descriptor_generation(found);
    if (descriptor_state(found) != DESCRIPTOR_CACHED ||
        !cas_acquire(word, &found, descriptor_word(DESCRIPTOR_CACHED, generation, 0))) {
        return false;
    } // [A:ended]
    leave(segments, segment);
    segments->counters.moves_tried++;
    segments->counters.evictions++;
    return true;
}

static void join(struct vm_segments *segments, struct eviction *eviction,
                 struct vm_segment *segment, uint64_t moving)
{
    segment->held = true;
    vm_segment_slots_take(segments, segment);
    eviction->victims[eviction->count].segment = segment;
    eviction->victims[eviction->count].moving = moving;
    eviction->victims[eviction->count].host = extent_host(segment->extent);
    eviction->victims[eviction->count].size = segment->size;
    eviction->count++;
}

// Takes victims until the request will find room, or the batch is full, or each segment had its
// turn (twice where there is a second chance).
static void choose(struct vm_segments *segments, uint64_t size, uint64_t align,
                   struct eviction *eviction)
{
    uint64_t turns = segments->frames.given - segments->frames.free_count;
    turns *= segments->second_chance ? 2 : 1;
    eviction->count = eviction->dropped = 0;
    for (; turns > 0 && eviction->count < RELOCATION_BATCH; turns--) {
        uint64_t moving;
        uint32_t frame = segments->replacement->victim(segments->frames.state, REPLACEMENT_ANY);
        if (frame == REPLACEMENT_NONE) {
            break;
        }
        struct vm_segment *segment = segments->frames.resident[frame];
        bool enough = makes_room(segment, size, align);
        if (claim(segments, segment, &moving)) {
            join(segments, eviction, segment, moving);
        } else if (drop(segments, segment)) {
            eviction->dropped++;
        } else {
            vm_segment_load(segments, segment);
            continue;
        }
        if (enough) {
            break;
        }
    }
}

// ---- leaving -----------------------------------------------------------------------------------

// Publishes that a victim is on swap, unless it was used, written in vain, or has ended.
static void settle(struct vm_segments *segments, struct vm_segment *segment, uint64_t moving,
                   int error)
{
    uint64_t swapped =
        descriptor_word(DESCRIPTOR_SWAPPED, descriptor_generation(moving), segment->slot);
    uint64_t *word = &segment->descriptor->word;
    segment->held = false;
    if (segment->ended) {
        segments->counters.moves_abandoned++;
        vm_segment_finish(segments, segment);
    } else if (error == 0 && relocation_publish(word, moving, swapped)) {
        leave(segments, segment); // [model:place]
        segments->counters.evictions++;
        segments->counters.write_backs++;
        segments->evicted_bytes += segment->size;
        segment->left = segments->evicted_bytes;
        turnover(segments);
    } else {
        relocation_cancel(word, moving, descriptor_turned(moving, DESCRIPTOR_RESIDENT));
        segments->counters.moves_abandoned++;
        vm_segment_slots_give(segments, segment);
        vm_segment_load(segments, segment);
    }
}

// One batch: chosen, waited for, written, published. Called with both locks held; drops and retakes
// `lock`. How many there were; *error of those that swap refused.
static size_t evict(struct vm_segments *segments, uint64_t size, uint64_t align, int *error)
{
    struct eviction eviction;
    choose(segments, size, align, &eviction);
    if (eviction.count == 0) {
        return eviction.dropped;
    }
    segments->counters.moves_tried += eviction.count;
    lock_unlock(&segments->lock);
    relocation_wait(); // [model:grace]
    for (size_t i = 0; i < eviction.count; i++) {
        eviction.victims[i].error =
            vm_segment_write(segments, eviction.victims[i].segment, eviction.victims[i].host,
                             eviction.victims[i].size);
    }
    lock_lock(&segments->lock);
    for (size_t i = 0; i < eviction.count; i++) {
        settle(segments, eviction.victims[i].segment, eviction.victims[i].moving,
               eviction.victims[i].error);
        *error = eviction.victims[i].error != 0 ? eviction.victims[i].error : *error;
    }
    return eviction.count + eviction.dropped;
}

int vm_segment_place(struct vm_segments *segments, uint64_t size, uint64_t align,
                     struct extent **block)
{
    uint64_t began = segments->evicted_bytes;
    unsigned barren = 0;
    int error;
    while ((error = extents_take(&segments->extents, size, align, block)) == ENOSPC) {
        int refused = 0;
        uint64_t evictions = segments->counters.evictions;
        if (evict(segments, size, align, &refused) == 0) {
            return EBUSY;
        }
        if (segments->counters.evictions == evictions) {
            if (refused != 0) {
                return refused;
            }
            if (++barren == VM_SEGMENT_ROUNDS) {
                return EBUSY;
            }
            continue;
        }
        barren = 0;
        if (segments->evicted_bytes - began > 4 * segments->extents.held_bytes) {
            return EBUSY; // others take every place as soon as it is there
        }
    }
    return error;
}

// ---- coming back -------------------------------------------------------------------------------

// Memory and a number for a segment on swap; from now on it counts as in memory. Called with both
// locks held; drops and retakes `lock`. On failure it is on swap as before, or has ended.
static int make_room(struct vm_segments *segments, struct vm_segment *segment)
{
    struct extent *place;
    int error = vm_segment_place(segments, segment->size, segment->align, &place);
    if (error != 0) {
        return error == EBUSY ? ENOMEM : error;
    }
    if (vm_segment_frame_take(segments, segment) != 0) {
        extents_give(&segments->extents, place);
        return ENOMEM;
    }
    place->descriptor = segment->descriptor;
    segment->extent = place;
    segments->absent_bytes -= segment->size;
    tree_remove(&segments->absent, &segment->node);
    return 0;
}

// Called with both locks held; drops and retakes `lock`. 0: it is in memory and nobody knows yet.
static int read_back(struct vm_segments *segments, struct vm_segment *segment)
{
    segment->held = true;
    int error = make_room(segments, segment);
    if (error == 0 && !segment->ended) {
        char *host = extent_host(segment->extent);
        lock_unlock(&segments->lock);
        if (segment->slot == SWAP_NONE) {
            memset(host, 0, segment->size);
        } else {
            error = vm_segment_read(segments, segment, host, segment->size);
        }
        lock_lock(&segments->lock);
    }
    segment->held = false;
    if (segment->ended) {
        vm_segment_finish(segments, segment);
        return ESTALE;
    }
    if (error != 0 && segment->extent != NULL) {
        leave(segments, segment);
    }
    return error;
}

// Called with both locks held. On success a section has begun.
static int bring(struct vm_segments *segments, struct vm_segment_space *own,
                 struct descriptor *descriptor, mems_addr addr)
{
    uint64_t word = load_acquire(&descriptor->word); // [A:begin]
    if (!descriptor_is_block(word, addr) || load_acquire(&descriptor->space) != own->id) {
        return ESTALE; // [A:limit]
    }
    struct vm_segment *segment = vm_segment_of(descriptor);
    struct descriptor *place = segment->descriptor; // this one, or the primary of a share
    word = load_acquire(&place->word);              // [A:place]
    if (descriptor_state(word) != DESCRIPTOR_SWAPPED) {
        section_begin(); // no batch is in flight; the next one waits for this section
        return 0;
    }
    int error = read_back(segments, segment);
    if (error != 0) {
        return error;
    }
    uint64_t host = (uint64_t)(uintptr_t)extent_host(segment->extent);
    section_begin(); // [model:fault]
    bool there = relocation_publish(
        &place->word, word,
        descriptor_word(DESCRIPTOR_RESIDENT, descriptor_generation(word), host >> 4));
    bool fresh = segment->slot == SWAP_NONE;
    account_return(segments, segment);
    vm_segment_slots_give(segments, segment);
    vm_segment_load(segments, segment);
    there = there && descriptor_is_block(load_acquire(&descriptor->word), addr); // [A:begin]
    if (!there) { // released; what its release gives back is a segment in memory
        section_end();
        return ESTALE;
    }
    segments->counters.faults++;
    segments->counters.zero_faults += fresh;
    store_relaxed(&own->faults, own->faults + 1);
    return 0;
}

int vm_segment_fault(void *state, void *owned, struct descriptor *descriptor, mems_addr addr,
                     enum mems_access mode)
{
    struct vm_segments *segments = state;
    (void)mode;
    section_begin(); // a thread's first section takes locks that come before ours
    section_end();
    lock_lock(&segments->compaction.lock); // [model:one mover]
    lock_lock(&segments->lock);
    int error = bring(segments, owned, descriptor, addr);
    lock_unlock(&segments->lock);
    lock_unlock(&segments->compaction.lock);
    return error;
}
