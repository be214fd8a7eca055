// SPDX-License-Identifier: MIT
//
// page_run.c - which page numbers a block gets.
//
// 1. Numbers are plentiful (2^40 a space), frames are not: so runs are never split or merged. A run
//    has one of the sizes 1, 2, .. 8, then eight an octave; a freed one waits in the list of its
//    size, the latest in front, and only when that is empty new numbers are given out. So a program
//    whose sizes change holds at most as many numbers as the peaks of each size together.
// 2. The list runs through the first entry of each free run: a number in state PAGE_NONE, which no
//    address leads to. A reader with a stale address may load it; the state tells it enough.

#include "memory/page_run.h"

#include <errno.h>
#include <string.h>

#include "base/bits.h"

void page_runs_init(struct page_runs *runs, struct page_table *table)
{
    memset(runs, 0, sizeof *runs);
    runs->table = table;
}

// The class of a count: 0 for 1 .. 7 for 8, then eight for each doubling.
static unsigned run_class(uint64_t pages)
{
    if (pages <= 8) {
        return (unsigned)pages - 1;
    }
    unsigned log = bits_log2_up(pages) - 1; // 2^log < pages <= 2^(log + 1)
    uint64_t eighth = (pages - (UINT64_C(1) << log) + (UINT64_C(1) << (log - 3)) - 1) >> (log - 3);
    return 8 * (log - 2) + (unsigned)eighth - 1;
}

uint64_t page_run_room(uint64_t pages)
{
    if (pages <= 8) {
        return pages;
    }
    unsigned log = bits_log2_up(pages) - 1;
    uint64_t step = UINT64_C(1) << (log - 3);
    return (pages + step - 1) & ~(step - 1);
}

int page_run_take(struct page_runs *runs, uint64_t pages, uint64_t *first)
{
    if (pages > PAGE_MOST) {
        return ENOMEM;
    }
    uint64_t *head = &runs->free[run_class(pages)];
    if (*head != 0) {
        *first = *head - 1;
        uint64_t *entry = page_table_at(runs->table, *first);
        *head = page_number(load_relaxed(entry));
        store_relaxed(entry, page_entry(PAGE_NONE, 0));
        return 0;
    }
    uint64_t room = page_run_room(pages);
    int error = page_table_reach(runs->table, runs->table->end + room);
    if (error == 0) {
        *first = runs->table->end;
        runs->table->end += room;
    }
    return error;
}

void page_run_give(struct page_runs *runs, uint64_t first, uint64_t pages)
{
    uint64_t *head = &runs->free[run_class(pages)];
    store_relaxed(page_table_at(runs->table, first), page_entry(PAGE_NONE, *head));
    *head = first + 1;
}
