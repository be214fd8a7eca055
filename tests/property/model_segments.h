// SPDX-License-Identifier: MIT
//
// model_segments.h - virtual memory by segments as the textbooks tell it, each step linear.
//
// 1. Memory is a row of pieces (model_dynamic.h). A segment is in memory whole or not at all. An
// access to one that is absent brings it to the place that the fit picks; where there is none,
// segments leave one at a time until there is.
// 2. Who leaves. Segments in memory stand in a queue in order of arrival. fifo: the front one.
// second chance: a front one that was used since it came to the back, or since it was looked at,
// goes to the back once more. Coming in is a use. CLOCK has the same victims.
// 3. Swap. All segments together, each rounded up to slots, take no more than swap has.
//
// This is an oracle: it shares no line with the library, and is as simple as it can be.

#ifndef PROPERTY_MODEL_SEGMENTS_H
#define PROPERTY_MODEL_SEGMENTS_H

#include "property/model_dynamic.h"

enum { SEGMENTS_MOST = 512 };

struct model_segment {
    bool live;
    bool present;
    bool used;
    mems_addr addr; // what the engine calls it; also in its piece
    uint64_t requested;
    uint64_t size; // bytes it takes
    uint64_t room; // what offsets in its address can reach: 4 KiB, 64 KiB, ..
    uint64_t align;
    uint64_t born; // order of birth
    unsigned char *shadow;
};

struct model_segments {
    struct model memory;
    bool second_chance;
    uint64_t slot, slots, reserved;
    uint64_t births;
    struct model_segment segment[SEGMENTS_MOST];
    size_t queue[SEGMENTS_MOST]; // of those present, the front first
    size_t queued;
    uint64_t faults, evictions;
};

// All but the sizes of swap and who leaves.
static inline void segments_init(struct model_segments *model, enum model_fit fit, uint64_t granule)
{
    size_t from = offsetof(struct model_segments, second_chance);
    memset((char *)model + from, 0, sizeof *model - from);
    model_init(&model->memory, fit, granule);
}

static inline uint64_t segments_slots(const struct model_segments *model, uint64_t size)
{
    return (size + model->slot - 1) / model->slot;
}

static inline size_t segments_piece(const struct model_segments *model, size_t s)
{
    size_t at = 0;
    while (!model->memory.pieces[at].live ||
           model->memory.pieces[at].addr != model->segment[s].addr) {
        at++;
        test_require(at < model->memory.count, "the model has lost a segment");
    }
    return at;
}

static inline void segments_unqueue(struct model_segments *model, size_t s)
{
    size_t i = 0;
    while (model->queue[i] != s) {
        i++;
    }
    model->queued--;
    memmove(&model->queue[i], &model->queue[i + 1], (model->queued - i) * sizeof model->queue[0]);
}

// One segment leaves. false: none is in memory.
static inline bool segments_evict(struct model_segments *model)
{
    if (model->queued == 0) {
        return false;
    }
    size_t s = model->queue[0];
    segments_unqueue(model, s);
    while (model->second_chance && model->segment[s].used) {
        model->segment[s].used = false;
        model->queue[model->queued++] = s;
        s = model->queue[0];
        segments_unqueue(model, s);
    }
    model_release(&model->memory, segments_piece(model, s));
    model->segment[s].present = false;
    model->evictions++;
    return true;
}

// A place for a segment; others leave for it. false: not even then.
static inline bool segments_place(struct model_segments *model, size_t s)
{
    struct model_segment *segment = &model->segment[s];
    size_t at;
    if (segment->size > model->memory.size[0]) {
        return false;
    }
    while ((at = model_pick(&model->memory, segment->size, segment->align)) ==
           model->memory.count) {
        if (!segments_evict(model)) {
            return false;
        }
    }
    at = model_cut(&model->memory, at, segment->size, segment->align);
    model->memory.pieces[at].requested = segment->requested;
    model->memory.pieces[at].addr = segment->addr;
    segment->present = true;
    segment->used = true;
    model->queue[model->queued++] = s;
    return true;
}

// An access. Whether the segment was there.
static inline bool segments_use(struct model_segments *model, size_t s)
{
    bool present = model->segment[s].present;
    model->segment[s].used = true;
    if (!present) {
        bool placed = segments_place(model, s);
        test_require(placed, "a segment that was there once finds no place");
        model->faults++;
    }
    return present;
}

// A new segment as number s, which is not live; its address comes later.
static inline bool segments_begin(struct model_segments *model, size_t s, uint64_t requested,
                                  uint64_t align)
{
    uint64_t size = model_round(requested, model->memory.granule);
    if (model->reserved + segments_slots(model, size) > model->slots) {
        return false;
    }
    model->segment[s] = (struct model_segment){
        .requested = requested, .size = size, .align = align, .born = ++model->births};
    for (model->segment[s].room = 4096; model->segment[s].room < size;) {
        model->segment[s].room *= 16;
    }
    if (!segments_place(model, s)) {
        return false;
    }
    model->segment[s].live = true;
    model->reserved += segments_slots(model, size);
    return true;
}

static inline void segments_named(struct model_segments *model, size_t s, mems_addr addr)
{
    // Its piece is the one without a name.
    size_t at = segments_piece(model, s);
    model->memory.pieces[at].addr = model->segment[s].addr = addr;
}

static inline void segments_end(struct model_segments *model, size_t s)
{
    struct model_segment *segment = &model->segment[s];
    if (segment->present) {
        model_release(&model->memory, segments_piece(model, s));
        segments_unqueue(model, s);
    }
    model->reserved -= segments_slots(model, segment->size);
    segment->live = segment->present = false;
}

// Where it stands: false: it must move. Only one in memory has a stand.
static inline bool segments_resize(struct model_segments *model, size_t s, uint64_t requested)
{
    struct model_segment *segment = &model->segment[s];
    struct model *memory = &model->memory;
    uint64_t size = model_round(requested, memory->granule);
    uint64_t reserved =
        model->reserved - segments_slots(model, segment->size) + segments_slots(model, size);
    if (!segment->present || size > segment->room ||
        (size > segment->size && reserved > model->slots)) {
        return false;
    }
    size_t at = segments_piece(model, s);
    struct model_piece *piece = &memory->pieces[at];
    struct model_piece *next = &memory->pieces[at + 1];
    bool hole = model_hole_of(memory, at + 1, piece->region);
    if (size > piece->size && (!hole || next->size < size - piece->size)) {
        return false;
    }
    if (hole) {
        uint64_t end = next->offset + next->size;
        next->offset = piece->offset + size;
        next->size = end - next->offset;
        if (next->size == 0) {
            model_remove(memory, at + 1);
        }
    } else if (size < piece->size) {
        struct model_piece rest = {
            .region = piece->region, .offset = piece->offset + size, .size = piece->size - size};
        model_insert(memory, at + 1, rest);
    }
    memory->pieces[at].size = segment->size = size;
    memory->pieces[at].requested = segment->requested = requested;
    segment->used = true;
    model->reserved = reserved;
    return true;
}

#endif
