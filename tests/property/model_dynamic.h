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
//   buddy  sizes are powers of two, also where a request is smaller or its alignment is larger; the
//          smallest hole, the latest of equals, halved as often as it goes; a hole joins with the
//          one whose offset differs in the bit that is its size, and with no other
//   tlsf   sizes are classed in 32nds of a power of two, in units of the granule; of the holes in
//          the lowest class whose every hole is large enough for the request, and for its alignment
//          wherever the hole begins, the latest
//
// 2. Latest is the hole that has had its bounds for the shortest time.
// 3. min_block. A smaller rest stays with the block; no smaller buddies.
// 4. Deferred. A hole with something to join waits instead. When nothing fits though as many bytes
// are free, or more than 1,024 wait and more than blocks live, all that wait are joined, the first
// to wait first.
// 5. Growth. Where nothing fits and the engine may grow, a new region is appended. Where it lies
// only the engine knows, so the test tells the model. After a release regions that are one hole are
// given up, the longest empty first, as long as there are two and they are more than an eighth of
// memory.
//
// This is an oracle: it shares no line with the library, and is as simple as it can be.

#ifndef PROPERTY_MODEL_DYNAMIC_H
#define PROPERTY_MODEL_DYNAMIC_H

#include "support/engine.h"

enum model_fit { MODEL_FIRST, MODEL_NEXT, MODEL_BEST, MODEL_WORST, MODEL_BUDDY, MODEL_TLSF };

enum { MODEL_PIECES = 8192, MODEL_REGIONS = 1 << 18 };

struct model_piece {
    bool live;
    uint32_t region;
    uint64_t offset;
    uint64_t size;
    uint64_t requested;
    uint64_t addr;    // live: what the engine called it
    uint64_t since;   // hole: when it got its bounds
    uint64_t waiting; // hole: since when it waits to be joined, 0: it does not
    uint64_t align;   // live: of its host address, where it moves (model_compaction.h)
};

struct model {
    enum model_fit fit;
    uint64_t granule;
    uint64_t min_block;
    bool deferred;
    bool returns; // empty regions
    uint64_t clock;
    size_t count;
    uint64_t blocks;
    uint32_t regions; // ever
    uint32_t gone;    // of them
    uint32_t rover_region;
    uint64_t rover_offset;
    uint64_t held, held_peak;
    uint64_t base[MODEL_REGIONS]; // host address of the region's first byte
    uint64_t size[MODEL_REGIONS];
    uint64_t empty[MODEL_REGIONS]; // since when, 0: it is not
    struct model_piece pieces[MODEL_PIECES];
};

static inline void model_init(struct model *model, enum model_fit fit, uint64_t granule)
{
    memset(model, 0, offsetof(struct model, base));
    model->fit = fit;
    model->granule = granule;
}

static inline uint64_t model_round(uint64_t number, uint64_t unit)
{
    return (number + unit - 1) / unit * unit;
}

static inline uint64_t model_power(uint64_t number)
{
    uint64_t power = 1;
    while (power < number) {
        power *= 2;
    }
    return power;
}

// The bytes a block for the request takes at least.
static inline uint64_t model_need(const struct model *model, uint64_t size, uint64_t align)
{
    if (model->fit != MODEL_BUDDY) {
        return model_round(size, model->granule);
    }
    size = size > model->granule ? size : model->granule;
    size = size > model->min_block ? size : model->min_block;
    return model_power(size > align ? size : align);
}

// ---- the row ------------------------------------------------------------------------------------

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

static inline bool model_hole_of(const struct model *model, size_t at, uint32_t region)
{
    return at < model->count && !model->pieces[at].live && model->pieces[at].region == region;
}

static inline void model_settle(struct model *model, size_t at)
{
    const struct model_piece *piece = &model->pieces[at];
    if (piece->size == model->size[piece->region]) {
        model->empty[piece->region] = ++model->clock;
    }
}

static inline void model_region(struct model *model, uint64_t base, uint64_t size)
{
    test_require(model->regions < MODEL_REGIONS, "too many regions for the model");
    uint32_t region = model->regions++;
    model->base[region] = base;
    model->size[region] = size;
    model->empty[region] = 0;
    model->held += size;
    model->held_peak = model->held > model->held_peak ? model->held : model->held_peak;
    for (uint64_t offset = 0; offset < size;) {
        uint64_t piece = size - offset;
        if (model->fit == MODEL_BUDDY && model_power(piece) != piece) {
            piece = model_power(piece) / 2;
        }
        struct model_piece hole = {
            .region = region, .offset = offset, .size = piece, .since = ++model->clock};
        model_insert(model, model->count, hole);
        offset += piece;
    }
    model_settle(model, model->count - 1);
}

// ---- picking ------------------------------------------------------------------------------------

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

// The least size in the same class.
static inline uint64_t model_class(const struct model *model, uint64_t size)
{
    uint64_t units = size / model->granule, power = 1;
    if (units < 32) {
        return units;
    }
    while (power <= units / 2) {
        power *= 2;
    }
    return units - units % (power / 32);
}

// The least class whose every hole has room, as its least size.
static inline uint64_t model_class_up(const struct model *model, uint64_t size, uint64_t align)
{
    size += align > model->granule ? align - model->granule : 0;
    while (model_class(model, size) * model->granule != size) {
        size += model->granule;
    }
    return size / model->granule;
}

static inline bool model_prefers(const struct model *model, const struct model_piece *piece,
                                 const struct model_piece *chosen)
{
    uint64_t a = piece->size, b = chosen->size;
    if (model->fit == MODEL_TLSF) {
        a = model_class(model, a);
        b = model_class(model, b);
    }
    if ((model->fit == MODEL_TLSF || model->fit == MODEL_BUDDY) && a == b) {
        return piece->since > chosen->since;
    }
    return model->fit == MODEL_WORST ? a > b : a < b;
}

static inline bool model_past_rover(const struct model *model, const struct model_piece *piece)
{
    return piece->region > model->rover_region ||
           (piece->region == model->rover_region && piece->offset >= model->rover_offset);
}

// The index of the hole that the fit picks, or model->count.
static inline size_t model_pick_now(const struct model *model, uint64_t size, uint64_t align)
{
    size_t chosen = model->count;
    uint64_t gap = 0, class = 0;
    if (model->fit == MODEL_TLSF) {
        class = model_class_up(model, size, align);
    }
    for (size_t i = 0; i < model->count; i++) {
        const struct model_piece *piece = &model->pieces[i];
        if (!model_fits(model, piece, size, align, &gap) ||
            (class != 0 && model_class(model, piece->size) < class)) {
            continue;
        }
        if (model->fit == MODEL_NEXT && model_past_rover(model, piece)) {
            return i;
        }
        if (chosen == model->count) {
            chosen = i;
            if (model->fit == MODEL_FIRST) {
                break;
            }
        } else if (model->fit != MODEL_NEXT &&
                   model_prefers(model, piece, &model->pieces[chosen])) {
            chosen = i;
        }
    }
    return chosen;
}

// ---- joining ------------------------------------------------------------------------------------

// The index of a hole that the hole may join with, or model->count.
static inline size_t model_partner(const struct model *model, size_t at)
{
    const struct model_piece *piece = &model->pieces[at];
    if (model->fit == MODEL_BUDDY) {
        for (size_t i = 0; i < model->count; i++) {
            if (model_hole_of(model, i, piece->region) && model->pieces[i].size == piece->size &&
                model->pieces[i].offset == (piece->offset ^ piece->size)) {
                return i;
            }
        }
        return model->count;
    }
    if (model_hole_of(model, at + 1, piece->region)) {
        return at + 1;
    }
    return at > 0 && model_hole_of(model, at - 1, piece->region) ? at - 1 : model->count;
}

// Joins the hole with all that it can; returns its index.
static inline size_t model_join(struct model *model, size_t at)
{
    size_t other;
    while ((other = model_partner(model, at)) != model->count) {
        at = other < at ? other : at;
        model->pieces[at].size += model->pieces[at + 1].size;
        model_remove(model, at + 1);
    }
    model->pieces[at].since = ++model->clock;
    model->pieces[at].waiting = 0;
    return at;
}

static inline size_t model_first_waiting(const struct model *model, uint64_t *count)
{
    size_t first = model->count;
    *count = 0;
    for (size_t i = 0; i < model->count; i++) {
        uint64_t waiting = model->pieces[i].waiting;
        *count += waiting != 0;
        if (waiting != 0 && (first == model->count || waiting < model->pieces[first].waiting)) {
            first = i;
        }
    }
    return first;
}

static inline void model_sweep(struct model *model)
{
    uint64_t count;
    size_t at;
    while ((at = model_first_waiting(model, &count)) != model->count) {
        model->pieces[at].waiting = 0;
        if (model_partner(model, at) != model->count) {
            model_settle(model, model_join(model, at));
        }
    }
}

static inline uint64_t model_free(const struct model *model)
{
    uint64_t free = 0;
    for (size_t i = 0; i < model->count; i++) {
        free += model->pieces[i].live ? 0 : model->pieces[i].size;
    }
    return free;
}

// The same as model_pick_now, with what waits joined if need be.
static inline size_t model_pick(struct model *model, uint64_t size, uint64_t align)
{
    size_t at = model_pick_now(model, size, align);
    if (at == model->count && model->deferred && size <= model_free(model)) {
        model_sweep(model);
        at = model_pick_now(model, size, align);
    }
    return at;
}

// ---- cutting ------------------------------------------------------------------------------------

static inline void model_halve(struct model *model, size_t at, uint64_t size)
{
    while (model->pieces[at].size > size) {
        struct model_piece upper = model->pieces[at];
        upper.size /= 2;
        upper.offset += upper.size;
        upper.since = ++model->clock;
        upper.waiting = 0;
        model->pieces[at].size = upper.size;
        model_insert(model, at + 1, upper);
    }
}

// The hole's gap before the block, and its rest behind.
static inline size_t model_split(struct model *model, size_t at, uint64_t size, uint64_t gap)
{
    struct model_piece hole = model->pieces[at];
    uint64_t rest = hole.size - gap - size;
    if (gap > 0) {
        model->pieces[at].size = gap;
        model->pieces[at].since = ++model->clock;
        at++;
        model_insert(model, at, hole);
        hole.waiting = hole.waiting != 0 ? ++model->clock : 0;
    }
    if (rest < model->min_block) {
        size += rest;
        rest = 0;
    }
    model->pieces[at].offset = hole.offset + gap;
    model->pieces[at].size = size;
    if (rest > 0) {
        hole.offset += gap + size;
        hole.size = rest;
        hole.since = ++model->clock;
        model_insert(model, at + 1, hole);
    }
    return at;
}

// Cuts a block from the picked hole; returns its index.
static inline size_t model_cut(struct model *model, size_t at, uint64_t requested, uint64_t align)
{
    uint64_t gap = 0;
    uint64_t size = model_need(model, requested, align);
    bool fits = model_fits(model, &model->pieces[at], size, align, &gap);
    test_require(fits, "the model picked a hole that does not fit");
    model->empty[model->pieces[at].region] = 0;
    if (model->fit == MODEL_BUDDY) {
        test_require(gap == 0, "a buddy that is not aligned to its size");
        model_halve(model, at, size);
    } else {
        at = model_split(model, at, size, gap);
    }
    struct model_piece *block = &model->pieces[at];
    block->live = true;
    block->waiting = 0;
    block->requested = requested;
    model->blocks++;
    model->rover_region = block->region;
    model->rover_offset = block->offset + block->size;
    return at;
}

// ---- releasing ----------------------------------------------------------------------------------

static inline void model_give_up(struct model *model)
{
    for (;;) {
        uint64_t bytes = 0;
        size_t count = 0, oldest = model->count;
        for (size_t i = 0; i < model->count; i++) {
            uint32_t region = model->pieces[i].region;
            if (model->empty[region] != 0) {
                bytes += model->size[region];
                count++;
                if (oldest == model->count ||
                    model->empty[region] < model->empty[model->pieces[oldest].region]) {
                    oldest = i;
                }
            }
        }
        if (count < 2 || bytes <= model->held / 8) {
            return;
        }
        model->held -= model->pieces[oldest].size;
        model->gone++;
        model->empty[model->pieces[oldest].region] = 0;
        model_remove(model, oldest);
    }
}

static inline void model_release(struct model *model, size_t at)
{
    struct model_piece *piece = &model->pieces[at];
    piece->live = false;
    piece->requested = 0;
    piece->addr = 0;
    piece->since = ++model->clock;
    model->blocks--;
    if (!model->deferred) {
        model_settle(model, model_join(model, at));
    } else if (model_partner(model, at) == model->count) {
        model_settle(model, at);
    } else {
        uint64_t waiting = 0;
        piece->waiting = ++model->clock;
        model_first_waiting(model, &waiting);
        if (waiting > 1024 && waiting > model->blocks) {
            model_sweep(model);
        }
    }
    if (model->returns) {
        model_give_up(model);
    }
}

#endif
