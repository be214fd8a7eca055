// SPDX-License-Identifier: MIT
//
// test_histogram.c - buckets tile the values, the error is what the page says, quantiles are those
// of a sorted array, and what cannot be told is not told.

#include "measure/histogram.h"

#include <string.h>

#include "base/rng.h"
#include "support/test.h"

#define VALUES (200000 / MEMS_TEST_SCALE)

static struct histogram one, other;

static void test_buckets_tile_the_values(void **state)
{
    (void)state;
    assert_int_equal(histogram_bucket_least(0), 0);
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        uint64_t least = histogram_bucket_least(i);
        uint64_t most = histogram_bucket_most(i);
        assert_true(least <= most);
        assert_int_equal(histogram_bucket(least), i);
        assert_int_equal(histogram_bucket(most), i);
        if (i + 1 < HISTOGRAM_BUCKETS) {
            assert_int_equal(histogram_bucket_least(i + 1), most + 1);
        }
    }
    assert_int_equal(histogram_bucket((UINT64_C(1) << HISTOGRAM_LIMIT) - 1), HISTOGRAM_BUCKETS - 1);
    assert_int_equal(histogram_bucket(UINT64_MAX), HISTOGRAM_BUCKETS - 1);
}

// Every quantile of n equal values is that value, as far as the buckets tell.
static void check_error(uint64_t value)
{
    histogram_init(&one);
    histogram_add(&one, 0);
    for (unsigned i = 0; i < 30; i++) {
        histogram_add(&one, value);
    }
    histogram_add(&one, UINT64_MAX);
    uint64_t told = histogram_quantile(&one, 0.5);
    double error = ((double)told - (double)value) / (double)(value == 0 ? 1 : value);
    if (error < -1.0 / 128 || error > 1.0 / 128) {
        fail_msg("%llu is told as %llu", (unsigned long long)value, (unsigned long long)told);
    }
}

static void test_error_is_below_one_in_128(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, test_seed());
    for (uint64_t value = 0; value < 3000; value++) {
        check_error(value);
    }
    for (unsigned i = 0; i < 3000; i++) {
        check_error(rng_next(&rng) >> (64 - HISTOGRAM_LIMIT + rng_next(&rng) % HISTOGRAM_LIMIT));
    }
    check_error((UINT64_C(1) << HISTOGRAM_LIMIT) - 1);
}

static int compare(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void test_quantiles_are_those_of_the_sorted_values(void **state)
{
    (void)state;
    static const double shares[] = {0, 0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 0.9999};
    static uint64_t values[VALUES];
    struct rng rng;
    rng_init(&rng, test_seed());
    histogram_init(&one);
    histogram_init(&other);
    for (size_t i = 0; i < VALUES; i++) {
        values[i] = rng_next(&rng) >> (31 + rng_next(&rng) % 32);
        histogram_add(i % 3 == 0 ? &other : &one, values[i]);
    }
    histogram_merge(&one, &other);
    qsort(values, VALUES, sizeof values[0], compare);
    assert_int_equal(one.count, VALUES);
    assert_int_equal(one.least, values[0]);
    assert_int_equal(one.most, values[VALUES - 1]);
    for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++) {
        size_t rank = (size_t)(shares[i] * VALUES);
        rank = (double)rank < shares[i] * VALUES ? rank + 1 : rank;
        rank = rank == 0 ? 1 : rank;
        if (VALUES - rank < 10) {
            continue; // the rule of ten has its own test
        }
        double exact = (double)values[rank - 1];
        double told = (double)histogram_quantile(&one, shares[i]);
        assert_true(told >= exact - exact / 128 - 1);
        assert_true(told <= exact + exact / 128 + 1);
    }
}

static void test_merging_adds_and_keeps_the_sums(void **state)
{
    (void)state;
    histogram_init(&one);
    histogram_init(&other);
    assert_true(histogram_mean(&one) == 0);
    histogram_add(&one, 7);
    histogram_add(&other, 3);
    histogram_add(&other, UINT64_C(1) << 40);
    histogram_merge(&one, &other);
    assert_int_equal(one.count, 3);
    assert_int_equal(one.capped, 1);
    assert_int_equal(one.least, 3);
    assert_int_equal(one.most, UINT64_C(1) << 40);
    assert_int_equal(one.total, 10 + (UINT64_C(1) << 40));
    uint64_t sum = 0;
    for (unsigned i = 0; i < HISTOGRAM_BUCKETS; i++) {
        sum += one.bucket[i];
    }
    assert_int_equal(sum, one.count); // (G1)
    assert_int_equal(one.bucket[HISTOGRAM_BUCKETS - 1], 1);
    // An empty one changes nothing.
    struct histogram before = one;
    histogram_init(&other);
    histogram_merge(&one, &other);
    assert_memory_equal(&before, &one, sizeof one);
}

// p99 of 1,000 values has ten above it; of 999, nine.
static void test_rule_of_ten(void **state)
{
    (void)state;
    histogram_init(&one);
    assert_int_equal(histogram_quantile(&one, 0.5), UINT64_MAX);
    for (unsigned i = 0; i < 999; i++) {
        histogram_add(&one, 50);
    }
    assert_int_equal(histogram_quantile(&one, 0.99), UINT64_MAX);
    histogram_add(&one, 50);
    assert_int_equal(histogram_quantile(&one, 0.99), 50);
    assert_int_equal(histogram_quantile(&one, 0.999), UINT64_MAX);
    assert_int_equal(histogram_quantile(&one, 1), UINT64_MAX);
}

static void test_capped_values_have_no_quantile(void **state)
{
    (void)state;
    histogram_init(&one);
    for (unsigned i = 0; i < 100; i++) {
        histogram_add(&one, i < 50 ? 9 : UINT64_C(1) << HISTOGRAM_LIMIT);
    }
    assert_int_equal(one.capped, 50);
    assert_int_equal(histogram_quantile(&one, 0.5), 9);
    assert_int_equal(histogram_quantile(&one, 0.51), UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buckets_tile_the_values),
        cmocka_unit_test(test_error_is_below_one_in_128),
        cmocka_unit_test(test_quantiles_are_those_of_the_sorted_values),
        cmocka_unit_test(test_merging_adds_and_keeps_the_sums),
        cmocka_unit_test(test_rule_of_ten),
        cmocka_unit_test(test_capped_values_have_no_quantile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
