// SPDX-License-Identifier: MIT
//
// stamp.c - writing and comparing a block's pattern, 64 bytes at a time, then eight, then one.
//
// The steps of 64 are four vectors of two words, which every x86-64 has; the next ones come by an
// addition. They stop at the first difference: which byte it is the smaller steps find.

#include "check/stamp.h"

#include <string.h>

#define STAMP_STEP 64u

// Two words of the pattern.
typedef uint64_t stamp_pair __attribute__((vector_size(16)));

struct stamp_row {
    stamp_pair pair[STAMP_STEP / sizeof(stamp_pair)];
};

static inline struct stamp_row stamp_row_at(uint64_t seed, size_t index)
{
    struct stamp_row row;
    for (unsigned i = 0; i < 4; i++) {
        uint64_t first = stamp_word(seed, index + 2 * i);
        row.pair[i] = (stamp_pair){first, stamp_word(first, 1)};
    }
    return row;
}

static inline void stamp_row_next(struct stamp_row *row)
{
    const uint64_t step = stamp_word(0, STAMP_STEP / 8);
    for (unsigned i = 0; i < 4; i++) {
        row->pair[i] += (stamp_pair){step, step};
    }
}

// The whole steps of 64 bytes of `length`, from the word at `index` on.
static size_t stamp_fill_steps(uint8_t *bytes, uint64_t seed, size_t index, size_t length)
{
    size_t i = 0;
    struct stamp_row row = stamp_row_at(seed, index);
    for (; i + STAMP_STEP <= length; i += STAMP_STEP) {
        memcpy(bytes + i, &row, STAMP_STEP);
        stamp_row_next(&row);
    }
    return i;
}

// Those before the first that differs.
static size_t stamp_compare_steps(const uint8_t *bytes, uint64_t seed, size_t index, size_t length)
{
    size_t i = 0;
    struct stamp_row row = stamp_row_at(seed, index);
    for (; i + STAMP_STEP <= length; i += STAMP_STEP) {
        struct stamp_row found;
        memcpy(&found, bytes + i, STAMP_STEP);
        stamp_pair wrong = {0, 0};
        for (unsigned k = 0; k < 4; k++) {
            wrong |= found.pair[k] ^ row.pair[k];
        }
        if ((wrong[0] | wrong[1]) != 0) {
            break;
        }
        stamp_row_next(&row);
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
    if (i + STAMP_STEP <= length) {
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
    if (i + STAMP_STEP <= length) {
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
