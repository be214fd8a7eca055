// SPDX-License-Identifier: MIT
//
// slab.h - the sizes of blocks that slabs are cut into.
//
// 1. Theory. Bonwick (USENIX 1994): memory of one size never fragments externally, so slabs of one
//    size each, with the account kept outside of the blocks: a program that overruns a block cannot
//    touch it. What a slab is: heap/granule.h; which of its blocks are free: heap/ledger.h.
// 2. Sizes. 16 bytes apart to 128, then eight an octave: 144 160 .. 256, 288 320 .. 512, .. 16 KiB.
//    A block's unused part is below 16 bytes, or at most 1/9 (11.1 %) of it: the worst request is
//    one byte above a power of two, 2^k + 1 in a block of 9/8 x 2^k. From a request to its class is
//    one shift and one look-up; from a class to its size one shift (no table).

#ifndef MEMORY_SLAB_H
#define MEMORY_SLAB_H

#include <stddef.h>
#include <stdint.h>

#define SLAB_CLASSES 64
#define SLAB_STEP    16
#define SLAB_LARGEST 16384u // block

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

#endif
