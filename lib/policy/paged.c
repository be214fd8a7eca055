// SPDX-License-Identifier: MIT
//
// paged.c - blocks as runs of pages, each page in any frame.
//
// 1. Theory. A block takes ceil(size / page) pages: numbers that run on in its space's page table
//    (memory/page_run.c), and frames that lie anywhere (memory/frame.c). What is lost is the rest
//    of the last page, half a page a block on average; there are no holes that are too small.
// 2. All or nothing. The pages of a block are admitted together (paging: its frames are reserved)
//    before anything else is done, so a request that fits is served and one that does not changes
//    nothing.
// 3. Names. A descriptor stands in front as in every policy: generation, owner, limit, rights. Its
//    place is the block's first page number. Descriptors stay RESIDENT; pages move.
// 4. Locking. Order: mover, arenas (ascending), shares, replacement's order, frames, table, pool.
//    - A space belongs to one arena, whose lock guards its table, its runs and its blocks. It is
//      never held across a grace period: a thread may allocate and release within a section.
//    - The mover's lock is: who faults, evicts or shares holds it throughout, outside sections.
//    - A frame with one user is guarded by that user's arena; one with more by the shares' lock.
// 5. An entry that leaves a state in which movers and accesses may change it (RESIDENT, MOVING,
//    AWAY) is swapped out atomically, and what it named then is freed.
// 6. Failure. Nothing is half done: a block is linked when all its parts are there.

#include "policy/paged.h"

#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "os/os.h"
#include "policy/owned.h"
#include "sync/thread.h"

// ---- opening -----------------------------------------------------------------------------------

// Multiples of the page, eight and then four an octave.
static void classes_make(struct paged *paged)
{
    uint64_t step = paged_page_bytes(paged), size = 0;
    for (size_t i = 0; i < PAGED_CLASSES; i++) {
        size += step;
        paged->class_sizes[i] = size;
        step = size == 8 * step ? 2 * step : step;
    }
}

int paged_open(struct paged *paged, struct descriptor_table *table, uint64_t frames,
               unsigned page_bits, uint32_t arenas, uint32_t cached_most)
{
    paged->page_bits = page_bits;
    paged->arena_count = arenas;
    lock_init(&paged->mover, LOCK_MOVER, "paged.mover", 0);
    lock_init(&paged->shares, LOCK_ORDER, "paged.shares", 0);
    lock_init(&paged->lock, LOCK_POOL, "paged.spaces", 0);
    pool_init(&paged->spaces, sizeof(struct paged_space));
    classes_make(paged);
    for (uint32_t i = 0; i < arenas; i++) {
        struct paged_arena *arena = &paged->arenas[i];
        lock_init(&arena->lock, LOCK_POLICY, "paged.arena", i);
        descriptor_shelf_init(&arena->shelf, table);
        pool_init(&arena->records, sizeof(struct paged_block));
    }
    return frames_open(&paged->frames, frames, page_bits, arenas, cached_most);
}

void paged_close(struct paged *paged)
{
    for (uint32_t i = 0; i < paged->arena_count; i++) {
        pool_fini(&paged->arenas[i].records);
    }
    pool_fini(&paged->spaces);
    frames_close(&paged->frames);
}

// ---- pages -------------------------------------------------------------------------------------

// Frames on their way back, collected.
struct leaving {
    struct paged *paged;
    uint32_t home;
    size_t count;
    uint32_t frame[64];
};

static void leaving_flush(struct leaving *leaving)
{
    if (leaving->count != 0) {
        frames_give(&leaving->paged->frames, leaving->home, leaving->frame, leaving->count);
        leaving->count = 0;
    }
}

bool paged_frame_leave(struct paged *paged, struct paged_block *block, uint32_t index,
                       uint32_t frame)
{
    struct frame *use = &paged->frames.frame[frame];
    bool last = true;
    if (block->peered) {
        lock_lock(&paged->shares);
        last = --use->users == 0;
        if (!last) {
            paged_hand_over(paged, block, index, frame);
        }
        lock_unlock(&paged->shares);
    }
    if (last) {
        if (paged->kind->frame_ended != NULL) {
            paged->kind->frame_ended(paged, frame);
        }
        use->block = NULL;
        use->users = 0;
    }
    return last;
}

// Ends pages from `from` on.
void paged_pages_end(struct paged *paged, struct paged_block *block, uint64_t from, uint32_t home)
{
    struct leaving leaving = {.paged = paged, .home = home};
    if (block->away) {
        paged->kind->saved_ended(paged, block, from);
    }
    for (uint64_t i = from; i < block->pages && !block->away; i++) {
        uint64_t found = swap_acq_rel(paged_entry(block, i), page_entry(PAGE_NONE, 0)); // [A:place]
        uint32_t frame = (uint32_t)page_number(found);
        if (paged_in_frame(found) && paged_frame_leave(paged, block, (uint32_t)i, frame)) {
            leaving.frame[leaving.count++] = frame;
            if (leaving.count == sizeof leaving.frame / sizeof leaving.frame[0]) {
                leaving_flush(&leaving);
            }
        } else if (page_state(found) == PAGE_SWAPPED) {
            paged->kind->slot_ended(paged, page_number(found));
        }
    }
    leaving_flush(&leaving);
    block->space->arena->pages -= block->pages - from;
    if (paged->kind->demand) { // else they went with the frames
        paged->kind->dismiss(paged, block->pages - from);
    }
    block->pages = from;
}

// Gives pages up to `end` what a fresh one has; they are admitted.
void paged_pages_begin(struct paged *paged, struct paged_block *block, uint64_t end, uint32_t home)
{
    uint32_t frames[64];
    block->space->arena->pages += end - block->pages;
    if (block->away) {
        block->pages = end;
    }
    while (block->pages < end) {
        uint64_t left = end - block->pages;
        size_t count = left < 64 ? (size_t)left : 64;
        if (!paged->kind->demand) {
            frames_take(&paged->frames, home, frames, count);
        }
        for (size_t i = 0; i < count; i++, block->pages++) {
            uint64_t entry = page_entry(PAGE_ZERO, 0);
            if (!paged->kind->demand) {
                paged->frames.frame[frames[i]] =
                    (struct frame){.block = block, .index = (uint32_t)block->pages, .users = 1};
                entry = page_entry(PAGE_RESIDENT, frames[i]);
            }
            store_release(paged_entry(block, block->pages), entry); // [R:place]
        }
    }
}

// ---- blocks ------------------------------------------------------------------------------------

int paged_run_take(struct paged_block *block)
{
    struct paged_space *space = block->space;
    uint64_t bytes = space->table.bytes;
    int error = page_run_take(&space->runs, block->room, &block->first);
    space->arena->table_bytes += space->table.bytes - bytes;
    if (error == 0 && block->first + page_run_room(block->room) > PAGED_PAGES) {
        page_run_give(&space->runs, block->first, block->room);
        error = ENOMEM;
    }
    return error;
}

int paged_block_make(struct paged *paged, struct paged_space *space, uint64_t pages,
                     struct paged_block **block, struct grant *grant)
{
    struct paged_arena *arena = space->arena;
    struct paged_block *record = pool_take(&arena->records);
    if (record == NULL) {
        return ENOMEM;
    }
    *record = (struct paged_block){
        .space = space, .room = pages, .away = paged->kind->late, .saved = UINT32_MAX};
    int error = record->away ? 0 : paged_run_take(record);
    if (error != 0) {
        pool_give(&arena->records, record);
        return error;
    }
    // The address reaches as far as the block may grow.
    uint64_t reach = page_run_room(pages) << paged->page_bits;
    const char *place = (const char *)(uintptr_t)(record->first << 4); // NOLINT: a page number
    error = descriptor_take(&arena->shelf, reach < DESCRIPTOR_LARGEST ? reach : DESCRIPTOR_LARGEST,
                            place, grant);
    if (error != 0) {
        if (!record->away) {
            page_run_give(&space->runs, record->first, pages);
        }
        pool_give(&arena->records, record);
        return error;
    }
    record->descriptor = grant->descriptor;
    grant->descriptor->record = record;
    descriptor_own(grant->descriptor, space->id, space->number);
    list_push_front(&space->blocks, &record->owned);
    list_init(&record->peers);
    list_init(&record->active);
    arena->blocks++;
    *block = record;
    return 0;
}

// The descriptor is CACHED; the arena's lock is held.
static void block_end(struct paged *paged, struct paged_block *block, uint32_t home)
{
    struct paged_space *space = block->space;
    paged_pages_end(paged, block, 0, home);
    if (block->peered) {
        lock_lock(&paged->shares);
        list_remove(&block->peers);
        lock_unlock(&paged->shares);
    }
    if (paged->kind->block_ended != NULL) {
        paged->kind->block_ended(paged, block);
    }
    if (!block->away) {
        page_run_give(&space->runs, block->first, block->room);
    }
    list_remove(&block->owned);
    space->arena->blocks--;
    descriptor_give(&space->arena->shelf, block->descriptor);
    pool_give(&space->arena->records, block);
}

int paged_refuse_capacity(uint64_t capacity, uint64_t arenas, uint64_t page,
                          struct printer *complaint)
{
    print_format(complaint,
                 "capacity=%llu: too small, at least %llu bytes: arenas=%llu need a page "
                 "of %llu each",
                 (unsigned long long)capacity, (unsigned long long)(arenas * page),
                 (unsigned long long)arenas, (unsigned long long)page);
    return EINVAL;
}

// Whether no block could have that size. 0, ENOSPC: not in this memory; ENOMEM: not in any.
static int pages_for(const struct paged *paged, size_t size, size_t align, uint64_t *pages)
{
    if (size > DESCRIPTOR_LARGEST || align > paged_page_bytes(paged)) {
        return ENOMEM; // a page is nowhere but at a multiple of its size
    }
    *pages = (size + paged_page_bytes(paged) - 1) >> paged->page_bits;
    return *pages > paged->most_pages ? ENOSPC : 0;
}

size_t paged_take(void *state, void *owned, size_t size, size_t align, struct grant *grants,
                  size_t count, int *error)
{
    struct paged *paged = state;
    struct paged_space *space = owned;
    uint32_t home = thread_number(); // before any lock: it may take one itself
    uint64_t pages;
    size_t taken = 0;
    *error = pages_for(paged, size, align, &pages);
    if (*error != 0) {
        return 0;
    }
    lock_lock(&space->arena->lock);
    while (taken < count) {
        struct paged_block *block;
        if (!paged->kind->admit(paged, pages)) {
            *error = ENOSPC;
            break;
        }
        *error = paged_block_make(paged, space, pages, &block, &grants[taken]);
        if (*error != 0) {
            paged->kind->dismiss(paged, pages);
            break;
        }
        paged_pages_begin(paged, block, pages, home);
        taken++;
    }
    lock_unlock(&space->arena->lock);
    return taken;
}

void paged_give(void *state, const struct grant *grants, size_t count)
{
    struct paged *paged = state;
    uint32_t home = thread_number();
    uint64_t bad[POLICY_BATCH];
    size_t bad_count = 0;
    struct paged_arena *arena = NULL;
    for (size_t i = 0; i < count; i++) {
        struct descriptor *descriptor = grants[i].descriptor;
        struct paged_arena *its = &paged->arenas[descriptor_arena(descriptor)];
        if (its != arena) {
            if (arena != NULL) {
                lock_unlock(&arena->lock);
            }
            arena = its;
            lock_lock(&arena->lock);
        }
        if (owned_may_return(&grants[i])) {
            block_end(paged, descriptor->record, home);
        } else {
            bad[bad_count++] = grants[i].addr;
        }
    }
    if (arena != NULL) {
        lock_unlock(&arena->lock);
    }
    owned_report(bad, bad_count);
}

// A block grows into the rest of its run and shrinks to any size.
int paged_resize(void *state, struct descriptor *descriptor, size_t size)
{
    struct paged *paged = state;
    struct paged_arena *arena = &paged->arenas[descriptor_arena(descriptor)];
    uint32_t home = thread_number();
    uint64_t pages = 0;
    int error = pages_for(paged, size, 1, &pages) != 0 ? ENOMEM : 0;
    lock_lock(&arena->lock);
    struct paged_block *block = descriptor->record;
    if (error != 0 || pages > page_run_room(block->room)) {
        error = ENOMEM;
    } else if (pages < block->pages) {
        paged_pages_end(paged, block, pages, home);
    } else if (pages > block->pages) {
        error = paged->kind->admit(paged, pages - block->pages) ? 0 : ENOMEM;
        if (error == 0) {
            paged_pages_begin(paged, block, pages, home);
        }
    }
    lock_unlock(&arena->lock);
    return error;
}

size_t paged_measure(void *state, const struct descriptor *descriptor)
{
    struct paged *paged = state;
    struct paged_arena *arena = &paged->arenas[descriptor_arena(descriptor)];
    lock_lock(&arena->lock);
    bool taken = descriptor_state(load_relaxed(&descriptor->word)) != DESCRIPTOR_FREE;
    size_t pages = taken ? ((const struct paged_block *)descriptor->record)->pages : 0;
    lock_unlock(&arena->lock);
    return pages << paged->page_bits;
}

size_t paged_block_size(void *state, const struct descriptor *descriptor)
{
    struct paged *paged = state;
    return ((const struct paged_block *)descriptor->record)->pages << paged->page_bits;
}

const uint64_t *paged_classes(void *state, size_t *count)
{
    struct paged *paged = state;
    *count = PAGED_CLASSES;
    return paged->class_sizes;
}

// ---- spaces ------------------------------------------------------------------------------------

int paged_space_open(void *state, uint32_t space, void **owned)
{
    struct paged *paged = state;
    lock_lock(&paged->lock);
    struct paged_space *own = pool_take(&paged->spaces);
    lock_unlock(&paged->lock);
    if (own == NULL) {
        return ENOMEM;
    }
    memset(own, 0, sizeof *own);
    own->id = space;
    own->number = space % paged->arena_count;
    own->arena = &paged->arenas[own->number];
    list_init(&own->blocks);
    page_table_init(&own->table, paged->frames.memory, paged->page_bits, paged->trace);
    page_runs_init(&own->runs, &own->table);
    *owned = own;
    return 0;
}

struct page_table *paged_pages(void *owned)
{
    return &((struct paged_space *)owned)->table;
}

void paged_space_end(struct paged *paged, struct paged_space *space, uint32_t home,
                     struct policy_closed *closed)
{
    lock_lock(&space->arena->lock);
    while (!list_empty(&space->blocks)) {
        struct paged_block *block = container_of(space->blocks.next, struct paged_block, owned);
        owned_end(block->descriptor, closed);
        block_end(paged, block, home);
    }
    space->arena->table_bytes -= space->table.bytes;
    lock_unlock(&space->arena->lock);
    page_table_fini(&space->table);
    lock_lock(&paged->lock);
    pool_give(&paged->spaces, space);
    lock_unlock(&paged->lock);
}

void paged_space_close(void *state, void *owned, struct policy_closed *closed)
{
    paged_space_end(state, owned, thread_number(), closed);
}

void paged_space_stats(void *owned, struct mems_space_stats *stats)
{
    stats->faults += load_relaxed(&((struct paged_space *)owned)->faults);
}
