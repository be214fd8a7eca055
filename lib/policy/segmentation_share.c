// SPDX-License-Identifier: MIT
//
// segmentation_share.c - segments that several spaces see.
//
// 1. States of a segment: alone (its descriptor RESIDENT, its record the extent) -> shared at the
//    first mems_share (giver and taker LINK to a primary) -> gone at the last release. A segment
//    that one user is left of stays so: turning it back would race with the accesses that are
//    following the link. It is resized by a copy, which is not shared.
// 2. A late access may follow a link to a primary that has ended, even to one that serves another
//    segment by now. It then looks at its own descriptor again, and finds it ended
//    (engine/access.c); the primary's word is stored with release [R:begin] after that end, so who
//    saw the one sees the other.
// 3. Failure. Records and descriptors come first, four at most; the one change that others see is
//    the compare-and-swap of the giver's word, and it comes last.

#include <errno.h>

#include "policy/owned.h"
#include "policy/segmentation.h"

// A use by a descriptor that is about to be a LINK; not linked to anything yet. NULL: no memory.
static struct segment_link *link_make(struct segment_arena *arena, struct descriptor *descriptor)
{
    struct segment_link *link = pool_take(&arena->link_pool);
    if (link != NULL) {
        *link = (struct segment_link){.descriptor = descriptor};
        list_init(&link->arena);
        list_init(&link->owned);
        list_init(&link->users);
    }
    return link;
}

// Counts the use in; its descriptor's record says so from now on.
static void link_join(struct segment_arena *arena, struct segment_share *share,
                      struct segment_link *link, struct list *owned)
{
    link->share = share;
    link->descriptor->record = segment_tag(link);
    list_push_back(&arena->links, &link->arena);
    list_push_back(owned, &link->owned);
    list_push_back(&share->users, &link->users);
    share->user_count++;
    if (share->user_count > 1) {
        arena->absent_bytes += ((const struct extent *)share->primary->record)->size;
    }
}

// A share of the segment with a primary descriptor, which still is CACHED. NULL: no memory.
static struct segment_share *share_make(struct segment_arena *arena, unsigned number,
                                        const struct extent *block)
{
    struct grant grant;
    struct segment_share *share = pool_take(&arena->share_pool);
    if (share != NULL &&
        descriptor_take(&arena->shelf, block->size, extent_host(block), &grant) != 0) {
        pool_give(&arena->share_pool, share);
        share = NULL;
    }
    if (share != NULL) {
        *share = (struct segment_share){.primary = grant.descriptor};
        list_init(&share->segment);
        list_init(&share->users);
        store_release(&share->primary->limit, block->size); // [R:limit]
        descriptor_own(share->primary, DESCRIPTOR_NOBODY, number);
    }
    return share;
}

static void share_drop(struct segment_arena *arena, struct segment_share *share)
{
    descriptor_give(&arena->shelf, share->primary);
    pool_give(&arena->share_pool, share);
}

static uint64_t link_word(const struct descriptor *primary, uint32_t generation)
{
    return descriptor_word(DESCRIPTOR_LINK, generation, (uint64_t)(uintptr_t)primary >> 4);
}

// Turns the giver's descriptor into a link: from here on the primary has the place. false: the
// block has been released.
static bool giver_turn(struct descriptor *giver, mems_addr addr, struct segment_share *share)
{
    struct descriptor *primary = share->primary;
    uint64_t word = load_relaxed(&giver->word);
    uint32_t generation = descriptor_generation(load_relaxed(&primary->word));
    do {
        if (!descriptor_is_block(word, addr)) {
            return false;
        }
        // Of a word that a mover has marked this is the old place, and its publish will fail.
        store_release(&primary->word,
                      descriptor_word(DESCRIPTOR_RESIDENT, generation,
                                      word & DESCRIPTOR_PLACE_MASK)); // [R:begin] [R:place]
    } while (!cas_release(&giver->word, &word, link_word(primary, descriptor_generation(addr))));
    return true; // [R:place]
}

// The segment's share, made if there is none. 0, ENOMEM, or ESTALE: it has been released.
static int share_of_giver(struct segment_arena *arena, struct segment_space *own,
                          struct descriptor *giver, mems_addr addr, struct segment_share **share)
{
    struct segment_link *link = segment_link_of(giver);
    if (link != NULL) {
        *share = link->share;
        return 0;
    }
    struct extent *block = giver->record;
    unsigned number = descriptor_arena(giver);
    link = link_make(arena, giver);
    *share = link != NULL ? share_make(arena, number, block) : NULL;
    if (*share == NULL) {
        if (link != NULL) {
            pool_give(&arena->link_pool, link);
        }
        return ENOMEM;
    }
    store_relaxed(&giver->class, DESCRIPTOR_UNCACHED);
    (*share)->primary->record = block;
    if (!giver_turn(giver, addr, *share)) {
        uint32_t generation = descriptor_generation(load_relaxed(&(*share)->primary->word));
        store_relaxed(&(*share)->primary->word, descriptor_word(DESCRIPTOR_CACHED, generation, 0));
        share_drop(arena, *share);
        pool_give(&arena->link_pool, link);
        return ESTALE;
    }
    block->descriptor = (*share)->primary;
    list_remove(&block->owned);
    list_push_back(&(*share)->segment, &block->owned);
    link_join(arena, *share, link, &own->arena[number].links);
    return 0;
}

// Called with the arena's lock held; the giver's descriptor is of that arena.
static int share_locked(struct segment_arena *arena, struct segment_space *own,
                        struct descriptor *giver, mems_addr addr, struct segment_space *with,
                        unsigned denied, mems_addr *shared)
{
    struct grant grant;
    struct segment_share *share = NULL;
    uint64_t word = load_relaxed(&giver->word), limit = load_relaxed(&giver->limit);
    unsigned number = descriptor_arena(giver);
    if (!descriptor_is_block(word, addr) || load_relaxed(&giver->space) != own->id) {
        return ESTALE;
    }
    uint64_t size = segment_extent_of(giver)->size;
    int error = descriptor_take(&arena->shelf, size, NULL, &grant);
    if (error != 0) {
        return error;
    }
    struct descriptor *taker = grant.descriptor;
    struct segment_link *link = link_make(arena, taker);
    error = link == NULL ? ENOMEM : share_of_giver(arena, own, giver, addr, &share);
    if (error != 0) {
        if (link != NULL) {
            pool_give(&arena->link_pool, link);
        }
        descriptor_give(&arena->shelf, taker);
        return error;
    }
    link_join(arena, share, link, &with->arena[number].links);
    store_release(&taker->limit, limit); // [R:limit]
    store_relaxed(&taker->thread, 0);
    descriptor_own(taker, with->id, number);
    descriptor_deny(taker, denied);
    store_release(&taker->word,
                  link_word(share->primary, descriptor_generation(grant.addr))); // [R:begin]
    *shared = grant.addr;
    return 0;
}

int segmentation_share(void *state, void *owned, struct descriptor *descriptor, mems_addr addr,
                       void *with, unsigned denied, mems_addr *shared)
{
    struct segmentation *segmentation = state;
    struct segment_arena *arena = &segmentation->arenas[descriptor_arena(descriptor)];
    lock_lock(&arena->lock);
    int error = &segmentation->arenas[descriptor_arena(descriptor)] != arena
                    ? ESTALE // another block's by now
                    : share_locked(arena, owned, descriptor, addr, with, denied, shared);
    lock_unlock(&arena->lock);
    return error;
}

void segmentation_unlink(struct segment_arena *arena, struct segment_link *link)
{
    struct segment_share *share = link->share;
    struct extent *block = share->primary->record;
    list_remove(&link->arena);
    list_remove(&link->owned);
    list_remove(&link->users);
    descriptor_give(&arena->shelf, link->descriptor);
    pool_give(&arena->link_pool, link);
    share->user_count--;
    if (share->user_count > 0) {
        arena->absent_bytes -= block->size;
        return;
    }
    struct policy_closed nobody_asks = {0};
    owned_end(share->primary, &nobody_asks);
    list_remove(&block->owned);
    extents_give(&arena->extents, block);
    share_drop(arena, share);
}
