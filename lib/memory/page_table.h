// SPDX-License-Identifier: MIT
//
// page_table.h - a space's pages and where they are: numbers of pages, entries, runs.
//
// The essay is in page_table.c. Every space has a table of its own, of two levels: a directory that
// grows, and leaves of PAGE_LEAF entries. Page numbers begin at 0 in each space; a block is a *run*
// of pages with consecutive numbers, whose frames may be anywhere. An entry is one word, so that
// one load tells whether the page is there and where, and one compare-and-swap changes it.

#ifndef MEMORY_PAGE_TABLE_H
#define MEMORY_PAGE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sync/atomic.h"
#include "sync/lock.h"

#ifdef MEMS_HOSTILE
#define PAGE_LEAF_BITS 3
#else
#define PAGE_LEAF_BITS 9
#endif
#define PAGE_LEAF (1u << PAGE_LEAF_BITS) // entries in a leaf
#define PAGE_MOST (UINT64_C(1) << 40)    // numbers of pages in a space

enum page_state {
    PAGE_NONE,     // no page has this number
    PAGE_ZERO,     // never touched: a frame of zeroes at its first use (demand-zero)
    PAGE_RESIDENT, // in the frame that the entry names
    PAGE_MOVING,   // in that frame; marked by a mover (memory/relocation.c)
    PAGE_SWAPPED,  // in the slot of swap that the entry names
    PAGE_AWAY,     // in the frame that the entry names, being copied: accesses fault and wait
};

// A word of the table: {state 3, shared 1, frame or slot 60}.
#define PAGE_SHARED      (UINT64_C(1) << 60) // the frame is another page's as well: copy before write
#define PAGE_NUMBER_MASK (PAGE_SHARED - 1)

static inline uint64_t page_entry(enum page_state state, uint64_t number)
{
    return (uint64_t)state << 61 | number;
}

static inline enum page_state page_state(uint64_t entry)
{
    return (enum page_state)(entry >> 61);
}

static inline uint64_t page_number(uint64_t entry)
{
    return entry & PAGE_NUMBER_MASK;
}

// The same frame or slot, and shared or not, in another state.
static inline uint64_t page_turned(uint64_t entry, enum page_state state)
{
    return (entry & (PAGE_SHARED | PAGE_NUMBER_MASK)) | (uint64_t)state << 61;
}

struct page_directory {
    struct page_directory *older; // readers may still look into it
    size_t bytes;                 // mapped
    uint64_t room;                // leaves that fit
    uint64_t count;               // [atomic] leaves there are; those below never change
    uint64_t *leaf[];
};

// What a hit leaves behind beside the bytes it reads or writes; filled by the policy, read by
// translate. All NULL or 0 where hits leave nothing.
struct page_trace {
    uint8_t *touch; // [atomic] a byte a frame
    uint64_t next;  // what becomes of a byte of touch: eight bytes, by page_trace_index
    uint8_t *dirty; // [atomic] a byte a frame
    // Called at each hit, where the order of hits matters or they are counted. false: the page is
    // not resident any more by the policy's rule. Takes no lock whose holder waits for a section.
    bool (*hit)(void *policy, uint64_t page, uint32_t frame);
    void *policy;
};

static inline unsigned page_trace_index(uint8_t touch)
{
    return (touch & 3u) | ((touch >> 5) & 4u); // 0 .. 3, and 4 more for those with bit 7
}

struct page_table {
    struct page_directory *directory; // [atomic]
    char *memory;                     // [ro] where frame 0 is
    unsigned page_bits;               // [ro] a page is 2^n bytes
    const struct page_trace *trace;   // [ro] the policy's, or NULL
    uint64_t end;                     // [owner's lock] page numbers given out so far
    uint64_t bytes;                   // [owner's lock] mapped
};

void page_table_init(struct page_table *table, char *memory, unsigned page_bits,
                     const struct page_trace *trace);
void page_table_fini(struct page_table *table); // unmaps the directory and the leaves

// Makes entries up to page `end` (exclusive) exist; new ones are PAGE_NONE. 0 or ENOMEM and nothing
// changed. The owner's lock is held.
int page_table_reach(struct page_table *table, uint64_t end);

// The entry of a page, or NULL: no entry has that number. Any thread, no lock.
static inline uint64_t *page_table_at(const struct page_table *table, uint64_t page)
{
    const struct page_directory *directory = load_acquire(&table->directory); // [A:page directory]
    uint64_t leaf = page >> PAGE_LEAF_BITS;
    if (__builtin_expect(leaf >= load_acquire(&directory->count), 0)) { // [A:page leaf]
        return NULL;
    }
    return directory->leaf[leaf] + (page & (PAGE_LEAF - 1));
}

static inline char *page_host(const struct page_table *table, uint64_t entry)
{
    return table->memory + (page_number(entry) << table->page_bits);
}

#endif
