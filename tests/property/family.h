// SPDX-License-Identifier: MIT
//
// family.h - the law of the malloc family, on a stream of bytes: whoever drives it, the blocks are
// as a simple model says.
//
// A stream is a row of operations of FAMILY_OPERATION bytes: what, which block, how much, at which
// alignment. Any bytes are a stream, so a fuzzer's are; examples are written out, and random ones
// drawn. The model has of each block its address, size and seed. The law: no two blocks overlap; a
// block is aligned as asked, and to 16; all that malloc_usable_size says is the program's; bytes
// stay until a block is released, and move with realloc; calloc's are zero; requests that no memory
// can hold, or that are wrong, fail as they should and change nothing.

#ifndef PROPERTY_FAMILY_H
#define PROPERTY_FAMILY_H

#include "support/family.h"

#include <errno.h>

enum { FAMILY_BLOCKS = 256, FAMILY_OPERATION = 4 };

enum family_what {
    FAMILY_MALLOC,
    FAMILY_CALLOC,
    FAMILY_REALLOC,
    FAMILY_REALLOCARRAY,
    FAMILY_POSIX_MEMALIGN,
    FAMILY_ALIGNED_ALLOC,
    FAMILY_MEMALIGN,
    FAMILY_FREE,
    FAMILY_FREE_SIZED,
    FAMILY_TOO_LARGE,
    FAMILY_WRONG_ALIGN,
    FAMILY_TRIM,
    FAMILY_WHATS
};

struct family_block {
    char *at; // NULL: none
    size_t size, usable, align;
    uint64_t seed;
};

struct family_model {
    struct family_block block[FAMILY_BLOCKS];
    uint64_t seeds, operations;
};

int family_malloc_trim(size_t pad);

// 0 .. 31: in steps of 8 up to 248; then the sizes around 2^k, and 1.5 x 2^k, up to 2 MiB.
static inline size_t family_size(uint8_t draw)
{
    if (draw < 32) {
        return 8 * (size_t)draw;
    }
    size_t power = (size_t)1 << (3 + (draw - 32) / 12), third = (draw - 32u) % 12;
    return (third < 6 ? power : power + power / 2) + third % 6 - (third % 6 > 2 ? 5 : 0);
}

static inline void family_holds(const struct family_model *model, const struct family_block *block)
{
    family_require(family_stamped(block->at, block->usable, block->seed),
                   "operation %llu: %zu bytes at %p have changed",
                   (unsigned long long)model->operations, block->size, (void *)block->at);
}

static inline void family_apart(const struct family_model *model, const struct family_block *block)
{
    for (size_t i = 0; i < FAMILY_BLOCKS; i++) {
        const struct family_block *other = &model->block[i];
        family_require(other == block || other->at == NULL ||
                           block->at + block->usable <= other->at ||
                           other->at + other->usable <= block->at,
                       "operation %llu: %zu bytes at %p overlap %zu at %p",
                       (unsigned long long)model->operations, block->usable, (void *)block->at,
                       other->usable, (void *)other->at);
    }
}

// The model has the block from now on; all of it is written to.
static inline void family_has(struct family_model *model, struct family_block *block, void *at,
                              size_t size, size_t align)
{
    family_require(at != NULL, "%zu bytes at %zu", size, align);
    family_require((uintptr_t)at % align == 0 && (uintptr_t)at % 16 == 0, "%p at %zu", at, align);
    *block = (struct family_block){.at = at,
                                   .size = size,
                                   .align = align,
                                   .usable = family_malloc_usable_size(at),
                                   .seed = ++model->seeds * UINT64_C(0x9e3779b97f4a7c15)};
    family_require(block->usable >= size && block->usable != 0, "%zu of %zu", block->usable, size);
    family_apart(model, block);
    family_stamp(at, block->usable, block->seed);
}

static inline void family_lets_go(struct family_model *model, struct family_block *block,
                                  bool sized)
{
    if (block->at != NULL) {
        family_holds(model, block);
        errno = 4711;
        if (!sized) {
            family_free(block->at);
        } else if (block->align == 1) {
            family_free_sized(block->at, block->size);
        } else {
            family_free_aligned_sized(block->at, block->align, block->size);
        }
        family_require(errno == 4711, "free sets errno");
        block->at = NULL;
    }
}

static inline void family_resizes(struct family_model *model, struct family_block *block,
                                  size_t size, bool array)
{
    if (block->at == NULL) {
        family_has(model, block, family_realloc(NULL, size), size, 1);
        return;
    }
    family_holds(model, block);
    size_t kept = block->usable < size ? block->usable : size;
    family_stamp(block->at, kept, block->seed);
    void *at = array ? family_reallocarray(block->at, size, 1) : family_realloc(block->at, size);
    if (size == 0) {
        family_require(at == NULL, "realloc to 0");
        block->at = NULL;
        return;
    }
    family_require(family_stamped(at, kept, block->seed), "realloc from %zu to %zu loses bytes",
                   block->size, size);
    family_has(model, block, at, size, 1);
}

static inline void family_zeroes(struct family_model *model, struct family_block *block,
                                 size_t size)
{
    char *at = family_calloc(size / 3 + 1, 3);
    size_t bytes = 3 * (size / 3 + 1);
    family_require(at != NULL && at[0] == 0 && memcmp(at, at + 1, bytes - 1) == 0,
                   "calloc of %zu bytes", bytes);
    family_has(model, block, at, bytes, 1);
}

static inline void family_aligns(struct family_model *model, struct family_block *block,
                                 enum family_what what, size_t size, size_t align)
{
    void *at = NULL;
    if (what == FAMILY_POSIX_MEMALIGN) {
        align = align < sizeof(void *) ? sizeof(void *) : align;
        family_require(family_posix_memalign(&at, align, size) == 0, "%zu at %zu", size, align);
    } else if (what == FAMILY_ALIGNED_ALLOC) {
        at = family_aligned_alloc(align, size);
    } else {
        at = family_memalign(align == 1 ? 1 : align - align / 4, size); // rounded up
    }
    family_has(model, block, at, size, align);
}

static inline void family_refuses(struct family_block *block, size_t size)
{
    static const size_t none[] = {SIZE_MAX, (size_t)PTRDIFF_MAX + 1, PTRDIFF_MAX};
    void *at = block;
    for (size_t i = 0; i < 3; i++) {
        errno = 0;
        family_require(family_malloc(none[i] - (i != 1 ? size : 0)) == NULL && errno == ENOMEM,
                       "malloc");
        errno = 0;
        family_require(family_calloc(none[i] / 2, 5) == NULL && errno == ENOMEM, "calloc");
        errno = 0;
        family_require(family_realloc(block->at, none[i]) == NULL && errno == ENOMEM, "realloc");
        errno = 0;
        family_require(family_reallocarray(block->at, none[i] / 2, 5) == NULL && errno == ENOMEM,
                       "reallocarray");
        errno = 4711;
        family_require(family_posix_memalign(&at, 64, none[i]) == ENOMEM && at == block &&
                           errno == 4711,
                       "posix_memalign");
    }
}

static inline void family_refuses_align(size_t size, size_t align)
{
    void *at = &align;
    errno = 0;
    family_require(family_aligned_alloc(3 * align, size) == NULL && errno == EINVAL, "at %zu",
                   3 * align);
    family_require(family_posix_memalign(&at, 3 * align, size) == EINVAL && at == &align, "at %zu",
                   3 * align);
    family_require(family_posix_memalign(&at, 4, size) == EINVAL && at == &align, "at 4");
}

static inline void family_step(struct family_model *model, const uint8_t *operation)
{
    enum family_what what = operation[0] % FAMILY_WHATS;
    struct family_block *block = &model->block[operation[1] % FAMILY_BLOCKS];
    size_t size = family_size(operation[2]), align = (size_t)1 << operation[3] % 22;
    if (what <= FAMILY_MEMALIGN && what != FAMILY_REALLOC && what != FAMILY_REALLOCARRAY) {
        family_lets_go(model, block, false);
    }
    switch (what) {
    case FAMILY_MALLOC:
        family_has(model, block, family_malloc(size), size, 1);
        break;
    case FAMILY_CALLOC:
        family_zeroes(model, block, size);
        break;
    case FAMILY_REALLOC:
    case FAMILY_REALLOCARRAY:
        family_resizes(model, block, size, what == FAMILY_REALLOCARRAY);
        break;
    case FAMILY_FREE:
    case FAMILY_FREE_SIZED:
        family_lets_go(model, block, what == FAMILY_FREE_SIZED);
        break;
    case FAMILY_TOO_LARGE:
        family_refuses(block, size);
        break;
    case FAMILY_WRONG_ALIGN:
        family_refuses_align(size, align);
        break;
    case FAMILY_TRIM:
        (void)family_malloc_trim(0);
        break;
    default:
        family_aligns(model, block, what, size, align);
    }
    model->operations++;
}

// The law. Releases all in the end; then no slab with a block is left, nor a large block.
static inline void family_property(const uint8_t *stream, size_t bytes)
{
    static struct family_model model;
    model = (struct family_model){.seeds = 0};
    for (size_t at = 0; at + FAMILY_OPERATION <= bytes; at += FAMILY_OPERATION) {
        family_step(&model, stream + at);
        if (model.operations % 512 == 0) {
            family_checked();
        }
    }
    for (size_t i = 0; i < FAMILY_BLOCKS; i++) {
        family_lets_go(&model, &model.block[i], i % 2 == 0);
    }
    (void)family_malloc_trim(0);
    family_checked();
    family_require(family_slabs() == 0 && depots[0].large_count == 0, "%llu slabs, %llu large",
                   (unsigned long long)family_slabs(), (unsigned long long)depots[0].large_count);
}

#endif
