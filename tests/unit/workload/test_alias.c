// SPDX-License-Identifier: MIT
//
// test_alias.c - draws from an alias table come with the chances that it was built from.

#include "workload/alias.h"

#include <math.h>

#include "support/test.h"
#include "workload/random.h"

// The chance of each: the columns' parts added up.
static void chances_of(const struct alias *alias, double *chances)
{
    for (uint64_t i = 0; i < alias->count; i++) {
        chances[i] = 0;
    }
    for (uint64_t i = 0; i < alias->count; i++) {
        double own = (double)alias->columns[i].split * 0x1p-64;
        assert_true(alias->columns[i].other < alias->count);
        chances[i] += own / (double)alias->count;
        chances[alias->columns[i].other] += (1 - own) / (double)alias->count;
    }
}

// Not a sample: the table itself says what its draws would be.
static void test_the_table_is_exact(void **state)
{
    (void)state;
    struct random random;
    random_init(&random, test_seed(), 0, 0);
    for (unsigned round = 0; round < 300; round++) {
        double weights[200], chances[200], total = 0;
        uint64_t count = 1 + random_below(&random, 200);
        for (uint64_t i = 0; i < count; i++) {
            // Over ten decades, and one in three without any weight.
            double exponent = (double)random_below(&random, 1000) / 100;
            weights[i] = random_below(&random, 3) == 0 ? 0 : pow(10, exponent);
        }
        weights[random_below(&random, count)] = 7;
        for (uint64_t i = 0; i < count; i++) {
            total += weights[i];
        }
        struct alias alias;
        alias_build(&alias, weights, count);
        chances_of(&alias, chances);
        for (uint64_t i = 0; i < count; i++) {
            assert_true(fabs(chances[i] - weights[i] / total) < 1e-14);
            assert_true(weights[i] > 0 || chances[i] == 0);
        }
    }
}

// Pearson's statistic with 9 degrees of freedom; its 99.999 % point is 39.3. Fixed seed: always or
// never.
static void test_draws(void **state)
{
    (void)state;
    double weights[10], statistic = 0;
    unsigned counts[10] = {0}, draws = 1000000 / MEMS_TEST_SCALE;
    struct random random;
    struct alias alias;
    random_init(&random, 11, 0, 0);
    for (unsigned i = 0; i < 10; i++) {
        weights[i] = i + 1;
    }
    alias_build(&alias, weights, 10);
    for (unsigned i = 0; i < draws; i++) {
        counts[alias_draw(&alias, random_next(&random))]++;
    }
    for (unsigned i = 0; i < 10; i++) {
        double expected = draws * weights[i] / 55;
        statistic += (counts[i] - expected) * (counts[i] - expected) / expected;
    }
    assert_true(statistic < 39.3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_table_is_exact),
        cmocka_unit_test(test_draws),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
