// SPDX-License-Identifier: MIT
//
// test_dynamic.c - dynamic partitioning: what the models in property/ do not ask.

#include "support/engine.h"

// A block goes back to the magazine that the next request of its size looks into, whatever the
// granule makes of that size.
static void test_granule_cached(void **state)
{
    (void)state;
    static const char *const granules[] = {"granule=16", "granule=32", "granule=64", "granule=1Ki",
                                           "granule=4Ki"};
    for (size_t g = 0; g < sizeof granules / sizeof granules[0]; g++) {
        struct mems_engine *engine = test_engine("dynamic", granules[g]);
        struct mems_space *space = test_space(engine);
        for (size_t size = 1; size <= 20000; size = size * 3 + 7) {
            uint64_t misses = test_stats(engine).cache_misses;
            for (size_t i = 0; i < 100; i++) {
                assert_int_equal(mems_release(space, test_alloc(space, size)), 0);
            }
            uint64_t now = test_stats(engine).cache_misses;
            test_require(now - misses <= 2, "%s, %zu bytes: %" PRIu64 " misses in 100 pairs",
                         granules[g], size, now - misses);
        }
        test_checked(engine, true);
        test_conserved(engine);
        mems_engine_close(engine);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_granule_cached)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
