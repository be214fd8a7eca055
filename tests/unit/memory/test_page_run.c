// SPDX-License-Identifier: MIT
//
// test_page_run.c - runs of page numbers: apart while they are taken, reused when they are free.

#include "support/engine.h"

#include <mems/inject.h>

#include "memory/page_run.h"

static void open_runs(struct page_table *table, struct page_runs *runs)
{
    page_table_init(table, NULL, 12, NULL);
    page_runs_init(runs, table);
}

// At most an eighth more than asked; a run may grow up to its room and stays in its class.
static void test_room(void **state)
{
    (void)state;
    uint64_t last = 0;
    for (uint64_t pages = 1; pages <= 100000; pages++) {
        uint64_t room = page_run_room(pages);
        test_require(room >= pages && room <= pages + pages / 8, "%" PRIu64 ": room %" PRIu64,
                     pages, room);
        test_require(page_run_room(room) == room, "%" PRIu64 " is no room", room);
        test_require(room >= last, "%" PRIu64, pages);
        last = room;
    }
    for (uint64_t pages = 1; pages <= 8; pages++) {
        assert_int_equal(page_run_room(pages), pages);
    }
    assert_int_equal(page_run_room(9), 9);
    assert_int_equal(page_run_room(17), 18);
    assert_int_equal(page_run_room(PAGE_MOST), PAGE_MOST);
}

static void test_reused(void **state)
{
    (void)state;
    struct page_table table;
    struct page_runs runs;
    uint64_t a, b, again;
    open_runs(&table, &runs);
    assert_int_equal(page_run_take(&runs, 17, &a), 0);
    assert_int_equal(a, 0);
    assert_int_equal(page_run_take(&runs, 18, &b), 0);
    assert_int_equal(b, 18);
    page_run_give(&runs, a, 18); // it had grown to its room
    page_run_give(&runs, b, 17);
    uint64_t end = table.end;
    assert_int_equal(page_run_take(&runs, 16, &again), 0); // another class
    assert_int_equal(again, end);
    assert_int_equal(page_run_take(&runs, 17, &again), 0);
    assert_int_equal(again, b); // the latest first
    assert_int_equal(*page_table_at(&table, again), 0);
    assert_int_equal(page_run_take(&runs, 18, &again), 0);
    assert_int_equal(again, a);
    assert_int_equal(page_run_take(&runs, 18, &again), 0);
    assert_int_equal(again, end + 16);
    page_table_fini(&table);
}

enum { LIVE = 200, NUMBERS = 1 << 17, OPS = 200000 / MEMS_TEST_SCALE };

// Random runs never overlap, their entries exist and are PAGE_NONE when taken, and no more numbers
// are given out than the peaks of all classes together.
static void test_random_runs(void **state)
{
    (void)state;
    static uint8_t taken[NUMBERS];
    struct {
        uint64_t first, pages;
    } live[LIVE] = {0};
    struct page_table table;
    struct page_runs runs;
    uint64_t random = test_seed();
    memset(taken, 0, sizeof taken);
    open_runs(&table, &runs);
    for (size_t i = 0; i < OPS; i++) {
        size_t slot = test_below(&random, LIVE);
        if (live[slot].pages != 0) {
            uint64_t room = page_run_room(live[slot].pages);
            for (uint64_t p = 0; p < room; p++) {
                taken[live[slot].first + p] = 0;
                *page_table_at(&table, live[slot].first + p) = 0;
            }
            page_run_give(&runs, live[slot].first, live[slot].pages);
            live[slot].pages = 0;
            continue;
        }
        uint64_t pages = 1 + test_below(&random, (uint64_t)1 << test_below(&random, 6));
        assert_int_equal(page_run_take(&runs, pages, &live[slot].first), 0);
        live[slot].pages = pages;
        uint64_t room = page_run_room(pages);
        test_require(live[slot].first + room <= table.end && table.end <= NUMBERS,
                     "numbers up to %" PRIu64, table.end);
        for (uint64_t p = live[slot].first; p < live[slot].first + room; p++) {
            uint64_t *entry = page_table_at(&table, p);
            test_require(!taken[p] && entry != NULL && *entry == 0, "page %" PRIu64, p);
            taken[p] = 1;
            *entry = page_entry(PAGE_RESIDENT, p);
        }
    }
    page_table_fini(&table);
}

static void test_refused(void **state)
{
    (void)state;
    struct page_table table;
    struct page_runs runs;
    uint64_t first = 42;
    open_runs(&table, &runs);
    mems_inject(MEMS_SEAM_MAP, 1, 1);
    assert_int_equal(page_run_take(&runs, 3, &first), ENOMEM);
    mems_inject(MEMS_SEAM_MAP, 0, 0);
    assert_int_equal(first, 42);
    assert_int_equal(table.end, 0);
    assert_int_equal(page_run_take(&runs, PAGE_MOST + 1, &first), ENOMEM);
    assert_int_equal(page_run_take(&runs, 3, &first), 0);
    assert_int_equal(first, 0);
    mems_inject(MEMS_SEAM_MAP, 1, 1); // a freed run needs no memory
    page_run_give(&runs, first, 3);
    assert_int_equal(page_run_take(&runs, 3, &first), 0);
    mems_inject(MEMS_SEAM_MAP, 0, 0);
    page_table_fini(&table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_room),
        cmocka_unit_test(test_reused),
        cmocka_unit_test(test_random_runs),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
