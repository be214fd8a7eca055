// SPDX-License-Identifier: MIT
//
// picture.c - pictures of an engine's memory map, taken while a cell runs.
//
// 1. An album has room for some pictures, and a run may last an hour: when it is full every second
//    one goes, and of those that are due as many are taken (as of the samples in account.c).
// 2. A picture has room for some pieces, and an engine may have millions. Where they fit they are
//    the engine's own, one by one. Else memory is cut into PICTURE_PIECES stretches of equal
//    length; each is what most of its bytes are (a block, at hand in a cache, a hole), and a
//    block's owner is the space that has more of the stretch than any other could (Boyer and
//    Moore's vote, weighted by bytes: right where a space has more than half). Neighbours that come
//    out the same are joined.
// 3. Two walks: the first measures, the second draws. Other threads go on meanwhile, and the second
//    may meet more or less than the first did: what is beyond the end is left out, and the last
//    piece ends where memory did.
// 4. Pieces that take no memory (on swap, not touched yet) are not in the picture.

#include "run/picture.h"

#include <string.h>

#define PICTURE_KINDS 3

size_t picture_bytes(unsigned room)
{
    return room == 0 ? 0 : sizeof(struct picture_album) + room * sizeof(struct picture);
}

struct picture_measure {
    uint64_t bytes, count;
};

static int picture_measure(const struct mems_extent *extent, void *arg)
{
    struct picture_measure *measure = arg;
    if (!extent->absent && extent->size > 0) {
        measure->bytes += extent->size;
        measure->count++;
    }
    return 0;
}

struct picture_pen {
    struct picture *picture;
    uint64_t stretch; // bytes of one; 0: pieces are drawn as they are
    uint64_t left;    // bytes of memory that are not drawn yet
    // of the stretch under way
    uint64_t filled;
    uint64_t bytes[PICTURE_KINDS];
    uint32_t space; // the candidate, and its votes
    uint64_t votes;
};

static void picture_put(struct picture *picture, uint64_t size, uint32_t kind, uint32_t space,
                        bool join)
{
    struct picture_piece *last =
        picture->piece_count > 0 ? &picture->pieces[picture->piece_count - 1] : NULL;
    if (join && last != NULL && last->kind == kind && last->space == space) {
        last->size += size;
    } else if (picture->piece_count < PICTURE_PIECES) {
        picture->pieces[picture->piece_count++] =
            (struct picture_piece){.size = size, .space = space, .kind = kind};
    }
}

static void picture_end_stretch(struct picture_pen *pen)
{
    uint32_t kind = 0;
    for (uint32_t i = 1; i < PICTURE_KINDS; i++) {
        kind = pen->bytes[i] > pen->bytes[kind] ? i : kind;
    }
    if (pen->filled > 0) {
        picture_put(pen->picture, pen->filled, kind, kind == MEMS_PIECE_BLOCK ? pen->space : 0,
                    true);
    }
    memset(pen->bytes, 0, sizeof pen->bytes);
    pen->filled = pen->votes = 0;
}

static void picture_vote(struct picture_pen *pen, uint32_t space, uint64_t bytes)
{
    if (pen->votes == 0 || pen->space == space) {
        pen->space = space;
        pen->votes += bytes;
    } else if (bytes > pen->votes) {
        pen->space = space;
        pen->votes = bytes - pen->votes;
    } else {
        pen->votes -= bytes;
    }
}

static int picture_draw(const struct mems_extent *extent, void *arg)
{
    struct picture_pen *pen = arg;
    uint64_t size = extent->absent ? 0 : extent->size;
    uint32_t kind = (uint32_t)extent->piece;
    size = size < pen->left ? size : pen->left;
    pen->left -= size;
    if (size > 0 && pen->stretch == 0) {
        picture_put(pen->picture, size, kind, kind == MEMS_PIECE_BLOCK ? extent->space : 0, false);
        return 0;
    }
    while (size > 0) {
        uint64_t room = pen->stretch - pen->filled;
        uint64_t part = size < room ? size : room;
        pen->bytes[kind] += part;
        pen->filled += part;
        size -= part;
        if (kind == MEMS_PIECE_BLOCK) {
            picture_vote(pen, extent->space, part);
        }
        if (pen->filled == pen->stretch) {
            picture_end_stretch(pen);
        }
    }
    return 0;
}

// The length of a stretch, round where memory is large: people are to read it.
static uint64_t picture_stretch(uint64_t bytes)
{
    uint64_t stretch = (bytes + PICTURE_PIECES - 1) / PICTURE_PIECES;
    uint64_t unit = stretch >= 1024 ? 1024 : 1;
    return (stretch + unit - 1) / unit * unit;
}

static uint64_t picture_drawn(const struct picture *picture)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < picture->piece_count; i++) {
        sum += picture->pieces[i].size;
    }
    return sum;
}

// Whether there is something in it.
static bool picture_make(struct picture *picture, struct mems_engine *engine)
{
    struct picture_measure measure = {0};
    struct mems_stats stats;
    if (mems_snapshot(engine, &stats) != 0 || mems_walk(engine, picture_measure, &measure) != 0 ||
        measure.count == 0) {
        return false;
    }
    struct picture_pen pen = {.picture = picture, .left = measure.bytes};
    picture->exact = measure.count <= PICTURE_PIECES;
    pen.stretch = picture->exact ? 0 : picture_stretch(measure.bytes);
    picture->requested_bytes = stats.requested_bytes;
    picture->block_bytes = stats.block_bytes;
    picture->free_bytes = stats.free_bytes;
    picture->live_blocks = stats.live_blocks;
    picture->holes = stats.holes;
    picture->largest_hole = stats.largest_hole;
    picture->refusals = stats.refusals;
    picture->refusals_enough_free = stats.refusals_enough_free;
    if (mems_walk(engine, picture_draw, &pen) != 0) {
        return false;
    }
    picture_end_stretch(&pen);
    picture->memory_bytes = picture_drawn(picture);
    return picture->piece_count > 0;
}

static void picture_thin(struct picture_album *album)
{
    album->count = (album->room + 1) / 2;
    for (uint32_t i = 0; i < album->count; i++) {
        album->pictures[i] = album->pictures[2 * i];
    }
    album->kept *= 2;
}

void picture_take(struct picture_album *album, struct mems_engine *engine, uint64_t at_ns,
                  uint64_t operations)
{
    album->kept = album->kept == 0 ? 1 : album->kept;
    uint64_t number = album->asked++;
    if (number % album->kept == 0 && album->count == album->room) {
        picture_thin(album);
    }
    if (number % album->kept != 0 || album->count == album->room) {
        return;
    }
    struct picture *picture = &album->pictures[album->count];
    memset(picture, 0, sizeof *picture);
    picture->at_ns = at_ns;
    picture->operations = operations;
    album->count += picture_make(picture, engine);
}
