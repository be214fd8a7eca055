// SPDX-License-Identifier: MIT
//
// test_bitmap.c - the bitmap against an array of flags.

#include "support/test.h"

#include <stdbool.h>
#include <string.h>

#include "base/bitmap.h"
#include "base/rng.h"

#define MOST 300000u // three levels and a bit: 64^3 is 262,144

static bool model[MOST];

static uint64_t model_first_from(uint64_t size, uint64_t from)
{
    for (uint64_t i = from; i < size; i++) {
        if (model[i]) {
            return i;
        }
    }
    return BITMAP_NONE;
}

static void random_size(struct rng *rng, uint64_t size, unsigned steps)
{
    uint64_t *memory = test_calloc(1, bitmap_bytes(size));
    struct bitmap bitmap;
    bitmap_init(&bitmap, size, memory);
    memset(model, 0, sizeof model);
    assert_int_equal(bitmap_first(&bitmap), BITMAP_NONE);
    uint64_t count = 0;
    for (unsigned step = 0; step < steps; step++) {
        // Sparse and dense phases, so that upper words empty and fill.
        uint64_t member = rng_below(rng, step % 512 < 256 ? size : (size + 63) / 64);
        assert_int_equal(bitmap_has(&bitmap, member), model[member]);
        if (model[member]) {
            bitmap_remove(&bitmap, member);
            count--;
        } else {
            bitmap_insert(&bitmap, member);
            count++;
        }
        model[member] = !model[member];
        assert_int_equal(bitmap.count, count);
        assert_int_equal(bitmap_first(&bitmap), model_first_from(size, 0));
        uint64_t from = rng_below(rng, size + 2);
        assert_int_equal(bitmap_first_from(&bitmap, from), model_first_from(size, from));
        if (step % 16 == 0) {
            assert_true(bitmap_check(&bitmap));
        }
    }
    assert_false(bitmap_has(&bitmap, size));
    assert_true(bitmap_check(&bitmap));
    test_free(memory);
}

static void test_random(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, test_seed());
    static const uint64_t sizes[] = {1, 2, 63, 64, 65, 4095, 4096, 4097, 10000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        random_size(&rng, sizes[i], 4000 / MEMS_TEST_SCALE);
    }
    random_size(&rng, MOST, 300 / MEMS_TEST_SCALE);
}

static void test_bytes(void **state)
{
    (void)state;
    assert_int_equal(bitmap_bytes(0), 8);
    assert_int_equal(bitmap_bytes(1), 8);
    assert_int_equal(bitmap_bytes(64), 8);
    assert_int_equal(bitmap_bytes(65), 8 * (2 + 1));
    assert_int_equal(bitmap_bytes(4096), 8 * (64 + 1));
    assert_int_equal(bitmap_bytes(4097), 8 * (65 + 2 + 1));
    assert_int_equal(bitmap_bytes(65536), 8 * (1024 + 16 + 1));
}

// The first one past a word, past a level, in the very last place.
static void test_edges(void **state)
{
    (void)state;
    static uint64_t memory[5000];
    struct bitmap bitmap;
    assert_true(bitmap_bytes(MOST) <= sizeof memory);
    bitmap_init(&bitmap, MOST, memory);
    assert_int_equal(bitmap.levels, 4);
    bitmap_insert(&bitmap, MOST - 1);
    assert_int_equal(bitmap_first(&bitmap), MOST - 1);
    assert_int_equal(bitmap_first_from(&bitmap, 0), MOST - 1);
    assert_int_equal(bitmap_first_from(&bitmap, MOST - 1), MOST - 1);
    assert_int_equal(bitmap_first_from(&bitmap, MOST), BITMAP_NONE);
    assert_int_equal(bitmap_first_from(&bitmap, UINT64_MAX), BITMAP_NONE);
    bitmap_insert(&bitmap, 63);
    assert_int_equal(bitmap_first_from(&bitmap, 63), 63);
    assert_int_equal(bitmap_first_from(&bitmap, 64), MOST - 1);
}

static void test_check_can_fail(void **state)
{
    (void)state;
    static uint64_t memory[200];
    struct bitmap bitmap;
    bitmap_init(&bitmap, 10000, memory);
    bitmap_insert(&bitmap, 5000);
    assert_true(bitmap_check(&bitmap));
    bitmap.count++; // B2
    assert_false(bitmap_check(&bitmap));
    bitmap.count--;
    bitmap.level[1][0] |= 1; // B1: says that word 0 has a bit
    assert_false(bitmap_check(&bitmap));
    bitmap.level[1][0] &= ~UINT64_C(1);
    bitmap.level[2][0] = 0; // B1, one level up
    assert_false(bitmap_check(&bitmap));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_edges),
        cmocka_unit_test(test_check_can_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
