// SPDX-License-Identifier: MIT
//
// classes.h - which sizes magazines hold.
//
// Either a geometric ladder (16 bytes apart to 128, then four steps an octave: at most 20 % of a
// block unused above 64 bytes) or the sizes a policy has by nature (partitions). Finding a class
// is one shift and one table look-up.

#ifndef CACHE_CLASSES_H
#define CACHE_CLASSES_H

#include <stddef.h>
#include <stdint.h>

#define CLASSES_MOST    64
#define CLASSES_LARGEST (UINT64_C(1) << 15) // of a block in a magazine
#define CLASSES_STEP    16

// size[i - 1] < n <= size[i]  ==  class of n is i, for 0 < n <= largest                        (C1)
struct cache_classes {
    uint32_t count;
    uint64_t largest; // 0: no class at all
    uint64_t size[CLASSES_MOST];
    uint8_t lookup[CLASSES_LARGEST / CLASSES_STEP + 1]; // by (n + 15) / 16
};

// `sizes` rising multiples of 16, or NULL for the ladder; those above `limit` are left out.
void cache_classes_init(struct cache_classes *classes, const uint64_t *sizes, size_t count,
                        uint64_t limit);

// 0 < size <= largest.
static inline unsigned cache_class(const struct cache_classes *classes, size_t size)
{
    return classes->lookup[(size + CLASSES_STEP - 1) / CLASSES_STEP];
}

#endif
