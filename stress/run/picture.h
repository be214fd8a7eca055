// SPDX-License-Identifier: MIT
//
// picture.h - pictures of an engine's memory map, taken while a cell runs.

#ifndef RUN_PICTURE_H
#define RUN_PICTURE_H

#include <mems/engine.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PICTURE_PIECES 192 // of one picture, at most

// In order of arena, region, offset.
struct picture_piece {
    uint64_t size;
    uint32_t space; // of a block: its owner's id; else 0
    uint32_t kind;  // enum mems_piece
};

// sum of size over pieces == memory_bytes                                                    (PI1)
struct picture {
    uint64_t at_ns; // since the measured phase began
    uint64_t operations;
    uint64_t memory_bytes;
    uint64_t requested_bytes, block_bytes, free_bytes; // as the engine counts them
    uint64_t live_blocks, holes, largest_hole;
    uint64_t refusals, refusals_enough_free;
    bool exact; // pieces are the engine's; else each is what most of a stretch of memory is
    uint32_t piece_count;
    struct picture_piece pieces[PICTURE_PIECES];
};

struct picture_album {
    uint32_t room;
    uint32_t count;
    uint64_t kept;  // one of so many is kept: doubles when the album is full
    uint64_t asked; // how often a picture was due
    struct picture pictures[];
};

// Bytes of an album with room for so many; 0 for none.
size_t picture_bytes(unsigned room);

// While the engine is used. `at_ns` and `operations` are what the picture says of its time.
// A picture that is not to be kept costs nothing; one that is costs two walks over every piece.
void picture_take(struct picture_album *album, struct mems_engine *engine, uint64_t at_ns,
                  uint64_t operations);

#endif
