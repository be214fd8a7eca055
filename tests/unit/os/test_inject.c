// SPDX-License-Identifier: MIT
//
// test_inject.c - exactly the Nth call fails, also among threads.

#include "support/test.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>

#include "mems/inject.h"
#include "os/os.h"

#define CALLS 10u

// One bit for each of ten maps: set where it failed.
static unsigned map_ten(void)
{
    unsigned failed = 0;
    for (unsigned i = 0; i < CALLS; i++) {
        errno = 4711;
        void *memory = os_map(os_page_size(), 0);
        assert_int_equal(errno, 4711);
        if (memory == NULL) {
            failed |= 1u << i;
        } else {
            assert_true(os_unmap(memory, os_page_size()));
        }
    }
    return failed;
}

static void test_nth(void **state)
{
    (void)state;
    for (unsigned nth = 1; nth <= CALLS; nth++) {
        mems_inject(MEMS_SEAM_MAP, nth, 0);
        assert_int_equal(mems_inject_calls(MEMS_SEAM_MAP), 0);
        assert_int_equal(map_ten(), 1u << (nth - 1));
        assert_int_equal(mems_inject_calls(MEMS_SEAM_MAP), CALLS);
        assert_int_equal(mems_inject_hits(MEMS_SEAM_MAP), 1);
    }
    mems_inject(MEMS_SEAM_MAP, CALLS + 1, 0);
    assert_int_equal(map_ten(), 0);
    assert_int_equal(mems_inject_hits(MEMS_SEAM_MAP), 0);
    mems_inject(MEMS_SEAM_MAP, 0, 0);
}

static void test_from_then_on(void **state)
{
    (void)state;
    mems_inject(MEMS_SEAM_MAP, 4, 1);
    assert_int_equal(map_ten(), 0x3ff & ~7u);
    assert_int_equal(mems_inject_hits(MEMS_SEAM_MAP), 7);
    mems_inject(MEMS_SEAM_MAP, 0, 1); // 0 disarms, whatever else is said
    assert_int_equal(map_ten(), 0);
    assert_int_equal(mems_inject_hits(MEMS_SEAM_MAP), 0);
}

static void test_unmap(void **state)
{
    (void)state;
    size_t page = os_page_size();
    char *memory = os_map(page, 0);
    assert_non_null(memory);
    mems_inject(MEMS_SEAM_UNMAP, 1, 0);
    errno = 4711;
    assert_false(os_unmap(memory, page));
    assert_int_equal(errno, 4711);
    memory[0] = 1; // still mapped
    assert_true(os_unmap(memory, page));
    assert_int_equal(mems_inject_hits(MEMS_SEAM_UNMAP), 1);
    assert_int_equal(mems_inject_calls(MEMS_SEAM_UNMAP), 2);
    mems_inject(MEMS_SEAM_UNMAP, 0, 0);
}

static void test_no_such_seam(void **state)
{
    (void)state;
    mems_inject(MEMS_SEAM_COUNT, 1, 1);
    assert_int_equal(mems_inject_calls(MEMS_SEAM_COUNT), 0);
    assert_int_equal(mems_inject_hits(MEMS_SEAM_COUNT), 0);
}

static void *map_many(void *argument)
{
    (void)argument;
    uintptr_t failed = 0;
    for (unsigned i = 0; i < 1000; i++) {
        void *memory = os_map(os_page_size(), 0);
        if (memory == NULL) {
            failed++;
        } else {
            (void)os_unmap(memory, os_page_size());
        }
    }
    return (void *)failed;
}

static void test_threads(void **state)
{
    (void)state;
    mems_inject(MEMS_SEAM_MAP, 1500, 0);
    pthread_t threads[4];
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, map_many, NULL), 0);
    }
    uintptr_t failed = 0;
    for (size_t i = 0; i < 4; i++) {
        void *result;
        pthread_join(threads[i], &result);
        failed += (uintptr_t)result;
    }
    assert_int_equal(failed, 1);
    assert_int_equal(mems_inject_calls(MEMS_SEAM_MAP), 4000);
    assert_int_equal(mems_inject_hits(MEMS_SEAM_MAP), 1);
    mems_inject(MEMS_SEAM_MAP, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nth),     cmocka_unit_test(test_from_then_on),
        cmocka_unit_test(test_unmap),   cmocka_unit_test(test_no_such_seam),
        cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
