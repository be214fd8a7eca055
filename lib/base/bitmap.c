// SPDX-License-Identifier: MIT
//
// bitmap.c - the levels lie one behind the other in the owner's memory, level 0 first.

#include "base/bitmap.h"

static uint64_t words_for(uint64_t bits)
{
    return bits / 64 + (bits % 64 != 0 || bits == 0);
}

size_t bitmap_bytes(uint64_t size)
{
    uint64_t words = words_for(size);
    uint64_t total = words;
    while (words > 1) {
        words = words_for(words);
        total += words;
    }
    return (size_t)total * sizeof(uint64_t);
}

void bitmap_init(struct bitmap *bitmap, uint64_t size, void *memory)
{
    *bitmap = (struct bitmap){.size = size};
    uint64_t *word = memory;
    uint64_t words = size;
    do {
        words = words_for(words);
        bitmap->level[bitmap->levels++] = word;
        word += words;
    } while (words > 1);
}

void bitmap_insert(struct bitmap *bitmap, uint64_t member)
{
    bitmap->count++;
    for (unsigned l = 0; l < bitmap->levels; l++) {
        uint64_t *word = &bitmap->level[l][member / 64];
        bool was_empty = *word == 0;
        *word |= UINT64_C(1) << (member % 64);
        if (!was_empty) {
            return;
        }
        member /= 64;
    }
}

void bitmap_remove(struct bitmap *bitmap, uint64_t member)
{
    bitmap->count--;
    for (unsigned l = 0; l < bitmap->levels; l++) {
        uint64_t *word = &bitmap->level[l][member / 64];
        *word &= ~(UINT64_C(1) << (member % 64));
        if (*word != 0) {
            return;
        }
        member /= 64;
    }
}

bool bitmap_has(const struct bitmap *bitmap, uint64_t member)
{
    return member < bitmap->size && (bitmap->level[0][member / 64] >> (member % 64) & 1) != 0;
}

// The smallest member below bit `at` of level `l`, which is set.
static uint64_t descend(const struct bitmap *bitmap, unsigned l, uint64_t at)
{
    while (l > 0) {
        l--;
        at = at * 64 + (unsigned)__builtin_ctzll(bitmap->level[l][at]);
    }
    return at;
}

uint64_t bitmap_first(const struct bitmap *bitmap)
{
    return bitmap->count == 0 ? BITMAP_NONE : descend(bitmap, bitmap->levels, 0);
}

uint64_t bitmap_first_from(const struct bitmap *bitmap, uint64_t from)
{
    uint64_t bits = bitmap->size; // of level l
    for (unsigned l = 0; l < bitmap->levels && from < bits; l++) {
        uint64_t rest = bitmap->level[l][from / 64] >> (from % 64);
        if (rest != 0) {
            return descend(bitmap, l, from + (unsigned)__builtin_ctzll(rest));
        }
        from = from / 64 + 1;
        bits = words_for(bits);
    }
    return BITMAP_NONE;
}

bool bitmap_check(const struct bitmap *bitmap)
{
    uint64_t words = words_for(bitmap->size);
    uint64_t count = 0;
    for (uint64_t i = 0; i < words; i++) {
        count += (unsigned)__builtin_popcountll(bitmap->level[0][i]);
    }
    if (count != bitmap->count) { // B2
        return false;
    }
    for (unsigned l = 0; l + 1 < bitmap->levels; l++) {
        for (uint64_t i = 0; i < words; i++) {
            bool said = (bitmap->level[l + 1][i / 64] >> (i % 64) & 1) != 0;
            if (said != (bitmap->level[l][i] != 0)) { // B1
                return false;
            }
        }
        words = words_for(words);
    }
    return true;
}
