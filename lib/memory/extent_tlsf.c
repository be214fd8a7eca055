// SPDX-License-Identifier: MIT
//
// extent_tlsf.c - holes in lists by two levels of size classes: good fit in O(1).
//
// 1. Theory. Two-level segregated fit (Masmano, Ripoll, Crespo, Real: TLSF, ECRTS 2004). The first
//    level is the power of two below a size, the second cuts each of those into 32 equal classes.
//    A bitmap of first levels that have a hole and one of second levels for each lead to the
//    smallest class at or above a wanted one in two finds of a lowest bit.
// 2. The rule. A hole goes to the class that its size lies in; the latest in a class comes first. A
//    request is rounded up to the next class's lower bound, so that every hole of the class found
//    is large enough, and the first one is taken unseen. A hole of the request's own class may have
//    been large enough, too: good fit does not look. At most 1/32 of a size is lost to that.
//    Sizes below 32 granules have a class each and lose nothing.
// 3. Alignment beyond the granule: a hole of size + align - granule has a place for certain, so
//    that is what is looked for.
// 4. Units are granules. With `largest` the largest hole is known, 0 when it has to be looked for
//    (in the highest list).

#include "base/bits.h"
#include "memory/extent_index.h"

#define SECOND_BITS 5
#define SECOND      (1u << SECOND_BITS)
#define FIRST       (64 - SECOND_BITS + 1) // level 0: sizes below SECOND granules

struct tlsf {
    uint64_t first;         // bit i: second[i] is not 0
    uint32_t second[FIRST]; // bit j of i: head[i][j] is not NULL
    uint64_t largest;
    struct list *head[FIRST][SECOND];
};

struct class
{
    unsigned first, second;
};

static struct tlsf *tlsf_of(const struct extents *extents)
{
    return extents->lists;
}

static struct class class_of_units(uint64_t units)
{
    if (units < SECOND) {
        return (struct class){0, (unsigned)units};
    }
    unsigned log2 = bits_log2(units);
    return (struct class){log2 - SECOND_BITS + 1,
                          (unsigned)(units >> (log2 - SECOND_BITS)) - SECOND};
}

static struct class class_of(const struct extents *extents, uint64_t size)
{
    return class_of_units(size >> bits_log2(extents->set.granule));
}

// The lower bound of the first class at or above it.
static uint64_t units_up(uint64_t units)
{
    if (units < SECOND) {
        return units;
    }
    uint64_t width = UINT64_C(1) << (bits_log2(units) - SECOND_BITS);
    return (units + width - 1) & ~(width - 1);
}

static struct extent *extent_of(struct list *item)
{
    return container_of(item, struct extent, free);
}

static void tlsf_insert(struct extents *extents, struct extent *hole)
{
    struct tlsf *tlsf = tlsf_of(extents);
    struct class class = class_of(extents, hole->size);
    bool known = tlsf->largest != 0 || tlsf->first == 0;
    extent_push(&tlsf->head[class.first][class.second], hole);
    tlsf->first |= UINT64_C(1) << class.first;
    tlsf->second[class.first] |= 1u << class.second;
    if (known && hole->size > tlsf->largest) {
        tlsf->largest = hole->size;
    }
}

static void tlsf_remove(struct extents *extents, struct extent *hole)
{
    struct tlsf *tlsf = tlsf_of(extents);
    struct class class = class_of(extents, hole->size);
    struct list **head = &tlsf->head[class.first][class.second];
    extent_pull(head, hole);
    if (*head == NULL) {
        tlsf->second[class.first] &= ~(1u << class.second);
        if (tlsf->second[class.first] == 0) {
            tlsf->first &= ~(UINT64_C(1) << class.first);
        }
    }
    tlsf->largest = hole->size == tlsf->largest ? 0 : tlsf->largest;
}

static void tlsf_reshape(struct extents *extents, struct extent *hole, uint64_t position,
                         uint64_t size)
{
    tlsf_remove(extents, hole);
    hole->position = position;
    hole->size = size;
    tlsf_insert(extents, hole);
}

// What is looked for, in units: false when no memory has as many.
static bool wanted(uint64_t granule, uint64_t size, uint64_t align, uint64_t *units)
{
    uint64_t slack = align > granule ? align - granule : 0;
    if (__builtin_add_overflow(size, slack, &size) || size > PTRDIFF_MAX) {
        return false;
    }
    unsigned shift = bits_log2(granule);
    *units = units_up((size + granule - 1) >> shift);
    return true;
}

static struct extent *tlsf_choose(const struct extents *extents, uint64_t size, uint64_t align)
{
    const struct tlsf *tlsf = tlsf_of(extents);
    uint64_t units;
    if (!wanted(extents->set.granule, size, align, &units)) {
        return NULL;
    }
    struct class class = class_of_units(units);
    uint32_t second = tlsf->second[class.first] & (UINT32_MAX << class.second);
    if (second == 0) {
        uint64_t first = tlsf->first & (UINT64_MAX << class.first << 1);
        if (first == 0) {
            return NULL;
        }
        class.first = (unsigned)__builtin_ctzll(first);
        second = tlsf->second[class.first];
    }
    return extent_of(tlsf->head[class.first][__builtin_ctz(second)]);
}

// The one that choose finds.
static struct extent *tlsf_after(const struct extents *extents, uint64_t position, uint64_t size,
                                 uint64_t align)
{
    struct extent *hole = tlsf_choose(extents, size, align);
    return hole != NULL && hole->position >= position ? hole : NULL;
}

static bool tlsf_room(uint64_t granule, uint64_t size, uint64_t align, uint64_t *bytes)
{
    uint64_t units;
    return wanted(granule, size, align, &units) && !__builtin_mul_overflow(units, granule, bytes);
}

static uint64_t tlsf_largest(const struct extents *extents)
{
    struct tlsf *tlsf = tlsf_of(extents);
    if (tlsf->largest == 0 && tlsf->first != 0) {
        unsigned first = bits_log2(tlsf->first);
        struct list *i = tlsf->head[first][bits_log2(tlsf->second[first])];
        for (; i != NULL; i = i->next) {
            uint64_t size = extent_of(i)->size;
            tlsf->largest = size > tlsf->largest ? size : tlsf->largest;
        }
    }
    return tlsf->largest;
}

// One list: its bit, its class, its links. Adds up what it holds.
static bool list_check(const struct extents *extents, unsigned first, unsigned second,
                       uint64_t *count)
{
    const struct tlsf *tlsf = tlsf_of(extents);
    struct list *head = tlsf->head[first][second], *previous = NULL;
    bool bit = (tlsf->second[first] >> second & 1) != 0;
    for (struct list *i = head; i != NULL; previous = i, i = i->next) {
        const struct extent *hole = extent_of(i);
        struct class class = class_of(extents, hole->size);
        if (i->previous != previous || hole->tag != EXTENT_HOLE || class.first != first ||
            class.second != second || (tlsf->largest != 0 && hole->size > tlsf->largest)) {
            return false;
        }
        *count += 1;
    }
    return bit == (head != NULL);
}

static bool tlsf_check(const struct extents *extents)
{
    const struct tlsf *tlsf = tlsf_of(extents);
    uint64_t count = 0;
    for (unsigned first = 0; first < FIRST; first++) {
        bool bit = (tlsf->first >> first & 1) != 0;
        if (bit != (tlsf->second[first] != 0)) {
            return false;
        }
        for (unsigned second = 0; second < SECOND; second++) {
            if (!list_check(extents, first, second, &count)) {
                return false;
            }
        }
    }
    return count == extents->hole_count;
}

const struct extent_index extent_by_class = {
    .bytes = sizeof(struct tlsf),
    .insert = tlsf_insert,
    .remove = tlsf_remove,
    .reshape = tlsf_reshape,
    .choose = tlsf_choose,
    .choose_after = tlsf_after,
    .room = tlsf_room,
    .largest = tlsf_largest,
    .check = tlsf_check,
};
