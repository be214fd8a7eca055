// SPDX-License-Identifier: MIT
//
// test_conformance_random.c - 10^5 random operations on every policy (law_conformance.h), one half
// with thread caches, one without.

#include "property/law_conformance.h"

enum { OPS = 50000 / MEMS_TEST_SCALE };

static uint64_t seed_of_run;

static void run(struct policy_stage *stage)
{
    conformance_law(stage, OPS, source_drawn(seed_of_run++));
}

static void test_random_operations(void **state)
{
    (void)state;
    seed_of_run = test_seed();
    policies_each(run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_operations)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
