// SPDX-License-Identifier: MIT
//
// test_cost.c - the harness's own cost is plausible, and measuring it leaves nothing behind.

#include "run/cost.h"

#include <malloc.h>
#include <math.h>

#include "measure/clock.h"
#include "unit/workload/fake_run.h"

// The least of several, as a busy machine may spoil any one.
static struct report_harness measure(bool timed)
{
    struct report_harness least = {INFINITY, INFINITY, INFINITY, 0};
    for (unsigned i = 0; i < 5; i++) {
        struct report_harness one;
        cost_measure(&one, timed);
        least.op_ns = fmin(least.op_ns, one.op_ns);
        least.timed_ns = fmin(least.timed_ns, one.timed_ns);
        least.checked_ns = fmin(least.checked_ns, one.checked_ns);
        least.checked_bytes_per_ns = fmax(least.checked_bytes_per_ns, one.checked_bytes_per_ns);
    }
    return least;
}

static void test_what_is_asked_for_costs_more(void **state)
{
    (void)state;
    clock_init();
    struct report_harness cost = measure(true);
    print_message("%.2f ns, %.1f timed, %.1f checked, %.2f bytes/ns\n", cost.op_ns, cost.timed_ns,
                  cost.checked_ns, cost.checked_bytes_per_ns);
    assert_true(cost.op_ns > 0 && cost.checked_bytes_per_ns > 0);
    assert_true(cost.op_ns <= cost.timed_ns);
    assert_true(cost.op_ns <= cost.checked_ns);
    // A large block's bytes are not dearer each than a small one's.
    assert_true(cost.checked_bytes_per_ns >= 64 / (2 * cost.checked_ns));
}

static void test_what_was_not_measured_is_not_known(void **state)
{
    (void)state;
    struct report_harness cost;
    cost_measure(&cost, false);
    assert_true(isnan(cost.timed_ns));
    assert_true(cost.op_ns > 0 && cost.checked_ns > 0);
}

// Another worker's counters, history and random numbers, the target and the heap are as before.
static void test_it_leaves_no_trace(void **state)
{
    (void)state;
    fake_open(1, CHECK_WHOLE, CHECK_TOUCH_NONE, 1);
    struct slot slot = {.id = 1};
    op_alloc(&fake_workers[0], &slot, 100, 0);
    struct worker worker = fake_workers[0];
    struct fake_space space = fake_spaces[0];
    struct report_harness cost;
    struct mallinfo2 before = mallinfo2();
    cost_measure(&cost, true);
    struct mallinfo2 after = mallinfo2();
    assert_memory_equal(&worker, &fake_workers[0], sizeof worker);
    assert_memory_equal(&space, &fake_spaces[0], sizeof space);
    assert_int_equal(fake_histories[0].count, 1);
    assert_int_equal(fake_spoil.accesses, 0);
    assert_int_equal(before.uordblks, after.uordblks);
    assert_int_equal(before.hblkhd, after.hblkhd);
    op_free(&fake_workers[0], &slot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_asked_for_costs_more),
        cmocka_unit_test(test_what_was_not_measured_is_not_known),
        cmocka_unit_test(test_it_leaves_no_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
