// SPDX-License-Identifier: MIT
//
// test_paging.c - the law of the paging policy (law_paging.h) on random streams.

#include "property/law_paging.h"

enum { OPS = 400000 / MEMS_TEST_SCALE };

static void test_model(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    for (size_t i = 0; i < sizeof RUNS / sizeof RUNS[0]; i++) {
        struct mems_stats stats = paging_law(&RUNS[i], OPS, source_drawn(seed + i));
        test_require(stats.allocs > OPS / 16 && stats.resizes > OPS / 32 &&
                         stats.refusals > OPS / 1000,
                     "%" PRIu64 " allocations, %" PRIu64 " resizes, %" PRIu64 " refusals",
                     stats.allocs, stats.resizes, stats.refusals);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
