// SPDX-License-Identifier: MIT
//
// test_slab.c - the law of the slab policy (law_slab.h) on random streams.

#include "property/law_slab.h"

enum { OPS = 600000 / MEMS_TEST_SCALE };

static void test_model(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    for (size_t i = 0; i < sizeof RUNS / sizeof RUNS[0]; i++) {
        uint64_t operations = (uint64_t)OPS * RUNS[i].share / 200;
        slab_law(&RUNS[i], false, operations, source_drawn(seed + i));
        slab_law(&RUNS[i], true, operations, source_drawn(seed + i));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
