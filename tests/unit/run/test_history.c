// SPDX-License-Identifier: MIT
//
// test_history.c - what is noted of an operation is what is read of it.

#include "run/history.h"

#include "support/test.h"
#include "workload/op.h"

static struct history history;

static void open_history(void)
{
    history = (struct history){0};
}

static void test_it_is_a_ring(void **state)
{
    (void)state;
    open_history();
    for (uint64_t i = 0; i < HISTORY_LENGTH + 5; i++) {
        history_begin(&history, OP_FREE, (uint32_t)i, 1, i, i);
        history_end(&history);
    }
    history_begin(&history, OP_ALLOC, 77, 1, 0, 77);
    assert_int_equal(history.count, HISTORY_LENGTH + 5);
    assert_int_equal(history_first(&history), 6);
    assert_true(history.count - history_first(&history) >= 1000);
    for (uint64_t i = history_first(&history); i < history.count; i++) {
        assert_int_equal(history_read(&history, i).size, i);
    }
    assert_int_equal(history_read(&history, history.count).slot, 77); // at work on
}

// Every field, at the ends of what it holds: none touches another.
static void test_fields_stay_apart(void **state)
{
    (void)state;
    static const uint64_t blocks[] = {0, 1, 0x7fffffffffff, 0xffffffffffff, UINT64_MAX};
    static const uint64_t sizes[] = {0, 1, (UINT64_C(1) << 36) - 1, UINT64_C(1) << 36, SIZE_MAX};
    static const uint32_t slots[] = {0, 1, (1u << 28) - 1, UINT32_MAX};
    static const uint32_t kinds[] = {OP_ALLOC, OP_STEP, HISTORY_TOUCH, HISTORY_REFUSED};
    for (unsigned i = 0; i < 5 * 5 * 4 * 4; i++) {
        uint64_t block = blocks[i % 5], size = sizes[i / 5 % 5];
        uint32_t slot = slots[i / 25 % 4], kind = kinds[i / 100];
        open_history();
        struct history_entry *entry = history_begin(&history, kind, slot, i * 41, 0, size);
        history_place(entry, block);
        struct history_operation read = history_read(&history, 0);
        assert_int_equal(read.block, block & 0xffffffffffff);
        assert_int_equal(read.size, size & ((UINT64_C(1) << 36) - 1));
        assert_int_equal(read.slot, slot & ((1u << 28) - 1));
        assert_int_equal(read.generation, i * 41 & 0xfff);
        assert_int_equal(read.kind, kind);
        history_become(&history, HISTORY_VERIFY, 5);
        read = history_read(&history, 0);
        assert_int_equal(read.block, 5);
        assert_int_equal(read.kind, HISTORY_VERIFY);
        assert_int_equal(read.generation, i * 41 & 0xfff);
        assert_int_equal(read.slot, slot & ((1u << 28) - 1));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_a_ring),
        cmocka_unit_test(test_fields_stay_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
