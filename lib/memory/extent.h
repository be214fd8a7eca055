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

#include "base/container.h"
#include "base/list.h"
#include "base/tree.h"
#include "memory/pool.h"

struct descriptor;
struct extent_index;

enum extent_fit { EXTENT_FIRST, EXTENT_NEXT, EXTENT_BEST, EXTENT_WORST, EXTENT_BUDDY, EXTENT_TLSF };
enum extent_tag { EXTENT_HOLE = 1, EXTENT_BLOCK };

// A piece of a region. Positions run on from region to region in order of growth, so that the
// order of positions is the order of the textbook's chain.
struct extent {
    union {
        struct tree_node node; // hole: in extents.holes; block with a flat address: in .blocks
        struct list free;      // hole of buddy or TLSF: in the list of its order or class
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
    bool held;             // block: it has a holder
    uint8_t align_bits;    // block: it must stand at a multiple of 2^n (0: the granule's will do)
    struct list pending[]; // deferred only: a hole that has not met its neighbours yet
};

struct region {
    uint64_t start; // position of its first byte
    uint64_t size;
    char *host;
    struct extent *first;
    struct list link;  // in extents.regions
    struct list empty; // in extents.empty while it is one hole
    uint64_t emptied;  // the how manieth to become so
    uint32_t number;   // in order of growth; no other region ever has it
};

// Something that goes through the extents while they change (a walk).
struct extent_cursor {
    struct list link;
    struct region *region; // the one it is in, or has done; NULL: before the first
    struct extent *next;   // at or near the next one; NULL: the region is done
    uint64_t position;     // everything before it was seen
};

struct extents_settings {
    enum extent_fit fit;
    bool flat;          // blocks stand in a tree, for extents_find
    bool deferred;      // holes meet their neighbours only when they must
    bool returns;       // empty regions go back to the OS (never with `flat`)
    uint64_t granule;   // sizes, and places within a region, are multiples of it; a power of two
    uint64_t step;      // least size of a new region
    uint64_t stand;     // a new region's host address is a multiple of it; 0: of the granule
    uint64_t min_block; // a remainder below it stays with its block
};

// in each region: first->position == start; next->position == position + size; sizes add up    (H1)
// no two neighbours are both holes (buddy: no two buddies), but where one of them pends        (H2)
// hole_count == number of extents tagged HOLE; each is in the index                            (H3)
// free_bytes == sum of the holes' sizes; held_bytes == sum of the regions' sizes               (H4)
// a region is in `empty` == it is one hole; empty_bytes == sum of their sizes                  (H5)
// buddy: a size is a power of two, an offset in the region a multiple of the size              (H6)
struct extents {
    struct extents_settings set;      // [ro]
    const struct extent_index *index; // [ro] how holes are kept and chosen
    struct tree holes;                // first, next, best, worst
    void *lists;                      // [ro] buddy, TLSF: lists of holes
    struct tree blocks;               // flat only
    struct list regions;              // by position
    struct list empty;                // the longest empty first
    struct list pending;
    struct list cursors;
    struct pool extent_pool, region_pool;
    uint64_t rover; // next fit: where the last allocation ended
    uint64_t end;   // position after the last region
    uint64_t free_bytes, held_bytes, block_count, hole_count, region_count, pending_count;
    uint64_t empty_bytes;
    uint64_t emptied;       // regions that have become empty, ever
    uint32_t regions_grown; // ever
    bool surplus;           // more regions are empty than are kept: see extents_trim
    // A mover's (memory/extent_move.h). While a batch of moves is in flight its places are blocks
    // without a descriptor, and no region is unmapped: bytes are read without the lock.
    uint64_t reserved_bytes, reserved_count;
    // Told that a block has moved to `place`. NULL: the descriptor's record is the extent itself.
    void (*moved)(struct descriptor *descriptor, struct extent *place);
    uint32_t pinned; // batches in flight
};

// 0, or ENOMEM; extents_fini is right after either.
int extents_init(struct extents *extents, const struct extents_settings *settings);
void extents_fini(struct extents *extents); // unmaps everything

// The bytes that a block for the request takes at least: a multiple of the granule, or a power of
// two. false: no memory could hold it. Reads settings only: no lock.
bool extents_round(const struct extents *extents, uint64_t size, uint64_t align, uint64_t *rounded);

// Sizes that a granule above 16 leaves, for magazines, rising: its multiples, eight and then four
// an octave.
void extents_sizes(uint64_t granule, uint64_t *sizes, size_t count);

// Maps a region with room for a block of `size` bytes (as rounded above) at `align`; it becomes one
// hole (buddy: as many as it has powers of two). 0 or ENOMEM.
int extents_grow(struct extents *extents, uint64_t size, uint64_t align);

// Makes sure that the next grow and take after it find their records. 0 or ENOMEM.
int extents_reserve(struct extents *extents);

// Cuts a block from the low end of the hole that the fit chooses. `size` is as rounded above, the
// block may be larger (min_block); `align` is a power of two (of the host address). 0; ENOSPC: no
// hole fits; ENOMEM: no memory for a record. A failure may leave pending holes coalesced.
int extents_take(struct extents *extents, uint64_t size, uint64_t align, struct extent **block);

// The same from the low end of one hole, and exactly `size` bytes. ENOSPC: it does not fit there.
// Not for buddies.
int extents_take_from(struct extents *extents, struct extent *hole, uint64_t size, uint64_t align,
                      struct extent **block);

// The block becomes a hole and merges with its neighbours, now or later. Never fails.
void extents_give(struct extents *extents, struct extent *block);

// Shrinks a block, or grows it into the holes behind it, to `size` bytes as rounded above (and as
// many more as min_block says). 0, or ENOMEM and nothing changed.
int extents_resize(struct extents *extents, struct extent *block, uint64_t size);

// Coalesces every pending hole.
void extents_sweep(struct extents *extents);

// Unmaps the longest empty regions, as many as are more than are kept, of those that were empty
// when extents->emptied was `mark` and have been since. Returns their bytes. The caller has waited
// for the access sections that had begun by then: in them may be readers of blocks that were there.
// A region that the OS does not take back stays, and is a hole like others. While a batch of moves
// is in flight nothing goes, and the surplus stays.
uint64_t extents_trim(struct extents *extents, uint64_t mark);

// Whether it is time to do so.
static inline bool extents_may_trim(const struct extents *extents)
{
    return extents->surplus && extents->pinned == 0;
}

// flat: the block that contains the position, or NULL; *inside says whether some region does.
struct extent *extents_find(const struct extents *extents, uint64_t position, bool *inside);

uint64_t extents_largest_hole(const struct extents *extents);
uint64_t extents_metadata(const struct extents *extents);

static inline char *extent_host(const struct extent *extent)
{
    return extent->region->host + (extent->position - extent->region->start);
}

// Steps through all extents in order of position while the lock is held: first, then next until
// NULL. (A walk that gives the lock back needs a cursor.)
static inline struct extent *extents_of_region_at(const struct extents *extents,
                                                  const struct list *link)
{
    return link == &extents->regions ? NULL : container_of(link, struct region, link)->first;
}

static inline struct extent *extents_first(const struct extents *extents)
{
    return extents_of_region_at(extents, extents->regions.next);
}

static inline struct extent *extents_next(const struct extents *extents,
                                          const struct extent *extent)
{
    return extent->next != NULL ? extent->next
                                : extents_of_region_at(extents, extent->region->link.next);
}

// Steps through all extents in order of position: begin, then next until NULL, then end. Between
// two steps the lock may be released: what changes meanwhile is seen before or after the change,
// and no byte twice. So a hole that has grown backwards over what was seen counts from *from on
// only (else that is its position), and a block that was cut from there is left out. Of a region
// that goes meanwhile the rest is not seen.
void extents_cursor_begin(struct extents *extents, struct extent_cursor *cursor);
struct extent *extents_cursor_next(struct extents *extents, struct extent_cursor *cursor,
                                   uint64_t *from);
void extents_cursor_end(struct extent_cursor *cursor);

// Checks H1 to H6 and the index. NULL, or the label of the first broken invariant. O(n).
const char *extents_check(const struct extents *extents);

// reserved_bytes, reserved_count == sums over blocks without a descriptor; there are such only
// while something is pinned                                                                    (H7)
// For owners whose blocks all have one but those. O(n).
bool extents_reserved_check(const struct extents *extents);

#endif
