// SPDX-License-Identifier: MIT
//
// test_stamp.c - the pattern does not depend on the pieces it is written in, and any byte counts.

#include "check/stamp.h"

#include <string.h>

#include "support/test.h"

#define MOST 600

static struct random random_source;

static void test_pieces_do_not_matter(void **state)
{
    (void)state;
    static uint8_t whole[MOST], pieces[MOST];
    for (unsigned round = 0; round < 2000 / MEMS_TEST_SCALE; round++) {
        uint64_t seed = random_next(&random_source);
        size_t size = 1 + random_below(&random_source, MOST);
        assert_int_equal(stamp_fill(whole, seed, 0, size), size);
        for (size_t at = 0, length; at < size; at += length) {
            length = 1 + random_below(&random_source, size - at);
            stamp_fill(pieces + at, seed, at, length);
            assert_int_equal(stamp_compare(whole + at, seed, at, length), length);
        }
        assert_memory_equal(whole, pieces, size);
        size_t offset = random_below(&random_source, size);
        assert_int_equal(whole[offset], stamp_byte(seed, offset));
    }
}

static void test_any_flipped_bit_is_found_where_it_is(void **state)
{
    (void)state;
    static uint8_t bytes[MOST];
    for (unsigned round = 0; round < 20000 / MEMS_TEST_SCALE; round++) {
        uint64_t seed = random_next(&random_source);
        size_t offset = random_below(&random_source, 20);
        size_t size = 1 + random_below(&random_source, MOST - 1);
        size_t flip = random_below(&random_source, size);
        stamp_fill(bytes, seed, offset, size);
        bytes[flip] ^= (uint8_t)(1u << random_below(&random_source, 8));
        assert_int_equal(stamp_compare(bytes, seed, offset, size), flip);
    }
}

static void test_a_copy_at_the_wrong_place_shows(void **state)
{
    (void)state;
    static uint8_t bytes[MOST];
    stamp_fill(bytes, 42, 0, MOST);
    for (size_t shift = 8; shift < MOST - 16; shift += 8) {
        assert_true(stamp_compare(bytes + shift, 42, 0, 16) < 16);
    }
    struct slot slot = {.id = 3, .generation = 7, .owner = 1};
    uint64_t seed = stamp_seed(&slot);
    slot.generation++;
    assert_true(stamp_seed(&slot) != seed);
    slot.generation--;
    slot.owner++;
    assert_true(stamp_seed(&slot) != seed);
}

static void test_zeroes(void **state)
{
    (void)state;
    static uint8_t bytes[MOST];
    for (size_t size = 1; size <= MOST; size++) {
        memset(bytes, 0, MOST);
        assert_int_equal(stamp_zeroes(bytes, size), size);
        size_t at = random_below(&random_source, size);
        bytes[at] = 0x80;
        assert_int_equal(stamp_zeroes(bytes, size), at);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pieces_do_not_matter),
        cmocka_unit_test(test_any_flipped_bit_is_found_where_it_is),
        cmocka_unit_test(test_a_copy_at_the_wrong_place_shows),
        cmocka_unit_test(test_zeroes),
    };
    random_init(&random_source, test_seed(), 0, 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
