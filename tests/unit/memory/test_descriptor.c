// SPDX-License-Identifier: MIT
//
// test_descriptor.c - a table of descriptors that outgrows its directory.

#include "support/engine.h"

// A directory begins with about 500 chunks of 2,048 descriptors (16 in a hostile build).
#define BLOCKS (1100000 / MEMS_TEST_SCALE)

static void test_directory_grows(void **state)
{
    (void)state;
    struct mems_engine *engine = test_engine("dynamic", "region=32Mi");
    struct mems_space *space = test_space(engine);
    mems_addr *addrs = calloc(BLOCKS, sizeof *addrs);
    assert_non_null(addrs);
    for (size_t i = 0; i < BLOCKS; i++) {
        addrs[i] = test_alloc(space, 16);
        if (i % 1000 == 0) {
            test_stamp(space, addrs[i], 16, i);
        }
    }
    for (size_t i = 0; i < BLOCKS; i += 1000) {
        test_stamped(space, addrs[i], 16, i);
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        test_require(mems_release(space, addrs[i]) == 0, "release of block %zu", i);
    }
    free(addrs);
    test_checked(engine, true);
    mems_engine_close(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_directory_grows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
