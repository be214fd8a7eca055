// SPDX-License-Identifier: MIT
//
// slab.h - a run of memory cut into blocks of one size, and the sizes that there are.
//
// 1. Theory. Bonwick (USENIX 1994): memory of one size never fragments externally, so slabs of one
//    size each, with the account kept outside of the blocks: a program that overruns a block cannot
//    touch it.
// 2. Sizes. 16 bytes apart to 128, then eight an octave: 144 160 .. 256, 288 320 .. 512, .. 16 KiB.
//    A block's unused part is below 16 bytes, or at most 1/9 (11.1 %) of it: the worst request is
//    one byte above a power of two, 2^k + 1 in a block of 9/8 x 2^k. From a request to its class is
//    one shift and one look-up; from a class to its size one shift (no table).
// 3. Which block. The lowest free one: used blocks stay together. Blocks from `fresh` on were never
//    used since the slab was cut, so cutting one touches neither its memory nor a bit a block.
// 4. What is behind the last block (the slab's size need not be a multiple of the block's) is lost
//    while the slab is cut that way: less than one block.
//
// Nothing here locks, knows what an address is or who owns a block.

#ifndef MEMORY_SLAB_H
#define MEMORY_SLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bitmap.h"

#define SLAB_CLASSES    64
#define SLAB_STEP       16
#define SLAB_LARGEST    16384u              // block
#define SLAB_MOST_BYTES (UINT64_C(4) << 20) // slab

// used + free.count == fresh <= count                                                        (SL1)
// every member of `free` is below fresh                                                      (SL2)
struct slab {
    char *host;
    uint64_t reciprocal; // of size: see slab_index
    uint32_t size;       // of a block
    uint32_t count;      // blocks it is cut into
    uint32_t used;
    uint32_t fresh;     // blocks from here on were never used
    struct bitmap free; // of those below: the ones not used
    uint8_t class;
};

// Bytes of a block of the class.
static inline uint32_t slab_class_size(unsigned class)
{
    return class < 8 ? SLAB_STEP * (class + 1) : (9 + class % 8) << (class / 8 + 3);
}

extern const uint8_t slab_class_table[SLAB_LARGEST / SLAB_STEP + 1];

// The smallest class with room for `size` bytes, 0 < size <= SLAB_LARGEST.
static inline unsigned slab_class(size_t size)
{
    return slab_class_table[(size + SLAB_STEP - 1) / SLAB_STEP];
}

// How many classes have blocks of at most `largest` bytes.
unsigned slab_class_count(uint64_t largest);

// Blocks of the class that fit into `bytes`.
static inline uint32_t slab_capacity(unsigned class, uint64_t bytes)
{
    return (uint32_t)(bytes / slab_class_size(class));
}

// Bytes of memory for the account of `count` blocks (a multiple of 8).
size_t slab_account_bytes(uint32_t count);

// Cuts `bytes` at `host` into blocks of the class, all free. `account` is 8-byte aligned; what it
// holds does not matter.
void slab_init(struct slab *slab, unsigned class, uint64_t bytes, char *host, void *account);

static inline bool slab_full(const struct slab *slab)
{
    return slab->used == slab->count;
}

// The block that slab_take would take. There is a free one.
uint32_t slab_next(const struct slab *slab);
uint32_t slab_take(struct slab *slab);
void slab_give(struct slab *slab, uint32_t index); // it is used

static inline char *slab_host(const struct slab *slab, uint32_t index)
{
    return slab->host + (uint64_t)index * slab->size;
}

// The block that the pointer lies in. With R = floor(2^42 / size) + 1 the product offset * R / 2^42
// is above offset / size by less than offset / 2^42, and so by less than 1 / size while
// offset * size < 2^42: no division.
static inline uint32_t slab_index(const struct slab *slab, const char *host)
{
    return (uint32_t)((uint64_t)(host - slab->host) * slab->reciprocal >> 42);
}

static inline bool slab_is_used(const struct slab *slab, uint32_t index)
{
    return index < slab->fresh && !bitmap_has(&slab->free, index);
}

// SL1 and SL2. NULL, or the label of the first that does not hold.
const char *slab_check(const struct slab *slab);

#endif
