// SPDX-License-Identifier: MIT
//
// picture.c - pictures of an engine's memory map: what is where, as exactly as there is room.
//
// 1. Three ways. Where the engine's pieces fit, a picture is those, one by one: blocks, holes, what
//    is at hand in caches; of paged memory its frames. Where they do not, neighbours of one kind
//    and owner are joined to runs, which say of how many pieces they are: no boundary between
//    owners, no hole and no partition is lost. Only where there are more runs than room is memory
//    cut into cells of equal length. A cell says what is in it and is never taken for the most of
//    it: bytes of blocks, bytes at hand, how many holes begin in it, how large the largest is that
//    it has a part of, and whose the blocks are where they are one owner's.
// 2. Two walks: the first measures, the second draws. Where other threads go on meanwhile the
// second
//    may meet more or less than the first did: what is beyond the end is left out, and the last
//    piece ends where memory did.
// 3. Pieces that take no memory (on swap, not touched yet) are not among a picture's; the engine's
//    counters say how many bytes they are.

#include "run/picture.h"

#include <string.h>

unsigned picture_pieces_of(unsigned pictures)
{
    unsigned each = pictures > 0 ? PICTURE_POOL / pictures : 0;
    return each < PICTURE_PIECES ? each : PICTURE_PIECES;
}

size_t picture_bytes(unsigned pictures, unsigned pieces)
{
    return pictures == 0
               ? 0
               : sizeof(struct picture_album) +
                     pictures * (sizeof(struct picture) + pieces * sizeof(struct picture_piece));
}

struct picture_piece *picture_pieces(const struct picture_album *album, uint32_t index)
{
    uintptr_t end = (uintptr_t)&album->pictures[album->room];
    struct picture_piece *first = (struct picture_piece *)end; // in the same mapping
    return &first[(size_t)index * album->pieces];
}

// ---- measuring ----------------------------------------------------------------------------------

// The piece before: whether the next one goes on with it.
struct picture_trail {
    bool begun;
    uint32_t kind, space, arena, region;
};

static bool picture_goes_on(struct picture_trail *trail, const struct mems_extent *extent)
{
    struct picture_trail next = {true, (uint32_t)extent->piece, extent->space, extent->arena,
                                 extent->region};
    bool same = trail->begun && next.kind != MEMS_PIECE_HOLE && trail->kind == next.kind &&
                trail->space == next.space && trail->arena == next.arena &&
                trail->region == next.region;
    *trail = next;
    return same;
}

struct picture_measure {
    uint64_t bytes, count, runs, frame;
    struct picture_trail trail;
};

static int picture_measure(const struct mems_extent *extent, void *arg)
{
    struct picture_measure *measure = arg;
    if (measure->frame == 0 && extent->page != MEMS_PAGE_NONE) {
        measure->frame = extent->size;
    }
    if (!extent->absent && extent->size > 0) {
        measure->bytes += extent->size;
        measure->count++;
        measure->runs += !picture_goes_on(&measure->trail, extent);
    }
    return 0;
}

// ---- drawing ------------------------------------------------------------------------------------

struct picture_pen {
    struct picture *picture;
    struct picture_piece *pieces;
    uint32_t room;
    uint64_t cell; // bytes of one
    uint64_t left; // bytes of memory that are not drawn yet
    struct picture_trail trail;
    struct picture_piece filling; // the cell under way
    bool shared;                  // it has blocks of several spaces
};

static void picture_put(struct picture_pen *pen, const struct picture_piece *piece)
{
    if (pen->picture->piece_count < pen->room) {
        pen->pieces[pen->picture->piece_count++] = *piece;
    }
}

static void picture_end_cell(struct picture_pen *pen)
{
    if (pen->filling.size > 0) {
        pen->filling.space = pen->shared ? 0 : pen->filling.space;
        picture_put(pen, &pen->filling);
    }
    memset(&pen->filling, 0, sizeof pen->filling);
    pen->filling.kind = PICTURE_CELL;
    pen->shared = false;
}

static void picture_fill(struct picture_pen *pen, const struct mems_extent *extent, uint64_t part,
                         bool begins)
{
    struct picture_piece *cell = &pen->filling;
    cell->size += part;
    if (extent->piece == MEMS_PIECE_HOLE) {
        cell->count += begins;
        cell->largest = extent->size > cell->largest ? extent->size : cell->largest;
    } else if (extent->piece == MEMS_PIECE_CACHED) {
        cell->cached += part;
    } else {
        pen->shared |= cell->live > 0 && cell->space != extent->space;
        cell->space = extent->space;
        cell->live += part;
    }
}

static void picture_spread(struct picture_pen *pen, const struct mems_extent *extent, uint64_t size)
{
    for (bool begins = true; size > 0; begins = false) {
        uint64_t room = pen->cell - pen->filling.size;
        uint64_t part = size < room ? size : room;
        picture_fill(pen, extent, part, begins);
        size -= part;
        if (pen->filling.size == pen->cell) {
            picture_end_cell(pen);
        }
    }
}

static int picture_visit(const struct mems_extent *extent, void *arg)
{
    struct picture_pen *pen = arg;
    struct picture *picture = pen->picture;
    uint64_t size = extent->absent ? 0 : extent->size;
    size = size < pen->left ? size : pen->left;
    pen->left -= size;
    if (size == 0) {
        return 0;
    }
    if (picture->drawn == PICTURE_CELLS) {
        picture_spread(pen, extent, size);
        return 0;
    }
    bool on = picture_goes_on(&pen->trail, extent) && picture->drawn == PICTURE_RUNS;
    if (on && picture->piece_count > 0) {
        struct picture_piece *last = &pen->pieces[picture->piece_count - 1];
        last->size += size;
        last->count++;
        return 0;
    }
    bool block = extent->piece == MEMS_PIECE_BLOCK;
    picture_put(pen,
                &(struct picture_piece){
                    .size = size,
                    .page = block && picture->drawn == PICTURE_EACH ? extent->page : MEMS_PAGE_NONE,
                    .count = 1,
                    .space = block ? extent->space : 0,
                    .kind = (uint32_t)extent->piece,
                });
    return 0;
}

// The length of a cell, round where memory is large: people are to read it.
static uint64_t picture_cell(uint64_t bytes, uint32_t room)
{
    uint64_t cell = (bytes + room - 1) / room;
    uint64_t unit = cell >= 1024 ? 1024 : 1;
    return (cell + unit - 1) / unit * unit;
}

static void picture_account(struct picture *picture, const struct mems_stats *stats)
{
    picture->requested_bytes = stats->requested_bytes;
    picture->block_bytes = stats->block_bytes;
    picture->free_bytes = stats->free_bytes;
    picture->live_blocks = stats->live_blocks;
    picture->holes = stats->holes;
    picture->largest_hole = stats->largest_hole;
    picture->refusals = stats->refusals;
    picture->refusals_enough_free = stats->refusals_enough_free;
#define PICTURE_TAKE(name) picture->counters.name = stats->name;
    PICTURE_COUNTERS(PICTURE_TAKE)
#undef PICTURE_TAKE
}

bool picture_draw(struct picture_album *album, uint32_t index, struct mems_engine *engine)
{
    struct picture *picture = &album->pictures[index];
    struct picture_measure measure = {0};
    struct mems_stats stats;
    memset(picture, 0, sizeof *picture);
    if (mems_snapshot(engine, &stats) != 0 || mems_walk(engine, picture_measure, &measure) != 0 ||
        measure.count == 0) {
        return false;
    }
    struct picture_pen pen = {
        .picture = picture,
        .pieces = picture_pieces(album, index),
        .room = album->pieces,
        .cell = picture_cell(
            measure.bytes, album->pieces < PICTURE_CELLS_MOST ? album->pieces : PICTURE_CELLS_MOST),
        .left = measure.bytes,
        .filling = {.kind = PICTURE_CELL},
    };
    picture->drawn = measure.count <= album->pieces  ? PICTURE_EACH
                     : measure.runs <= album->pieces ? PICTURE_RUNS
                                                     : PICTURE_CELLS;
    picture->frame_bytes = measure.frame;
    picture_account(picture, &stats);
    if (mems_walk(engine, picture_visit, &pen) != 0) {
        return false;
    }
    picture_end_cell(&pen);
    for (uint32_t i = 0; i < picture->piece_count; i++) {
        picture->memory_bytes += pen.pieces[i].size;
    }
    return picture->piece_count > 0;
}

void picture_copy(struct picture_album *album, uint32_t to, uint32_t from)
{
    if (to != from) {
        album->pictures[to] = album->pictures[from];
        memcpy(picture_pieces(album, to), picture_pieces(album, from),
               album->pictures[from].piece_count * sizeof(struct picture_piece));
    }
}
