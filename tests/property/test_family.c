// SPDX-License-Identifier: MIT
//
// test_family.c - the law of the malloc family (family.h) on examples and on random streams.

#include "property/family.h"

#include "base/rng.h"

enum { STREAMS = 120 / MEMS_TEST_SCALE, MOST = 4000 };

static const uint8_t grows[] = {FAMILY_MALLOC,  0, 0,   0, FAMILY_REALLOC,      0, 60,  0,
                                FAMILY_REALLOC, 0, 150, 0, FAMILY_REALLOCARRAY, 0, 240, 0,
                                FAMILY_REALLOC, 0, 33,  0, FAMILY_REALLOC,      0, 0,   0};
static const uint8_t aligned[] = {FAMILY_POSIX_MEMALIGN, 1, 5, 21, FAMILY_ALIGNED_ALLOC, 2, 200, 12,
                                  FAMILY_MEMALIGN,       3, 3, 5,  FAMILY_REALLOC,       1, 80,  0,
                                  FAMILY_FREE_SIZED,     2, 0, 0};
static const uint8_t spoilt[] = {FAMILY_MALLOC, 9, 130, 0, FAMILY_FREE,   9, 0,   0,
                                 FAMILY_CALLOC, 9, 129, 0, FAMILY_CALLOC, 8, 230, 0,
                                 FAMILY_FREE,   8, 0,   0, FAMILY_CALLOC, 8, 229, 0};
static const uint8_t trimmed[] = {FAMILY_MALLOC, 1, 9, 0, FAMILY_FREE,   1, 0, 0,
                                  FAMILY_TRIM,   0, 0, 0, FAMILY_MALLOC, 2, 9, 0};
static const uint8_t refused[] = {FAMILY_MALLOC,    4, 20, 0, FAMILY_TOO_LARGE,   4, 9, 0,
                                  FAMILY_TOO_LARGE, 5, 9,  0, FAMILY_WRONG_ALIGN, 0, 9, 6};

static void test_examples(void **state)
{
    (void)state;
    assert_non_null(family_front());
    family_property(grows, sizeof grows);
    family_property(aligned, sizeof aligned);
    family_property(spoilt, sizeof spoilt);
    family_property(trimmed, sizeof trimmed);
    family_property(refused, sizeof refused);
    family_property(NULL, 0);
}

// Some streams do all operations, some draw more of a few; most have few sizes, so that blocks are
// used again, and few blocks.
static void draw(struct rng *rng, uint8_t *stream, size_t bytes)
{
    uint64_t whats = 1 + rng_below(rng, 3 * FAMILY_WHATS), sizes = 1 + rng_below(rng, 256);
    uint64_t from = rng_below(rng, 257 - sizes), blocks = 1 + rng_below(rng, FAMILY_BLOCKS);
    for (size_t at = 0; at < bytes; at += FAMILY_OPERATION) {
        uint64_t what = rng_below(rng, FAMILY_WHATS + whats);
        bool rare = what % FAMILY_WHATS >= FAMILY_TOO_LARGE && rng_below(rng, 20) != 0;
        stream[at] = (uint8_t)(rare ? FAMILY_MALLOC : what % FAMILY_WHATS);
        stream[at + 1] = (uint8_t)rng_below(rng, blocks);
        stream[at + 2] = (uint8_t)(from + rng_below(rng, sizes));
        stream[at + 3] = (uint8_t)rng_next(rng);
    }
}

static void test_random(void **state)
{
    (void)state;
    static uint8_t stream[FAMILY_OPERATION * MOST];
    struct rng rng;
    rng_init(&rng, test_seed());
    assert_non_null(family_front());
    for (unsigned i = 0; i < STREAMS; i++) {
        size_t bytes = FAMILY_OPERATION * (1 + rng_below(&rng, MOST));
        draw(&rng, stream, bytes);
        family_property(stream, bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_examples),
                                       cmocka_unit_test(test_random)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
