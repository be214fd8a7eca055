// SPDX-License-Identifier: MIT
//
// extent.c - memory cut into blocks and holes.
//
// 1. Theory. Knuth (TAOCP 1, 2.5) keeps holes in a list; searching it is linear. Here the holes
//    stand in an index that finds the one which the fit wants:
//      first, next, best, worst   extent_tree.c: a balanced tree, exact, O(log n)
//      buddy                      extent_buddy.c: a list an order, with a rule of its own for
//                                 splitting and merging
//      tlsf                       extent_tlsf.c: a list a size class, good fit, O(1)
//    Neighbours are linked, so that a freed block meets its holes in O(1).
// 2. Records live outside the blocks: a program that overruns a block cannot touch them.
// 3. Alignment beyond the granule. A hole fits when an aligned place for the block lies inside; the
//    gap before it stays a hole.
// 4. Remainders. What is left behind a block is split off as a hole, unless it is smaller than
//    min_block: then the block keeps it (internal instead of external fragmentation). Buddies halve
//    down to min_block.
// 5. Deferred coalescing (Knuth, TAOCP 1, 2.5; Wilson and others 1995). A freed block stays the
//    hole it is, and may be taken again as it is. If it has a neighbour to merge with it *pends*.
//    All pending holes are coalesced in one sweep: when no hole fits a request though as many bytes
//    are free (before a region is mapped or the request refused), or when more holes pend than
//    blocks live, and more than PENDING_LEAST. A sweep costs one step for each hole that pends or
//    merges, and each of them was one release: O(log n) a release, over all. Of two neighbouring
//    holes the one that was freed later pends, or what has been cut from it. That a region is empty
//    shows in a sweep only.
// 6. Failure. A take that needs records gets them before it changes anything. A give needs none.
// 7. If you change this: positions are compared, host addresses never are; regions that happen to
//    be neighbours in the host's address space stay apart (the MeMS chains show each by itself).

#include "memory/extent.h"

#include <errno.h>

#include "base/bits.h"
#include "memory/extent_index.h"
#include "os/os.h"

#define PENDING_LEAST 1024

static bool is_buddy(const struct extents *extents)
{
    return extents->set.fit == EXTENT_BUDDY;
}

// ---- opening -----------------------------------------------------------------------------------

static const struct extent_index *const indexes[] = {
    [EXTENT_FIRST] = &extent_by_position, [EXTENT_NEXT] = &extent_by_position,
    [EXTENT_BEST] = &extent_by_size,      [EXTENT_WORST] = &extent_by_size,
    [EXTENT_BUDDY] = &extent_by_order,    [EXTENT_TLSF] = &extent_by_class,
};

static size_t lists_bytes(const struct extents *extents)
{
    uint64_t bytes = 0;
    bits_round_up(extents->index->bytes, os_page_size(), &bytes);
    return bytes;
}

int extents_init(struct extents *extents, const struct extents_settings *settings)
{
    *extents = (struct extents){.set = *settings, .index = indexes[settings->fit]};
    size_t pending = settings->deferred ? sizeof(struct list) : 0;
    pool_init(&extents->extent_pool, sizeof(struct extent) + pending);
    pool_init(&extents->region_pool, sizeof(struct region));
    list_init(&extents->regions);
    list_init(&extents->empty);
    list_init(&extents->pending);
    list_init(&extents->cursors);
    extent_tree_init(extents);
    if (extents->index->bytes != 0) {
        extents->lists = os_map(lists_bytes(extents), 0);
        return extents->lists != NULL ? 0 : ENOMEM;
    }
    return 0;
}

void extents_fini(struct extents *extents)
{
    for (struct list *i = extents->regions.next; i != &extents->regions; i = i->next) {
        struct region *region = container_of(i, struct region, link);
        os_unmap(region->host, region->size);
    }
    if (extents->lists != NULL) {
        os_unmap(extents->lists, lists_bytes(extents));
    }
    pool_fini(&extents->extent_pool);
    pool_fini(&extents->region_pool);
}

void extents_sizes(uint64_t granule, uint64_t *sizes, size_t count)
{
    uint64_t step = granule, size = 0;
    for (size_t i = 0; i < count; i++) {
        size += step;
        sizes[i] = size;
        step = size == 8 * step ? 2 * step : step;
    }
}

bool extents_round(const struct extents *extents, uint64_t size, uint64_t align, uint64_t *rounded)
{
    if (!is_buddy(extents)) {
        return bits_round_up(size, extents->set.granule, rounded) && *rounded <= PTRDIFF_MAX;
    }
    const struct extents_settings *set = &extents->set;
    uint64_t least = set->min_block > set->granule ? set->min_block : set->granule;
    least = align > least ? align : least;
    size = size > least ? size : least;
    if (size > PTRDIFF_MAX) {
        return false;
    }
    *rounded = UINT64_C(1) << bits_log2_up(size);
    return *rounded <= PTRDIFF_MAX;
}

// ---- records -----------------------------------------------------------------------------------

bool extent_records_take(struct extents *extents, struct extent **records, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        records[i] = pool_take(&extents->extent_pool);
        if (records[i] == NULL) {
            while (i-- > 0) {
                pool_give(&extents->extent_pool, records[i]);
            }
            return false;
        }
    }
    return true;
}

int extents_reserve(struct extents *extents)
{
    // A region is one hole; a block cut from it leaves two more extents, or a buddy an order.
    struct extent *records[1 + EXTENT_ORDERS];
    size_t count = is_buddy(extents) ? 1 + EXTENT_ORDERS : 3;
    if (!extent_records_take(extents, records, count)) {
        return ENOMEM;
    }
    while (count-- > 0) {
        pool_give(&extents->extent_pool, records[count]);
    }
    return 0;
}

// ---- holes -------------------------------------------------------------------------------------

static bool is_pending(const struct extents *extents, const struct extent *hole)
{
    return extents->set.deferred && hole->pending[0].next != &hole->pending[0];
}

static void pend(struct extents *extents, struct extent *hole)
{
    list_push_back(&extents->pending, &hole->pending[0]);
    extents->pending_count++;
}

static void pend_no_more(struct extents *extents, struct extent *hole)
{
    if (is_pending(extents, hole)) {
        list_remove(&hole->pending[0]);
        extents->pending_count--;
    }
}

void extent_hole_insert(struct extents *extents, struct extent *hole)
{
    hole->tag = EXTENT_HOLE;
    if (extents->set.deferred) {
        list_init(&hole->pending[0]);
    }
    extents->index->insert(extents, hole);
    extents->hole_count++;
    extents->free_bytes += hole->size;
}

void extent_hole_remove(struct extents *extents, struct extent *hole)
{
    pend_no_more(extents, hole);
    extents->index->remove(extents, hole);
    extents->hole_count--;
    extents->free_bytes -= hole->size;
}

// Gives a hole new bounds that overlap no other hole.
static void hole_reshape(struct extents *extents, struct extent *hole, uint64_t position,
                         uint64_t size)
{
    extents->free_bytes += size - hole->size;
    extents->index->reshape(extents, hole, position, size);
}

// ---- the chain ---------------------------------------------------------------------------------

void extent_link_after(struct extent *extent, struct extent *item)
{
    item->previous = extent;
    item->next = extent->next;
    if (extent->next != NULL) {
        extent->next->previous = item;
    }
    extent->next = item;
}

static void link_before(struct extent *extent, struct extent *item)
{
    item->next = extent;
    item->previous = extent->previous;
    if (extent->previous != NULL) {
        extent->previous->next = item;
    } else {
        extent->region->first = item;
    }
    extent->previous = item;
}

void extent_drop(struct extents *extents, struct extent *extent)
{
    for (struct list *i = extents->cursors.next; i != &extents->cursors; i = i->next) {
        struct extent_cursor *cursor = container_of(i, struct extent_cursor, link);
        if (cursor->next == extent) { // what it held belongs to a neighbour now
            cursor->next = extent->next != NULL ? extent->next : extent->previous;
        }
    }
    if (extent->previous != NULL) {
        extent->previous->next = extent->next;
    } else {
        extent->region->first = extent->next;
    }
    if (extent->next != NULL) {
        extent->next->previous = extent->previous;
    }
    pool_give(&extents->extent_pool, extent);
}

void extent_block_insert(struct extents *extents, struct extent *block)
{
    block->tag = EXTENT_BLOCK;
    block->align_bits = 0;
    block->descriptor = NULL;
    block->held = false;
    if (extents->set.flat) {
        tree_insert(&extents->blocks, &block->node);
    } else {
        list_init(&block->owned);
    }
    extents->block_count++;
    extents->rover = block->position + block->size;
}

// ---- taking ------------------------------------------------------------------------------------

// Cuts [position + gap, + size) out of the hole. `records` are the two new extents at most needed.
static struct extent *cut(struct extents *extents, struct extent *hole, uint64_t gap, uint64_t size,
                          struct extent *records[2])
{
    uint64_t rest = hole->size - gap - size;
    struct extent *block = hole;
    if (gap == 0 && rest == 0) {
        extent_hole_remove(extents, hole);
        extent_block_insert(extents, block);
        return block;
    }
    block = records[0];
    *block =
        (struct extent){.position = hole->position + gap, .size = size, .region = hole->region};
    if (gap == 0) {
        link_before(hole, block);
        hole_reshape(extents, hole, hole->position + size, rest);
    } else {
        extent_link_after(hole, block);
        hole_reshape(extents, hole, hole->position, gap);
        if (rest != 0) {
            struct extent *behind = records[1];
            *behind = (struct extent){
                .position = block->position + size, .size = rest, .region = hole->region};
            extent_link_after(block, behind);
            extent_hole_insert(extents, behind);
            if (is_pending(extents, hole)) { // for the neighbour behind, too
                pend(extents, behind);
            }
        }
    }
    extent_block_insert(extents, block);
    return block;
}

// A remainder below `least` stays with the block.
static int cut_aligned(struct extents *extents, struct extent *hole, uint64_t size, uint64_t align,
                       uint64_t least, struct extent **block)
{
    struct extent *records[2] = {NULL, NULL};
    uint64_t gap = align == 1 ? 0 : extent_gap(hole, align);
    uint64_t rest = hole->size - gap - size;
    if (rest < least) {
        size += rest;
        rest = 0;
    }
    size_t needed = (size_t)(gap != 0 || rest != 0) + (size_t)(gap != 0 && rest != 0);
    if (needed != 0 && !extent_records_take(extents, records, needed)) {
        return ENOMEM;
    }
    *block = cut(extents, hole, gap, size, records);
    (*block)->align_bits = align == 1 ? 0 : (uint8_t)bits_log2_up(align);
    return 0;
}

int extents_take(struct extents *extents, uint64_t size, uint64_t align, struct extent **block)
{
    align = align <= extents->set.granule ? 1 : align;
    struct extent *hole = extents->index->choose(extents, size, align);
    if (hole == NULL && extents->pending_count != 0 && size <= extents->free_bytes) {
        extents_sweep(extents);
        hole = extents->index->choose(extents, size, align);
    }
    if (hole == NULL) {
        return ENOSPC;
    }
    struct region *region = hole->region;
    bool whole = extent_is_region(hole);
    int error = 0;
    if (is_buddy(extents)) {
        *block = hole;
        error = extent_buddy_cut(extents, hole, size);
    } else {
        error = cut_aligned(extents, hole, size, align, extents->set.min_block, block);
    }
    if (error == 0 && whole) {
        extent_region_used(extents, region);
    }
    return error;
}

int extents_take_from(struct extents *extents, struct extent *hole, uint64_t size, uint64_t align,
                      struct extent **block)
{
    struct region *region = hole->region;
    bool whole = extent_is_region(hole);
    align = align <= extents->set.granule ? 1 : align;
    if (!extent_fits(hole, size, align)) {
        return ENOSPC;
    }
    int error = cut_aligned(extents, hole, size, align, 0, block);
    if (error == 0 && whole) {
        extent_region_used(extents, region);
    }
    return error;
}

// ---- giving ------------------------------------------------------------------------------------

// A hole that has met its neighbours may be all that its region has.
static void hole_settled(struct extents *extents, const struct extent *hole)
{
    if (extent_is_region(hole)) {
        extent_region_emptied(extents, hole->region);
    }
}

// The extent, which is in no index, joins the holes before and behind it, if any.
static struct extent *merge(struct extents *extents, struct extent *extent)
{
    struct extent *previous = extent->previous, *next = extent->next;
    uint64_t size = extent->size;
    if (extent_is_hole(previous)) {
        size += previous->size;
        if (extent_is_hole(next)) {
            size += next->size;
            extent_hole_remove(extents, next);
            extent_drop(extents, next);
        }
        extent_drop(extents, extent);
        hole_reshape(extents, previous, previous->position, size);
        return previous;
    }
    if (extent_is_hole(next)) {
        uint64_t position = extent->position;
        size += next->size;
        extent_drop(extents, extent);
        hole_reshape(extents, next, position, size);
        return next;
    }
    extent_hole_insert(extents, extent);
    return extent;
}

// Coalesces a hole with the holes around it, as many as there are in a row.
static void merge_row(struct extents *extents, struct extent *hole)
{
    uint64_t position = hole->position, size = hole->size;
    while (extent_is_hole(hole->next)) {
        struct extent *next = hole->next;
        size += next->size;
        extent_hole_remove(extents, next);
        extent_drop(extents, next);
    }
    while (extent_is_hole(hole->previous)) {
        struct extent *previous = hole->previous;
        size += previous->size;
        position = previous->position;
        extent_hole_remove(extents, previous);
        extent_drop(extents, previous);
    }
    if (size != hole->size) {
        hole_reshape(extents, hole, position, size);
        hole_settled(extents, hole);
    }
}

// The same for buddies.
static void merge_buddies(struct extents *extents, struct extent *hole)
{
    if (extent_buddy(hole) != NULL) {
        extent_hole_remove(extents, hole);
        hole = extent_buddy_merge(extents, hole);
        extent_hole_insert(extents, hole);
        hole_settled(extents, hole);
    }
}

void extents_sweep(struct extents *extents)
{
    while (!list_empty(&extents->pending)) {
        struct extent *hole = container_of(extents->pending.next, struct extent, pending[0]);
        pend_no_more(extents, hole);
        if (is_buddy(extents)) {
            merge_buddies(extents, hole);
        } else {
            merge_row(extents, hole);
        }
    }
}

static void give_deferred(struct extents *extents, struct extent *block)
{
    bool merges = is_buddy(extents)
                      ? extent_buddy(block) != NULL
                      : extent_is_hole(block->previous) || extent_is_hole(block->next);
    extent_hole_insert(extents, block);
    hole_settled(extents, block);
    if (merges) {
        pend(extents, block);
        if (extents->pending_count > PENDING_LEAST &&
            extents->pending_count > extents->block_count) {
            extents_sweep(extents);
        }
    }
}

void extents_give(struct extents *extents, struct extent *block)
{
    if (extents->set.flat) {
        tree_remove(&extents->blocks, &block->node);
    }
    extents->block_count--;
    if (extents->set.deferred) {
        give_deferred(extents, block);
        return;
    }
    struct extent *hole;
    if (is_buddy(extents)) {
        hole = extent_buddy_merge(extents, block);
        extent_hole_insert(extents, hole);
    } else {
        hole = merge(extents, block);
    }
    hole_settled(extents, hole);
}

// ---- resizing ----------------------------------------------------------------------------------

static int shrink(struct extents *extents, struct extent *block, uint64_t size)
{
    struct extent *next = block->next;
    uint64_t rest = block->size - size;
    if (extent_is_hole(next)) {
        block->size = size;
        hole_reshape(extents, next, next->position - rest, next->size + rest);
        return 0;
    }
    if (rest < extents->set.min_block) {
        return 0;
    }
    struct extent *hole = pool_take(&extents->extent_pool);
    if (hole == NULL) {
        return ENOMEM;
    }
    block->size = size;
    *hole =
        (struct extent){.position = block->position + size, .size = rest, .region = block->region};
    extent_link_after(block, hole);
    extent_hole_insert(extents, hole);
    return 0;
}

int extents_resize(struct extents *extents, struct extent *block, uint64_t size)
{
    if (size == block->size) {
        return 0;
    }
    if (is_buddy(extents)) {
        return extent_buddy_resize(extents, block, size);
    }
    if (size < block->size) {
        return shrink(extents, block, size);
    }
    uint64_t more = size - block->size;
    struct extent *next = block->next;
    if (!extent_is_hole(next) || next->size < more) {
        return ENOMEM;
    }
    if (next->size - more < extents->set.min_block) {
        more = next->size;
    }
    block->size += more;
    if (next->size == more) {
        extent_hole_remove(extents, next);
        extent_drop(extents, next);
    } else {
        hole_reshape(extents, next, next->position + more, next->size - more);
    }
    return 0;
}

// ---- looking -----------------------------------------------------------------------------------

struct extent *extents_find(const struct extents *extents, uint64_t position, bool *inside)
{
    // Regions run on without gaps from position 0: with flat addresses none ever goes.
    *inside = position < extents->end;
    struct tree_node *node = extents->blocks.root, *below = NULL;
    while (node != NULL) {
        if (container_of(node, struct extent, node)->position <= position) {
            below = node;
            node = node->child[1];
        } else {
            node = node->child[0];
        }
    }
    struct extent *block = below == NULL ? NULL : container_of(below, struct extent, node);
    return block != NULL && position - block->position < block->size ? block : NULL;
}

uint64_t extents_largest_hole(const struct extents *extents)
{
    return extents->index->largest(extents);
}

uint64_t extents_metadata(const struct extents *extents)
{
    return extents->extent_pool.bytes + extents->region_pool.bytes +
           (extents->lists != NULL ? lists_bytes(extents) : 0);
}
