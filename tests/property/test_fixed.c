// SPDX-License-Identifier: MIT
//
// test_fixed.c - the law of the fixed policy (law_fixed.h) on random streams.

#include "property/law_fixed.h"

enum { OPS = 400000 / MEMS_TEST_SCALE };

static void test_model(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    for (size_t i = 0; i < sizeof RUNS / sizeof RUNS[0]; i++) {
        fixed_law(&RUNS[i], OPS, source_drawn(seed + i));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
