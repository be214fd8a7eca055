// SPDX-License-Identifier: MIT
//
// test_slab.c - sizes, and slabs of every class: which block, which index, and the check.

#include "support/engine.h"

#include "memory/slab.h"

// Sizes rise; each request's class is the first that has room, and at most 1/9 of it is unused.
static void test_classes(void **state)
{
    (void)state;
    for (unsigned class = 1; class < SLAB_CLASSES; class ++) {
        assert_true(slab_class_size(class) > slab_class_size(class - 1));
        assert_int_equal(slab_class_size(class) % SLAB_STEP, 0);
    }
    assert_int_equal(slab_class_size(SLAB_CLASSES - 1), SLAB_LARGEST);
    unsigned expected = 0;
    for (uint32_t size = 1; size <= SLAB_LARGEST; size++) {
        expected += slab_class_size(expected) < size;
        assert_int_equal(slab_class(size), expected);
        uint32_t unused = slab_class_size(expected) - size;
        assert_true(unused < SLAB_STEP || 9 * unused <= slab_class_size(expected));
    }
    assert_int_equal(slab_class_count(SLAB_LARGEST), SLAB_CLASSES);
    assert_int_equal(slab_class_count(8192), slab_class(8192) + 1);
    assert_int_equal(slab_class_count(8191), slab_class(8192));
}

// The index of every byte of a slab, without a division and with.
static void test_index(void **state)
{
    (void)state;
    static const uint64_t bytes[] = {16384, 65536, SLAB_MOST_BYTES};
    for (size_t b = 0; b < sizeof bytes / sizeof bytes[0]; b++) {
        for (unsigned class = 0; class < SLAB_CLASSES; class ++) {
            static uint64_t account[SLAB_MOST_BYTES / SLAB_STEP / 32];
            struct slab slab;
            char *host = (char *)(uintptr_t)0x10000000; // NOLINT: never looked at
            slab_init(&slab, class, bytes[b], host, account);
            uint64_t step = bytes[b] > 65536 ? 61 : 1;
            for (uint64_t i = 0; i < (uint64_t)slab.count * slab.size; i += step) {
                assert_int_equal(slab_index(&slab, host + i), i / slab.size);
            }
            uint64_t end = (uint64_t)slab.count * slab.size;
            assert_int_equal(slab_index(&slab, host + end - 1), slab.count - 1);
            assert_ptr_equal(slab_host(&slab, slab.count - 1), host + end - slab.size);
        }
    }
}

// The lowest free block, always, against an array.
static void test_lowest(void **state)
{
    (void)state;
    enum { COUNT = 4096 };
    static uint64_t account[COUNT / 32];
    static bool used[COUNT];
    uint64_t random = test_seed();
    struct slab slab;
    assert_true(slab_account_bytes(COUNT) <= sizeof account);
    memset(account, 0xff, sizeof account);
    slab_init(&slab, 0, 65536, NULL, account);
    assert_int_equal(slab.count, COUNT);
    for (unsigned i = 0; i < 400000 / MEMS_TEST_SCALE; i++) {
        uint32_t index = (uint32_t)test_below(&random, COUNT), lowest = 0;
        if (used[index] && (i / 20000) % 2 == 1) {
            slab_give(&slab, index);
            used[index] = false;
        } else if (!slab_full(&slab)) {
            while (used[lowest]) {
                lowest++;
            }
            assert_int_equal(slab_next(&slab), lowest);
            assert_int_equal(slab_take(&slab), lowest);
            used[lowest] = true;
        }
        assert_int_equal(slab_is_used(&slab, index), used[index]);
        assert_true(i % 1000 != 0 || slab_check(&slab) == NULL);
    }
}

// A check that cannot fail is none.
static void test_check(void **state)
{
    (void)state;
    static uint64_t account[128];
    struct slab slab;
    slab_init(&slab, 3, 16384, NULL, account);
    for (unsigned i = 0; i < 10; i++) {
        slab_take(&slab);
    }
    slab_give(&slab, 4);
    assert_null(slab_check(&slab));
    slab.used++;
    assert_string_equal(slab_check(&slab), "SL1");
    slab.used--;
    slab.free.level[0][0] |= 1 << 5;
    assert_string_equal(slab_check(&slab), "SL1");
    slab.free.level[0][0] &= ~(UINT64_C(1) << 5);
    bitmap_remove(&slab.free, 4);
    bitmap_insert(&slab.free, 12);
    assert_string_equal(slab_check(&slab), "SL2");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_classes),
        cmocka_unit_test(test_index),
        cmocka_unit_test(test_lowest),
        cmocka_unit_test(test_check),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
