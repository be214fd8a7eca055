// SPDX-License-Identifier: MIT
//
// test_fragmentation.c - Johnstone and Wilson's four and the shares inside and outside of blocks,
// on samples whose figures can be worked out by hand.

#include "run/fragmentation.h"

#include <math.h>

#include "support/test.h"

static void add(struct fragmentation *it, uint64_t at, uint64_t live, uint64_t taken, uint64_t held)
{
    struct report_sample sample = {
        .at_ns = at, .live_bytes = live, .taken_bytes = taken, .held_bytes = held};
    fragmentation_add(it, &sample);
}

static void assert_near(double found, double expected)
{
    if (!(fabs(found - expected) < 1e-12)) {
        fail_msg("%.15g instead of %.15g", found, expected);
    }
}

static void test_the_four_figures_differ(void **state)
{
    (void)state;
    struct fragmentation it = {0};
    struct report_fragmentation report;
    add(&it, 10, 100, 125, 200);  // A/L = 2 for 10
    add(&it, 30, 400, 500, 600);  // 1.5 for 20: L is largest
    add(&it, 40, 100, 100, 1000); // 10 for 10: A is largest
    add(&it, 80, 200, 320, 800);  // 4 for 40
    fragmentation_report(&it, &report);
    assert_near(report.mean_held_over_live, (2 * 10 + 1.5 * 20 + 10 * 10 + 4 * 40) / 80.0);
    assert_near(report.at_most_live, 1.5);
    assert_near(report.at_most_held, 10);
    assert_near(report.most_held_over_most_live, 2.5);
    assert_near(report.internal, 1 - 400.0 / 500);
    assert_near(report.end_internal, 1 - 200.0 / 320);
}

static void test_holes_for_each_block(void **state)
{
    (void)state;
    struct fragmentation it = {0};
    struct report_fragmentation report;
    struct report_sample sample = {
        .at_ns = 1, .live_bytes = 10, .holes = 3, .live_blocks = 6, .holes_known = true};
    fragmentation_add(&it, &sample);
    fragmentation_report(&it, &report);
    assert_near(report.holes_per_block, 0.5);
    sample.live_bytes = 5;
    sample.live_blocks = 4;
    fragmentation_add(&it, &sample);
    fragmentation_report(&it, &report);
    assert_near(report.holes_per_block, 0.5);
    assert_near(report.end_holes_per_block, 0.75);
    sample.live_blocks = 0;
    fragmentation_add(&it, &sample);
    fragmentation_report(&it, &report);
    assert_true(report.end_holes_per_block < 0);
    sample.live_blocks = 4;
    sample.holes_known = false;
    fragmentation_add(&it, &sample);
    fragmentation_report(&it, &report);
    assert_true(report.end_holes_per_block < 0);
}

// Many closely spaced samples at the beginning weigh no more than the time they stand for.
static void test_the_mean_is_one_over_time(void **state)
{
    (void)state;
    struct fragmentation dense = {0}, sparse = {0};
    struct report_fragmentation of_dense, of_sparse;
    for (uint64_t i = 1; i <= 100; i++) {
        add(&dense, i, 10, 10, 30);
    }
    add(&sparse, 100, 10, 10, 30);
    add(&dense, 1000, 10, 10, 10);
    add(&sparse, 1000, 10, 10, 10);
    fragmentation_report(&dense, &of_dense);
    fragmentation_report(&sparse, &of_sparse);
    assert_near(of_sparse.mean_held_over_live, 1.2);
    assert_near(of_dense.mean_held_over_live, 1.2);
}

// What ends empty is known from its fullest moment; the empty ones have no ratio.
static void test_an_empty_end(void **state)
{
    (void)state;
    struct fragmentation it = {0};
    struct report_fragmentation report;
    add(&it, 5, 0, 0, 100);
    add(&it, 10, 80, 100, 160);
    add(&it, 50, 0, 0, 160);
    fragmentation_report(&it, &report);
    assert_near(report.mean_held_over_live, 2);
    assert_near(report.at_most_live, 2);
    assert_near(report.at_most_held, 2); // the first of equals
    assert_near(report.internal, 0.2);
    assert_near(report.end_internal, -1);
}

static void test_nothing_is_known(void **state)
{
    (void)state;
    struct fragmentation it = {0};
    struct report_fragmentation report;
    for (unsigned i = 0; i < 2; i++) {
        fragmentation_report(&it, &report);
        assert_near(report.mean_held_over_live, 0);
        assert_near(report.at_most_live, 0);
        assert_near(report.at_most_held, 0);
        assert_near(report.most_held_over_most_live, 0);
        assert_near(report.internal, -1);
        assert_near(report.end_internal, -1);
        assert_near(report.external, -1);
        assert_near(report.end_external, -1);
        add(&it, 5, 0, 0, 0); // nor by a sample of nothing
    }
}

// Where somebody knows the holes: 1 - largest / free, when most is live and at the end.
static void test_outside_of_blocks(void **state)
{
    (void)state;
    struct fragmentation it = {0};
    struct report_fragmentation report;
    struct report_sample sample = {.live_bytes = 10, .free_bytes = 50, .largest_hole = 50};
    sample.holes_known = true;
    fragmentation_add(&it, &sample);
    sample = (struct report_sample){.live_bytes = 90, .free_bytes = 40, .largest_hole = 10};
    sample.holes_known = true;
    fragmentation_add(&it, &sample);
    sample.live_bytes = 20;
    sample.free_bytes = sample.largest_hole = 0; // no holes: nothing in pieces
    fragmentation_add(&it, &sample);
    fragmentation_report(&it, &report);
    assert_near(report.external, 0.75);
    assert_near(report.end_external, 0);
    sample.holes_known = false; // a foreign allocator
    sample.live_bytes = 1000;
    fragmentation_add(&it, &sample);
    fragmentation_report(&it, &report);
    assert_near(report.external, -1);
    assert_near(report.end_external, -1);
}

static void test_holes(void **state)
{
    (void)state;
    struct fragmentation_holes holes = {0};
    struct report_fragmentation report;
    fragmentation_holes_report(NULL, &report);
    assert_near(report.concentration, -1);
    assert_near(report.unusable[0], -1);
    fragmentation_holes_report(&holes, &report); // nothing free: nothing to tell
    assert_near(report.concentration, -1);
    fragmentation_hole(&holes, 0);
    fragmentation_hole(&holes, 100);
    fragmentation_holes_report(&holes, &report);
    assert_near(report.concentration, 0); // all in one
    assert_near(report.unusable[6], 0);   // 64 fit
    assert_near(report.unusable[7], 1);
    fragmentation_hole(&holes, 128); // 128 fit in it
    fragmentation_hole(&holes, 28);
    fragmentation_holes_report(&holes, &report);
    assert_near(report.unusable[4], 0);
    assert_near(report.unusable[5], 28 / 256.0);
    assert_near(report.unusable[7], 128 / 256.0);
    assert_near(report.unusable[8], 1);
}

static void test_equal_holes(void **state)
{
    (void)state;
    struct fragmentation_holes holes = {0};
    struct report_fragmentation report;
    for (unsigned i = 0; i < 16; i++) {
        fragmentation_hole(&holes, 4096);
    }
    fragmentation_holes_report(&holes, &report);
    assert_near(report.concentration, 1 - 1 / 4.0); // 1 - 1/sqrt(n)
    for (unsigned i = 1; i < REPORT_CURVE; i++) {
        assert_true(report.unusable[i] >= report.unusable[i - 1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_four_figures_differ),
        cmocka_unit_test(test_the_mean_is_one_over_time),
        cmocka_unit_test(test_holes_for_each_block),
        cmocka_unit_test(test_an_empty_end),
        cmocka_unit_test(test_nothing_is_known),
        cmocka_unit_test(test_outside_of_blocks),
        cmocka_unit_test(test_holes),
        cmocka_unit_test(test_equal_holes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
