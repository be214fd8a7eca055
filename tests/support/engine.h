// SPDX-License-Identifier: MIT
//
// engine.h - short words for tests of the engine: open it or fail, take a block, stamp it.

#ifndef SUPPORT_ENGINE_H
#define SUPPORT_ENGINE_H

#include "support/require.h"
#include "support/test.h"

#include <errno.h>
#include <inttypes.h>
#include <mems/engine.h>
#include <stdbool.h>
#include <string.h>

static inline struct mems_engine *test_engine(const char *policy, const char *options)
{
    struct mems_config config = {.policy = policy, .options = options};
    struct mems_engine *engine = NULL;
    int error = mems_engine_open(&config, &engine);
    test_require(error == 0, "%s(%s): %s: %s", policy, options, strerror(error), mems_complaint());
    return engine;
}

static inline struct mems_space *test_space(struct mems_engine *engine)
{
    struct mems_space *space = NULL;
    int error = mems_space_open(engine, &space);
    test_require(error == 0, "space: %s: %s", strerror(error), mems_complaint());
    return space;
}

static inline mems_addr test_alloc(struct mems_space *space, size_t size)
{
    mems_addr addr = 0;
    int error = mems_alloc(space, size, 0, &addr);
    test_require(error == 0, "alloc of %zu: %s", size, strerror(error));
    return addr;
}

// The host address, as a number to compare; not to be used as a pointer.
static inline uintptr_t test_host(struct mems_space *space, mems_addr addr)
{
    void *host = NULL;
    mems_access_begin();
    int error = mems_translate(space, addr, MEMS_READ, &host, NULL);
    mems_access_end();
    test_require(error == 0, "translate of %#" PRIx64 ": %s", addr, strerror(error));
    return (uintptr_t)host;
}

// The bytes of a stamp depend on its seed and on their position.
static inline unsigned char test_stamp_byte(uint64_t seed, size_t position)
{
    uint64_t word = (seed + position / 8) * 0x9e3779b97f4a7c15u;
    word ^= word >> 29;
    return (unsigned char)(word >> (position % 8 * 8));
}

static inline void test_stamp(struct mems_space *space, mems_addr addr, size_t size, uint64_t seed)
{
    void *host = NULL;
    size_t span = 0;
    mems_access_begin();
    int error = mems_translate(space, addr, MEMS_WRITE, &host, &span);
    test_require(error == 0, "translate of %#" PRIx64 ": %s", addr, strerror(error));
    test_require(span >= size, "span %zu of a block of %zu", span, size);
    for (size_t i = 0; i < size; i++) {
        ((unsigned char *)host)[i] = test_stamp_byte(seed, i);
    }
    mems_access_end();
}

static inline void test_stamped(struct mems_space *space, mems_addr addr, size_t size,
                                uint64_t seed)
{
    void *host = NULL;
    size_t span = 0;
    mems_access_begin();
    int error = mems_translate(space, addr, MEMS_READ, &host, &span);
    test_require(error == 0, "translate of %#" PRIx64 ": %s", addr, strerror(error));
    test_require(span >= size, "span %zu of a block of %zu", span, size);
    for (size_t i = 0; i < size; i++) {
        unsigned byte = ((unsigned char *)host)[i];
        test_require(byte == test_stamp_byte(seed, i),
                     "block %#" PRIx64 ", %zu bytes: byte %zu is %#x, written was %#x", addr, size,
                     i, byte, test_stamp_byte(seed, i));
    }
    mems_access_end();
}

static inline struct mems_stats test_stats(struct mems_engine *engine)
{
    struct mems_stats stats;
    int error = mems_snapshot(engine, &stats);
    test_require(error == 0, "snapshot: %s", strerror(error));
    return stats;
}

static inline void test_checked(struct mems_engine *engine, bool quiescent)
{
    struct mems_violation first = {.invariant = "none", .text = ""};
    int error = mems_check(engine, quiescent, &first);
    test_require(error == 0, "%s: %s: %s", strerror(error), first.invariant, first.text);
}

// S1 and S2 of engine.h; no other call may be under way.
static inline void test_conserved(struct mems_engine *engine)
{
    struct mems_stats s = test_stats(engine);
    test_require(s.held_bytes + s.absent_bytes == s.block_bytes + s.cached_bytes + s.free_bytes,
                 "S1: held %" PRIu64 ", absent %" PRIu64 ", blocks %" PRIu64 ", cached %" PRIu64
                 ", free %" PRIu64,
                 s.held_bytes, s.absent_bytes, s.block_bytes, s.cached_bytes, s.free_bytes);
    test_require(s.allocs - s.releases == s.live_blocks,
                 "S2: allocs %" PRIu64 ", releases %" PRIu64 ", live %" PRIu64, s.allocs,
                 s.releases, s.live_blocks);
    test_require(s.block_bytes >= s.requested_bytes, "blocks take %" PRIu64 " for %" PRIu64,
                 s.block_bytes, s.requested_bytes);
    test_require(s.held_peak_bytes >= s.held_bytes, "peak below now");
}

// A generator of its own, so that no bug of the library's can hide behind itself (splitmix64).
static inline uint64_t test_random(uint64_t *state)
{
    uint64_t x = *state += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static inline uint64_t test_below(uint64_t *state, uint64_t bound)
{
    return test_random(state) % bound;
}

#endif
