// SPDX-License-Identifier: MIT
//
// stamp.h - what a block's bytes should be: a pattern from (slot, generation, owner) and position.
//
// Word i of a block is seed + i * K with an odd K, little-endian: no two positions of a block below
// 2^64 words hold the same word, so that a copy that is shifted, cut short or from another block
// shows. The seed is a hash: blocks differ in every word. Byte b of the block is byte b % 8 of word
// b / 8, whichever piece of memory it lies in.

#ifndef CHECK_STAMP_H
#define CHECK_STAMP_H

#include <stddef.h>
#include <stdint.h>

#include "workload/op.h"

static inline uint64_t stamp_seed(const struct slot *slot)
{
    return random_mix(((uint64_t)slot->id << 32 | slot->generation) ^ (uint64_t)slot->owner << 17);
}

static inline uint64_t stamp_word(uint64_t seed, size_t index)
{
    return seed + (uint64_t)index * 0x9e3779b97f4a7c15u;
}

static inline uint8_t stamp_byte(uint64_t seed, size_t offset)
{
    return (uint8_t)(stamp_word(seed, offset / 8) >> (offset % 8 * 8));
}

// `bytes` is byte `offset` of the block. Each returns how many bytes are right before the first
// wrong one: `length` when all are.
size_t stamp_fill(uint8_t *bytes, uint64_t seed, size_t offset, size_t length);
size_t stamp_compare(const uint8_t *bytes, uint64_t seed, size_t offset, size_t length);
size_t stamp_zeroes(const uint8_t *bytes, size_t length);

#endif
