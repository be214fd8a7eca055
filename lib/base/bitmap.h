// SPDX-License-Identifier: MIT
//
// bitmap.h - a set of small integers that finds its smallest member in constant time.
//
// A stack of bitmaps: each bit of an upper level says whether a 64-bit word below has any bit set.
// Six levels cover 2^36 members, so insert, remove and first touch at most six words: O(1) for
// everything that fits a machine. The words live in memory that the owner gives. Not thread-safe.

#ifndef BASE_BITMAP_H
#define BASE_BITMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BITMAP_LEVELS 6
#define BITMAP_NONE   UINT64_MAX

// bit i of level l + 1 is set == word i of level l is not zero                                 (B1)
// count == number of bits set in level 0                                                       (B2)
struct bitmap {
    uint64_t *level[BITMAP_LEVELS];
    unsigned levels;
    uint64_t size;  // members are 0 .. size - 1
    uint64_t count; // members present
};

// Bytes of memory a bitmap of `size` members needs (a multiple of 8).
size_t bitmap_bytes(uint64_t size);
// Starts empty, in `memory`, which is zero and 8-byte aligned.
void bitmap_init(struct bitmap *bitmap, uint64_t size, void *memory);
void bitmap_insert(struct bitmap *bitmap, uint64_t member); // not present
void bitmap_remove(struct bitmap *bitmap, uint64_t member); // present
bool bitmap_has(const struct bitmap *bitmap, uint64_t member);
uint64_t bitmap_first(const struct bitmap *bitmap);                     // BITMAP_NONE when empty
uint64_t bitmap_first_from(const struct bitmap *bitmap, uint64_t from); // smallest >= from
bool bitmap_check(const struct bitmap *bitmap);                         // B1 and B2, O(n)

#endif
