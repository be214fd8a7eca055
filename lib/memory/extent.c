// SPDX-License-Identifier: MIT
//
// extent.c - memory cut into blocks and holes.
//
// 1. Theory. Knuth (TAOCP 1, 2.5) keeps holes in a list; searching it is linear. Here the holes
//    stand in a balanced tree, ordered as the fit wants them:
//      first, next   by position; each node knows the largest hole in its subtree, so the lowest
//                    hole that is large enough is found by one walk down: exact, O(log n)
//      best          by size, then position: the lower bound of the size is the answer
//      worst         by size, then falling position: the last one is the answer
//    Neighbours are linked, so that a freed block meets its holes in O(1).
// 2. Records live outside the blocks: a program that overruns a block cannot touch them.
// 3. Alignment beyond the granule. A hole fits when an aligned place for the block lies inside. A
//    hole of size + align - granule always does, a smaller one may; the searches look at each
//    candidate in the fit's order and skip those that do not. That is exact, and costs one step
//    for each hole skipped.
// 4. Failure. A take that needs records gets them before it changes anything. A give needs none.
// 5. If you change this: positions are compared, host addresses never are; regions that happen to
//    be neighbours in the host's address space stay apart (the MeMS chains show each by itself).

#include "memory/extent.h"

#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "os/os.h"

static struct extent *extent_of(const struct tree_node *node)
{
    return container_of(node, struct extent, node);
}

static uint64_t largest_below(const struct tree_node *node)
{
    return node == NULL ? 0 : extent_of(node)->largest;
}

static bool before_by_position(const struct tree_node *a, const struct tree_node *b)
{
    return extent_of(a)->position < extent_of(b)->position;
}

static bool before_by_size(const struct tree_node *a, const struct tree_node *b)
{
    const struct extent *x = extent_of(a), *y = extent_of(b);
    return x->size != y->size ? x->size < y->size : x->position < y->position;
}

static bool before_by_size_then_down(const struct tree_node *a, const struct tree_node *b)
{
    const struct extent *x = extent_of(a), *y = extent_of(b);
    return x->size != y->size ? x->size < y->size : x->position > y->position;
}

static bool summarise_largest(struct tree_node *node)
{
    struct extent *extent = extent_of(node);
    uint64_t left = largest_below(node->child[0]), right = largest_below(node->child[1]);
    uint64_t largest = extent->size;
    largest = left > largest ? left : largest;
    largest = right > largest ? right : largest;
    bool changed = largest != extent->largest;
    extent->largest = largest;
    return changed;
}

static bool by_position(const struct extents *extents)
{
    return extents->fit == EXTENT_FIRST || extents->fit == EXTENT_NEXT;
}

void extents_init(struct extents *extents, enum extent_fit fit, bool flat, uint64_t granule,
                  uint64_t step)
{
    *extents = (struct extents){.fit = fit, .flat = flat, .granule = granule, .step = step};
    if (by_position(extents)) {
        tree_init(&extents->holes, before_by_position, summarise_largest);
    } else {
        tree_init(&extents->holes, fit == EXTENT_BEST ? before_by_size : before_by_size_then_down,
                  NULL);
    }
    tree_init(&extents->blocks, before_by_position, NULL);
    pool_init(&extents->extent_pool, sizeof(struct extent));
    pool_init(&extents->region_pool, sizeof(struct region));
    list_init(&extents->cursors);
}

void extents_fini(struct extents *extents)
{
    for (uint32_t i = 0; i < extents->region_count; i++) {
        os_unmap(extents->regions[i]->host, extents->regions[i]->size);
    }
    if (extents->regions != NULL) {
        os_unmap(extents->regions, extents->region_room * sizeof(struct region *));
    }
    pool_fini(&extents->extent_pool);
    pool_fini(&extents->region_pool);
}

// ---- holes -------------------------------------------------------------------------------------

static void hole_insert(struct extents *extents, struct extent *extent)
{
    extent->tag = EXTENT_HOLE;
    extent->largest = extent->size;
    tree_insert(&extents->holes, &extent->node);
    extents->free_bytes += extent->size;
}

static void hole_remove(struct extents *extents, struct extent *extent)
{
    tree_remove(&extents->holes, &extent->node);
    extents->free_bytes -= extent->size;
}

// Gives a hole new bounds that overlap no other hole: its place in an order by position stays.
static void hole_reshape(struct extents *extents, struct extent *hole, uint64_t position,
                         uint64_t size)
{
    if (!by_position(extents)) {
        hole_remove(extents, hole);
        hole->position = position;
        hole->size = size;
        hole_insert(extents, hole);
        return;
    }
    extents->free_bytes += size - hole->size;
    hole->position = position;
    hole->size = size;
    tree_changed(&extents->holes, &hole->node);
}

// ---- regions -----------------------------------------------------------------------------------

static int regions_make_room(struct extents *extents)
{
    if (extents->region_count < extents->region_room) {
        return 0;
    }
    uint32_t room = extents->region_room == 0 ? (uint32_t)(os_page_size() / sizeof(void *))
                                              : extents->region_room * 2;
    struct region **regions = os_map(room * sizeof(struct region *), 0);
    if (regions == NULL) {
        return ENOMEM;
    }
    if (extents->regions != NULL) {
        memcpy(regions, extents->regions, extents->region_count * sizeof(struct region *));
        os_unmap(extents->regions, extents->region_room * sizeof(struct region *));
    }
    extents->regions = regions;
    extents->region_room = room;
    return 0;
}

// The size of a region with room for `size` bytes at `align`; false when no memory could hold it.
static bool region_size(const struct extents *extents, uint64_t size, uint64_t align,
                        uint64_t *result)
{
    uint64_t page = os_page_size();
    uint64_t slack = align > page ? align - page : 0;
    uint64_t wanted = size > extents->step ? size : extents->step;
    return !__builtin_add_overflow(wanted, slack, &wanted) && bits_round_up(wanted, page, result) &&
           *result <= PTRDIFF_MAX && extents->end <= PTRDIFF_MAX;
}

int extents_reserve(struct extents *extents)
{
    void *records[3]; // a region is one hole; a block cut from it leaves two more extents at most
    size_t count = 0, wanted = sizeof records / sizeof records[0];
    while (count < wanted && (records[count] = pool_take(&extents->extent_pool)) != NULL) {
        count++;
    }
    for (size_t i = count; i > 0; i--) {
        pool_give(&extents->extent_pool, records[i - 1]);
    }
    return count == wanted ? 0 : ENOMEM;
}

int extents_grow(struct extents *extents, uint64_t size, uint64_t align)
{
    uint64_t bytes;
    if (!region_size(extents, size, align, &bytes) || regions_make_room(extents) != 0) {
        return ENOMEM;
    }
    struct region *region = pool_take(&extents->region_pool);
    struct extent *hole = pool_take(&extents->extent_pool);
    char *host = region != NULL && hole != NULL ? os_map(bytes, extents->granule) : NULL;
    if (host == NULL) {
        if (region != NULL) {
            pool_give(&extents->region_pool, region);
        }
        if (hole != NULL) {
            pool_give(&extents->extent_pool, hole);
        }
        return ENOMEM;
    }
    *region = (struct region){.start = extents->end,
                              .size = bytes,
                              .host = host,
                              .first = hole,
                              .number = extents->region_count};
    *hole = (struct extent){.position = region->start, .size = bytes, .region = region};
    extents->regions[extents->region_count++] = region;
    extents->end += bytes;
    extents->held_bytes += bytes;
    hole_insert(extents, hole);
    return 0;
}

// ---- fits --------------------------------------------------------------------------------------

// Bytes before the first place in the hole where a block may start.
static uint64_t gap_in(const struct extent *hole, uint64_t align)
{
    return -(uint64_t)(uintptr_t)extent_host(hole) & (align - 1);
}

static bool fits(const struct extent *hole, uint64_t size, uint64_t align)
{
    return hole->size >= size && (align <= 1 || gap_in(hole, align) <= hole->size - size);
}

// The lowest hole at or after `from` that fits, below `node`.
static struct extent *lowest_fit(struct tree_node *node, uint64_t from, uint64_t size,
                                 uint64_t align)
{
    while (node != NULL && largest_below(node) >= size) {
        struct extent *hole = extent_of(node);
        if (hole->position >= from) {
            struct extent *lower = lowest_fit(node->child[0], from, size, align);
            if (lower != NULL) {
                return lower;
            }
            if (fits(hole, size, align)) {
                return hole;
            }
        }
        node = node->child[1];
    }
    return NULL;
}

static bool at_least(const struct tree_node *node, const void *key)
{
    return extent_of(node)->size >= *(const uint64_t *)key;
}

static struct extent *best_fit(const struct extents *extents, uint64_t size, uint64_t align)
{
    struct tree_node *node = tree_lower_bound(&extents->holes, at_least, &size);
    while (node != NULL && !fits(extent_of(node), size, align)) {
        node = tree_next(node);
    }
    return node == NULL ? NULL : extent_of(node);
}

static struct extent *worst_fit(const struct extents *extents, uint64_t size, uint64_t align)
{
    struct tree_node *node = tree_last(&extents->holes);
    while (node != NULL && extent_of(node)->size >= size) {
        if (fits(extent_of(node), size, align)) {
            return extent_of(node);
        }
        node = tree_previous(node);
    }
    return NULL;
}

static struct extent *choose_hole(const struct extents *extents, uint64_t size, uint64_t align)
{
    struct extent *hole = NULL;
    switch (extents->fit) {
    case EXTENT_FIRST:
        return lowest_fit(extents->holes.root, 0, size, align);
    case EXTENT_NEXT:
        hole = lowest_fit(extents->holes.root, extents->rover, size, align);
        return hole != NULL ? hole : lowest_fit(extents->holes.root, 0, size, align);
    case EXTENT_BEST:
        return best_fit(extents, size, align);
    case EXTENT_WORST:
        return worst_fit(extents, size, align);
    }
    return hole;
}

// ---- blocks ------------------------------------------------------------------------------------

static void link_after(struct extent *extent, struct extent *item)
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

// Takes an extent out of its region's chain and forgets it.
static void extent_drop(struct extents *extents, struct extent *extent)
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

static void block_insert(struct extents *extents, struct extent *block)
{
    block->tag = EXTENT_BLOCK;
    block->descriptor = NULL;
    block->held = false;
    if (extents->flat) {
        tree_insert(&extents->blocks, &block->node);
    } else {
        list_init(&block->owned);
    }
    extents->block_count++;
    extents->rover = block->position + block->size;
}

// Cuts [position + gap, + size) out of the hole. `records` are the two new extents at most needed.
static struct extent *cut(struct extents *extents, struct extent *hole, uint64_t gap, uint64_t size,
                          struct extent *records[2])
{
    uint64_t rest = hole->size - gap - size;
    struct extent *block = hole;
    if (gap == 0 && rest == 0) {
        hole_remove(extents, hole);
        block_insert(extents, block);
        return block;
    }
    block = records[0];
    *block =
        (struct extent){.position = hole->position + gap, .size = size, .region = hole->region};
    if (gap == 0) {
        link_before(hole, block);
        hole_reshape(extents, hole, hole->position + size, rest);
    } else {
        link_after(hole, block);
        hole_reshape(extents, hole, hole->position, gap);
        if (rest != 0) {
            struct extent *behind = records[1];
            *behind = (struct extent){
                .position = block->position + size, .size = rest, .region = hole->region};
            link_after(block, behind);
            hole_insert(extents, behind);
        }
    }
    block_insert(extents, block);
    return block;
}

int extents_take(struct extents *extents, uint64_t size, uint64_t align, struct extent **block)
{
    align = align <= extents->granule ? 1 : align;
    struct extent *hole = choose_hole(extents, size, align);
    if (hole == NULL) {
        return ENOSPC;
    }
    uint64_t gap = align == 1 ? 0 : gap_in(hole, align);
    uint64_t rest = hole->size - gap - size;
    size_t needed = (size_t)(gap != 0 || rest != 0) + (size_t)(gap != 0 && rest != 0);
    struct extent *records[2] = {NULL, NULL};
    for (size_t i = 0; i < needed; i++) {
        records[i] = pool_take(&extents->extent_pool);
        if (records[i] == NULL) {
            if (i == 1) {
                pool_give(&extents->extent_pool, records[0]);
            }
            return ENOMEM;
        }
    }
    *block = cut(extents, hole, gap, size, records);
    return 0;
}

void extents_give(struct extents *extents, struct extent *block)
{
    struct extent *previous = block->previous, *next = block->next;
    if (extents->flat) {
        tree_remove(&extents->blocks, &block->node);
    }
    extents->block_count--;
    bool join_previous = previous != NULL && previous->tag == EXTENT_HOLE;
    bool join_next = next != NULL && next->tag == EXTENT_HOLE;
    if (join_previous) {
        uint64_t size = previous->size + block->size;
        if (join_next) {
            size += next->size;
            hole_remove(extents, next);
            extent_drop(extents, next);
        }
        extent_drop(extents, block);
        hole_reshape(extents, previous, previous->position, size);
    } else if (join_next) {
        uint64_t position = block->position, size = block->size + next->size;
        extent_drop(extents, block);
        hole_reshape(extents, next, position, size);
    } else {
        hole_insert(extents, block);
    }
}

static int shrink(struct extents *extents, struct extent *block, uint64_t size)
{
    struct extent *next = block->next;
    uint64_t rest = block->size - size;
    if (next != NULL && next->tag == EXTENT_HOLE) {
        block->size = size;
        hole_reshape(extents, next, next->position - rest, next->size + rest);
        return 0;
    }
    struct extent *hole = pool_take(&extents->extent_pool);
    if (hole == NULL) {
        return ENOMEM;
    }
    block->size = size;
    *hole =
        (struct extent){.position = block->position + size, .size = rest, .region = block->region};
    link_after(block, hole);
    hole_insert(extents, hole);
    return 0;
}

int extents_resize(struct extents *extents, struct extent *block, uint64_t size)
{
    if (size < block->size) {
        return shrink(extents, block, size);
    }
    uint64_t more = size - block->size;
    struct extent *next = block->next;
    if (more == 0) {
        return 0;
    }
    if (next == NULL || next->tag != EXTENT_HOLE || next->size < more) {
        return ENOMEM;
    }
    if (next->size == more) {
        hole_remove(extents, next);
        extent_drop(extents, next);
    } else {
        hole_reshape(extents, next, next->position + more, next->size - more);
    }
    block->size = size;
    return 0;
}

// ---- looking -----------------------------------------------------------------------------------

struct extent *extents_find(const struct extents *extents, uint64_t position, bool *inside)
{
    *inside = position < extents->end; // regions run on without gaps from position 0
    struct tree_node *node = extents->blocks.root, *below = NULL;
    while (node != NULL) {
        if (extent_of(node)->position <= position) {
            below = node;
            node = node->child[1];
        } else {
            node = node->child[0];
        }
    }
    if (below == NULL || position - extent_of(below)->position >= extent_of(below)->size) {
        return NULL;
    }
    return extent_of(below);
}

uint64_t extents_largest_hole(const struct extents *extents)
{
    if (by_position(extents)) {
        return largest_below(extents->holes.root);
    }
    const struct tree_node *last = tree_last(&extents->holes);
    return last == NULL ? 0 : extent_of(last)->size;
}

uint64_t extents_metadata(const struct extents *extents)
{
    return extents->extent_pool.bytes + extents->region_pool.bytes +
           extents->region_room * sizeof(struct region *);
}

// ---- checking ----------------------------------------------------------------------------------

static const char *region_check(const struct region *region, uint64_t *holes, uint64_t *free_bytes)
{
    uint64_t position = region->start;
    const struct extent *previous = NULL;
    for (const struct extent *e = region->first; e != NULL; previous = e, e = e->next) {
        if (e->position != position || e->previous != previous || e->region != region ||
            e->size == 0 || e->size > region->start + region->size - position) {
            return "H1";
        }
        if (e->tag == EXTENT_HOLE) {
            if (previous != NULL && previous->tag == EXTENT_HOLE) {
                return "H2";
            }
            *holes += 1;
            *free_bytes += e->size;
        }
        position += e->size;
    }
    return position == region->start + region->size ? NULL : "H1";
}

static bool trees_check(const struct extents *extents)
{
    for (const struct tree_node *n = tree_first(&extents->holes); n != NULL; n = tree_next(n)) {
        if (extent_of(n)->tag != EXTENT_HOLE) {
            return false;
        }
    }
    return tree_check(&extents->holes) &&
           (!extents->flat ||
            (extents->blocks.count == extents->block_count && tree_check(&extents->blocks)));
}

const char *extents_check(const struct extents *extents)
{
    uint64_t holes = 0, free_bytes = 0, held = 0;
    for (uint32_t i = 0; i < extents->region_count; i++) {
        const char *broken = region_check(extents->regions[i], &holes, &free_bytes);
        if (broken != NULL) {
            return broken;
        }
        held += extents->regions[i]->size;
    }
    if (holes != extents->holes.count || !trees_check(extents)) {
        return "H3";
    }
    return free_bytes == extents->free_bytes && held == extents->held_bytes ? NULL : "H4";
}
