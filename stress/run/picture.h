// SPDX-License-Identifier: MIT
//
// picture.h - pictures of an engine's memory map, and the room for them.

#ifndef RUN_PICTURE_H
#define RUN_PICTURE_H

#include <mems/engine.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PICTURE_PIECES     4096      // of one picture, at most
#define PICTURE_CELLS_MOST 1024      // where pieces are not enough
#define PICTURE_POOL       (1 << 17) // of all pictures of an album, at most

enum picture_drawn {
    PICTURE_EACH,  // the engine's pieces, one by one
    PICTURE_RUNS,  // neighbours of one kind and owner are one; every hole is on its own
    PICTURE_CELLS, // cells of equal length, each with what is in it
    PICTURE_WAYS,
};

#define PICTURE_CELL 3 // a kind beside enum mems_piece

// In order of arena, region, offset.
struct picture_piece {
    uint64_t size;
    union {
        uint64_t page; // of a frame: its block's page; else MEMS_PAGE_NONE
        uint64_t live; // cell: bytes of blocks in it
    };
    uint64_t cached;  // cell: bytes at hand in caches
    uint64_t largest; // cell: the largest hole of which some is in it, all of it counted
    uint32_t count;   // pieces in a run; cell: holes that begin in it
    uint32_t space; // of a block: its owner's id; cell: of all its blocks, where it is one; else 0
    uint32_t kind;  // enum mems_piece, or PICTURE_CELL
};

// The engine's counters that are kept with a picture: what has happened since the last one is
// their difference.
#define PICTURE_COUNTERS(X)                                                                        \
    X(allocs)                                                                                      \
    X(releases)                                                                                    \
    X(resizes)                                                                                     \
    X(cache_hits)                                                                                  \
    X(compactions)                                                                                 \
    X(moved_bytes)                                                                                 \
    X(faults)                                                                                      \
    X(evictions)                                                                                   \
    X(write_backs)                                                                                 \
    X(absent_bytes)                                                                                \
    X(swap_bytes)

struct picture_counters {
#define PICTURE_COUNTERS_FIELD(name) uint64_t name;
    PICTURE_COUNTERS(PICTURE_COUNTERS_FIELD)
#undef PICTURE_COUNTERS_FIELD
};

// What the operation that ended just before the picture did with memory (decision.h).
enum picture_deed {
    DEED_UNKNOWN,
    DEED_ALLOC_HOLE,     // cut from a hole
    DEED_ALLOC_MAGAZINE, // a thread's cache had it at hand
    DEED_ALLOC_REFILL,   // one of a batch that the cache fetched
    DEED_ALLOC_GREW,     // memory was mapped for it
    DEED_ALLOC_FRAMES,
    DEED_FREE_HOLE, // it is (a part of) a hole now
    DEED_FREE_MAGAZINE,
    DEED_FREE_FRAMES,
    DEED_TOUCH_HIT,
    DEED_TOUCH_FAULT, // a page came into a frame
    DEED_REFUSED,
    DEEDS,
};

// Figures of a deed; those that mean nothing are 0. Positions are bytes of the picture.
#define PICTURE_DEED_FIGURES(X)                                                                    \
    X(asked, "asked_bytes")                                                                        \
    X(at, "at_bytes")                                                                              \
    X(size, "taken_bytes")                                                                         \
    X(hole_at, "hole_at_bytes") /* the hole that was there, or is now */                           \
    X(hole_size, "hole_bytes")                                                                     \
    X(holes, "holes") /* of the arena, before */                                                   \
    X(fitting, "holes_fitting")                                                                    \
    X(lower, "fitting_lower") /* of those that fit, at a lower place */                            \
    X(smaller, "fitting_smaller")                                                                  \
    X(larger, "fitting_larger")                                                                    \
    X(below, "joined_below_bytes")                                                                 \
    X(above, "joined_above_bytes")                                                                 \
    X(frames, "frames")                                                                            \
    X(frame, "frame")                                                                              \
    X(page, "page")                                                                                \
    X(space, "space")                                                                              \
    X(victim_page, "victim_page")                                                                  \
    X(victim_space, "victim_space") /* 0: the frame was free */                                    \
    /* pages that replacement had to choose from, in its order; 0: not known */                    \
    X(candidates, "candidates")                                                                    \
    X(used, "candidates_referenced")                                                               \
    X(passed, "passed") /* before the victim */                                                    \
    X(passed_used, "passed_referenced")                                                            \
    X(victim_used, "victim_referenced")                                                            \
    X(victim_dirty, "victim_modified")                                                             \
    X(lower_class, "lower_class") /* candidates with a smaller 2 R + M */

struct picture_decision {
    uint32_t deed; // enum picture_deed
#define PICTURE_DEED_FIELD(name, key) uint64_t name;
    PICTURE_DEED_FIGURES(PICTURE_DEED_FIELD)
#undef PICTURE_DEED_FIELD
};

// sum of size over pieces == memory_bytes                                                    (PI1)
struct picture {
    uint64_t at_ns; // since the measured phase began
    uint64_t operations;
    uint64_t mark; // the number of operations at which it was due
    uint64_t memory_bytes;
    uint64_t frame_bytes;                              // 0: not paged
    uint64_t requested_bytes, block_bytes, free_bytes; // as the engine counts them
    uint64_t live_blocks, holes, largest_hole;
    uint64_t refusals, refusals_enough_free;
    struct picture_counters counters;
    struct picture_decision decision;
    uint32_t drawn; // enum picture_drawn
    uint32_t piece_count;
};

struct picture_album {
    uint32_t room;   // pictures
    uint32_t pieces; // of one, at most
    uint32_t count;
    struct picture pictures[]; // and their pieces, `pieces` for each
};

// How many pieces each of so many pictures may have.
unsigned picture_pieces_of(unsigned pictures);
// Bytes of an album with room for so many; 0 for none.
size_t picture_bytes(unsigned pictures, unsigned pieces);
// The pieces of picture `index`.
struct picture_piece *picture_pieces(const struct picture_album *album, uint32_t index);

// Draws the memory as it is now into picture `index` of the album: all but what a picture says of
// its time and of the last operation. Costs two walks over every piece. Whether there is something
// in it.
bool picture_draw(struct picture_album *album, uint32_t index, struct mems_engine *engine);
// Picture `from` is picture `to` as well.
void picture_copy(struct picture_album *album, uint32_t to, uint32_t from);

#endif
