// SPDX-License-Identifier: MIT
//
// vm_segment_share.c - segments in virtual memory that several spaces see.
//
// 1. States. A segment is alone (its owner's descriptor says where it is) until the first
//    mems_share. Then it is shared for the rest of its life: a *primary* descriptor that no address
//    names (its space is DESCRIPTOR_NOBODY) says where it is, and each user's own descriptor is a
//    LINK to it, with a limit and rights of its own. So one word is marked, published and swapped,
//    whoever looks. The last release ends the segment.
// 2. Turning the giver's descriptor into a link is one compare-and-swap of its word. The mover's
//    lock is held, so nobody is about to publish that word; an access may take a mark away
//    meanwhile, a release may end it.
// 3. A user's record is its link, marked by the lowest bit; the primary's is the segment.
// 4. Failure. Records and descriptors come first; the compare-and-swap that others see comes last.
// 5. On the map the oldest user stands for the memory, or for the place on swap; the others'
//    pieces are absent.

#include <errno.h>

#include "policy/owned.h"
#include "policy/vm_segment.h"

// What a share needs before anything is changed.
struct parts {
    struct vm_segment_link *giver, *taker;
    struct grant primary, grant; // grant: the taker's
};

static void parts_drop(struct vm_segments *segments, const struct parts *parts)
{
    if (parts->giver != NULL) {
        pool_give(&segments->links_pool, parts->giver);
    }
    if (parts->taker != NULL) {
        pool_give(&segments->links_pool, parts->taker);
    }
    if (parts->primary.descriptor != NULL) {
        descriptor_give(&segments->shelf, parts->primary.descriptor);
    }
    if (parts->grant.descriptor != NULL) {
        descriptor_give(&segments->shelf, parts->grant.descriptor);
    }
}

// `first`: the segment is alone, so the giver needs a link and the segment a primary.
static int parts_take(struct vm_segments *segments, uint64_t size, bool first, struct parts *parts)
{
    *parts = (struct parts){.taker = pool_take(&segments->links_pool)};
    bool there =
        parts->taker != NULL && descriptor_take(&segments->shelf, size, NULL, &parts->grant) == 0;
    if (there && first) {
        parts->giver = pool_take(&segments->links_pool);
        there = parts->giver != NULL &&
                descriptor_take(&segments->shelf, size, NULL, &parts->primary) == 0;
    }
    if (!there) {
        parts_drop(segments, parts);
    }
    return there ? 0 : ENOMEM;
}

static uint64_t link_word(const struct descriptor *primary, uint32_t generation)
{
    return descriptor_word(DESCRIPTOR_LINK, generation, (uint64_t)(uintptr_t)primary >> 4);
}

// A further user; its descriptor's record says so from now on.
static void join(struct vm_segments *segments, struct vm_segment *segment,
                 struct vm_segment_space *space, struct vm_segment_link *link,
                 struct descriptor *descriptor)
{
    *link = (struct vm_segment_link){.segment = segment, .descriptor = descriptor};
    descriptor->record = vm_segment_tag(link);
    list_push_back(&segments->links, &link->all);
    list_push_back(&space->links, &link->owned);
    list_push_back(&segment->users, &link->users);
    if (segment->user_count++ > 0) {
        segments->shared_bytes += segment->size;
        segments->blocks++;
    }
}

// The giver's descriptor becomes a link; the primary says what it said. false: it has ended.
static bool turn(struct descriptor *giver, mems_addr addr, struct descriptor *primary)
{
    uint64_t word = load_acquire(&giver->word); // [A:place]
    uint32_t generation = descriptor_generation(load_relaxed(&primary->word));
    do {
        if (!descriptor_is_block(word, addr)) {
            return false;
        }
        enum descriptor_state state =
            descriptor_state(word) == DESCRIPTOR_SWAPPED ? DESCRIPTOR_SWAPPED : DESCRIPTOR_RESIDENT;
        store_release(&primary->word,
                      descriptor_word(state, generation,
                                      word & DESCRIPTOR_PLACE_MASK)); // [R:begin] [R:place]
    } while (!cas_release(&giver->word, &word, link_word(primary, descriptor_generation(addr))));
    return true; // [R:place]
}

// The first share of a segment. false: it has ended.
static bool divide(struct vm_segments *segments, struct vm_segment *segment,
                   struct vm_segment_space *own, mems_addr addr, const struct parts *parts)
{
    struct descriptor *giver = segment->descriptor, *primary = parts->primary.descriptor;
    primary->record = segment;
    store_release(&primary->limit, segment->size); // [R:limit]
    descriptor_own(primary, DESCRIPTOR_NOBODY, 0);
    if (!turn(giver, addr, primary)) {
        uint32_t generation = descriptor_generation(load_relaxed(&primary->word));
        store_relaxed(&primary->word, descriptor_word(DESCRIPTOR_CACHED, generation, 0));
        return false;
    }
    store_relaxed(&giver->class, DESCRIPTOR_UNCACHED);
    segment->descriptor = primary;
    if (segment->extent != NULL) {
        segment->extent->descriptor = primary;
    }
    list_remove(&segment->owned);
    join(segments, segment, own, parts->giver, giver);
    return true;
}

// Called with both locks held.
static int share_locked(struct vm_segments *segments, struct vm_segment_space *own,
                        struct descriptor *giver, mems_addr addr, struct vm_segment_space *with,
                        unsigned denied, mems_addr *shared)
{
    struct parts parts;
    uint64_t limit = load_acquire(&giver->limit); // [A:limit]
    if (!descriptor_is_block(load_acquire(&giver->word), addr) ||
        load_acquire(&giver->space) != own->id) {
        return ESTALE; // [A:begin] [A:limit]
    }
    struct vm_segment *segment = vm_segment_of(giver);
    bool first = segment->user_count == 0;
    int error = parts_take(segments, segment->size, first, &parts);
    if (error != 0) {
        return error;
    }
    if (first && !divide(segments, segment, own, addr, &parts)) {
        parts_drop(segments, &parts);
        return ESTALE;
    }
    struct descriptor *taker = parts.grant.descriptor;
    join(segments, segment, with, parts.taker, taker);
    store_release(&taker->limit, limit); // [R:limit]
    store_relaxed(&taker->thread, 0);
    descriptor_own(taker, with->id, 0);
    descriptor_deny(taker, denied);
    store_release(&taker->word, link_word(segment->descriptor,
                                          descriptor_generation(parts.grant.addr))); // [R:begin]
    *shared = parts.grant.addr;
    return 0;
}

int vm_segment_share(void *state, void *owned, struct descriptor *descriptor, mems_addr addr,
                     void *with, unsigned denied, mems_addr *shared)
{
    struct vm_segments *segments = state;
    lock_lock(&segments->compaction.lock);
    lock_lock(&segments->lock);
    int error = share_locked(segments, owned, descriptor, addr, with, denied, shared);
    lock_unlock(&segments->lock);
    lock_unlock(&segments->compaction.lock);
    return error;
}

bool vm_segment_unlink(struct vm_segments *segments, struct vm_segment_link *link)
{
    struct vm_segment *segment = link->segment;
    list_remove(&link->all);
    list_remove(&link->owned);
    list_remove(&link->users);
    descriptor_give(&segments->shelf, link->descriptor);
    pool_give(&segments->links_pool, link);
    if (--segment->user_count > 0) {
        segments->shared_bytes -= segment->size;
        segments->blocks--;
        return false;
    }
    struct policy_closed nobody_asks = {0};
    owned_end(segment->descriptor, &nobody_asks);
    return true;
}
