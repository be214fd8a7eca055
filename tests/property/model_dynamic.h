// SPDX-License-Identifier: MIT
//
// model_dynamic.h - dynamic partitioning as the textbooks tell it, in one array, each step linear.
//
// 1. Theory. Memory is a row of pieces, blocks and holes, in order of region and offset. A request
// takes a hole that the fit picks, and in it the lowest place with the right alignment; the gap
// before and the rest behind stay holes. A release makes a hole and joins it with its neighbours
// of the same region. (Knuth, The Art of Computer Programming 1, 2.5.)
//
//   first  the lowest hole in which the request fits
//   best   the smallest such hole, the lowest of equals
//   worst  the largest such hole, the lowest of equals
//   next   the lowest such hole that starts at or after the rover, else the lowest such hole. The
//          rover is the end of the last allocation, at first the start of memory; releases leave
//          it alone.
//
// 2. Growth. Where nothing fits and the engine may grow, a new region is appended. Where it lies
// only the engine knows, so the test tells the model.
//
// This is an oracle: it shares no line with the library, and is as simple as it can be.

#ifndef PROPERTY_MODEL_DYNAMIC_H
#define PROPERTY_MODEL_DYNAMIC_H

#include "support/engine.h"

enum model_fit { MODEL_FIRST, MODEL_NEXT, MODEL_BEST, MODEL_WORST };

enum { MODEL_PIECES = 8192, MODEL_REGIONS = 1024 };

struct model_piece {
    bool live;
    uint32_t region;
    uint64_t offset;
    uint64_t size;
    uint64_t requested;
    uint64_t addr;  // live: what the engine called it
    uint64_t align; // live: of its host address, where it moves (model_compaction.h)
};

struct model {
    enum model_fit fit;
    uint64_t granule;
    size_t count;
    uint32_t regions;
    uint32_t rover_region;
    uint64_t rover_offset;
    uint64_t base[MODEL_REGIONS]; // host address of the region's first byte
    uint64_t size[MODEL_REGIONS];
    struct model_piece pieces[MODEL_PIECES];
};

static inline void model_init(struct model *model, enum model_fit fit, uint64_t granule)
{
    model->fit = fit;
    model->granule = granule;
    model->count = 0;
    model->regions = 0;
    model->rover_region = 0;
    model->rover_offset = 0;
}

static inline uint64_t model_round(uint64_t number, uint64_t unit)
{
    return (number + unit - 1) / unit * unit;
}

static inline void model_insert(struct model *model, size_t at, struct model_piece piece)
{
    test_require(model->count < MODEL_PIECES, "the model is full");
    memmove(&model->pieces[at + 1], &model->pieces[at],
            (model->count - at) * sizeof model->pieces[0]);
    model->pieces[at] = piece;
    model->count++;
}

static inline void model_remove(struct model *model, size_t at)
{
    model->count--;
    memmove(&model->pieces[at], &model->pieces[at + 1],
            (model->count - at) * sizeof model->pieces[0]);
}

static inline void model_region(struct model *model, uint64_t base, uint64_t size)
{
    test_require(model->regions < MODEL_REGIONS, "too many regions for the model");
    model->base[model->regions] = base;
    model->size[model->regions] = size;
    struct model_piece hole = {.region = model->regions, .size = size};
    model_insert(model, model->count, hole);
    model->regions++;
}

// How far into the hole the request would start; false when it does not fit.
static inline bool model_fits(const struct model *model, const struct model_piece *piece,
                              uint64_t size, uint64_t align, uint64_t *gap)
{
    if (piece->live || piece->size < size) {
        return false;
    }
    uint64_t host = model->base[piece->region] + piece->offset;
    *gap = align > model->granule ? model_round(host, align) - host : 0;
    return *gap <= piece->size - size;
}

static inline bool model_prefers(const struct model *model, const struct model_piece *piece,
                                 const struct model_piece *chosen)
{
    if (model->fit == MODEL_BEST) {
        return piece->size < chosen->size;
    }
    return model->fit == MODEL_WORST && piece->size > chosen->size;
}

static inline bool model_past_rover(const struct model *model, const struct model_piece *piece)
{
    return piece->region > model->rover_region ||
           (piece->region == model->rover_region && piece->offset >= model->rover_offset);
}

// The index of the hole that the fit picks, or model->count.
static inline size_t model_pick(const struct model *model, uint64_t size, uint64_t align)
{
    size_t chosen = model->count;
    uint64_t gap = 0;
    for (size_t i = 0; i < model->count; i++) {
        const struct model_piece *piece = &model->pieces[i];
        if (!model_fits(model, piece, size, align, &gap)) {
            continue;
        }
        if (model->fit == MODEL_NEXT && model_past_rover(model, piece)) {
            return i;
        }
        if (chosen == model->count || model_prefers(model, piece, &model->pieces[chosen])) {
            chosen = i;
            if (model->fit == MODEL_FIRST) {
                break;
            }
        }
    }
    return chosen;
}

// Cuts a block from the picked hole; returns its index.
static inline size_t model_cut(struct model *model, size_t at, uint64_t requested, uint64_t align)
{
    uint64_t gap = 0;
    uint64_t size = model_round(requested, model->granule);
    struct model_piece hole = model->pieces[at];
    bool fits = model_fits(model, &hole, size, align, &gap);
    test_require(fits, "the model picked a hole that does not fit");
    if (gap > 0) {
        model->pieces[at].size = gap;
        at++;
        model_insert(model, at, hole);
    }
    struct model_piece *block = &model->pieces[at];
    block->live = true;
    block->offset = hole.offset + gap;
    block->size = size;
    block->requested = requested;
    uint64_t end = block->offset + size;
    if (end < hole.offset + hole.size) {
        hole.size = hole.offset + hole.size - end;
        hole.offset = end;
        model_insert(model, at + 1, hole);
    }
    model->rover_region = hole.region;
    model->rover_offset = end;
    return at;
}

static inline bool model_hole_of(const struct model *model, size_t at, uint32_t region)
{
    return at < model->count && !model->pieces[at].live && model->pieces[at].region == region;
}

static inline void model_release(struct model *model, size_t at)
{
    struct model_piece *piece = &model->pieces[at];
    piece->live = false;
    piece->requested = 0;
    piece->addr = 0;
    if (model_hole_of(model, at + 1, piece->region)) {
        piece->size += model->pieces[at + 1].size;
        model_remove(model, at + 1);
    }
    if (at > 0 && model_hole_of(model, at - 1, piece->region)) {
        model->pieces[at - 1].size += piece->size;
        model_remove(model, at);
    }
}

#endif
