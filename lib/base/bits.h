// SPDX-License-Identifier: MIT
//
// bits.h - arithmetic on sizes and powers of two that says when it does not fit.

#ifndef BASE_BITS_H
#define BASE_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

static inline bool bits_is_power_of_two(uint64_t n)
{
    return n != 0 && (n & (n - 1)) == 0;
}

// floor(log2(n)), n > 0.
static inline unsigned bits_log2(uint64_t n)
{
    return 63u - (unsigned)__builtin_clzll(n);
}

// ceil(log2(n)), n > 0.
static inline unsigned bits_log2_up(uint64_t n)
{
    return n == 1 ? 0u : bits_log2(n - 1) + 1u;
}

// The next multiple of `align` (a power of two) at or above n; false when it does not fit.
static inline bool bits_round_up(uint64_t n, uint64_t align, uint64_t *result)
{
    uint64_t sum;
    if (__builtin_add_overflow(n, align - 1, &sum)) {
        return false;
    }
    *result = sum & ~(align - 1);
    return true;
}

#endif
