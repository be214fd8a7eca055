// SPDX-License-Identifier: MIT
//
// random.h - a worker's random stream: seed = hash(run seed, thread, generation).
//
// A Weyl sequence whose terms are folded: the two halves of a 128-bit product (the step of Wang
// Yi's wyrand). A step is an addition and a multiplication, of which only the addition waits for
// the step before. Each stream has an increment of its own, so that two streams do not become one
// another's later parts. Period 2^64.

#ifndef WORKLOAD_RANDOM_H
#define WORKLOAD_RANDOM_H

#include <stdint.h>

struct random {
    uint64_t state;
    uint64_t step; // odd
};

static inline uint64_t random_mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static inline void random_init(struct random *random, uint64_t seed, uint64_t thread,
                               uint64_t generation)
{
    uint64_t x = random_mix(seed ^ random_mix(thread ^ random_mix(generation)));
    random->state = random_mix(x);
    random->step = random_mix(~x) | 1;
}

// Both halves of a product. (Compilers take the halves of a 128-bit type through memory.)
static inline uint64_t random_multiply(uint64_t a, uint64_t b, uint64_t *high)
{
#if defined(__x86_64__)
    uint64_t low;
    __asm__("mulq %3" : "=a"(low), "=d"(*high) : "%0"(a), "r"(b) : "cc");
    return low;
#else
    unsigned __int128 product = (unsigned __int128)a * b;
    *high = (uint64_t)(product >> 64);
    return (uint64_t)product;
#endif
}

static inline uint64_t random_next(struct random *random)
{
    random->state += random->step;
    uint64_t high;
    uint64_t low = random_multiply(random->state, random->state ^ 0xe7037ed1a0b428dbu, &high);
    return high ^ low;
}

// Uniform in 0 .. bound - 1; bias below bound / 2^64.
static inline uint64_t random_below(struct random *random, uint64_t bound)
{
    return (uint64_t)(((unsigned __int128)random_next(random) * bound) >> 64);
}

// The bound below which random_next comes with that chance.
static inline uint64_t random_share(double share)
{
    return share >= 1 ? UINT64_MAX : (uint64_t)(share * 0x1p64);
}

#endif
