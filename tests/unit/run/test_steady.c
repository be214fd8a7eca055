// SPDX-License-Identifier: MIT
//
// test_steady.c - the rule as it is read, and when series that are made up become steady.

#include "run/steady.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "support/test.h"

static int read_keys(const char *keys, struct steady_rule *rule, struct complaint *complaint)
{
    char text[512];
    struct job *job;
    *complaint = (struct complaint){{0}};
    snprintf(text, sizeof text, "[s]\nworkload = churn\ntarget = null\n%s", keys);
    if (job_parse(text, strlen(text), "j", "/", &job, complaint) != 0) {
        return EINVAL;
    }
    int error = steady_read(&job->sections[0], rule, complaint);
    job_free(job);
    return error;
}

static void test_rules(void **state)
{
    (void)state;
    struct steady_rule rule;
    struct complaint complaint;
    assert_int_equal(read_keys("", &rule, &complaint), 0);
    assert_int_equal(rule.kind, STEADY_OFF);
    assert_int_equal(read_keys("steady = dev:5%\n", &rule, &complaint), 0);
    assert_int_equal(rule.kind, STEADY_DEVIATION);
    assert_true(rule.limit == 0.05);
    assert_int_equal(rule.part_ns, 50000000);
    assert_int_equal(read_keys("steady = slope:0.5%\nsteady_window = 10ms\n", &rule, &complaint),
                     0);
    assert_int_equal(rule.kind, STEADY_SLOPE);
    assert_true(rule.limit == 0.005);
    assert_int_equal(rule.part_ns, 1000000);
}

static void test_bad_rules(void **state)
{
    (void)state;
    static const char *const bad[] = {"dev",     "dev:",     "dev:5",     "dev:%",    "dev:0%",
                                      "dev:-1%", "dev:101%", "mean:5%",   "slope:x%", "dev:nan%",
                                      "5%",      "dev:5%%",  "slope:5% x"};
    struct steady_rule rule;
    struct complaint complaint;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char keys[64];
        snprintf(keys, sizeof keys, "steady = %s\n", bad[i]);
        assert_int_not_equal(read_keys(keys, &rule, &complaint), 0);
        assert_memory_equal(complaint.text, "j:4:10: steady = ", 17);
        assert_non_null(strstr(complaint.text, "as in dev:5%"));
    }
    assert_int_not_equal(
        read_keys("steady = dev:5%\nsteady_window = 2s\nruntime = 1s\n", &rule, &complaint), 0);
    assert_string_equal(complaint.text, "j:5:17: steady_window = 2s: longer than runtime = 1s, "
                                        "within which the rate is to become steady");
    assert_int_not_equal(read_keys("steady = dev:5%\nops = 1\n", &rule, &complaint), 0);
    assert_non_null(strstr(complaint.text, "leave out steady or ops"));
}

// The part with which a series becomes steady; 0: never.
static unsigned steady_at(enum steady_kind kind, double limit, const double *rates, unsigned count)
{
    struct steady steady = {.rule = {kind, limit, 1}};
    for (unsigned i = 0; i < count; i++) {
        steady_add(&steady, rates[i]);
        if (steady_reached(&steady)) {
            return i + 1;
        }
    }
    return 0;
}

static void test_series(void **state)
{
    (void)state;
    enum { COUNT = 60 };
    double flat[COUNT], rising[COUNT], settling[COUNT], jagged[COUNT], nothing[COUNT] = {0};
    for (unsigned i = 0; i < COUNT; i++) {
        flat[i] = 1000;
        rising[i] = 1000 + 100 * i;
        settling[i] = 1000 * (1 + exp(-(double)i / 5));
        jagged[i] = i % 2 == 0 ? 900 : 1100;
    }
    assert_int_equal(steady_at(STEADY_DEVIATION, 0.01, flat, COUNT), STEADY_PARTS);
    assert_int_equal(steady_at(STEADY_SLOPE, 0.01, flat, COUNT), STEADY_PARTS);
    assert_int_equal(steady_at(STEADY_DEVIATION, 0.05, rising, COUNT), 0);
    assert_int_equal(steady_at(STEADY_SLOPE, 0.05, rising, COUNT), 0);
    // A slope forgives noise that a deviation does not.
    assert_int_equal(steady_at(STEADY_DEVIATION, 0.09, jagged, COUNT), 0);
    assert_int_equal(steady_at(STEADY_SLOPE, 0.09, jagged, COUNT), STEADY_PARTS);
    unsigned tight = steady_at(STEADY_DEVIATION, 0.01, settling, COUNT);
    unsigned loose = steady_at(STEADY_DEVIATION, 0.1, settling, COUNT);
    assert_true(loose > STEADY_PARTS && tight > loose);
    assert_int_equal(steady_at(STEADY_DEVIATION, 1, nothing, COUNT), 0);
    assert_int_equal(steady_at(STEADY_OFF, 1, flat, COUNT), 0);
}

// 1000, 1010, .. 1090: a mean of 1045, 45 from the furthest, a line that rises by 10 a part.
static void test_figures(void **state)
{
    (void)state;
    struct steady steady = {.rule = {STEADY_DEVIATION, 0.05, 1}};
    for (unsigned i = 0; i < STEADY_PARTS; i++) {
        assert_true(isnan(steady_deviation(&steady)));
        steady_add(&steady, 1000 + 10 * i);
    }
    assert_true(fabs(steady_deviation(&steady) - 45.0 / 1045) < 1e-12);
    steady.rule.kind = STEADY_SLOPE;
    assert_true(fabs(steady_deviation(&steady) - 100.0 / 1045) < 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_bad_rules),
        cmocka_unit_test(test_series),
        cmocka_unit_test(test_figures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
