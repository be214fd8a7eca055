// SPDX-License-Identifier: MIT
//
// page_run.h - which page numbers a block gets: runs of consecutive ones, from the space's own
// 2^40.
//
// The owner's lock is held in every call.

#ifndef MEMORY_PAGE_RUN_H
#define MEMORY_PAGE_RUN_H

#include <stddef.h>
#include <stdint.h>

#include "memory/page_table.h"

#define PAGE_RUN_CLASSES 304 // up to PAGE_MOST pages

// Freed runs by class; a run's first entry names the next one.
struct page_runs {
    struct page_table *table;
    uint64_t free[PAGE_RUN_CLASSES]; // first page + 1; 0: none
};

void page_runs_init(struct page_runs *runs, struct page_table *table);

// How many numbers a run for `pages` pages takes: at most an eighth more. A block may grow to them.
uint64_t page_run_room(uint64_t pages);

// Numbers for `pages` pages; entries exist and are PAGE_NONE. 0 or ENOMEM.
int page_run_take(struct page_runs *runs, uint64_t pages, uint64_t *first);

// Gives the numbers back. Every entry of the run is PAGE_NONE. `pages` is any count with the room
// that the run was taken for.
void page_run_give(struct page_runs *runs, uint64_t first, uint64_t pages);

#endif
