// SPDX-License-Identifier: MIT
//
// model_slab.h - the slab policy as its essays tell it, for one front a space, each step linear.
//
// 1. Classes. 16 bytes apart to 128, then eight an octave, up to 16 KiB.
// 2. Memory. A row of pieces as in model_dynamic.h, first fit, granule 1 KiB: slabs (64 KiB, at a
//    multiple of that), blocks above the largest class or aligned beyond a page, holes.
// 3. Words. A slab's blocks come in words of 64. There is one more than its blocks fill, or a last
//    one with room: what is left behind the last block counts there as one that is never taken.
// 4. Small requests. A space has a ring of slabs for each class, one of them the current one, and
// in
//    that a current word: its lowest free block serves. When only one is left it is taken, and the
//    next word with a free block, further on, is the current one; where the word counts the block
//    that is none, that happens when the next request finds nothing. Up to 1 KiB, before a word is
//    used for the first time, the first of those below with 8 free blocks is better.
// 5. After a round. The current slab once more, if one block in 16 and one more are free; else the
//    first of the next 8 in the ring of which that is true, and of blocks above 256 bytes those are
//    put by that are empty; then the spare one, or a new one, which stands in the ring behind the
//    last one looked at. Nothing to be had: any with a free block.
// 6. Empty slabs. When it is not the current one it leaves the ring: it is the class's spare one,
// or
//    a hole where there is a spare one. Before a request is refused, or a small one served from a
//    hole, all of the space that are empty become holes, and the spare ones of all; the
//    next in the ring is current then.
// 7. After an operation regions that are one hole may be given up.
//
// An oracle: it shares no line with the library.

#ifndef PROPERTY_MODEL_SLAB_H
#define PROPERTY_MODEL_SLAB_H

#include "property/model_dynamic.h"

// A front may sit on an empty current slab as long as there are few: there, one.
#ifdef MEMS_HOSTILE
enum { SLABS_WALK = 2, SLABS_SPACES = 1 };
#else
enum { SLABS_WALK = 8, SLABS_SPACES = 2 };
#endif

enum {
    SLABS_MOST = 2048,
    SLABS_CLASSES = 64,
    SLABS_BLOCKS = 4096,
    SLABS_BYTES = 65536,
    SLABS_LARGEST = 16384,
    SLABS_NONE = 65535,
};

struct slabs_slab {
    bool there;
    uint32_t region;
    uint64_t offset, serial;
    unsigned space, class;
    uint32_t count, used;
    uint32_t fresh;              // words from here on were never used
    uint8_t block[SLABS_BLOCKS]; // 1: used
};

struct slabs_bin {
    size_t count;
    uint16_t ring[SLABS_MOST]; // numbers of slabs
    unsigned current, spare;   // SLABS_NONE: there is none
    uint32_t word;             // of the current one
};

struct slabs {
    uint64_t region; // 0: bounded
    uint64_t size[SLABS_CLASSES];
    struct model memory;
    uint64_t serial;
    struct slabs_slab slabs[SLABS_MOST];
    struct slabs_bin bins[SLABS_SPACES][SLABS_CLASSES];
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

static inline void slabs_space_init(struct slabs *slabs, unsigned space)
{
    for (unsigned class = 0; class < SLABS_CLASSES; class ++) {
        struct slabs_bin *bin = &slabs->bins[space][class];
        bin->count = 0;
        bin->current = bin->spare = SLABS_NONE;
    }
}

static inline void slabs_init(struct slabs *slabs, uint64_t region)
{
    slabs->region = region;
    slabs->serial = 0;
    unsigned class = 0;
    for (uint64_t size = 16, step = 16; size <= SLABS_LARGEST; size += step) {
        slabs->size[class ++] = size;
        step = size >= 128 && (size & (size - 1)) == 0 ? size / 8 : step;
    }
    model_init(&slabs->memory, MODEL_FIRST, 1024);
    for (unsigned i = 0; i < SLABS_MOST; i++) {
        slabs->slabs[i].there = false;
    }
    for (unsigned space = 0; space < SLABS_SPACES; space++) {
        slabs_space_init(slabs, space);
    }
}

static inline struct slabs_bin *bin_of(struct slabs *slabs, unsigned number)
{
    const struct slabs_slab *slab = &slabs->slabs[number];
    return &slabs->bins[slab->space][slab->class];
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

// ---- words -------------------------------------------------------------------------------------

static inline uint32_t slabs_words(const struct slabs_slab *slab)
{
    return slab->count / 64 + 1;
}

static inline uint32_t slabs_free(const struct slabs_slab *slab, uint32_t word)
{
    uint32_t free = 0;
    for (uint32_t i = 64 * word; i < 64 * word + 64 && i < slab->count; i++) {
        free += slab->block[i] == 0;
    }
    return free;
}

// The current word: the first with a free block from `word` on. false: there is none.
static inline bool slabs_aim(struct slabs *slabs, unsigned number, uint32_t word)
{
    struct slabs_slab *slab = &slabs->slabs[number];
    struct slabs_bin *bin = bin_of(slabs, number);
    for (; word < slabs_words(slab); word++) {
        if (slabs->size[slab->class] <= 1024 && word >= slab->fresh) {
            for (uint32_t below = 0; below < slab->fresh; below++) {
                if (slabs_free(slab, below) >= 8) {
                    bin->word = below;
                    return true;
                }
            }
            slab->fresh = word + 1;
        }
        if (slabs_free(slab, word) != 0) {
            bin->word = word;
            return true;
        }
    }
    return false;
}

static inline bool slabs_worth(const struct slabs_slab *slab)
{
    return slab->count - slab->used > slab->count / 16;
}

// ---- rings -------------------------------------------------------------------------------------

static inline size_t ring_at(const struct slabs_bin *bin, unsigned number)
{
    size_t at = 0;
    while (at < bin->count && bin->ring[at] != number) {
        at++;
    }
    test_require(at < bin->count, "slab %u is not in its ring", number);
    return at;
}

static inline unsigned ring_next(const struct slabs_bin *bin, unsigned number)
{
    return bin->ring[(ring_at(bin, number) + 1) % bin->count];
}

static inline void ring_insert(struct slabs_bin *bin, unsigned behind, unsigned number)
{
    size_t at = behind == SLABS_NONE ? 0 : ring_at(bin, behind) + 1;
    memmove(&bin->ring[at + 1], &bin->ring[at], (bin->count - at) * sizeof bin->ring[0]);
    bin->ring[at] = (uint16_t)number;
    bin->count++;
}

static inline void ring_remove(struct slabs_bin *bin, unsigned number)
{
    size_t at = ring_at(bin, number);
    bin->count--;
    memmove(&bin->ring[at], &bin->ring[at + 1], (bin->count - at) * sizeof bin->ring[0]);
}

// A slab that is in no ring becomes a hole.
static inline void slabs_end(struct slabs *slabs, unsigned number)
{
    struct slabs_slab *slab = &slabs->slabs[number];
    model_release(&slabs->memory, piece_at(&slabs->memory, slab->region, slab->offset));
    slab->there = false;
}

// A slab that is empty and not the current one.
static inline void slabs_put_by(struct slabs *slabs, unsigned number)
{
    struct slabs_bin *bin = bin_of(slabs, number);
    ring_remove(bin, number);
    if (bin->spare == SLABS_NONE) {
        bin->spare = number;
    } else {
        slabs_end(slabs, number);
    }
}

static inline void slabs_enter(struct slabs *slabs, unsigned number)
{
    struct slabs_bin *bin = bin_of(slabs, number);
    bin->current = number;
    bin->word = 0;
}

static inline unsigned slabs_open(struct slabs *slabs, unsigned space, unsigned class)
{
    size_t piece = slabs_cut(slabs, SLABS_BYTES, SLABS_BYTES, true);
    unsigned number = 0;
    if (piece == SIZE_MAX) {
        return SLABS_NONE;
    }
    while (slabs->slabs[number].there) {
        number++;
        test_require(number < SLABS_MOST, "too many slabs for the model");
    }
    struct slabs_slab *slab = &slabs->slabs[number];
    slab->there = true;
    slab->region = slabs->memory.pieces[piece].region;
    slab->offset = slabs->memory.pieces[piece].offset;
    slab->serial = ++slabs->serial;
    slab->space = space;
    slab->class = class;
    slab->count = (uint32_t)(SLABS_BYTES / slabs->size[class]);
    slab->used = slab->fresh = 0;
    memset(slab->block, 0, slab->count);
    return number;
}

// The first of those next in the ring that is worth a round, or SLABS_NONE.
static inline unsigned slabs_walk(struct slabs *slabs, struct slabs_bin *bin, unsigned *last)
{
    unsigned number = ring_next(bin, bin->current);
    for (unsigned i = 0; i < SLABS_WALK && number != bin->current; i++) {
        const struct slabs_slab *slab = &slabs->slabs[number];
        unsigned next = ring_next(bin, number);
        if (slabs_words(slab) <= 4 && slab->used == 0) {
            slabs_put_by(slabs, number);
        } else {
            *last = number;
            if (slabs_worth(slab)) {
                return number;
            }
        }
        number = next;
    }
    return SLABS_NONE;
}

// Another slab than the current one, or that once more. SLABS_NONE: no memory.
static inline unsigned slabs_another(struct slabs *slabs, unsigned space, unsigned class)
{
    struct slabs_bin *bin = &slabs->bins[space][class];
    unsigned last = bin->current, number = SLABS_NONE;
    if (last != SLABS_NONE) {
        number = slabs_walk(slabs, bin, &last);
    }
    if (number != SLABS_NONE) {
        return number;
    }
    number = bin->spare != SLABS_NONE ? bin->spare : slabs_open(slabs, space, class);
    bin->spare = SLABS_NONE;
    if (number != SLABS_NONE) {
        ring_insert(bin, last, number);
    }
    unsigned any = bin->current;
    for (size_t i = 0; i < bin->count && number == SLABS_NONE; i++) {
        if (slabs->slabs[any].used < slabs->slabs[any].count) {
            number = any;
        }
        any = ring_next(bin, any);
    }
    return number;
}

// ---- requests ----------------------------------------------------------------------------------

static inline void slabs_pop(struct slabs *slabs, const struct slabs_bin *bin,
                             struct slabs_place *place)
{
    struct slabs_slab *slab = &slabs->slabs[bin->current];
    const uint8_t *free = memchr(&slab->block[64 * bin->word], 0, slab->count - 64 * bin->word);
    *place = (struct slabs_place){.slab = bin->current,
                                  .index = (uint32_t)(free - slab->block),
                                  .region = slab->region,
                                  .size = slabs->size[slab->class]};
    place->offset = slab->offset + place->index * place->size;
    slab->block[place->index] = 1;
    slab->used++;
}

static inline bool slabs_take_small(struct slabs *slabs, unsigned space, unsigned class,
                                    struct slabs_place *place)
{
    struct slabs_bin *bin = &slabs->bins[space][class];
    if (bin->current != SLABS_NONE) {
        const struct slabs_slab *slab = &slabs->slabs[bin->current];
        uint32_t free = slabs_free(slab, bin->word);
        bool none = bin->word == slab->count / 64 && SLABS_BYTES % slabs->size[class] != 0;
        if (free != 0) {
            slabs_pop(slabs, bin, place);
            if (free == 1 && !none) {
                slabs_aim(slabs, bin->current, bin->word + 1);
            }
            return true;
        }
        if (slabs_aim(slabs, bin->current, bin->word + 1) ||
            (slabs_worth(slab) && slabs_aim(slabs, bin->current, 0))) {
            slabs_pop(slabs, bin, place);
            return true;
        }
    }
    do {
        unsigned number = slabs_another(slabs, space, class);
        if (number == SLABS_NONE) {
            return false;
        }
        slabs_enter(slabs, number);
    } while (!slabs_aim(slabs, bin->current, 0));
    slabs_pop(slabs, bin, place);
    return true;
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

// All that is empty becomes holes.
static inline void slabs_trim(struct slabs *slabs, unsigned space)
{
    for (unsigned class = 0; class < SLABS_CLASSES; class ++) {
        struct slabs_bin *bin = &slabs->bins[space][class];
        unsigned number = bin->current;
        if (bin->spare != SLABS_NONE) {
            slabs_end(slabs, bin->spare);
            bin->spare = SLABS_NONE;
        }
        for (size_t i = bin->count; i > 0; i--) {
            unsigned next = ring_next(bin, number);
            if (slabs->slabs[number].used == 0) {
                bin->current = bin->current == number ? SLABS_NONE : bin->current;
                ring_remove(bin, number);
                slabs_end(slabs, number);
            } else if (bin->current == SLABS_NONE) {
                slabs_enter(slabs, number);
                slabs_aim(slabs, number, 0);
            }
            number = next;
        }
    }
}

// What other spaces have spare.
static inline void slabs_end_spares(struct slabs *slabs)
{
    for (unsigned i = 0; i < SLABS_SPACES * SLABS_CLASSES; i++) {
        struct slabs_bin *bin = &slabs->bins[i / SLABS_CLASSES][i % SLABS_CLASSES];
        if (bin->spare != SLABS_NONE) {
            slabs_end(slabs, bin->spare);
            bin->spare = SLABS_NONE;
        }
    }
}

// The class that serves; SLABS_CLASSES: none.
static inline unsigned slabs_class(const struct slabs *slabs, uint64_t size, uint64_t align)
{
    unsigned class = 0;
    while (class < SLABS_CLASSES &&
           (slabs->size[class] < size || (align != 0 && slabs->size[class] % align != 0))) {
        class ++;
    }
    return align > 4096 ? SLABS_CLASSES : class;
}

// After an operation: regions that are one hole go, as in model_dynamic.h.
static inline void slabs_give_up(struct slabs *slabs)
{
    if (slabs->region != 0) {
        model_give_up(&slabs->memory);
    }
}

static inline bool slabs_take(struct slabs *slabs, unsigned space, uint64_t size, uint64_t align,
                              struct slabs_place *place)
{
    unsigned class = slabs_class(slabs, size, align);
    bool small = class < SLABS_CLASSES;
    bool taken = small ? slabs_take_small(slabs, space, class, place)
                       : slabs_take_large(slabs, size, align, true, place);
    if (!taken) {
        slabs_trim(slabs, space);
        slabs_end_spares(slabs);
        taken = (small && slabs_take_small(slabs, space, class, place)) ||
                slabs_take_large(slabs, size, align, false, place);
    }
    slabs_give_up(slabs);
    return taken;
}

static inline void slabs_give(struct slabs *slabs, const struct slabs_place *place)
{
    if (place->large) {
        model_release(&slabs->memory, piece_at(&slabs->memory, place->region, place->offset));
    } else {
        struct slabs_slab *slab = &slabs->slabs[place->slab];
        slab->block[place->index] = 0;
        if (--slab->used == 0 && bin_of(slabs, place->slab)->current != place->slab) {
            slabs_put_by(slabs, place->slab);
        }
    }
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
