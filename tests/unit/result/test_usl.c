// SPDX-License-Identifier: MIT
//
// test_usl.c - the law comes back from the rates that it gave, and is silent where it knows
// nothing.

#include "result/usl.h"

#include <math.h>
#include <string.h>

#include "support/test.h"

#define POINTS 8

static void made(const struct usl *law, struct usl_point points[POINTS])
{
    for (unsigned i = 0; i < POINTS; i++) {
        points[i] = (struct usl_point){i + 1, usl_rate(law, i + 1)};
    }
}

static void assert_near(double found, double expected)
{
    if (!(fabs(found - expected) <= 1e-9 * fmax(1, fabs(expected)))) {
        fail_msg("%.15g instead of %.15g", found, expected);
    }
}

static void test_exact(void **state)
{
    (void)state;
    static const struct usl laws[] = {
        {.lambda = 5e6, .sigma = 0.05, .kappa = 0.002},
        {.lambda = 1e3, .sigma = 0.3, .kappa = 0},
        {.lambda = 2e7, .sigma = 0, .kappa = 0.01},
        {.lambda = 1e8, .sigma = 0, .kappa = 0},
    };
    for (size_t i = 0; i < sizeof laws / sizeof laws[0]; i++) {
        struct usl_point points[POINTS];
        struct usl usl;
        char why[160];
        made(&laws[i], points);
        assert_true(usl_fit(points, POINTS, POINTS, &usl, why, sizeof why));
        assert_near(usl.lambda, laws[i].lambda);
        assert_near(usl.sigma, laws[i].sigma);
        assert_near(usl.kappa, laws[i].kappa);
        assert_near(usl.r2, 1);
        assert_int_equal(usl.counts, POINTS);
    }
}

static void test_peak(void **state)
{
    (void)state;
    struct usl law = {.lambda = 1, .sigma = 0.19, .kappa = 0.01};
    struct usl_point points[POINTS];
    struct usl usl;
    char why[160];
    made(&law, points);
    assert_true(usl_fit(points, POINTS, POINTS, &usl, why, sizeof why));
    assert_near(usl.peak, 9);
}

// What scales better than linearly is not explained by negative contention.
static void test_superlinear(void **state)
{
    (void)state;
    struct usl_point points[] = {{1, 100}, {2, 210}, {3, 330}, {4, 460}};
    struct usl usl;
    char why[160];
    assert_true(usl_fit(points, 4, 4, &usl, why, sizeof why));
    assert_true(usl.sigma == 0 && usl.kappa == 0);
    assert_true(isnan(usl.peak));
    assert_true(usl.lambda > 100 && usl.lambda < 115);
}

static void test_too_few(void **state)
{
    (void)state;
    struct usl law = {.lambda = 1, .sigma = 0.1, .kappa = 0.01};
    struct usl_point points[POINTS];
    struct usl usl;
    char why[160];
    made(&law, points);
    assert_false(usl_fit(points, POINTS, 2, &usl, why, sizeof why));
    assert_string_equal(why, "2 thread counts with a rate fit the 2 CPUs; a fit needs at least 4");
    assert_false(usl_fit(points, 1, 1, &usl, why, sizeof why));
    assert_string_equal(why, "1 thread count with a rate fits the 1 CPU; a fit needs at least 4");
    points[3].threads = 3; // the same count twice is one
    assert_false(usl_fit(points, 4, 8, &usl, why, sizeof why));
    points[3].threads = 4;
    points[3].rate = NAN; // nothing was measured
    assert_false(usl_fit(points, 4, 8, &usl, why, sizeof why));
    assert_int_equal(usl.counts, 3);
}

// Points beyond the CPUs have no say.
static void test_oversubscribed(void **state)
{
    (void)state;
    struct usl law = {.lambda = 1000, .sigma = 0.1, .kappa = 0.01};
    struct usl_point points[POINTS];
    struct usl usl;
    char why[160];
    made(&law, points);
    points[6].rate = points[7].rate = 1;
    assert_true(usl_fit(points, POINTS, 6, &usl, why, sizeof why));
    assert_near(usl.sigma, 0.1);
    assert_int_equal(usl.counts, 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact),          cmocka_unit_test(test_peak),
        cmocka_unit_test(test_superlinear),    cmocka_unit_test(test_too_few),
        cmocka_unit_test(test_oversubscribed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
