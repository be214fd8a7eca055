// SPDX-License-Identifier: MIT
//
// test_vm_segmentation.c - the law of vm-segmentation (law_vm_segmentation.h) on random streams.
//
// ctest: timeout 240

#include "property/law_vm_segmentation.h"

enum { OPS = 1040000 / MEMS_TEST_SCALE, TRIALS = 12 };

static void test_model(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    for (size_t r = 0; r < sizeof RUNS / sizeof RUNS[0]; r++) {
        uint64_t each = (uint64_t)OPS * RUNS[r].share / 100 / TRIALS;
        for (size_t t = 0; t < TRIALS; t++) {
            vm_segmentation_law(&RUNS[r], (enum model_fit)(t % 4), REPLACEMENTS[t / 4], each,
                                source_drawn(seed + r * TRIALS + t));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
