// SPDX-License-Identifier: MIT
//
// test_speed.c - the piece of work by which a machine's speed is told is always the same.

#include "measure/speed.h"

#include "support/test.h"

static void test_the_work_is_fixed(void **state)
{
    (void)state;
    assert_int_equal(speed_work(1000), speed_work(1000));
    assert_int_not_equal(speed_work(1000), speed_work(1001));
}

// No machine does 300,000 dependent multiplications in ten microseconds.
static void test_it_takes_some_time(void **state)
{
    (void)state;
    assert_true(speed_measure_ns() > 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_work_is_fixed),
        cmocka_unit_test(test_it_takes_some_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
