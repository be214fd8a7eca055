// SPDX-License-Identifier: MIT
//
// test_statistics.c - R's answers to 1e-9, and the laws that hold for any sample.
//
// The expected numbers are R 4.2.2's. `y` of the long samples and so on are the formulas below.
//
//   i <- 0:59; x <- (i*37) %% 101 + i/1000
//   j <- 0:49; y <- (j*53) %% 97 + 6 + j/777
//   k <- 0:54; d <- (k*29) %% 61 - 25 + k/999

#include "compare/statistics.h"

#include <math.h>
#include <string.h>

#include "support/test.h"
#include "workload/random.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void assert_near(double found, double expected)
{
    if (!(fabs(found - expected) <= 1e-9)) {
        fail_msg("%.17g instead of %.17g", found, expected);
    }
}

static void expect_unpaired(const double *a, size_t m, const double *b, size_t n, bool exact,
                            double w, double p)
{
    struct statistics_test test;
    statistics_unpaired(a, m, b, n, &test);
    assert_near(test.statistic, w);
    assert_near(test.p, p);
    assert_int_equal(test.exact, exact);
    assert_near(test.effect, 1 - 2 * w / (double)(m * n));
    // The other way round: the same p, the opposite effect.
    struct statistics_test turned;
    statistics_unpaired(b, n, a, m, &turned);
    assert_near(turned.p, p);
    assert_near(turned.effect, -test.effect);
}

static double x[60], y[50], d[55];

static int make_long(void **state)
{
    (void)state;
    for (int i = 0; i < 60; i++) {
        x[i] = i * 37 % 101 + i / 1000.0;
    }
    for (int i = 0; i < 50; i++) {
        y[i] = i * 53 % 97 + 6 + i / 777.0;
    }
    for (int i = 0; i < 55; i++) {
        d[i] = i * 29 % 61 - 25 + i / 999.0;
    }
    return 0;
}

static void test_unpaired_exact(void **state)
{
    (void)state;
    // wilcox.test(a, b)
    const double a[] = {0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46};
    const double b[] = {1.15, 0.88, 0.90, 0.74, 1.21};
    expect_unpaired(a, 10, b, 5, true, 35, 0.2544122544122544);
    const double slow[] = {101.2, 99.8, 100.5, 102.3, 98.7};
    const double fast[] = {110.1, 108.4, 111.9, 107.6, 109.3};
    expect_unpaired(slow, 5, fast, 5, true, 0, 0.0079365079365079361);
    expect_unpaired(slow, 3, fast, 3, true, 0, 0.1);
    // wilcox.test(x[1:49], y[1:49])
    expect_unpaired(x, 49, y, 49, true, 1160, 0.77722953554761531);
    // wilcox.test(x[1:30], y[1:8] + 40)
    double far[8];
    for (int i = 0; i < 8; i++) {
        far[i] = y[i] + 40;
    }
    expect_unpaired(x, 30, far, 8, true, 47, 0.007484537096042139);
}

static void test_unpaired_normal(void **state)
{
    (void)state;
    // wilcox.test(x, y); wilcox.test(x[1:49], y): 50 values are too many for the exact form
    expect_unpaired(x, 60, y, 50, false, 1446, 0.74808867293385273);
    expect_unpaired(x, 49, y, 50, false, 1169, 0.69770592092077477);
    // Ties.
    const double a[] = {1, 2, 2, 3, 3, 3, 4, 5, 5, 8};
    const double b[] = {2, 3, 4, 4, 5, 6, 6, 7, 9, 9, 10};
    expect_unpaired(a, 10, b, 11, false, 25.5, 0.039569063361649254);
    const double low[] = {1.5, 1.5, 1.5, 1.5, 1.5};
    const double high[] = {2, 2, 2, 2, 2};
    expect_unpaired(low, 5, high, 5, false, 0, 0.0039767517097886512);
    // Nothing differs at all: R has no answer, here it is that nothing was found.
    expect_unpaired(low, 5, low, 5, false, 12.5, 1);
}

static void expect_paired(const double *differences, size_t count, bool exact, double v, double p)
{
    struct statistics_test test;
    statistics_paired(differences, count, &test);
    assert_near(test.statistic, v);
    assert_near(test.p, p);
    assert_int_equal(test.exact, exact);
}

static void test_paired_exact(void **state)
{
    (void)state;
    // wilcox.test(before, after, paired = TRUE)
    const double before[] = {1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30};
    const double after[] = {0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29};
    double differences[9];
    for (size_t i = 0; i < 9; i++) {
        differences[i] = before[i] - after[i];
    }
    expect_paired(differences, 9, true, 40, 0.0390625);
    const double six[] = {1, 2, 3, 4, 5, 6};
    expect_paired(six, 6, true, 21, 0.03125);
    // wilcox.test(x[1:49] - y[1:49]); wilcox.test(d[1:49])
    double apart[49];
    for (size_t i = 0; i < 49; i++) {
        apart[i] = x[i] - y[i];
    }
    expect_paired(apart, 49, true, 578, 0.7374483013511971);
    expect_paired(d, 49, true, 845, 0.020065414176343669);
}

static void test_paired_normal(void **state)
{
    (void)state;
    // wilcox.test(d)
    expect_paired(d, 55, false, 1055, 0.017139709531290757);
    const double both[] = {0, 1, -1, 2, 2, -3, 4, 5, 0, 6, 7, -2};
    expect_paired(both, COUNT(both), false, 43.5, 0.11295248068727637);
    const double zeros[] = {0, 0, 1.5, 2.25, -0.75, 3, 4.5, 5.25, 6};
    expect_paired(zeros, COUNT(zeros), false, 27, 0.034610557515707345);
    const double nothing[] = {0, 0, 0, 0, 0, 0};
    expect_paired(nothing, COUNT(nothing), false, 0, 1);
}

static void test_paired_effect(void **state)
{
    (void)state;
    struct statistics_test test;
    const double up[] = {1, 2, 3}, mixed[] = {1, -2, 3}, infinite[] = {1, 2, INFINITY};
    statistics_paired(up, 3, &test);
    assert_near(test.effect, 1);
    statistics_paired(mixed, 3, &test);
    assert_near(test.effect, (4.0 - 2) / 6);
    statistics_paired(infinite, 3, &test);
    assert_near(test.effect, 1);
}

// P(W = w) summed over every w is 1, and dwilcox(0:12, 4, 3) is the tail's steps. The statistic is
// driven through every value by moving one sample through the other.
static void test_exact_distribution(void **state)
{
    (void)state;
    static const double steps[] = {1, 1, 2, 3, 4, 4, 5, 4, 4, 3, 2, 1, 1}; // of choose(7, 3) = 35
    double below = 0;
    for (unsigned mask = 0; mask < 128; mask++) {
        double a[7], b[7];
        size_t m = 0, n = 0;
        for (unsigned i = 0; i < 7; i++) {
            if ((mask >> i & 1) != 0) {
                a[m++] = i;
            } else {
                b[n++] = i;
            }
        }
        if (m != 4) {
            continue;
        }
        struct statistics_test test;
        statistics_unpaired(a, m, b, n, &test);
        double tail = 0;
        size_t w = (size_t)fmin(test.statistic, 12 - test.statistic);
        for (size_t i = 0; i <= w; i++) {
            tail += steps[i] / 35;
        }
        assert_near(test.p, fmin(1, 2 * tail));
        below += 1.0 / 35;
    }
    assert_near(below, 1);
}

// Under no difference p <= alpha happens at most in the share alpha of all orders: counted over
// every order of 5 against 5 and of every sign of 8 differences.
static void test_level_is_kept_exactly(void **state)
{
    (void)state;
    struct statistics_test test;
    unsigned orders = 0, found = 0;
    for (unsigned mask = 0; mask < 1024; mask++) {
        double a[10], b[10];
        size_t m = 0, n = 0;
        for (unsigned i = 0; i < 10; i++) {
            if ((mask >> i & 1) != 0) {
                a[m++] = i;
            } else {
                b[n++] = i;
            }
        }
        if (m == 5) {
            statistics_unpaired(a, m, b, n, &test);
            orders++;
            found += test.p <= 0.05;
        }
    }
    assert_int_equal(orders, 252);
    assert_int_equal(found, 8); // 2 * pwilcox(2, 5, 5) * 252
    found = 0;
    for (unsigned mask = 0; mask < 256; mask++) {
        double differences[8];
        for (unsigned i = 0; i < 8; i++) {
            differences[i] = (mask >> i & 1) != 0 ? i + 1.0 : -(i + 1.0);
        }
        statistics_paired(differences, 8, &test);
        found += test.p <= 0.05;
    }
    assert_int_equal(found, 10); // 2 * psignrank(3, 8) * 256
}

static void test_least(void **state)
{
    (void)state;
    assert_near(statistics_least_unpaired(3, 3), 0.1);
    assert_near(statistics_least_unpaired(4, 4), 2.0 / 70);
    assert_near(statistics_least_unpaired(5, 5), 2.0 / 252);
    assert_near(statistics_least_unpaired(0, 5), 1);
    assert_near(statistics_least_paired(5), 0.0625);
    assert_near(statistics_least_paired(6), 0.03125);
    assert_near(statistics_least_paired(0), 1);
}

static void test_holm(void **state)
{
    (void)state;
    // p.adjust(c(0.01, 0.04, 0.03, 0.005, 0.2, 0.03), "holm")
    const double p[] = {0.01, 0.04, 0.03, 0.005, 0.2, 0.03};
    const double expected[] = {0.05, 0.12, 0.12, 0.03, 0.2, 0.12};
    double adjusted[6];
    statistics_holm(p, 6, adjusted);
    for (size_t i = 0; i < 6; i++) {
        assert_near(adjusted[i], expected[i]);
    }
}

// Never below the p itself, never above 1 or Bonferroni, in the same order as p.
static void test_holm_is_monotone(void **state)
{
    (void)state;
    struct random random;
    random_init(&random, test_seed(), 0, 0);
    for (unsigned round = 0; round < 1000; round++) {
        double p[12], adjusted[12];
        size_t count = 1 + random_below(&random, 12);
        for (size_t i = 0; i < count; i++) {
            p[i] = (double)random_below(&random, 1000) / 1000;
        }
        statistics_holm(p, count, adjusted);
        for (size_t i = 0; i < count; i++) {
            assert_true(adjusted[i] >= p[i] && adjusted[i] <= 1);
            assert_true(adjusted[i] <= (double)count * p[i] + 1e-12);
            for (size_t j = 0; j < count; j++) {
                assert_true(p[i] >= p[j] || adjusted[i] <= adjusted[j]);
            }
        }
    }
}

static void test_median_and_ratio(void **state)
{
    (void)state;
    const double odd[] = {3, 1, 2}, even[] = {4, 1, 3, 2};
    assert_near(statistics_median(odd, 3), 2);
    assert_near(statistics_median(even, 4), 2.5);
    assert_true(isnan(statistics_median(odd, 0)));
    assert_near(statistics_ratio(0, 0), 1);
    assert_true(isinf(statistics_ratio(0, 2)));
    assert_near(statistics_ratio(4, 2), 0.5);
}

static void test_interval_of_what_does_not_vary(void **state)
{
    (void)state;
    const double a[] = {2, 2, 2, 2, 2}, b[] = {3, 3, 3, 3, 3};
    struct statistics_interval interval = statistics_interval_unpaired(a, 5, b, 5, 0.95, 1);
    assert_near(interval.low, 1.5);
    assert_near(interval.high, 1.5);
    interval = statistics_interval_paired(b, 5, 0.95, 1);
    assert_near(interval.low, 3);
    assert_near(interval.high, 3);
}

// Of the median of n values, the order statistics whose binomial tails are next to 2.5 % bound the
// interval (n = 41: the 14th and the 28th; a percentile of resamples is at most one beside them).
static void test_interval_holds_the_order_statistics(void **state)
{
    (void)state;
    double values[41];
    for (int i = 0; i < 41; i++) {
        values[i] = (i * 17 % 41) + 1; // 1 .. 41 in some order
    }
    struct statistics_interval interval = statistics_interval_paired(values, 41, 0.95, 7);
    assert_true(interval.low >= 14 && interval.low <= 16);
    assert_true(interval.high >= 26 && interval.high <= 28);
    struct statistics_interval again = statistics_interval_paired(values, 41, 0.95, 7);
    assert_true(again.low == interval.low && again.high == interval.high);
}

static double normal(struct random *random)
{
    double sum = 0;
    for (int i = 0; i < 12; i++) {
        sum += (double)random_next(random) * 0x1p-64;
    }
    return sum - 6;
}

// 95 % intervals hold the true ratio about as often as they say, which for a median is not exact.
static void test_interval_covers(void **state)
{
    (void)state;
    struct random random;
    unsigned held = 0, rounds = 400 / MEMS_TEST_SCALE;
    random_init(&random, 20240, 0, 0);
    for (unsigned round = 0; round < rounds; round++) {
        double a[20], b[20], ratios[20];
        for (int i = 0; i < 20; i++) {
            a[i] = 100 * exp(0.1 * normal(&random));
            b[i] = 105 * exp(0.1 * normal(&random));
            ratios[i] = b[i] / a[i];
        }
        struct statistics_interval one = statistics_interval_unpaired(a, 20, b, 20, 0.95, round);
        struct statistics_interval two = statistics_interval_paired(ratios, 20, 0.95, round);
        held += one.low <= 1.05 && one.high >= 1.05;
        held += two.low <= 1.05 && two.high >= 1.05;
    }
    assert_in_range(held, 2 * rounds * 90 / 100, 2 * rounds * 98 / 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unpaired_exact),
        cmocka_unit_test(test_unpaired_normal),
        cmocka_unit_test(test_paired_exact),
        cmocka_unit_test(test_paired_normal),
        cmocka_unit_test(test_paired_effect),
        cmocka_unit_test(test_exact_distribution),
        cmocka_unit_test(test_level_is_kept_exactly),
        cmocka_unit_test(test_least),
        cmocka_unit_test(test_holm),
        cmocka_unit_test(test_holm_is_monotone),
        cmocka_unit_test(test_median_and_ratio),
        cmocka_unit_test(test_interval_of_what_does_not_vary),
        cmocka_unit_test(test_interval_holds_the_order_statistics),
        cmocka_unit_test(test_interval_covers),
    };
    return cmocka_run_group_tests(tests, make_long, NULL);
}
