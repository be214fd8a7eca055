// SPDX-License-Identifier: MIT
//
// test_selftest.c - what the self-tests allow, and that one ends with whatever a cell ends with.

#include "compare/selftest.h"

#include <string.h>

#include "support/test.h"

static void test_what_is_allowed(void **state)
{
    (void)state;
    assert_int_equal(selftest_alarms_allowed(200), 10);
    assert_int_equal(selftest_alarms_allowed(19), 0);
    assert_int_equal(selftest_found_wanted(10), 9);
    assert_int_equal(selftest_found_wanted(1), 1);
    assert_int_equal(selftest_found_wanted(25), 23);
    assert_int_equal(selftest_inconclusive_allowed(10), 1);
    assert_int_equal(selftest_inconclusive_allowed(9), 0);
}

static void told(const struct selftest *selftest)
{
    (void)selftest;
    fail_msg("a target that does not exist was compared");
}

static void test_bad_targets(void **state)
{
    (void)state;
    char longer[1300];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    const char *const targets[] = {"nobody",         "",    "?libc", "delay:1(libc)",
                                   "preload:nobody", longer};
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        struct selftest selftest = {
            .target = targets[i], .repeats = 5, .times = 1, .seed = 1, .told = told};
        struct complaint complaint = {{0}};
        assert_int_equal(selftest_aa(&selftest, &complaint), VERDICT_EXIT_USAGE);
        assert_string_not_equal(complaint.text, "");
        memset(&complaint, 0, sizeof complaint);
        assert_int_equal(selftest_sensitivity(&selftest, &complaint), VERDICT_EXIT_USAGE);
        assert_string_not_equal(complaint.text, "");
        selftest_fini(&selftest);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_allowed),
        cmocka_unit_test(test_bad_targets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
