// SPDX-License-Identifier: MIT
//
// model_compaction.h - blocks that slide together, one after the other, over model_dynamic.h.
//
// Nobody uses the blocks meanwhile, so none stays for that. A pass looks at the holes and at the
// blocks above each, from low to high:
//
//   a block that fits the hole goes to the hole's low end, what it leaves joins its neighbours;
//   one that stands right behind the hole and is larger goes there as well, two copies, if another
//   hole above can hold it meanwhile, and if its alignment lets it come down at all; those right
//   behind it that are larger than the hole and ask for no alignment go with it, a batch at most,
//   each while a hole above can hold it with what the ones before it have taken;
//   else one right behind the hole stays for this pass, and the hole is done with;
//   a hole with something else behind it that does not take the next block is done with.
//
// Passes follow each other until one moves nothing, eight at most. Holes that wait to be joined are
// joined first. Regions are given up at the end (model_give_up), which is the caller's.

#ifndef PROPERTY_MODEL_COMPACTION_H
#define PROPERTY_MODEL_COMPACTION_H

#include "memory/relocation.h"
#include "property/model_dynamic.h"

enum { MODEL_BATCH = RELOCATION_BATCH }; // blocks that may stand above at a time

struct model_place {
    uint32_t region;
    uint64_t offset;
};

struct model_moves {
    uint64_t moved, bytes;
};

static inline bool model_before(const struct model_piece *piece, struct model_place place)
{
    return piece->region < place.region ||
           (piece->region == place.region && piece->offset < place.offset);
}

static inline struct model_place model_end(const struct model_piece *piece)
{
    return (struct model_place){piece->region, piece->offset + piece->size};
}

// The first piece of that kind which starts at or after the place, or model->count. A hole that
// contains the place counts as well.
static inline size_t model_first(const struct model *model, struct model_place place, bool live)
{
    for (size_t i = 0; i < model->count; i++) {
        const struct model_piece *piece = &model->pieces[i];
        struct model_place end = model_end(piece);
        bool contains = !live && end.region == place.region && end.offset > place.offset;
        if (piece->live == live && (!model_before(piece, place) || contains)) {
            return i;
        }
    }
    return model->count;
}

// Takes the block out and puts it into the hole that contains or follows `place`; returns its end.
static inline struct model_place model_put_down(struct model *model, size_t at,
                                                struct model_place place)
{
    struct model_piece block = model->pieces[at];
    uint32_t rover_region = model->rover_region;
    uint64_t rover_offset = model->rover_offset;
    model_release(model, at);
    model_sweep(model);
    size_t hole = model_first(model, place, false);
    size_t now = model_cut(model, hole, block.size, block.align);
    model->pieces[now].requested = block.requested;
    model->pieces[now].addr = block.addr;
    model->pieces[now].align = block.align;
    model->rover_region = rover_region;
    model->rover_offset = rover_offset;
    return model_end(&model->pieces[now]);
}

static inline uint64_t model_target(const struct model *model, const struct model_piece *hole,
                                    const struct model_piece *block)
{
    uint64_t host = model->base[hole->region] + hole->offset;
    return hole->offset +
           (block->align > model->granule ? model_round(host, block->align) - host : 0);
}

// The first hole above that can hold the block meanwhile is cut for it. false: there is none.
static inline bool model_reserve(struct model *model, size_t at, struct model_place *place)
{
    struct model_piece block = model->pieces[at];
    uint64_t gap;
    for (size_t i = at + 1; i < model->count; i++) {
        if (model_fits(model, &model->pieces[i], block.size, block.align, &gap)) {
            i = model_cut(model, i, block.size, block.align);
            model->pieces[i].requested = 0; // by nobody
            *place = (struct model_place){model->pieces[i].region, model->pieces[i].offset};
            return true;
        }
    }
    return false;
}

// The blocks behind the hole that are larger all stand above for a while, and come down one after
// the other; a region in which they were alone is empty from then on. Nothing has moved if the
// first finds no place; else the pass goes on where the last one has come down.
static inline struct model_moves model_park(struct model *model, size_t h,
                                            struct model_place *holes, struct model_place *blocks)
{
    struct model_piece hole = model->pieces[h], *block = &model->pieces[h + 1];
    struct model_place places[MODEL_BATCH], next = {hole.region, hole.offset};
    struct model_moves moves = {0, 0};
    uint32_t rover_region = model->rover_region;
    uint64_t rover_offset = model->rover_offset, gap;
    size_t count = 0;
    for (; count < MODEL_BATCH && h + 1 + count < model->count; count++, block++) {
        if (!block->live || block->requested == 0 || block->region != hole.region ||
            (count > 0 && block->align > 1) ||
            model_fits(model, &hole, block->size, block->align, &gap) ||
            model_target(model, &hole, block) >= block->offset ||
            !model_reserve(model, h + 1 + count, &places[count])) {
            break;
        }
        moves.moved += 2;
        moves.bytes += 2 * block->size;
    }
    for (size_t i = 0; i < count; i++) {
        size_t at = model_first(model, i == 0 ? model_end(&hole) : *blocks, true);
        *blocks = model_end(&model->pieces[at]);
        *holes = next;
        next = model_put_down(model, at, next);
    }
    for (size_t i = 0; i < count; i++) {
        model_release(model, model_first(model, places[i], true));
    }
    model_sweep(model);
    model->rover_region = rover_region;
    model->rover_offset = rover_offset;
    return moves;
}

static inline struct model_moves model_pass(struct model *model)
{
    struct model_moves moves = {0, 0}, parked;
    struct model_place holes = {0, 0}, blocks = {0, 0};
    size_t h, b;
    uint64_t gap;
    while ((h = model_first(model, holes, false)) < model->count) {
        struct model_piece hole = model->pieces[h];
        struct model_place end = model_end(&hole);
        if (blocks.region < end.region ||
            (blocks.region == end.region && blocks.offset < end.offset)) {
            blocks = end;
        }
        if ((b = model_first(model, blocks, true)) == model->count) {
            break;
        }
        struct model_piece block = model->pieces[b];
        bool behind = b == h + 1 && block.region == hole.region;
        struct model_place from = {hole.region, hole.offset};
        if (model_fits(model, &hole, block.size, block.align, &gap)) {
            holes = model_put_down(model, b, from);
            blocks = model_end(&block);
            moves.moved += 1;
            moves.bytes += block.size;
        } else if (behind && (parked = model_park(model, h, &holes, &blocks)).moved > 0) {
            moves.moved += parked.moved;
            moves.bytes += parked.bytes;
        } else {
            holes = end;
            blocks = behind ? model_end(&block) : blocks;
        }
    }
    return moves;
}

static inline struct model_moves model_compact(struct model *model)
{
    struct model_moves sum = {0, 0}, moves;
    unsigned passes = 0;
    bool returns = model->returns;
    model->returns = false;
    model_sweep(model);
    do {
        moves = model_pass(model);
        sum.moved += moves.moved;
        sum.bytes += moves.bytes;
        passes++;
    } while (moves.moved > 0 && passes < 8);
    model->returns = returns;
    return sum;
}

#endif
