// SPDX-License-Identifier: MIT
//
// test_distribution.c - draws against the shares a distribution claims, and those against the
// curves of its name.

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "job/distribution.h"
#include "support/test.h"
#include "workload/random.h"

static struct distribution *parse(const char *text)
{
    struct complaint complaint = {{0}};
    struct distribution *distribution = NULL;
    int error = distribution_parse(text, &distribution, &complaint);
    if (error) {
        fail_msg("%s: %s", text, complaint.text);
    }
    return distribution;
}

static const char *const samples[] = {
    "64",
    "16-1000",
    "1-2",
    "64/50:4k/40:1M/10",
    "8/1:8-16/2:1Ki-4Ki/0.5:7/0:3/3.25",
    "log:16-65536",
    "log:1-1Ti",
    "invsq:4-32768",
    "invsq:1-3",
    "exp:256@16-8000",
    "exp:1@1000-2000",
    "exp:1Ti@16-8000",
    "exp:1000@1-1Ti",
    "zipf:1.2@16-8000",
    "zipf:1@1-1Ti",
    "zipf:0.5@1-100000",
    "zipf:2@1-4",
    "zipf:100@1000-1Ti",
};

enum { SAMPLES = sizeof samples / sizeof samples[0], CELLS = 20 };

// Pearson's statistic over cells of about equal share. Its 99.999 % point with 19 degrees of
// freedom is 59; the mean may be five standard errors off. The seeds are fixed, so this passes
// always or never.
static void check_draws(const char *text, uint64_t seed)
{
    struct distribution *d = parse(text);
    uint64_t bounds[CELLS];
    double chances[CELLS], before = 0, statistic = 0, sum = 0, squares = 0;
    unsigned counts[CELLS] = {0}, cells = 0;
    for (unsigned i = 1; i <= CELLS; i++) {
        uint64_t low = distribution_least(d), high = distribution_most(d);
        while (low < high) { // the least size with a share of i / CELLS below it
            uint64_t middle = low + (high - low) / 2;
            if (distribution_share_up_to(d, middle) * CELLS >= i - 1e-9) {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        double share = distribution_share_up_to(d, low);
        if (share - before > 1e-9) {
            bounds[cells] = low;
            chances[cells++] = share - before;
            before = share;
        }
    }
    assert_true(before > 1 - 1e-9);
    struct random random;
    random_init(&random, seed, 0, 0);
    const unsigned draws = 1000000 / MEMS_TEST_SCALE;
    for (unsigned i = 0; i < draws; i++) {
        uint64_t size = distribution_draw(d, random_next(&random));
        assert_true(size >= distribution_least(d) && size <= distribution_most(d));
        unsigned cell = 0;
        while (cell < cells - 1 && size > bounds[cell]) {
            cell++;
        }
        counts[cell]++;
        sum += (double)size;
        squares += (double)size * (double)size;
    }
    for (unsigned i = 0; i < cells; i++) {
        double expected = chances[i] * draws;
        statistic += (counts[i] - expected) * (counts[i] - expected) / expected;
    }
    double mean = sum / draws;
    double error = sqrt(fmax(squares / draws - mean * mean, 0) / draws);
    if (statistic > 59 || fabs(mean - distribution_mean(d)) > 5 * error + mean * 1e-12) {
        fail_msg("%s, seed %" PRIu64 ": statistic %g, mean %g instead of %g", text, seed, statistic,
                 mean, distribution_mean(d));
    }
    distribution_free(d);
}

static void test_draws_follow_the_shares(void **state)
{
    (void)state;
    for (size_t i = 0; i < SAMPLES; i++) {
        check_draws(samples[i], 1);
        check_draws(samples[i], 2);
    }
}

static void test_both_ends_are_drawn(void **state)
{
    (void)state;
    struct distribution *d = parse("16-1000");
    assert_int_equal(distribution_draw(d, 0), 16);
    assert_int_equal(distribution_draw(d, UINT64_MAX), 1000);
    distribution_free(d);
    for (size_t i = 0; i < SAMPLES; i++) {
        d = parse(samples[i]);
        static const uint64_t edges[] = {0, 1, UINT64_MAX / 2, UINT64_MAX - 1, UINT64_MAX};
        for (size_t j = 0; j < sizeof edges / sizeof edges[0]; j++) {
            uint64_t size = distribution_draw(d, edges[j]);
            assert_true(size >= distribution_least(d) && size <= distribution_most(d));
        }
        assert_true(distribution_share_up_to(d, distribution_most(d)) == 1);
        assert_true(distribution_share_up_to(d, distribution_least(d)) > 0);
        assert_true(distribution_share_up_to(d, distribution_least(d) - 1) == 0);
        distribution_free(d);
    }
}

static void test_weights_are_exact(void **state)
{
    (void)state;
    struct distribution *d = parse("64/50:4k/40:1M/10");
    assert_true(fabs(distribution_share_up_to(d, 64) - 0.5) < 1e-15);
    assert_true(fabs(distribution_share_up_to(d, 3999) - 0.5) < 1e-15);
    assert_true(fabs(distribution_share_up_to(d, 4000) - 0.9) < 1e-15);
    assert_true(fabs(distribution_mean(d) - (32 + 1600 + 100000)) < 1e-9);
    assert_int_equal(distribution_most(d), 1000000);
    distribution_free(d);
}

static double log_law(double s, double a, double b, double mean)
{
    (void)mean;
    return log((s + 1) / a) / log((b + 1) / a);
}

static double invsq_law(double s, double a, double b, double mean)
{
    (void)mean;
    return (1 / a - 1 / (s + 1)) / (1 / a - 1 / (b + 1));
}

static double exp_law(double s, double a, double b, double mean)
{
    return expm1(-(s + 1 - a) / mean) / expm1(-(b + 1 - a) / mean);
}

struct law {
    const char *text;
    double a, b, mean;
    double (*share)(double s, double a, double b, double mean);
};

static void test_shares_follow_the_curves(void **state)
{
    (void)state;
    static const struct law laws[] = {
        {"log:16-65536", 16, 65536, 0, log_law},
        {"log:1-7", 1, 7, 0, log_law},
        {"invsq:4-32768", 4, 32768, 0, invsq_law},
        {"invsq:1000-1000000", 1000, 1000000, 0, invsq_law},
        {"exp:256@16-8000", 16, 8000, 256, exp_law},
        {"exp:3@1-100", 1, 100, 3, exp_law},
        {"exp:100000@1-1000000", 1, 1000000, 100000, exp_law},
    };
    for (size_t i = 0; i < sizeof laws / sizeof laws[0]; i++) {
        const struct law *law = &laws[i];
        struct distribution *d = parse(law->text);
        uint64_t step = law->b > 1e5 ? 997 : 7;
        for (uint64_t s = (uint64_t)law->a; (double)s <= law->b; s += step) {
            double claimed = distribution_share_up_to(d, s);
            double share = law->share((double)s, law->a, law->b, law->mean);
            if (fabs(claimed - share) > 0.0005) {
                fail_msg("%s: up to %" PRIu64 " %g instead of %g", law->text, s, claimed, share);
            }
        }
        distribution_free(d);
    }
}

// Against the sum itself, number by number.
static void test_zipf_is_the_law_on_whole_numbers(void **state)
{
    (void)state;
    static const double exponents[] = {0.01, 0.5, 0.999999, 1, 1.2, 2, 3.5, 20, 100};
    static const uint64_t ends[][2] = {{1, 3}, {1, 100000}, {16, 8000}, {5000, 60000}, {7, 7}};
    for (size_t i = 0; i < sizeof exponents / sizeof exponents[0]; i++) {
        for (size_t j = 0; j < sizeof ends / sizeof ends[0]; j++) {
            char text[80];
            uint64_t low = ends[j][0], high = ends[j][1];
            snprintf(text, sizeof text, "zipf:%.17g@%" PRIu64 "-%" PRIu64, exponents[i], low, high);
            struct distribution *d = parse(text);
            double whole = 0, upto = 0, mean = 0;
            for (uint64_t s = low; s <= high; s++) {
                double weight = pow((double)s / (double)low, -exponents[i]);
                whole += weight;
                mean += weight * (double)s;
            }
            for (uint64_t s = low; s <= high; s++) {
                upto += pow((double)s / (double)low, -exponents[i]);
                bool seen = s < low + 100 || s % 37 == 0;
                double claimed = seen ? distribution_share_up_to(d, s) : upto / whole;
                if (fabs(claimed - upto / whole) > 0.0005) {
                    fail_msg("%s: up to %" PRIu64 " %g instead of %g", text, s, claimed,
                             upto / whole);
                }
            }
            assert_true(fabs(distribution_mean(d) / (mean / whole) - 1) < 0.001);
            assert_int_equal(distribution_least(d), low);
            assert_int_equal(distribution_most(d), high);
            distribution_free(d);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_draws_follow_the_shares),
        cmocka_unit_test(test_both_ends_are_drawn),
        cmocka_unit_test(test_weights_are_exact),
        cmocka_unit_test(test_shares_follow_the_curves),
        cmocka_unit_test(test_zipf_is_the_law_on_whole_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
