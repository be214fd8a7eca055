// SPDX-License-Identifier: MIT
//
// test.h - what every test starts with: cmocka in its order of includes, and the seed.

#ifndef SUPPORT_TEST_H
#define SUPPORT_TEST_H

// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on

#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#ifndef MEMS_TEST_SCALE
#define MEMS_TEST_SCALE 1
#endif

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define TEST_SANITIZED
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define TEST_SANITIZED
#endif
#endif

// The seed of a random test: MEMS_TEST_SEED when the environment has one, else a new one each run.
// It is printed, so that a failing run can be had again.
static inline uint64_t test_seed(void)
{
    uint64_t seed = 1;
    const char *text = getenv("MEMS_TEST_SEED");
    if (text != NULL) {
        seed = strtoull(text, NULL, 0);
    } else if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != (ssize_t)sizeof seed) {
        seed = 1;
    }
    fprintf(stderr, "again with: MEMS_TEST_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}

#endif
