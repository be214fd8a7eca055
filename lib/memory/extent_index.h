// SPDX-License-Identifier: MIT
//
// extent_index.h - what the files extent*.c share: the index of holes, and the steps on the chain.
//
// Nobody else includes this. An index keeps the holes so that one of them can be chosen; it neither
// counts them nor knows what a block is.

#ifndef MEMORY_EXTENT_INDEX_H
#define MEMORY_EXTENT_INDEX_H

#include "base/bits.h"
#include "memory/extent.h"

struct extent_index {
    size_t bytes; // of extents->lists, zeroed; 0: none
    void (*insert)(struct extents *extents, struct extent *hole);
    void (*remove)(struct extents *extents, struct extent *hole);
    // Gives a hole new bounds that overlap no other hole.
    void (*reshape)(struct extents *extents, struct extent *hole, uint64_t position, uint64_t size);
    // A hole with room for `size` bytes at `align` (1: any), or NULL.
    struct extent *(*choose)(const struct extents *extents, uint64_t size, uint64_t align);
    // A hole that starts at or after a position and has such room: the lowest where holes are in
    // order of position, else the one that is likeliest to. NULL: none, or it is not known. Not for
    // buddies.
    struct extent *(*choose_after)(const struct extents *extents, uint64_t position, uint64_t size,
                                   uint64_t align);
    // Bytes of a new region in which choose finds such a hole for certain, whatever page it begins
    // at. false: too many.
    bool (*room)(uint64_t granule, uint64_t size, uint64_t align, uint64_t *bytes);
    uint64_t (*largest)(const struct extents *extents); // 0: no hole
    bool (*check)(const struct extents *extents);       // finds as many as hole_count. O(n)
};

extern const struct extent_index extent_by_position, extent_by_size; // extent_tree.c
extern const struct extent_index extent_by_order;                    // extent_buddy.c
extern const struct extent_index extent_by_class;                    // extent_tlsf.c

void extent_tree_init(struct extents *extents);

// Bytes before the first place in the hole where a block may start.
static inline uint64_t extent_gap(const struct extent *hole, uint64_t align)
{
    return -(uint64_t)(uintptr_t)extent_host(hole) & (align - 1);
}

static inline bool extent_fits(const struct extent *hole, uint64_t size, uint64_t align)
{
    return hole->size >= size && (align <= 1 || extent_gap(hole, align) <= hole->size - size);
}

// ---- lists of holes, for indexes ---------------------------------------------------------------

// Ends with NULL, so that zeroed memory is so many empty lists.
static inline void extent_push(struct list **head, struct extent *hole)
{
    hole->free = (struct list){.next = *head, .previous = NULL};
    if (*head != NULL) {
        (*head)->previous = &hole->free;
    }
    *head = &hole->free;
}

static inline void extent_pull(struct list **head, struct extent *hole)
{
    if (hole->free.next != NULL) {
        hole->free.next->previous = hole->free.previous;
    }
    if (hole->free.previous != NULL) {
        hole->free.previous->next = hole->free.next;
    } else {
        *head = hole->free.next;
    }
}

// ---- the chain: extent.c -----------------------------------------------------------------------

static inline bool extent_is_hole(const struct extent *extent)
{
    return extent != NULL && extent->tag == EXTENT_HOLE;
}

// Into and out of the index, and the counters.
void extent_hole_insert(struct extents *extents, struct extent *hole);
void extent_hole_remove(struct extents *extents, struct extent *hole);
void extent_link_after(struct extent *extent, struct extent *item);
// Takes an extent out of its region's chain and forgets it.
void extent_drop(struct extents *extents, struct extent *extent);
void extent_block_insert(struct extents *extents, struct extent *block);
// Takes `count` records from the pool, or none.
bool extent_records_take(struct extents *extents, struct extent **records, size_t count);

// ---- buddies: extent_buddy.c -------------------------------------------------------------------

#define EXTENT_ORDERS 64

// The largest power of two up to n > 0.
static inline uint64_t extent_piece(uint64_t n)
{
    return UINT64_C(1) << bits_log2(n);
}

// The free buddy of an extent, or NULL.
struct extent *extent_buddy(const struct extent *extent);
// Halves a hole (in the index) until it has `size` bytes; it becomes a block. 0 or ENOMEM.
int extent_buddy_cut(struct extents *extents, struct extent *hole, uint64_t size);
// Merges an extent that is in no index with its buddies; the result is in no index either.
struct extent *extent_buddy_merge(struct extents *extents, struct extent *extent);
int extent_buddy_resize(struct extents *extents, struct extent *block, uint64_t size);

// ---- regions: extent_region.c ------------------------------------------------------------------

void extent_region_emptied(struct extents *extents, struct region *region);
void extent_region_used(struct extents *extents, struct region *region);

// A hole that is whole: nothing else in its region.
static inline bool extent_is_region(const struct extent *extent)
{
    return extent->size == extent->region->size;
}

#endif
