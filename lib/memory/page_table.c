// SPDX-License-Identifier: MIT
//
// page_table.c - a space's pages and where they are.
//
// 1. Theory. Paging (Atlas, 1962) cuts a process's memory into pages of one size and gives each any
//    free frame; the table says which. Two levels: a directory and leaves, so that a small space
//    has a small table and a look-up is two loads.
// 2. Page numbers run on from 0 in each space and are given out in runs (memory/page_run.c). A page
//    number means nothing outside its space; addresses are checked by their descriptor first, so a
//    look-up here needs no owner and no generation.
// 3. Readers never lock. A leaf is published by a release store of the count [R:page leaf], a
//    larger directory by one of its pointer [R:page directory]; the older stays mapped until the
//    table goes. An entry, once there, is never unmapped before that.
// 4. Who changes an entry: the policy, with its lock held; movers and accesses by compare-and-swap
//    (memory/relocation.c).
// 5. If you change this: PAGE_NONE is 0, so a fresh leaf needs no writing.

#include "memory/page_table.h"

#include <errno.h>
#include <string.h>

#include "os/os.h"

#define LEAF_BYTES (PAGE_LEAF * sizeof(uint64_t))

static struct page_directory nothing; // every table's at first, so readers need not look for NULL

void page_table_init(struct page_table *table, char *memory, unsigned page_bits,
                     const struct page_trace *trace)
{
    *table = (struct page_table){
        .directory = &nothing, .memory = memory, .page_bits = page_bits, .trace = trace};
}

// Leaves smaller than a page (hostile builds) share one.
static size_t leaf_mapping(void)
{
    return LEAF_BYTES > os_page_size() ? LEAF_BYTES : os_page_size();
}

void page_table_fini(struct page_table *table)
{
    struct page_directory *directory = table->directory;
    for (uint64_t i = 0; i < directory->count; i += leaf_mapping() / LEAF_BYTES) {
        os_unmap(directory->leaf[i], leaf_mapping());
    }
    for (struct page_directory *older; directory != &nothing; directory = older) {
        older = directory->older;
        os_unmap(directory, directory->bytes);
    }
    table->directory = &nothing;
}

// A directory with room for `leaves`. NULL: the OS refused.
static struct page_directory *directory_with_room(struct page_table *table, uint64_t leaves)
{
    struct page_directory *old = table->directory;
    size_t bytes = old == &nothing ? os_page_size() : old->bytes;
    while ((bytes - sizeof *old) / sizeof(uint64_t *) < leaves) {
        bytes *= 2;
    }
    if (old != &nothing && bytes == old->bytes) {
        return old;
    }
    struct page_directory *directory = os_map(bytes, 0);
    if (directory == NULL) {
        return NULL;
    }
    directory->older = old;
    directory->bytes = bytes;
    directory->room = (bytes - sizeof *directory) / sizeof(uint64_t *);
    directory->count = old->count;
    memcpy(directory->leaf, old->leaf, old->count * sizeof(uint64_t *));
    table->bytes += bytes;
    store_release(&table->directory, directory); // [R:page directory]
    return directory;
}

int page_table_reach(struct page_table *table, uint64_t end)
{
    uint64_t leaves = (end + PAGE_LEAF - 1) >> PAGE_LEAF_BITS;
    if (end > PAGE_MOST) {
        return ENOMEM;
    }
    if (leaves <= table->directory->count) {
        return 0;
    }
    struct page_directory *directory = directory_with_room(table, leaves);
    uint64_t share = leaf_mapping() / LEAF_BYTES;
    while (directory != NULL && directory->count < leaves) {
        uint64_t number = directory->count;
        if (number % share == 0) {
            uint64_t *fresh = os_map(leaf_mapping(), 0);
            if (fresh == NULL) {
                return ENOMEM; // leaves that are there stay: nobody has their numbers yet
            }
            directory->leaf[number] = fresh;
            table->bytes += leaf_mapping();
        } else {
            directory->leaf[number] = directory->leaf[number - 1] + PAGE_LEAF;
        }
        store_release(&directory->count, number + 1); // [R:page leaf]
    }
    return directory == NULL ? ENOMEM : 0;
}
