// SPDX-License-Identifier: MIT
//
// extent_buddy.c - binary buddies: holes by order, halved on demand, merged by XOR.
//
// 1. Theory. Knowlton (CACM 1965); Knuth, TAOCP 1, 2.5. Sizes are powers of two, and the offset of
//    a block in its region is a multiple of its size. A request takes the smallest hole that is
//    large enough, halved until it fits; of several of one order the latest. The buddy of a block
//    lies at its offset XOR its size, and only with it a hole merges, not with any neighbour.
// 2. Finding. One list an order, and a bitmap of the orders that have a hole: O(1). Halving and
//    merging take one step an order, O(log memory).
// 3. Where the buddy is. Extents are linked as neighbours, so the buddy of a lower half can only be
//    the next one and that of an upper half the previous one; it is free and whole when it is a
//    hole of the same size. No header lies in the memory itself, which users could overwrite.
// 4. Regions that grow are a power of two and aligned to it, so that a block is aligned to its
//    size. The memory of a bounded engine is what it is: it is cut into the largest powers of two
//    that fit, the largest first, and aligned to that one; its pieces never merge with each other.
//    Pieces below the smallest block are holes that nobody gets.
// 5. The smallest block is the granule, or min_block: a half below it is not split off.

#include <errno.h>
#include <stddef.h>

#include "memory/extent_index.h"

// bit i of orders: head[i] is not NULL
struct buddies {
    uint64_t orders;
    struct list *head[EXTENT_ORDERS];
};

static struct buddies *buddies_of(const struct extents *extents)
{
    return extents->lists;
}

// ---- the index ---------------------------------------------------------------------------------

static void order_insert(struct extents *extents, struct extent *hole)
{
    struct buddies *buddies = buddies_of(extents);
    unsigned order = bits_log2(hole->size);
    extent_push(&buddies->head[order], hole);
    buddies->orders |= UINT64_C(1) << order;
}

static void order_remove(struct extents *extents, struct extent *hole)
{
    struct buddies *buddies = buddies_of(extents);
    unsigned order = bits_log2(hole->size);
    extent_pull(&buddies->head[order], hole);
    if (buddies->head[order] == NULL) {
        buddies->orders &= ~(UINT64_C(1) << order);
    }
}

static void order_reshape(struct extents *extents, struct extent *hole, uint64_t position,
                          uint64_t size)
{
    order_remove(extents, hole);
    hole->position = position;
    hole->size = size;
    order_insert(extents, hole);
}

// The size is a power of two that the alignment divides.
static struct extent *order_choose(const struct extents *extents, uint64_t size, uint64_t align)
{
    const struct buddies *buddies = buddies_of(extents);
    uint64_t orders = buddies->orders & (UINT64_MAX << bits_log2(size));
    (void)align;
    return orders == 0 ? NULL
                       : container_of(buddies->head[__builtin_ctzll(orders)], struct extent, free);
}

static bool order_room(uint64_t granule, uint64_t size, uint64_t align, uint64_t *bytes)
{
    (void)granule;
    *bytes = size > align ? size : align;
    return true;
}

static uint64_t order_largest(const struct extents *extents)
{
    uint64_t orders = buddies_of(extents)->orders;
    return orders == 0 ? 0 : extent_piece(orders);
}

static bool order_check(const struct extents *extents)
{
    const struct buddies *buddies = buddies_of(extents);
    uint64_t count = 0;
    for (unsigned order = 0; order < EXTENT_ORDERS; order++) {
        bool bit = (buddies->orders >> order & 1) != 0;
        const struct list *previous = NULL;
        if (bit != (buddies->head[order] != NULL)) {
            return false;
        }
        for (struct list *i = buddies->head[order]; i != NULL; previous = i, i = i->next) {
            const struct extent *hole = container_of(i, struct extent, free);
            if (i->previous != previous || hole->tag != EXTENT_HOLE ||
                hole->size != UINT64_C(1) << order) {
                return false;
            }
            count++;
        }
    }
    return count == extents->hole_count;
}

const struct extent_index extent_by_order = {
    .bytes = sizeof(struct buddies),
    .insert = order_insert,
    .remove = order_remove,
    .reshape = order_reshape,
    .choose = order_choose,
    .room = order_room,
    .largest = order_largest,
    .check = order_check,
};

// ---- halving and merging -----------------------------------------------------------------------

struct extent *extent_buddy(const struct extent *extent)
{
    uint64_t start = extent->region->start;
    uint64_t at = start + ((extent->position - start) ^ extent->size);
    struct extent *other = at < extent->position ? extent->previous : extent->next;
    bool whole = extent_is_hole(other) && other->position == at && other->size == extent->size;
    return whole ? other : NULL;
}

// Cuts the extent, which is in no index, down to `size`: its upper halves become holes.
static void halve(struct extents *extents, struct extent *extent, uint64_t size,
                  struct extent **records)
{
    while (extent->size > size) {
        struct extent *upper = *records++;
        extent->size /= 2;
        *upper = (struct extent){.position = extent->position + extent->size,
                                 .size = extent->size,
                                 .region = extent->region};
        extent_link_after(extent, upper);
        extent_hole_insert(extents, upper);
    }
}

int extent_buddy_cut(struct extents *extents, struct extent *hole, uint64_t size)
{
    struct extent *records[EXTENT_ORDERS];
    if (!extent_records_take(extents, records, bits_log2(hole->size) - bits_log2(size))) {
        return ENOMEM;
    }
    extent_hole_remove(extents, hole);
    halve(extents, hole, size, records);
    extent_block_insert(extents, hole);
    return 0;
}

struct extent *extent_buddy_merge(struct extents *extents, struct extent *extent)
{
    struct extent *other;
    while ((other = extent_buddy(extent)) != NULL) {
        struct extent *lower = other->position < extent->position ? other : extent;
        extent_hole_remove(extents, other);
        extent_drop(extents, lower == other ? extent : other);
        lower->size *= 2;
        extent = lower;
    }
    return extent;
}

// Whether the block is the lower half each time it doubles up to `size`, and the upper one free.
static bool can_grow(const struct extent *block, uint64_t size)
{
    uint64_t offset = block->position - block->region->start;
    const struct extent *upper = block->next;
    for (uint64_t now = block->size; now < size; now *= 2) {
        if ((offset & now) != 0 || !extent_is_hole(upper) || upper->size != now) {
            return false;
        }
        upper = upper->next;
    }
    return true;
}

int extent_buddy_resize(struct extents *extents, struct extent *block, uint64_t size)
{
    if (size < block->size) {
        struct extent *records[EXTENT_ORDERS];
        if (!extent_records_take(extents, records, bits_log2(block->size) - bits_log2(size))) {
            return ENOMEM;
        }
        halve(extents, block, size, records);
        return 0;
    }
    if (!can_grow(block, size)) {
        return ENOMEM;
    }
    while (block->size < size) {
        struct extent *upper = block->next;
        extent_hole_remove(extents, upper);
        extent_drop(extents, upper);
        block->size *= 2;
    }
    return 0;
}
