// SPDX-License-Identifier: MIT
//
// test_swap.c - slots: lowest first, none twice, shared ones free when the last user leaves.

#include "support/test.h"

#include <errno.h>
#include <mems/inject.h>
#include <string.h>

#include "memory/swap.h"

static void test_slots(void **state)
{
    (void)state;
    struct swap swap;
    assert_int_equal(swap_open(&swap, NULL, 0, 3, 7), 0);
    assert_int_equal(swap_take(&swap), 0);
    assert_int_equal(swap_take(&swap), 1);
    assert_int_equal(swap_take(&swap), 2);
    assert_int_equal(swap_take(&swap), SWAP_NONE);
    swap_share(&swap, 1);
    swap_leave(&swap, 1);
    assert_int_equal(swap_users(&swap, 1), 1);
    assert_int_equal(swap_take(&swap), SWAP_NONE);
    swap_leave(&swap, 1);
    swap_leave(&swap, 0);
    assert_int_equal(swap_used(&swap), 1);
    assert_null(swap_check(&swap));
    assert_int_equal(swap_take(&swap), 0);
    assert_int_equal(swap_take(&swap), 1);
    assert_null(swap_check(&swap));
    swap_close(&swap);
}

static void test_bytes(void **state)
{
    (void)state;
    struct swap swap;
    char page[128], back[128];
    assert_int_equal(swap_open(&swap, NULL, 0, 40, 7), 0);
    for (uint32_t slot = 0; slot < 40; slot++) {
        memset(page, (int)slot, sizeof page);
        assert_int_equal(swap_write(&swap, slot, page), 0);
    }
    for (uint32_t slot = 40; slot-- > 0;) {
        memset(page, (int)slot, sizeof page);
        assert_int_equal(swap_read(&swap, slot, back), 0);
        assert_memory_equal(page, back, sizeof page);
    }
    swap_close(&swap);
}

static void test_none(void **state)
{
    (void)state;
    struct swap swap;
    assert_int_equal(swap_open(&swap, NULL, 0, 0, 12), 0);
    assert_int_equal(swap_take(&swap), SWAP_NONE);
    assert_null(swap_check(&swap));
    swap_close(&swap);
    mems_inject(MEMS_SEAM_MAP, 1, 0);
    assert_int_equal(swap_open(&swap, NULL, 0, 10, 12), ENOMEM);
    mems_inject(MEMS_SEAM_MAP, 0, 0);
    mems_inject(MEMS_SEAM_SWAP_OPEN, 1, 0);
    assert_int_equal(swap_open(&swap, NULL, 0, 10, 12), ENOSPC);
    mems_inject(MEMS_SEAM_SWAP_OPEN, 0, 0);
    swap_close(&swap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slots),
        cmocka_unit_test(test_bytes),
        cmocka_unit_test(test_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
