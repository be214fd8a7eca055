// SPDX-License-Identifier: MIT
//
// extent_check.c - holds the extents against their invariants H1 to H7 (extent.h).

#include <stddef.h>

#include "memory/extent_index.h"

// What the chains add up to.
struct census {
    uint64_t holes, blocks, free_bytes, held_bytes, regions, pending, empty, empty_bytes;
};

static bool pends(const struct extents *extents, const struct extent *hole)
{
    return extents->set.deferred && hole->pending[0].next != &hole->pending[0];
}

// A hole and the extent before it.
static bool apart(const struct extents *extents, const struct extent *hole)
{
    const struct extent *previous = hole->previous;
    if (!extent_is_hole(previous) || pends(extents, hole) || pends(extents, previous)) {
        return true;
    }
    return extents->set.fit == EXTENT_BUDDY && extent_buddy(hole) != previous;
}

static const char *extent_check(const struct extents *extents, const struct extent *extent,
                                struct census *census)
{
    uint64_t offset = extent->position - extent->region->start;
    if (extents->set.fit == EXTENT_BUDDY &&
        (!bits_is_power_of_two(extent->size) || (offset & (extent->size - 1)) != 0)) {
        return "H6";
    }
    if (extent->tag != EXTENT_HOLE) {
        census->blocks++;
        return NULL;
    }
    census->holes++;
    census->free_bytes += extent->size;
    census->pending += pends(extents, extent);
    return apart(extents, extent) ? NULL : "H2";
}

static const char *region_check(const struct extents *extents, const struct region *region,
                                struct census *census)
{
    uint64_t position = region->start, end = region->start + region->size;
    const struct extent *previous = NULL;
    for (const struct extent *e = region->first; e != NULL; previous = e, e = e->next) {
        if (e->position != position || e->previous != previous || e->region != region ||
            e->size == 0 || e->size > end - position) {
            return "H1";
        }
        const char *broken = extent_check(extents, e, census);
        if (broken != NULL) {
            return broken;
        }
        position += e->size;
    }
    census->regions++;
    census->held_bytes += region->size;
    if (extent_is_hole(region->first) && extent_is_region(region->first)) {
        census->empty++;
        census->empty_bytes += region->size;
    }
    return position == end ? NULL : "H1";
}

// The list of empty regions: those that are one hole, in the order in which they became so.
static bool empty_check(const struct extents *extents, const struct census *census)
{
    uint64_t count = 0, bytes = 0, emptied = 0;
    for (struct list *i = extents->empty.next; i != &extents->empty; i = i->next) {
        const struct region *region = container_of(i, struct region, empty);
        if (!extent_is_hole(region->first) || !extent_is_region(region->first) ||
            region->emptied <= emptied || region->emptied > extents->emptied) {
            return false;
        }
        emptied = region->emptied;
        count++;
        bytes += region->size;
    }
    return count == census->empty && bytes == census->empty_bytes && bytes == extents->empty_bytes;
}

static bool blocks_check(const struct extents *extents, const struct census *census)
{
    return census->blocks == extents->block_count &&
           (!extents->set.flat ||
            (extents->blocks.count == extents->block_count && tree_check(&extents->blocks)));
}

bool extents_reserved_check(const struct extents *extents)
{
    uint64_t bytes = 0, count = 0;
    for (struct list *i = extents->regions.next; i != &extents->regions; i = i->next) {
        const struct region *region = container_of(i, struct region, link);
        for (const struct extent *e = region->first; e != NULL; e = e->next) {
            bool reserved = e->tag == EXTENT_BLOCK && e->descriptor == NULL;
            bytes += reserved ? e->size : 0;
            count += reserved;
        }
    }
    return bytes == extents->reserved_bytes && count == extents->reserved_count &&
           (count == 0 || extents->pinned != 0);
}

const char *extents_check(const struct extents *extents)
{
    struct census census = {0};
    for (struct list *i = extents->regions.next; i != &extents->regions; i = i->next) {
        const char *broken = region_check(extents, container_of(i, struct region, link), &census);
        if (broken != NULL) {
            return broken;
        }
    }
    if (census.pending != extents->pending_count) {
        return "H2";
    }
    if (census.holes != extents->hole_count || !extents->index->check(extents) ||
        !blocks_check(extents, &census)) {
        return "H3";
    }
    if (census.free_bytes != extents->free_bytes || census.held_bytes != extents->held_bytes ||
        census.regions != extents->region_count) {
        return "H4";
    }
    return empty_check(extents, &census) ? NULL : "H5";
}
