// SPDX-License-Identifier: MIT
//
// stamp.c - writing and comparing a block's pattern, eight bytes at a time.

#include "check/stamp.h"

#include <string.h>

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
