// SPDX-License-Identifier: MIT
//
// test_verdict.c - what a comparison adds to the verdict of a run, and what it does not.

#include <string.h>

#include "result/verdict.h"
#include "support/test.h"

static void expect(struct verdict before, enum verdict_outcome outcome, bool fail_inconclusive,
                   enum verdict_exit exit, const char *name)
{
    verdict_compare(&before, outcome, fail_inconclusive);
    assert_int_equal(before.exit, exit);
    assert_string_equal(before.name, name);
}

static void test_a_run_that_passed(void **state)
{
    (void)state;
    const struct verdict pass = {.exit = VERDICT_EXIT_PASS, .name = "pass"};
    expect(pass, VERDICT_SAME, false, VERDICT_EXIT_PASS, "pass");
    expect(pass, VERDICT_SAME, true, VERDICT_EXIT_PASS, "pass");
    expect(pass, VERDICT_REGRESSED, false, VERDICT_EXIT_REGRESSED, "regressed");
    expect(pass, VERDICT_INCONCLUSIVE, false, VERDICT_EXIT_PASS, "inconclusive");
    expect(pass, VERDICT_INCONCLUSIVE, true, VERDICT_EXIT_INCONCLUSIVE, "inconclusive");
    expect(pass, VERDICT_REFUSED, false, VERDICT_EXIT_USAGE, "not comparable");
}

static void test_a_run_that_did_not(void **state)
{
    (void)state;
    const struct verdict failed = {.exit = VERDICT_EXIT_FAILED, .name = "failed"};
    for (int outcome = VERDICT_SAME; outcome <= VERDICT_REFUSED; outcome++) {
        expect(failed, (enum verdict_outcome)outcome, true, VERDICT_EXIT_FAILED, "failed");
    }
    const struct verdict stopped = {.exit = VERDICT_EXIT_INTERRUPTED, .name = "incomplete"};
    expect(stopped, VERDICT_REGRESSED, true, VERDICT_EXIT_INTERRUPTED, "incomplete");
}

static void test_an_unsteady_run(void **state)
{
    (void)state;
    const struct verdict unsteady = {
        .exit = VERDICT_EXIT_PASS, .name = "unsteady", .cells[CELL_UNSTEADY] = 1};
    expect(unsteady, VERDICT_SAME, false, VERDICT_EXIT_PASS, "unsteady");
    expect(unsteady, VERDICT_SAME, true, VERDICT_EXIT_INCONCLUSIVE, "unsteady");
    expect(unsteady, VERDICT_REGRESSED, true, VERDICT_EXIT_REGRESSED, "regressed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_run_that_passed),
        cmocka_unit_test(test_a_run_that_did_not),
        cmocka_unit_test(test_an_unsteady_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
