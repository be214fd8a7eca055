// SPDX-License-Identifier: MIT
//
// test_granule.c - the map answers for every address, and says nothing of what the heap has not.

#include "support/family.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/rng.h"
#include "mems/inject.h"

static bool is_nobody(const struct granule *record)
{
    return record >= granule_map.nobody && record < granule_map.nobody + WINDOW_GRANULES &&
           record->owner == 0 && record->kind == GRANULE_NONE;
}

static const void *at(uint64_t address)
{
    return (const void *)(uintptr_t)address; // NOLINT(performance-no-int-to-ptr)
}

// Edges of the address space, of windows, and what is drawn: the heap is empty yet.
static void test_nothing_anywhere(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, test_seed());
    static const uint64_t edges[] = {0,
                                     1,
                                     GRANULE_BYTES - 1,
                                     GRANULE_BYTES,
                                     WINDOW_BYTES - 1,
                                     WINDOW_BYTES,
                                     (UINT64_C(1) << ADDRESS_BITS) - 1,
                                     UINT64_C(1) << ADDRESS_BITS,
                                     UINT64_C(1) << 63,
                                     UINT64_MAX};
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++) {
        assert_true(is_nobody(granule_at(at(edges[i]))));
    }
    for (unsigned i = 0; i < 100000; i++) {
        assert_true(is_nobody(granule_at(at(rng_next(&rng) >> rng_below(&rng, 64)))));
    }
}

// One record a granule and one age, apart from all others, across the border of two windows. The
// addresses are far below those of maps, and need not be mapped.
static void test_records(void **state)
{
    (void)state;
    uint64_t base = UINT64_C(77) * WINDOW_BYTES + WINDOW_BYTES / 2;
    assert_true(granule_cover((char *)(uintptr_t)base, WINDOW_BYTES));
    assert_true(is_nobody(granule_at(at(77 * WINDOW_BYTES - 1))));
    assert_true(is_nobody(granule_at(at(79 * WINDOW_BYTES))));
    for (uint64_t i = 0; i < WINDOW_GRANULES; i++) {
        struct granule *record = granule_at(at(base + i * GRANULE_BYTES));
        assert_false(record >= granule_map.nobody && record < granule_map.nobody + WINDOW_GRANULES);
        assert_int_equal(record->usable, 0);
        assert_int_equal(*granule_age(at(base + i * GRANULE_BYTES)), 0);
        record->usable = i + 1;
        *granule_age(at(base + i * GRANULE_BYTES)) = (uint8_t)(i % 255 + 1);
    }
    assert_true(granule_cover((char *)(uintptr_t)base, WINDOW_BYTES)); // again: nothing changes
    for (uint64_t i = 0; i < WINDOW_GRANULES; i++) {
        struct granule *record = granule_at(at(base + i * GRANULE_BYTES));
        assert_int_equal(record->usable, i + 1);
        assert_ptr_equal(granule_at(at(base + i * GRANULE_BYTES + GRANULE_BYTES - 1)), record);
        assert_int_equal(*granule_age(at(base + i * GRANULE_BYTES + 1)), i % 255 + 1);
        *record = (struct granule){0};
        *granule_age(at(base + i * GRANULE_BYTES)) = 0;
    }
    for (unsigned i = 0; i < WINDOW_GRANULES; i++) {
        assert_true(is_nobody(&granule_map.nobody[i]));
    }
}

// The OS refuses the array of either window; what was had stays, and nothing is half there.
static void test_refused(void **state)
{
    (void)state;
    uint64_t base = UINT64_C(100) * WINDOW_BYTES + WINDOW_BYTES / 2;
    char *host = (char *)(uintptr_t)base; // NOLINT(performance-no-int-to-ptr)
    for (uint64_t nth = 1; nth <= 2; nth++) {
        mems_inject(MEMS_SEAM_MAP, nth == 1 ? 1 : 2, 0);
        errno = 4711;
        assert_false(granule_cover(host + (nth == 1 ? 0 : 2 * WINDOW_BYTES), WINDOW_BYTES));
        assert_int_equal(errno, 4711);
        assert_int_equal(mems_inject_hits(MEMS_SEAM_MAP), 1);
        mems_inject(MEMS_SEAM_MAP, 0, 0);
    }
    assert_true(is_nobody(granule_at(at(base))));
    assert_false(is_nobody(granule_at(at(base + 2 * WINDOW_BYTES))));
    assert_true(is_nobody(granule_at(at(base + 3 * WINDOW_BYTES))));
    assert_true(granule_cover(host, WINDOW_BYTES));
    assert_true(granule_cover(host + 2 * WINDOW_BYTES, WINDOW_BYTES));
    assert_false(granule_cover((char *)(uintptr_t)((UINT64_C(1) << ADDRESS_BITS) - GRANULE_BYTES),
                               2 * GRANULE_BYTES)); // beyond what the map has
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_anywhere),
        cmocka_unit_test(test_records),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
