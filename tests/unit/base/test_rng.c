// SPDX-License-Identifier: MIT
//
// test_rng.c - published vectors, and that a bound is kept and every value drawn.

#include "support/test.h"

#include "base/rng.h"

// splitmix64 from counter 1234567: the vector of the reference implementation.
static void test_splitmix64(void **state)
{
    (void)state;
    static const uint64_t expected[4] = {
        UINT64_C(6457827717110365317), UINT64_C(3203168211198807973), UINT64_C(9817491932198370423),
        UINT64_C(4593380528125082431)};
    struct rng rng;
    rng_init(&rng, 1234567);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(rng.state[i], expected[i]);
    }
}

// xoshiro256** from state {1, 2, 3, 4}: the reference implementation's first outputs.
static void test_xoshiro256ss(void **state)
{
    (void)state;
    static const uint64_t expected[] = {
        UINT64_C(11520),
        UINT64_C(0),
        UINT64_C(1509978240),
        UINT64_C(1215971899390074240),
        UINT64_C(1216172134540287360),
        UINT64_C(607988272756665600),
        UINT64_C(16172922978634559625),
        UINT64_C(8476171486693032832),
        UINT64_C(10595114339597558777),
        UINT64_C(2904607092377533576),
    };
    struct rng rng = {{1, 2, 3, 4}};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        assert_int_equal(rng_next(&rng), expected[i]);
    }
}

static void test_below(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, test_seed());
    for (uint64_t bound = 1; bound < 40; bound++) {
        unsigned seen[40] = {0};
        for (unsigned i = 0; i < 4000; i++) {
            uint64_t drawn = rng_below(&rng, bound);
            assert_true(drawn < bound);
            seen[drawn]++;
        }
        for (uint64_t i = 0; i < bound; i++) {
            assert_true(seen[i] > 0); // missed with a probability below e^-100
        }
    }
    // A bound just above a power of two rejects almost half of the draws.
    uint64_t bound = (UINT64_C(1) << 63) + 1;
    for (unsigned i = 0; i < 1000; i++) {
        assert_true(rng_below(&rng, bound) < bound);
    }
}

static void test_seeds_differ(void **state)
{
    (void)state;
    struct rng a;
    struct rng b;
    struct rng again;
    rng_init(&a, 0);
    rng_init(&b, 1);
    rng_init(&again, 0);
    uint64_t first = rng_next(&a);
    assert_int_not_equal(first, rng_next(&b));
    assert_int_equal(first, rng_next(&again));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_splitmix64),
        cmocka_unit_test(test_xoshiro256ss),
        cmocka_unit_test(test_below),
        cmocka_unit_test(test_seeds_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
