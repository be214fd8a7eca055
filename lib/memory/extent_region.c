// SPDX-License-Identifier: MIT
//
// extent_region.c - regions come from the OS and go back to it.
//
// 1. Growth. A region is one mapping, at least `step` bytes; its number and its positions follow
//    those of the regions before it and are never used again.
// 2. Return. A region that has become one hole is *empty* and stays at first: what was just emptied
//    is often wanted again, and mapping memory, and touching it anew, costs more than keeping it.
//    Empty regions are kept as long as they are one, whatever its size, or an eighth of the memory
//    held; beyond that the longest empty ones are *surplus* and go back (extents_trim).
// 3. Readers. A block's bytes may be read in an access section while another thread releases it;
//    what is read is void, but reading must not fault. So a surplus region stays mapped until the
//    sections have ended in which that can be. The owner of the extents does the waiting, without
//    their lock: it notes `emptied`, waits for a grace period, and lets those regions go that were
//    empty before and still are. Meanwhile they are holes like others. A region that was used and
//    emptied again has a later number, and waits for another grace period.
// 4. Movers. What a batch of moves copies may lie in a block that was released meanwhile: no region
//    goes while extents->pinned is not 0. The end of the mover's pass looks for surplus again.
// 5. Failure. The OS may refuse to unmap (a mapping split in two would exceed max_map_count): the
//    region stays, and is a hole like others; it is tried again after the next one has emptied.

#include <assert.h>
#include <errno.h>

#include "memory/extent_index.h"
#include "os/os.h"

#define KEEP_SHARE 8 // one part in so many of the memory held

// The size of a region with room for a block; false when no memory could hold it.
static bool region_size(const struct extents *extents, uint64_t size, uint64_t align,
                        uint64_t *result)
{
    uint64_t wanted, step = extents->set.step;
    if (!extents->index->room(extents->set.granule, size, align, &wanted) ||
        !bits_round_up(wanted > step ? wanted : step, os_page_size(), result) ||
        *result > PTRDIFF_MAX || extents->end > PTRDIFF_MAX) {
        return false;
    }
    if (extents->set.fit == EXTENT_BUDDY && step != 0 && extent_piece(*result) != *result) {
        *result = 2 * extent_piece(*result);
    }
    return *result <= PTRDIFF_MAX;
}

// Fills the region's chain: one hole, or as many as a buddy region has powers of two.
static bool region_fill(struct extents *extents, struct region *region)
{
    bool buddy = extents->set.fit == EXTENT_BUDDY;
    struct extent *records[EXTENT_ORDERS], *last = NULL;
    size_t count = buddy ? (size_t)__builtin_popcountll(region->size) : 1;
    if (!extent_records_take(extents, records, count)) {
        return false;
    }
    uint64_t offset = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t size = buddy ? extent_piece(region->size - offset) : region->size;
        *records[i] =
            (struct extent){.position = region->start + offset, .size = size, .region = region};
        if (last == NULL) {
            region->first = records[i];
        } else {
            extent_link_after(last, records[i]);
        }
        last = records[i];
        extent_hole_insert(extents, last);
        offset += size;
    }
    return true;
}

int extents_grow(struct extents *extents, uint64_t size, uint64_t align)
{
    uint64_t bytes;
    if (!region_size(extents, size, align, &bytes)) {
        return ENOMEM;
    }
    struct region *region = pool_take(&extents->region_pool);
    if (region == NULL) {
        return ENOMEM;
    }
    bool buddy = extents->set.fit == EXTENT_BUDDY;
    uint64_t stand =
        extents->set.stand > extents->set.granule ? extents->set.stand : extents->set.granule;
    char *host = os_map(bytes, buddy ? extent_piece(bytes) : stand);
    if (host == NULL) {
        pool_give(&extents->region_pool, region);
        return ENOMEM;
    }
    *region = (struct region){
        .start = extents->end, .size = bytes, .host = host, .number = extents->regions_grown};
    if (!region_fill(extents, region)) {
        (void)os_unmap(host, bytes);
        pool_give(&extents->region_pool, region);
        return ENOMEM;
    }
    list_push_back(&extents->regions, &region->link);
    extents->region_count++;
    extents->regions_grown++;
    extents->end += bytes;
    extents->held_bytes += bytes;
    if (extent_is_region(region->first)) {
        extent_region_emptied(extents, region);
    }
    return 0;
}

// ---- empty regions -----------------------------------------------------------------------------

static bool is_surplus(const struct extents *extents)
{
    return extents->set.returns && extents->empty.next != extents->empty.previous &&
           extents->empty_bytes > extents->held_bytes / KEEP_SHARE;
}

void extent_region_emptied(struct extents *extents, struct region *region)
{
    region->emptied = ++extents->emptied;
    list_push_back(&extents->empty, &region->empty);
    extents->empty_bytes += region->size;
    extents->surplus = is_surplus(extents);
}

void extent_region_used(struct extents *extents, struct region *region)
{
    list_remove(&region->empty);
    extents->empty_bytes -= region->size;
    extents->surplus = extents->surplus && is_surplus(extents);
}

// Unmaps an empty region. false: the OS refused, and nothing changed.
static bool region_end(struct extents *extents, struct region *region)
{
    struct extent *hole = region->first;
    assert(extents->pinned == 0);
    if (!os_unmap(region->host, region->size)) {
        return false;
    }
    struct list *before = region->link.previous;
    for (struct list *i = extents->cursors.next; i != &extents->cursors; i = i->next) {
        struct extent_cursor *cursor = container_of(i, struct extent_cursor, link);
        if (cursor->region == region) { // as if it had just done the one before
            cursor->region =
                before == &extents->regions ? NULL : container_of(before, struct region, link);
            cursor->next = NULL;
        }
    }
    extent_region_used(extents, region);
    extent_hole_remove(extents, hole);
    pool_give(&extents->extent_pool, hole);
    list_remove(&region->link);
    extents->region_count--;
    extents->held_bytes -= region->size;
    pool_give(&extents->region_pool, region);
    return true;
}

uint64_t extents_trim(struct extents *extents, uint64_t mark)
{
    uint64_t before = extents->held_bytes;
    bool refused = false;
    if (extents->pinned != 0) { // [model:pinned]
        return 0;
    }
    while (!refused && is_surplus(extents)) {
        struct region *region = container_of(extents->empty.next, struct region, empty);
        if (region->emptied > mark) {
            break;
        }
        refused = !region_end(extents, region);
    }
    extents->surplus = !refused && is_surplus(extents);
    return before - extents->held_bytes;
}
