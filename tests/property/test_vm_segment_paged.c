// SPDX-License-Identifier: MIT
//
// test_vm_segment_paged.c - the law of paged segments (law_vm_segment_paged.h) on random streams.
//
// ctest: timeout 240

#include "property/law_vm_segment_paged.h"

enum { OPS = 1000000 / MEMS_TEST_SCALE };

static void test_model(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    for (size_t r = 0; r < sizeof RUNS / sizeof RUNS[0]; r++) {
        vm_segment_paged_law(&RUNS[r], (uint64_t)OPS * RUNS[r].share / 100, source_drawn(seed + r));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
