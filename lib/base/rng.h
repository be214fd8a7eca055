// SPDX-License-Identifier: MIT
//
// rng.h - random numbers for decisions inside the library and in tests, never for security.
// splitmix64 (Steele, Lea, Flood 2014) to seed, xoshiro256** (Blackman, Vigna 2018) to draw.

#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdint.h>

struct rng {
    uint64_t state[4];
};

void rng_init(struct rng *rng, uint64_t seed);
uint64_t rng_next(struct rng *rng);
// Uniform in 0 .. bound - 1, bound > 0, without modulo bias (Lemire 2019).
uint64_t rng_below(struct rng *rng, uint64_t bound);

#endif
