// SPDX-License-Identifier: MIT
//
// extent.h - memory cut into blocks and holes: regions, extents, and how a hole is found.
//
// The essay is in extent.c. One `struct extents` is guarded by one lock, its owner's; every
// function here is called with it held.

#ifndef MEMORY_EXTENT_H
#define MEMORY_EXTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/tree.h"
#include "memory/pool.h"

struct descriptor;

enum extent_fit { EXTENT_FIRST, EXTENT_NEXT, EXTENT_BEST, EXTENT_WORST };
enum extent_tag { EXTENT_HOLE = 1, EXTENT_BLOCK };

// A piece of a region. Positions run on from region to region in order of growth, so that the
// order of positions is the order of the textbook's chain.
struct extent {
    union {
        struct tree_node node; // hole: in extents.holes; block with a flat address: in .blocks
        struct list owned;     // other block: in its owner's list
    };
    uint64_t position;
    uint64_t size;
    struct extent *previous, *next; // neighbours within the region
    struct region *region;
    union {
        uint64_t largest;              // hole: the largest size in the subtree below its node
        uint64_t requested;            // block with a flat address
        struct descriptor *descriptor; // other block
        void *holder;                  // block that its owner cuts further: the owner's
    };
    enum extent_tag tag;
    bool held; // block: it has a holder
};

struct region {
    uint64_t start; // position of its first byte
    uint64_t size;
    char *host;
    struct extent *first;
    uint32_t number;
};

// Something that goes through the extents while they change (a walk).
struct extent_cursor {
    struct list link;
    struct extent *next; // at or near the next one; NULL: the region is done
    uint64_t position;   // everything before it was seen
    uint32_t region;     // number of the region it is in
};

// in each region: first->position == start; next->position == position + size; sizes add up (H1) no
// two neighbours are both holes                                                                (H2)
// holes.count == number of extents tagged HOLE; each is in the tree (H3) free_bytes == sum of the
// holes' sizes; held_bytes == sum of the regions' sizes                                        (H4)
struct extents {
    struct tree holes;
    struct tree blocks; // flat only
    struct region **regions;
    uint32_t region_count, region_room;
    struct pool extent_pool, region_pool;
    struct list cursors;
    enum extent_fit fit;
    bool flat;
    uint64_t granule; // sizes, and places within a region, are multiples of it; regions are aligned
    uint64_t step;    // least size of a new region
    uint64_t rover;   // next fit: where the last allocation ended
    uint64_t end;     // position after the last region
    uint64_t free_bytes, held_bytes, block_count;
};

void extents_init(struct extents *extents, enum extent_fit fit, bool flat, uint64_t granule,
                  uint64_t step);
void extents_fini(struct extents *extents); // unmaps everything

// Maps a region with room for `size` bytes at `align`; it becomes one hole. 0 or ENOMEM.
int extents_grow(struct extents *extents, uint64_t size, uint64_t align);

// Makes sure that the next grow and take after it find their records. 0 or ENOMEM.
int extents_reserve(struct extents *extents);

// Cuts a block from the low end of the hole that the fit chooses. `size` is a multiple of the
// granule; `align` is a power of two (of the host address). 0; ENOSPC: no hole fits; ENOMEM: no
// memory for a record.
int extents_take(struct extents *extents, uint64_t size, uint64_t align, struct extent **block);

// The block becomes a hole and merges with its neighbours. Never fails.
void extents_give(struct extents *extents, struct extent *block);

// Shrinks a block, or grows it into the hole behind it. 0, or ENOMEM and nothing changed.
int extents_resize(struct extents *extents, struct extent *block, uint64_t size);

// flat: the block that contains the position, or NULL; *inside says whether some region does.
struct extent *extents_find(const struct extents *extents, uint64_t position, bool *inside);

uint64_t extents_largest_hole(const struct extents *extents);
uint64_t extents_metadata(const struct extents *extents);

static inline char *extent_host(const struct extent *extent)
{
    return extent->region->host + (extent->position - extent->region->start);
}

// Steps through all extents in order of position: begin, then next until NULL, then end. Between
// two steps the lock may be released: what changes meanwhile is seen before or after the change,
// and no byte twice. So a hole that has grown backwards over what was seen counts from *from on
// only (else that is its position), and a block that was cut from there is left out.
void extents_cursor_begin(struct extents *extents, struct extent_cursor *cursor);
struct extent *extents_cursor_next(struct extents *extents, struct extent_cursor *cursor,
                                   uint64_t *from);
void extents_cursor_end(struct extent_cursor *cursor);

// Checks H1 to H4 and the trees. NULL, or the label of the first broken invariant. O(n).
const char *extents_check(const struct extents *extents);

#endif
