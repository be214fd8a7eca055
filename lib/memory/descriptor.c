// SPDX-License-Identifier: MIT
//
// descriptor.c - what a virtual address names.
//
// 1. Theory. A table of descriptors (Burroughs B5000, 1961; today's handles) puts one step between
//    an address and its bytes, so that the bytes can move and a wrong address can be told. The
//    address names the descriptor by index; the offset within the block is added afterwards.
// 2. Eight kinds. Of an address's 64 bits three are the kind k, 18 the generation, 43 are shared:
//    12 + 4k for the offset, 31 - 4k for the index. Small blocks are many, large ones few: each
//    kind can name 512 GiB of its largest blocks (2^31 of 4 KiB, 2^15 of 256 MiB, 8 of 1 TiB).
// 3. Chunks. Descriptors come 2^11 at a time; a chunk is aligned to its size. The first descriptor
//    of each chunk is its head (which kind, which index it starts with), so that an address can be
//    made from a descriptor alone; that index is never given out, and address 0 never exists.
// 4. Readers never lock. A chunk is published by a release store into the directory; a full
//    directory is replaced by one twice as large, and the older stays mapped until the table goes:
//    a reader that holds it sees all it needs.
// 5. Generations. Release adds one. An index whose generation has come round is *worn*: it waits in
//    a queue until 65,536 others have worn out after it. So a stale address is refused for certain
//    until its index has been released 2^18 - 1 times and 2^16 x 2^18 = 2^34 releases more have
//    worn out that many others on its shelf. A shelf never holds more than those 65,536 (2 MiB)
//    back.
// 6. States. FREE (shelf) -> CACHED (granted) -> RESIDENT (allocated) -> CACHED or FREE. Where
//    nothing moves, only the owner of a block changes its word, so plain stores do; two threads
//    that release one block at once both see RESIDENT, and the second grant of the same block is
//    found when it is given back, or when it is allocated a second time: the step from CACHED to
//    RESIDENT then leads to TWICE, under which no address works.
// 7. Movers. Where blocks move (memory/relocation.c) RESIDENT <-> MOVING, and MOVING -> RESIDENT
//    elsewhere or SWAPPED; then every change of an allocated block's word is one full-word
//    compare-and-swap. A CACHED block is never marked: its thread makes it RESIDENT by a plain
//    store. LINK is a block that is shared: the word names the descriptor that has the place, which
//    no address names (its `space` is DESCRIPTOR_NOBODY) and which movers move.
// 8. If you change this: a state that is allocated is RESIDENT or not below LINK; hot paths compare
//    with RESIDENT only and leave the others to the slow ones.

#include "memory/descriptor.h"

#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "os/os.h"

#define CHUNK_BYTES (DESCRIPTOR_CHUNK * sizeof(struct descriptor))

// Bytes that are mapped for chunk `number` of a kind: chunks smaller than a page (hostile builds)
// share one; once there are as many as fill a huge page, huge pages are cut into chunks: with
// millions of blocks the table outgrows what a TLB reaches with small pages.
static size_t chunk_mapping(uint64_t number)
{
    if (CHUNK_BYTES >= os_page_size() && number >= OS_HUGE / CHUNK_BYTES) {
        return OS_HUGE;
    }
    return CHUNK_BYTES > os_page_size() ? CHUNK_BYTES : os_page_size();
}

// Whether the chunk begins a mapping of its own.
static bool chunk_leads(const struct descriptor *chunk, uint64_t number)
{
    return ((uintptr_t)chunk & (chunk_mapping(number) - 1)) == 0;
}

// Every kind's directory at first, so that readers need not look for NULL.
static struct descriptor_directory nothing;

void descriptor_table_init(struct descriptor_table *table)
{
    memset(table, 0, sizeof *table);
    for (unsigned kind = 0; kind < DESCRIPTOR_KINDS; kind++) {
        table->directory[kind] = &nothing;
    }
    lock_init(&table->lock, LOCK_TABLE, "descriptors", 0);
}

void descriptor_table_fini(struct descriptor_table *table)
{
    for (unsigned kind = 0; kind < DESCRIPTOR_KINDS; kind++) {
        struct descriptor_directory *directory = table->directory[kind];
        for (uint64_t i = 0; i < directory->count; i++) {
            if (chunk_leads(directory->chunk[i], i)) {
                os_unmap(directory->chunk[i], chunk_mapping(i));
            }
        }
        for (struct descriptor_directory *older; directory != &nothing; directory = older) {
            older = directory->older;
            os_unmap(directory, directory->bytes);
        }
    }
}

// Called with the table's lock held. NULL: the OS refused.
static struct descriptor_directory *directory_with_room(struct descriptor_table *table,
                                                        unsigned kind)
{
    struct descriptor_directory *old = table->directory[kind];
    if (old->count < old->room) {
        return old;
    }
    size_t bytes = old == &nothing ? os_page_size() : old->bytes * 2;
    struct descriptor_directory *directory = os_map(bytes, 0);
    if (directory == NULL) {
        return NULL;
    }
    directory->older = old;
    directory->bytes = bytes;
    directory->room = (bytes - sizeof *directory) / sizeof(struct descriptor *);
    directory->count = old->count;
    memcpy(directory->chunk, old->chunk, old->count * sizeof(struct descriptor *));
    table->bytes += bytes;
    store_release(&table->directory[kind], directory); // [R:directory]
    return directory;
}

// Maps or cuts the next chunk. Called with the table's lock held.
static struct descriptor *chunk_make(struct descriptor_table *table,
                                     const struct descriptor_directory *directory)
{
    uint64_t number = directory->count;
    size_t bytes = chunk_mapping(number);
    if (number > 0 && chunk_mapping(number - 1) == bytes) {
        struct descriptor *next = directory->chunk[number - 1] + DESCRIPTOR_CHUNK;
        if (!chunk_leads(next, number)) {
            return next; // the last mapping has room
        }
    }
    struct descriptor *chunk = bytes == OS_HUGE ? os_map_huge() : os_map(bytes, bytes);
    table->bytes += chunk == NULL ? 0 : bytes;
    return chunk;
}

// Adds a chunk of the kind and shelves it. 0; ENOMEM: the OS refused, or every index is in use.
static int shelf_fill(struct descriptor_shelf *shelf, unsigned kind)
{
    struct descriptor_table *table = shelf->table;
    uint64_t indices = UINT64_C(1) << (31 - 4 * kind);
    struct descriptor *chunk = NULL;
    lock_lock(&table->lock);
    uint64_t first = table->directory[kind]->count * DESCRIPTOR_CHUNK;
    struct descriptor_directory *directory =
        first < indices ? directory_with_room(table, kind) : NULL;
    if (directory != NULL) {
        chunk = chunk_make(table, directory);
    }
    if (chunk != NULL) {
        struct descriptor_head *head = (struct descriptor_head *)(void *)chunk;
        head->first = first;
        head->kind = kind;
        directory->chunk[directory->count] = chunk;
        store_release(&directory->count, directory->count + 1); // [R:chunk]
    }
    lock_unlock(&table->lock);
    if (chunk == NULL) {
        return ENOMEM;
    }
    uint64_t usable = indices - first < DESCRIPTOR_CHUNK ? indices - first : DESCRIPTOR_CHUNK;
    shelf->kind[kind].fresh = chunk + 1;
    shelf->kind[kind].fresh_count = (uint32_t)usable - 1;
    return 0;
}

void descriptor_shelf_init(struct descriptor_shelf *shelf, struct descriptor_table *table)
{
    memset(shelf, 0, sizeof *shelf);
    shelf->table = table;
}

// The smallest kind whose offset can reach the block's last byte.
static unsigned kind_for(uint64_t size)
{
    unsigned bits = bits_log2_up(size);
    return bits <= 12 ? 0 : (bits - 12 + 3) / 4;
}

static struct descriptor *shelf_pop(struct descriptor_shelf *shelf, unsigned kind)
{
    struct descriptor *descriptor = shelf->kind[kind].free;
    if (descriptor != NULL) {
        shelf->kind[kind].free = descriptor->record;
        return descriptor;
    }
    if (shelf->kind[kind].worn_count > DESCRIPTOR_WORN_MOST) {
        descriptor = shelf->kind[kind].worn;
        shelf->kind[kind].worn = descriptor->record;
        shelf->kind[kind].worn_count--;
        return descriptor;
    }
    if (shelf->kind[kind].fresh_count == 0 && shelf_fill(shelf, kind) != 0) {
        return NULL;
    }
    shelf->kind[kind].fresh_count--;
    return shelf->kind[kind].fresh++;
}

int descriptor_take(struct descriptor_shelf *shelf, uint64_t size, const void *host,
                    struct grant *grant)
{
    if (size > DESCRIPTOR_LARGEST) {
        return ENOMEM;
    }
    struct descriptor *descriptor = shelf_pop(shelf, kind_for(size));
    if (descriptor == NULL) {
        return ENOMEM;
    }
    uint32_t generation = descriptor_generation(load_relaxed(&descriptor->word));
    generation = generation == 0 ? 1 : generation; // 0 marks a worn one on its way to the queue
    store_relaxed(&descriptor->word,
                  descriptor_word(DESCRIPTOR_CACHED, generation, (uint64_t)(uintptr_t)host >> 4));
    store_relaxed(&descriptor->class, DESCRIPTOR_UNCACHED);
    grant->descriptor = descriptor;
    grant->addr = descriptor_addr(descriptor);
    return 0;
}

static unsigned descriptor_kind(const struct descriptor *descriptor)
{
    const struct descriptor_head *head =
        (const struct descriptor_head *)((uintptr_t)descriptor & ~(uintptr_t)(CHUNK_BYTES - 1));
    return (unsigned)head->kind;
}

void descriptor_give(struct descriptor_shelf *shelf, struct descriptor *descriptor)
{
    unsigned kind = descriptor_kind(descriptor);
    uint32_t generation = descriptor_generation(load_relaxed(&descriptor->word));
    // A word of 0 means never used: a worn one differs by its place.
    store_relaxed(&descriptor->word, descriptor_word(DESCRIPTOR_FREE, generation, generation == 0));
    store_relaxed(&descriptor->space, 0);
    if (generation != 0) {
        descriptor->record = shelf->kind[kind].free;
        shelf->kind[kind].free = descriptor;
        return;
    }
    descriptor->record = NULL;
    if (shelf->kind[kind].worn == NULL) {
        shelf->kind[kind].worn = descriptor;
    } else {
        shelf->kind[kind].worn_last->record = descriptor;
    }
    shelf->kind[kind].worn_last = descriptor;
    shelf->kind[kind].worn_count++;
}

uint64_t descriptor_addr(const struct descriptor *descriptor)
{
    const struct descriptor_head *head =
        (const struct descriptor_head *)((uintptr_t)descriptor & ~(uintptr_t)(CHUNK_BYTES - 1));
    uint64_t index = head->first + (uint64_t)(descriptor - (const struct descriptor *)head);
    uint32_t generation = descriptor_generation(load_relaxed(&descriptor->word));
    return head->kind << 61 | (uint64_t)generation << DESCRIPTOR_PLACE_BITS |
           index << (12 + 4 * head->kind);
}
