// SPDX-License-Identifier: MIT
//
// model_slab.h - the slab policy as its essay tells it, for one arena, each step linear.
//
// 1. Classes. 16 bytes apart to 128, then eight an octave, up to an eighth of a slab and to 16 KiB.
// 2. Memory. A row of pieces as in model_dynamic.h, first fit, granule 1 KiB: slabs (at a page's
//    boundary), blocks above the largest class or aligned beyond a page, holes.
// 3. Small requests. Each space has a row of slabs for each class, those with a free block first.
//    The first one serves, its lowest free block. A slab that has just become full goes to the end,
//    one that has just ceased to be full to the front, a new one to the front.
// 4. Empty slabs wait in a queue, the longest empty first, at most IDLE of them after an operation;
//    where no hole fits, all of them become holes before a region is mapped. A bounded engine in
//    which no slab can be had serves a small request from a hole. After a release regions that are
//    one hole may be given up.
//
// An oracle: it shares no line with the library.

#ifndef PROPERTY_MODEL_SLAB_H
#define PROPERTY_MODEL_SLAB_H

#include "property/model_dynamic.h"

#ifdef MEMS_HOSTILE
enum { SLABS_IDLE = 1 };
#else
enum { SLABS_IDLE = 8 };
#endif

enum { SLABS_MOST = 2048, SLABS_CLASSES = 64, SLABS_SPACES = 2, SLABS_BLOCKS = 16384 };

struct slabs_row {
    size_t count;
    uint16_t slab[SLABS_MOST]; // numbers, first first
};

struct slabs_slab {
    bool there;
    uint32_t region;
    uint64_t offset;
    unsigned space, class;
    uint32_t count, used;
    uint8_t block[SLABS_BLOCKS]; // 1: used
};

struct slabs {
    uint64_t slab_bytes, region; // region 0: bounded
    unsigned classes;
    uint64_t size[SLABS_CLASSES];
    struct model memory;
    struct slabs_slab slabs[SLABS_MOST];
    struct slabs_row rows[SLABS_SPACES][SLABS_CLASSES];
    struct slabs_row idle;
    // Where no hole fits: maps a region, into `memory`. false: it may not.
    bool (*grow)(struct slabs *slabs, uint64_t size, uint64_t align);
};

// Where a block is.
struct slabs_place {
    bool large;
    unsigned slab;
    uint32_t index;
    uint32_t region;
    uint64_t offset;
    uint64_t size; // it takes
};

static inline void row_push(struct slabs_row *row, bool front, unsigned number)
{
    test_require(row->count < SLABS_MOST, "a row of the model is full");
    size_t at = front ? 0 : row->count;
    memmove(&row->slab[at + 1], &row->slab[at], (row->count - at) * sizeof row->slab[0]);
    row->slab[at] = (uint16_t)number;
    row->count++;
}

static inline void row_remove(struct slabs_row *row, unsigned number)
{
    for (size_t i = 0; i < row->count; i++) {
        if (row->slab[i] == number) {
            row->count--;
            memmove(&row->slab[i], &row->slab[i + 1], (row->count - i) * sizeof row->slab[0]);
            return;
        }
    }
    test_require(false, "slab %u is not in its row", number);
}

static inline void slabs_init(struct slabs *slabs, uint64_t slab_bytes, uint64_t region)
{
    slabs->slab_bytes = slab_bytes;
    slabs->region = region;
    slabs->classes = 0;
    uint64_t largest = slab_bytes / 8 < 16384 ? slab_bytes / 8 : 16384;
    for (uint64_t size = 16, step = 16; size <= largest; size += step) {
        slabs->size[slabs->classes++] = size;
        step = size >= 128 && (size & (size - 1)) == 0 ? size / 8 : step;
    }
    model_init(&slabs->memory, MODEL_FIRST, 1024);
    for (unsigned i = 0; i < SLABS_MOST; i++) {
        slabs->slabs[i].there = false;
    }
    memset(slabs->rows, 0, sizeof slabs->rows);
    slabs->idle.count = 0;
}

static inline struct slabs_row *row_of(struct slabs *slabs, unsigned number)
{
    const struct slabs_slab *slab = &slabs->slabs[number];
    return &slabs->rows[slab->space][slab->class];
}

// The piece at a place, by index.
static inline size_t piece_at(const struct model *memory, uint32_t region, uint64_t offset)
{
    for (size_t i = 0; i < memory->count; i++) {
        if (memory->pieces[i].region == region && memory->pieces[i].offset == offset) {
            return i;
        }
    }
    test_require(false, "nothing at %u+%" PRIu64, region, offset);
    return 0;
}

static inline void slabs_drop(struct slabs *slabs, unsigned number)
{
    struct slabs_slab *slab = &slabs->slabs[number];
    row_remove(row_of(slabs, number), number);
    row_remove(&slabs->idle, number);
    model_release(&slabs->memory, piece_at(&slabs->memory, slab->region, slab->offset));
    slab->there = false;
}

static inline bool slabs_trim(struct slabs *slabs, size_t most)
{
    bool any = slabs->idle.count > most;
    while (slabs->idle.count > most) {
        slabs_drop(slabs, slabs->idle.slab[0]);
    }
    return any;
}

// A piece of memory; SIZE_MAX: there is none.
static inline size_t slabs_cut(struct slabs *slabs, uint64_t size, uint64_t align, bool grow)
{
    struct model *memory = &slabs->memory;
    size_t at = model_pick(memory, size, align);
    if (at == memory->count && grow && slabs->grow(slabs, size, align)) {
        at = model_pick(memory, size, align);
    }
    return at == memory->count ? SIZE_MAX : model_cut(memory, at, size, align);
}

static inline bool slabs_open(struct slabs *slabs, unsigned space, unsigned class, bool grow)
{
    size_t at = slabs_cut(slabs, slabs->slab_bytes, 4096, grow);
    if (at == SIZE_MAX) {
        return false;
    }
    unsigned number = 0;
    while (slabs->slabs[number].there) {
        number++;
        test_require(number < SLABS_MOST, "too many slabs for the model");
    }
    const struct model_piece *piece = &slabs->memory.pieces[at];
    struct slabs_slab *slab = &slabs->slabs[number];
    slab->there = true;
    slab->region = piece->region;
    slab->offset = piece->offset;
    slab->space = space;
    slab->class = class;
    slab->count = (uint32_t)(slabs->slab_bytes / slabs->size[class]);
    slab->used = 0;
    memset(slab->block, 0, slab->count);
    row_push(row_of(slabs, number), true, number);
    row_push(&slabs->idle, false, number);
    return true;
}

static inline bool slabs_ready(const struct slabs *slabs, const struct slabs_row *row)
{
    return row->count != 0 && slabs->slabs[row->slab[0]].used < slabs->slabs[row->slab[0]].count;
}

static inline bool slabs_take_large(struct slabs *slabs, uint64_t size, uint64_t align, bool grow,
                                    struct slabs_place *place)
{
    uint64_t rounded = model_round(size, 1024);
    size_t at = slabs_cut(slabs, rounded, align, grow);
    if (at == SIZE_MAX) {
        return false;
    }
    const struct model_piece *piece = &slabs->memory.pieces[at];
    *place = (struct slabs_place){
        .large = true, .region = piece->region, .offset = piece->offset, .size = rounded};
    return true;
}

// The class that serves; slabs->classes: none.
static inline unsigned slabs_class(const struct slabs *slabs, uint64_t size, uint64_t align)
{
    unsigned class = 0;
    while (class < slabs->classes &&
           (slabs->size[class] < size || (align != 0 && slabs->size[class] % align != 0))) {
        class ++;
    }
    return align > 4096 ? slabs->classes : class;
}

static inline bool slabs_take(struct slabs *slabs, unsigned space, uint64_t size, uint64_t align,
                              struct slabs_place *place)
{
    unsigned class = slabs_class(slabs, size, align);
    if (class == slabs->classes) {
        if (slabs_take_large(slabs, size, align, false, place)) {
            return true;
        }
        slabs_trim(slabs, 0);
        return slabs_take_large(slabs, size, align, true, place);
    }
    struct slabs_row *row = &slabs->rows[space][class];
    if (!slabs_ready(slabs, row) && !slabs_open(slabs, space, class, false)) {
        slabs_trim(slabs, 0);
        if (!slabs_ready(slabs, row) && !slabs_open(slabs, space, class, true)) {
            return slabs_take_large(slabs, size, align, false, place);
        }
    }
    unsigned number = row->slab[0];
    struct slabs_slab *slab = &slabs->slabs[number];
    const uint8_t *free = memchr(slab->block, 0, slab->count);
    *place = (struct slabs_place){.slab = number,
                                  .index = (uint32_t)(free - slab->block),
                                  .region = slab->region,
                                  .size = slabs->size[class]};
    place->offset = slab->offset + place->index * place->size;
    slab->block[place->index] = 1;
    if (slab->used++ == 0) {
        row_remove(&slabs->idle, number);
    }
    if (slab->used == slab->count) {
        row_remove(row, number);
        row_push(row, false, number);
    }
    slabs_trim(slabs, SLABS_IDLE);
    return true;
}

// After a release: regions that are one hole go, as in model_dynamic.h.
static inline void slabs_give_up(struct slabs *slabs)
{
    if (slabs->region != 0) {
        model_give_up(&slabs->memory);
    }
}

static inline void slabs_give(struct slabs *slabs, const struct slabs_place *place)
{
    if (place->large) {
        model_release(&slabs->memory, piece_at(&slabs->memory, place->region, place->offset));
        slabs_give_up(slabs);
        return;
    }
    struct slabs_slab *slab = &slabs->slabs[place->slab];
    struct slabs_row *row = row_of(slabs, place->slab);
    if (slab->used == slab->count) {
        row_remove(row, place->slab);
        row_push(row, true, place->slab);
    }
    slab->block[place->index] = 0;
    if (--slab->used == 0) {
        row_push(&slabs->idle, false, place->slab);
    }
    slabs_trim(slabs, SLABS_IDLE);
    slabs_give_up(slabs);
}

// A large block changes its size where it stands: the hole behind it gives or takes.
static inline bool slabs_stretch(struct slabs *slabs, struct slabs_place *place, uint64_t size)
{
    struct model *memory = &slabs->memory;
    size_t at = piece_at(memory, place->region, place->offset);
    struct model_piece *piece = &memory->pieces[at];
    bool hole = model_hole_of(memory, at + 1, place->region);
    if (size > piece->size + (hole ? memory->pieces[at + 1].size : 0)) {
        return false;
    }
    uint64_t end = piece->offset + piece->size + (hole ? memory->pieces[at + 1].size : 0);
    if (hole) {
        model_remove(memory, at + 1);
    }
    piece->size = size;
    place->size = size;
    if (piece->offset + size < end) {
        struct model_piece rest = {.region = place->region,
                                   .offset = piece->offset + size,
                                   .size = end - piece->offset - size};
        model_insert(memory, at + 1, rest);
    }
    return true;
}

#endif
