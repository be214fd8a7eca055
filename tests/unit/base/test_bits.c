// SPDX-License-Identifier: MIT
//
// test_bits.c - powers of two and sums that do not fit.

#include "support/test.h"

#include "base/bits.h"

static void test_powers(void **state)
{
    (void)state;
    assert_false(bits_is_power_of_two(0));
    assert_false(bits_is_power_of_two(UINT64_MAX));
    for (unsigned i = 0; i < 64; i++) {
        uint64_t power = UINT64_C(1) << i;
        assert_true(bits_is_power_of_two(power));
        assert_int_equal(bits_log2(power), i);
        assert_int_equal(bits_log2_up(power), i);
        if (i > 1) {
            assert_false(bits_is_power_of_two(power - 1));
            assert_int_equal(bits_log2(power - 1), i - 1);
            assert_int_equal(bits_log2_up(power - 1), i);
            assert_int_equal(bits_log2(power + 1), i);
            assert_int_equal(bits_log2_up(power + 1), i + 1);
        }
    }
}

static void test_round_up(void **state)
{
    (void)state;
    uint64_t result = 7;
    assert_true(bits_round_up(0, 16, &result));
    assert_int_equal(result, 0);
    assert_true(bits_round_up(1, 16, &result));
    assert_int_equal(result, 16);
    assert_true(bits_round_up(16, 16, &result));
    assert_int_equal(result, 16);
    assert_true(bits_round_up(UINT64_MAX - 15, 16, &result));
    assert_int_equal(result, UINT64_MAX - 15);
    assert_false(bits_round_up(UINT64_MAX - 14, 16, &result));
    assert_true(bits_round_up(UINT64_MAX, 1, &result));
    assert_int_equal(result, UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_powers),
        cmocka_unit_test(test_round_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
