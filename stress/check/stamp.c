// SPDX-License-Identifier: MIT
//
// stamp.c - writing and comparing a block's pattern, 64 bytes at a time, then eight, then one.
//
// The steps of 64 are four vectors of two words, which every x86-64 has; the next ones come by an
// addition. They stop at the first difference: which byte it is the smaller steps find.

#include "check/stamp.h"

#include <string.h>

#define STAMP_STEP 64u

#define STAMP_LONG 256u // below it the vectors' beginnings cost more than they save

// Two words of the pattern.
typedef uint64_t stamp_pair __attribute__((vector_size(16)));

static inline stamp_pair stamp_pair_at(uint64_t seed, size_t index)
{
    return (stamp_pair){stamp_word(seed, index), stamp_word(seed, index + 1)};
}

static inline void stamp_put(uint8_t *bytes, stamp_pair pair)
{
    memcpy(bytes, &pair, sizeof pair);
}

static inline stamp_pair stamp_get(const uint8_t *bytes)
{
    stamp_pair pair;
    memcpy(&pair, bytes, sizeof pair);
    return pair;
}

// The whole steps of 64 bytes of `length`, from the word at `index` on.
static size_t stamp_fill_steps(uint8_t *bytes, uint64_t seed, size_t index, size_t length)
{
    const uint64_t step = stamp_word(0, STAMP_STEP / 8);
    const stamp_pair next = {step, step};
    stamp_pair a = stamp_pair_at(seed, index), b = stamp_pair_at(seed, index + 2);
    stamp_pair c = stamp_pair_at(seed, index + 4), d = stamp_pair_at(seed, index + 6);
    size_t i = 0;
    for (; i + STAMP_STEP <= length; i += STAMP_STEP) {
        stamp_put(bytes + i, a);
        stamp_put(bytes + i + 16, b);
        stamp_put(bytes + i + 32, c);
        stamp_put(bytes + i + 48, d);
        a += next, b += next, c += next, d += next;
    }
    return i;
}

// Those before the first that differs.
static size_t stamp_compare_steps(const uint8_t *bytes, uint64_t seed, size_t index, size_t length)
{
    const uint64_t step = stamp_word(0, STAMP_STEP / 8);
    const stamp_pair next = {step, step};
    stamp_pair a = stamp_pair_at(seed, index), b = stamp_pair_at(seed, index + 2);
    stamp_pair c = stamp_pair_at(seed, index + 4), d = stamp_pair_at(seed, index + 6);
    size_t i = 0;
    for (; i + STAMP_STEP <= length; i += STAMP_STEP) {
        stamp_pair wrong = (stamp_get(bytes + i) ^ a) | (stamp_get(bytes + i + 16) ^ b) |
                           (stamp_get(bytes + i + 32) ^ c) | (stamp_get(bytes + i + 48) ^ d);
        if ((wrong[0] | wrong[1]) != 0) {
            break;
        }
        a += next, b += next, c += next, d += next;
    }
    return i;
}

// Bytes from `offset` to the next whole word of the block, at most `length`.
static size_t stamp_lead(size_t offset, size_t length)
{
    size_t lead = -offset & 7;
    return lead < length ? lead : length;
}

size_t stamp_fill(uint8_t *bytes, uint64_t seed, size_t offset, size_t length)
{
    size_t i = 0;
    for (size_t lead = stamp_lead(offset, length); i < lead; i++) {
        bytes[i] = stamp_byte(seed, offset + i);
    }
    if (i + STAMP_LONG <= length) {
        i += stamp_fill_steps(bytes + i, seed, (offset + i) / 8, length - i);
    }
    for (; i + 8 <= length; i += 8) {
        uint64_t word = stamp_word(seed, (offset + i) / 8);
        memcpy(bytes + i, &word, 8);
    }
    for (; i < length; i++) {
        bytes[i] = stamp_byte(seed, offset + i);
    }
    return length;
}

size_t stamp_compare(const uint8_t *bytes, uint64_t seed, size_t offset, size_t length)
{
    size_t i = 0;
    for (size_t lead = stamp_lead(offset, length); i < lead; i++) {
        if (bytes[i] != stamp_byte(seed, offset + i)) {
            return i;
        }
    }
    if (i + STAMP_LONG <= length) {
        i += stamp_compare_steps(bytes + i, seed, (offset + i) / 8, length - i);
    }
    for (; i + 8 <= length; i += 8) {
        uint64_t word;
        memcpy(&word, bytes + i, 8);
        uint64_t wrong = word ^ stamp_word(seed, (offset + i) / 8);
        if (wrong != 0) {
            return i + (size_t)__builtin_ctzll(wrong) / 8;
        }
    }
    for (; i < length; i++) {
        if (bytes[i] != stamp_byte(seed, offset + i)) {
            return i;
        }
    }
    return length;
}

size_t stamp_zeroes(const uint8_t *bytes, size_t length)
{
    size_t i = 0;
    for (; i + 8 <= length; i += 8) {
        uint64_t word;
        memcpy(&word, bytes + i, 8);
        if (word != 0) {
            return i + (size_t)__builtin_ctzll(word) / 8;
        }
    }
    for (; i < length; i++) {
        if (bytes[i] != 0) {
            return i;
        }
    }
    return length;
}
