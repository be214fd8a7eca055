// SPDX-License-Identifier: MIT
//
// test_pool.c - a walk comes by every record that was ever handed out, once, and goes on while the
// pool grows.

#include "support/test.h"

#include <string.h>

#include "memory/pool.h"

enum { RECORDS = 3000 };

static void *records[RECORDS];

static unsigned index_of(const void *record, unsigned count)
{
    unsigned i = 0;
    while (i < count && records[i] != record) {
        i++;
    }
    assert_true(i < count);
    return i;
}

// From the place to the end; `seen` counts.
static unsigned walk(const struct pool *pool, struct pool_place *place, unsigned most,
                     uint8_t *seen, unsigned count)
{
    unsigned steps = 0;
    for (void *record; steps < most && (record = pool_walk(pool, place)) != NULL; steps++) {
        seen[index_of(record, count)]++;
    }
    return steps;
}

static void test_walk(void **state)
{
    (void)state;
    static const size_t sizes[] = {8, 100, 5216, 40000};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct pool pool;
        struct pool_place place = {.chunk = NULL};
        uint8_t seen[RECORDS] = {0};
        pool_init(&pool, sizes[i]);
        assert_null(pool_walk(&pool, &place));
        for (unsigned k = 0; k < RECORDS / 2; k++) {
            records[k] = pool_take(&pool);
            assert_non_null(records[k]);
            memset(records[k], 0, sizes[i] > 16 ? 16 : sizes[i]);
        }
        pool_give(&pool, records[7]); // is walked by all the same
        assert_int_equal(walk(&pool, &place, RECORDS / 4, seen, RECORDS / 2), RECORDS / 4);
        records[7] = pool_take(&pool);
        for (unsigned k = RECORDS / 2; k < RECORDS; k++) {
            records[k] = pool_take(&pool);
        }
        (void)walk(&pool, &place, UINT32_MAX, seen, RECORDS);
        for (unsigned k = 0; k < RECORDS; k++) {
            assert_true(seen[k] == 1 ||
                        (k >= RECORDS / 2 && seen[k] == 0)); // new ones stand before
        }
        memset(seen, 0, sizeof seen);
        assert_int_equal(walk(&pool, &place, UINT32_MAX, seen, RECORDS), RECORDS);
        for (unsigned k = 0; k < RECORDS; k++) {
            assert_int_equal(seen[k], 1);
        }
        pool_fini(&pool);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_walk)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
