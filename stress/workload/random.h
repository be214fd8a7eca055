// SPDX-License-Identifier: MIT
//
// random.h - a worker's random stream: seed = hash(run seed, thread, generation), xoshiro256**.

#ifndef WORKLOAD_RANDOM_H
#define WORKLOAD_RANDOM_H

#include <stdint.h>

struct random {
    uint64_t state[4];
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
    for (unsigned i = 0; i < 4; i++) {
        x += 0x9e3779b97f4a7c15u;
        random->state[i] = random_mix(x);
    }
}

static inline uint64_t random_next(struct random *random)
{
    uint64_t *s = random->state;
    uint64_t result = ((s[1] * 5) << 7 | (s[1] * 5) >> 57) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = s[3] << 45 | s[3] >> 19;
    return result;
}

// Uniform in 0 .. bound - 1; bias below bound / 2^64.
static inline uint64_t random_below(struct random *random, uint64_t bound)
{
    return (uint64_t)(((unsigned __int128)random_next(random) * bound) >> 64);
}

#endif
