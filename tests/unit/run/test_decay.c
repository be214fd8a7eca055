// SPDX-License-Identifier: MIT
//
// test_decay.c - when the resident set is looked at after the drain, and what it comes to.

#include "run/decay.h"

#include <math.h>

#include "support/test.h"

#define MS UINT64_C(1000000)

static void test_times(void **state)
{
    (void)state;
    static const uint64_t expected[] = {0,   1,   2,   5,    10,   20,   50,
                                        100, 200, 500, 1000, 2000, 5000, 7000};
    for (unsigned i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        assert_int_equal(decay_at_ns(i, 7000 * MS), expected[i] * MS);
    }
    assert_int_equal(decay_at_ns(14, 7000 * MS), UINT64_MAX);
    assert_int_equal(decay_at_ns(4, 10 * MS), 10 * MS); // at the end, once
    assert_int_equal(decay_at_ns(5, 10 * MS), UINT64_MAX);
    assert_int_equal(decay_at_ns(1, MS / 2), MS / 2);
    assert_int_equal(decay_at_ns(2, MS / 2), UINT64_MAX);
    assert_int_equal(decay_at_ns(1, 0), UINT64_MAX);
}

// The longest decay that a job may ask for fits the report.
static void test_a_minute_fits(void **state)
{
    (void)state;
    unsigned looks = 0;
    uint64_t last = 0;
    while (decay_at_ns(looks, 60000 * MS) != UINT64_MAX) {
        last = decay_at_ns(looks++, 60000 * MS);
    }
    assert_int_equal(last, 60000 * MS);
    assert_true(looks <= REPORT_DECAY);
}

static void test_shares(void **state)
{
    (void)state;
    static struct cell_report report;
    assert_true(isnan(decay_left_share(&report)));
    assert_true(isnan(decay_half_life_ns(&report)));
    report.baseline_rss_bytes = 100;
    report.peak_rss_bytes = 1100;
    report.decay_count = 3;
    report.decay[0] = (struct report_decay){0, 1100};
    report.decay[1] = (struct report_decay){10, 800}; // 700 of 1000 are left
    report.decay[2] = (struct report_decay){20, 400}; // 300
    assert_true(fabs(decay_left_share(&report) - 0.3) < 1e-12);
    assert_true(fabs(decay_half_life_ns(&report) - 15) < 1e-12);
    report.decay_count = 2;
    assert_true(isnan(decay_half_life_ns(&report))); // it never came to that
    report.decay[0].rss_bytes = 300;
    assert_true(decay_half_life_ns(&report) == 0);
    report.decay[1].rss_bytes = 50; // below the baseline: nothing is left
    assert_true(decay_left_share(&report) == 0);
    report.peak_rss_bytes = 100; // there was nothing to give back
    assert_true(isnan(decay_left_share(&report)) && isnan(decay_half_life_ns(&report)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_times),
        cmocka_unit_test(test_a_minute_fits),
        cmocka_unit_test(test_shares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
