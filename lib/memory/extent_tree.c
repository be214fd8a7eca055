// SPDX-License-Identifier: MIT
//
// extent_tree.c - holes in a balanced tree: first, next, best and worst fit in O(log n).
//
// The tree is ordered as the fit wants it:
//   first, next   by position; each node knows the largest hole in its subtree, so the lowest hole
//                 that is large enough is found by one walk down: exact, O(log n)
//   best          by size, then position: the lower bound of the size is the answer
//   worst         by size, then falling position: the last one is the answer
// A hole of size + align - granule has an aligned place for certain, a smaller one may have; the
// searches look at each candidate in the fit's order and skip those that have none. That is exact,
// and costs one step for each hole skipped.

#include "memory/extent_index.h"
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

void extent_tree_init(struct extents *extents)
{
    tree_init(&extents->blocks, before_by_position, NULL);
    if (extents->index == &extent_by_position) {
        tree_init(&extents->holes, before_by_position, summarise_largest);
    } else {
        bool best = extents->set.fit == EXTENT_BEST;
        tree_init(&extents->holes, best ? before_by_size : before_by_size_then_down, NULL);
    }
}

static void hole_insert(struct extents *extents, struct extent *hole)
{
    hole->largest = hole->size;
    tree_insert(&extents->holes, &hole->node);
}

static void hole_remove(struct extents *extents, struct extent *hole)
{
    tree_remove(&extents->holes, &hole->node);
}

// Its place in the order stays.
static void reshape_by_position(struct extents *extents, struct extent *hole, uint64_t position,
                                uint64_t size)
{
    hole->position = position;
    hole->size = size;
    tree_changed(&extents->holes, &hole->node);
}

static void reshape_by_size(struct extents *extents, struct extent *hole, uint64_t position,
                            uint64_t size)
{
    tree_remove(&extents->holes, &hole->node);
    hole->position = position;
    hole->size = size;
    tree_insert(&extents->holes, &hole->node);
}

static bool tree_room(uint64_t granule, uint64_t size, uint64_t align, uint64_t *bytes)
{
    uint64_t page = os_page_size();
    uint64_t sure = granule > page ? granule : page; // what a region's start is a multiple of
    return !__builtin_add_overflow(size, align > sure ? align - sure : 0, bytes);
}

// ---- fits --------------------------------------------------------------------------------------

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
            if (extent_fits(hole, size, align)) {
                return hole;
            }
        }
        node = node->child[1];
    }
    return NULL;
}

static struct extent *choose_by_position(const struct extents *extents, uint64_t size,
                                         uint64_t align)
{
    struct extent *hole = NULL;
    if (extents->set.fit == EXTENT_NEXT) {
        hole = lowest_fit(extents->holes.root, extents->rover, size, align);
    }
    return hole != NULL ? hole : lowest_fit(extents->holes.root, 0, size, align);
}

static bool at_least(const struct tree_node *node, const void *key)
{
    return extent_of(node)->size >= *(const uint64_t *)key;
}

static struct extent *best_fit(const struct extents *extents, uint64_t size, uint64_t align)
{
    struct tree_node *node = tree_lower_bound(&extents->holes, at_least, &size);
    while (node != NULL && !extent_fits(extent_of(node), size, align)) {
        node = tree_next(node);
    }
    return node == NULL ? NULL : extent_of(node);
}

static struct extent *worst_fit(const struct extents *extents, uint64_t size, uint64_t align)
{
    struct tree_node *node = tree_last(&extents->holes);
    while (node != NULL && extent_of(node)->size >= size) {
        if (extent_fits(extent_of(node), size, align)) {
            return extent_of(node);
        }
        node = tree_previous(node);
    }
    return NULL;
}

static struct extent *choose_by_size(const struct extents *extents, uint64_t size, uint64_t align)
{
    return extents->set.fit == EXTENT_BEST ? best_fit(extents, size, align)
                                           : worst_fit(extents, size, align);
}

static struct extent *after_by_position(const struct extents *extents, uint64_t position,
                                        uint64_t size, uint64_t align)
{
    return lowest_fit(extents->holes.root, position, size, align);
}

// The largest.
static struct extent *after_by_size(const struct extents *extents, uint64_t position, uint64_t size,
                                    uint64_t align)
{
    struct extent *hole = worst_fit(extents, size, align);
    return hole != NULL && hole->position >= position ? hole : NULL;
}

// ---- looking -----------------------------------------------------------------------------------

static uint64_t largest_by_position(const struct extents *extents)
{
    return largest_below(extents->holes.root);
}

static uint64_t largest_by_size(const struct extents *extents)
{
    const struct tree_node *last = tree_last(&extents->holes);
    return last == NULL ? 0 : extent_of(last)->size;
}

static bool holes_check(const struct extents *extents)
{
    for (const struct tree_node *n = tree_first(&extents->holes); n != NULL; n = tree_next(n)) {
        if (extent_of(n)->tag != EXTENT_HOLE) {
            return false;
        }
    }
    return extents->holes.count == extents->hole_count && tree_check(&extents->holes);
}

const struct extent_index extent_by_position = {
    .insert = hole_insert,
    .remove = hole_remove,
    .reshape = reshape_by_position,
    .choose = choose_by_position,
    .choose_after = after_by_position,
    .room = tree_room,
    .largest = largest_by_position,
    .check = holes_check,
};

const struct extent_index extent_by_size = {
    .insert = hole_insert,
    .remove = hole_remove,
    .reshape = reshape_by_size,
    .choose = choose_by_size,
    .choose_after = after_by_size,
    .room = tree_room,
    .largest = largest_by_size,
    .check = holes_check,
};
