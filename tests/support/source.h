// SPDX-License-Identifier: MIT
//
// source.h - where a property function's decisions come from: a seed, or somebody's bytes.
//
// A law asks for numbers below a bound and does not know who answers. From a seed they are drawn
// without end; from bytes (a fuzzer's, or a file of a corpus) each takes as few bytes as its bound
// needs, and when they are spent every answer is 0 and source_more says so. What no decision
// depends on (the bytes that fill a block) is noise, and takes none.

#ifndef SUPPORT_SOURCE_H
#define SUPPORT_SOURCE_H

#include "support/engine.h"

struct source {
    const uint8_t *bytes; // the next; what is left of them
    size_t left;
    bool drawn;     // from `state` alone
    uint64_t state; // splitmix64
};

static inline struct source source_drawn(uint64_t seed)
{
    return (struct source){.drawn = true, .state = seed};
}

static inline struct source source_bytes(const uint8_t *bytes, size_t size)
{
    return (struct source){.bytes = bytes, .left = size};
}

static inline bool source_more(const struct source *source)
{
    return source->drawn || source->left > 0;
}

// 0 .. bound - 1.
static inline uint64_t source_below(struct source *source, uint64_t bound)
{
    uint64_t value = 0;
    if (source->drawn) {
        return test_below(&source->state, bound);
    }
    for (uint64_t rest = bound - 1; rest != 0 && source->left > 0; rest >>= 8) {
        value = value << 8 | *source->bytes++;
        source->left--;
    }
    return value % bound;
}

static inline uint64_t source_noise(struct source *source)
{
    return test_random(&source->state);
}

// How many operations there are between two looks at the whole. A stream of bytes is short.
static inline uint64_t source_every(const struct source *source, uint64_t every)
{
    return source->drawn || every < 32 ? every : 32;
}

#endif
