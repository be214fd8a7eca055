// SPDX-License-Identifier: MIT
//
// test_page_table.c - entries and their words; tables that grow while they are read; refusals.

#include "support/engine.h"

#include <mems/inject.h>
#include <pthread.h>
#include <stdatomic.h>

#include "memory/page_table.h"

static void test_words(void **state)
{
    (void)state;
    static const uint64_t numbers[] = {0, 1, 12345, PAGE_NUMBER_MASK};
    for (unsigned s = PAGE_NONE; s <= PAGE_AWAY; s++) {
        for (size_t n = 0; n < sizeof numbers / sizeof numbers[0]; n++) {
            uint64_t entry = page_entry((enum page_state)s, numbers[n]);
            assert_int_equal(page_state(entry), s);
            assert_int_equal(page_number(entry), numbers[n]);
            uint64_t turned = page_turned(entry | PAGE_SHARED, PAGE_MOVING);
            assert_int_equal(page_state(turned), PAGE_MOVING);
            assert_int_equal(page_number(turned), numbers[n]);
            assert_true((turned & PAGE_SHARED) != 0);
        }
    }
    assert_int_equal(page_entry(PAGE_NONE, 0), 0);
    // Bits 0, 1 and 7 of a byte of touch make the index.
    assert_int_equal(page_trace_index(0x00), 0);
    assert_int_equal(page_trace_index(0x7f), 3);
    assert_int_equal(page_trace_index(0x80), 4);
    assert_int_equal(page_trace_index(0xff), 7);
}

static void test_grows(void **state)
{
    (void)state;
    enum { PAGES = 400000 / MEMS_TEST_SCALE };
    struct page_table table;
    page_table_init(&table, NULL, 12, NULL);
    assert_null(page_table_at(&table, 0));
    assert_int_equal(table.bytes, 0);
    uint64_t end = 0;
    while (end < PAGES) {
        uint64_t next = end + 1 + end / 3;
        assert_int_equal(page_table_reach(&table, next), 0);
        for (uint64_t page = end; page < next; page++) {
            uint64_t *entry = page_table_at(&table, page);
            test_require(entry != NULL && *entry == 0, "page %" PRIu64 " is new", page);
            *entry = page_entry(PAGE_RESIDENT, page);
        }
        uint64_t bytes = table.bytes;
        assert_int_equal(page_table_reach(&table, end), 0); // is there already
        assert_int_equal(table.bytes, bytes);
        end = next;
    }
    for (uint64_t page = 0; page < end; page++) {
        test_require(*page_table_at(&table, page) == page_entry(PAGE_RESIDENT, page),
                     "page %" PRIu64, page);
    }
    assert_true(table.bytes >= end * 8);
    assert_null(page_table_at(&table, end + PAGE_LEAF));
    assert_null(page_table_at(&table, PAGE_MOST));
    assert_int_equal(page_table_reach(&table, PAGE_MOST + 1), ENOMEM);
    page_table_fini(&table);
    assert_null(page_table_at(&table, 0));
}

static void test_bytes(void **state)
{
    (void)state;
    static char memory[4 * 512];
    struct page_table table;
    page_table_init(&table, memory, 9, NULL);
    assert_ptr_equal(page_host(&table, page_entry(PAGE_RESIDENT, 3)), memory + 3 * 512);
    assert_ptr_equal(page_host(&table, page_entry(PAGE_MOVING, 1) | PAGE_SHARED), memory + 512);
    page_table_fini(&table);
}

// A refusal leaves what is there as it is; the same call succeeds afterwards.
static void test_refused(void **state)
{
    (void)state;
    uint64_t hits = 0, nth = 1;
    do {
        struct page_table table;
        page_table_init(&table, NULL, 12, NULL);
        assert_int_equal(page_table_reach(&table, 10), 0);
        *page_table_at(&table, 9) = 99;
        mems_inject(MEMS_SEAM_MAP, nth++, 0);
        int error = page_table_reach(&table, 2000 * PAGE_LEAF);
        hits = mems_inject_hits(MEMS_SEAM_MAP);
        mems_inject(MEMS_SEAM_MAP, 0, 0);
        assert_int_equal(error, hits > 0 ? ENOMEM : 0);
        assert_int_equal(*page_table_at(&table, 9), 99);
        assert_int_equal(page_table_reach(&table, 2000 * PAGE_LEAF), 0);
        assert_int_equal(*page_table_at(&table, 2000 * PAGE_LEAF - 1), 0);
        assert_int_equal(*page_table_at(&table, 9), 99);
        page_table_fini(&table);
        nth = nth > 8 ? nth * 2 : nth;
    } while (hits > 0);
}

// ---- a reader while it grows --------------------------------------------------------------------

static struct {
    struct page_table table;
    atomic_ulong end; // pages that say their own number
} shared;

static void *reader(void *arg)
{
    uint64_t *seen = arg, random = (uintptr_t)arg, end;
    do {
        end = atomic_load(&shared.end);
        if (end != 0) {
            uint64_t page = test_below(&random, end);
            uint64_t *entry = page_table_at(&shared.table, page);
            test_require(entry != NULL && load_acquire(entry) == page_entry(PAGE_SWAPPED, page),
                         "page %" PRIu64 " of %" PRIu64, page, end);
            ++*seen;
        }
    } while (end < 600 * PAGE_LEAF);
    return NULL;
}

static void test_readers(void **state)
{
    (void)state;
    pthread_t ids[2];
    uint64_t seen[2] = {0, 0};
    page_table_init(&shared.table, NULL, 12, NULL);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&ids[i], NULL, reader, &seen[i]), 0);
    }
    for (uint64_t end = 0; end < 600 * PAGE_LEAF; end += PAGE_LEAF) {
        assert_int_equal(page_table_reach(&shared.table, end + PAGE_LEAF), 0);
        for (uint64_t page = end; page < end + PAGE_LEAF; page++) {
            store_release(page_table_at(&shared.table, page), page_entry(PAGE_SWAPPED, page));
        }
        atomic_store(&shared.end, end + PAGE_LEAF);
    }
    for (size_t i = 0; i < 2; i++) {
        pthread_join(ids[i], NULL);
        assert_true(seen[i] > 0);
    }
    page_table_fini(&shared.table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),   cmocka_unit_test(test_grows),
        cmocka_unit_test(test_bytes),   cmocka_unit_test(test_refused),
        cmocka_unit_test(test_readers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
