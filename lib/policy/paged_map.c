// SPDX-License-Identifier: MIT
//
// paged_map.c - the memory map of the policies with pages, their invariants, their totals.
//
// 1. The map is frame after frame, each a hole or a page; then the pages that have no frame of
//    their own, block after block in the order of the descriptors' table. Frames are described 64
//    at a time with all arenas locked; nothing is locked while a visitor looks.
// 2. What is absent needs no counter: pages of blocks less frames in use, for a frame in use stands
//    for one page.
// 3. holes counts free frames; largest_hole is all of them together: any page takes any frame, so
//    the largest request that can be served is what is free.

#include <errno.h>

#include "policy/owned.h"
#include "policy/paged.h"

#define PIECES 64

void paged_lock_all(struct paged *paged)
{
    for (uint32_t i = 0; i < paged->arena_count; i++) {
        lock_lock(&paged->arenas[i].lock);
    }
}

void paged_unlock_all(struct paged *paged)
{
    for (uint32_t i = paged->arena_count; i > 0; i--) {
        lock_unlock(&paged->arenas[i - 1].lock);
    }
}

// ---- every block -------------------------------------------------------------------------------

// A place in the table of descriptors, and a page of the block there.
struct cursor {
    unsigned kind;
    uint64_t index, page;
};

// The block at the cursor or the next one after it; NULL: there is no more. All arenas are locked.
static struct paged_block *cursor_block(const struct paged *paged, struct cursor *cursor)
{
    const struct descriptor_table *table = paged->arenas[0].shelf.table;
    for (; cursor->kind < DESCRIPTOR_KINDS; cursor->kind++, cursor->index = 0) {
        const struct descriptor *descriptor;
        while ((descriptor = descriptor_at(table, cursor->kind, cursor->index)) != NULL) {
            if (descriptor_state(load_relaxed(&descriptor->word)) != DESCRIPTOR_FREE) {
                return descriptor->record;
            }
            cursor->index++;
            cursor->page = 0;
        }
    }
    return NULL;
}

static void cursor_skip(struct cursor *cursor)
{
    cursor->index++;
    cursor->page = 0;
}

// ---- the map -----------------------------------------------------------------------------------

static void describe(const struct paged *paged, const struct paged_block *block, uint64_t index,
                     struct mems_extent *piece)
{
    uint64_t begin = index << paged->page_bits, size = paged_page_bytes(paged);
    owned_describe(block->descriptor, piece);
    uint64_t left = piece->requested > begin ? piece->requested - begin : 0;
    piece->requested = left < size ? left : size;
    piece->page = block->away ? MEMS_PAGE_NONE : block->first + index;
    piece->more = index != 0;
}

static size_t describe_frames(struct paged *paged, uint64_t *frame, struct mems_extent *pieces)
{
    size_t count = 0;
    paged_lock_all(paged);
    lock_lock(&paged->shares);
    for (; count < PIECES && *frame < paged->frames.count; count++, ++*frame) {
        const struct frame *use = &paged->frames.frame[*frame];
        pieces[count] = (struct mems_extent){.piece = MEMS_PIECE_HOLE,
                                             .page = MEMS_PAGE_NONE,
                                             .offset = *frame << paged->page_bits,
                                             .size = paged_page_bytes(paged),
                                             .host = frame_host(&paged->frames, (uint32_t)*frame)};
        if (use->block != NULL) {
            describe(paged, use->block, use->index, &pieces[count]);
        }
    }
    lock_unlock(&paged->shares);
    paged_unlock_all(paged);
    return count;
}

// Whether the page has a frame that stands for it.
static bool has_frame(const struct paged *paged, const struct paged_block *block, uint64_t index)
{
    if (block->away) {
        return false;
    }
    uint64_t entry = load_acquire(paged_entry(block, index)); // [A:place]
    const struct frame *use = &paged->frames.frame[page_number(entry) % paged->frames.count];
    return paged_in_frame(entry) && use->block == block && use->index == index;
}

static size_t describe_absent(struct paged *paged, struct cursor *cursor,
                              struct mems_extent *pieces)
{
    const struct paged_block *block;
    size_t count = 0;
    paged_lock_all(paged);
    lock_lock(&paged->shares);
    while (count < PIECES && (block = cursor_block(paged, cursor)) != NULL) {
        for (; count < PIECES && cursor->page < block->pages; cursor->page++) {
            if (!has_frame(paged, block, cursor->page)) {
                pieces[count] =
                    (struct mems_extent){.absent = true, .size = paged_page_bytes(paged)};
                describe(paged, block, cursor->page, &pieces[count++]);
            }
        }
        if (cursor->page >= block->pages) {
            cursor_skip(cursor);
        }
    }
    lock_unlock(&paged->shares);
    paged_unlock_all(paged);
    return count;
}

int paged_walk(void *state, mems_visitor visit, void *arg)
{
    struct paged *paged = state;
    struct mems_extent pieces[PIECES];
    struct cursor cursor = {0};
    struct policy_totals totals = {0};
    uint64_t frame = 0;
    size_t count;
    int stop = 0;
    while (stop == 0 && (count = describe_frames(paged, &frame, pieces)) != 0) {
        for (size_t i = 0; i < count && stop == 0; i++) {
            stop = visit(&pieces[i], arg);
        }
    }
    paged_totals(paged, &totals);
    while (stop == 0 && totals.absent_bytes != 0 &&
           (count = describe_absent(paged, &cursor, pieces)) != 0) {
        for (size_t i = 0; i < count && stop == 0; i++) {
            stop = visit(&pieces[i], arg);
        }
    }
    return stop;
}

// ---- invariants --------------------------------------------------------------------------------

// every block's descriptor names it, its run and its arena                                     (D1)
// G1 of struct paged_block
// an entry's frame has a user; just one, this page, where the entry is not shared              (G2)
// sum of users over the frames == entries in frames; frames in use + free == frames            (G3)
// an arena's blocks and pages are those of its spaces                                          (G4)
struct census {
    uint64_t entries;
    uint64_t blocks[PAGED_ARENAS], pages[PAGED_ARENAS];
};

static const char *block_check(const struct paged *paged, const struct paged_block *block,
                               struct census *census)
{
    const struct descriptor *descriptor = block->descriptor;
    uint64_t word = load_relaxed(&descriptor->word), room = page_run_room(block->room);
    if (descriptor->record != block || (word & DESCRIPTOR_PLACE_MASK) != block->first ||
        descriptor_arena(descriptor) != block->space->number ||
        load_relaxed(&descriptor->space) != block->space->id) {
        return "D1";
    }
    census->blocks[block->space->number]++;
    census->pages[block->space->number] += block->pages;
    for (uint64_t i = 0; i < room && !block->away; i++) {
        uint64_t entry = load_acquire(paged_entry(block, i)); // [A:place]
        if ((page_state(entry) != PAGE_NONE) != (i < block->pages)) {
            return "G1";
        }
        if (!paged_in_frame(entry)) {
            continue;
        }
        census->entries++;
        if (page_number(entry) >= paged->frames.count) {
            return "G2";
        }
        const struct frame *use = &paged->frames.frame[page_number(entry)];
        bool alone = use->users == 1 && use->block == block && use->index == i;
        if ((entry & PAGE_SHARED) != 0 ? use->users == 0 : !alone) {
            return "G2";
        }
    }
    return NULL;
}

static const char *sums_check(struct paged *paged, const struct census *census)
{
    uint64_t users = 0, in_use = 0;
    for (uint32_t i = 0; i < paged->frames.count; i++) {
        users += paged->frames.frame[i].users;
        in_use += paged->frames.frame[i].users != 0;
    }
    if (users != census->entries ||
        in_use + load_relaxed(&paged->frames.free) != paged->frames.count) {
        return "G3";
    }
    for (uint32_t i = 0; i < paged->arena_count; i++) {
        if (paged->arenas[i].blocks != census->blocks[i] ||
            paged->arenas[i].pages != census->pages[i]) {
            return "G4";
        }
    }
    return frames_check(&paged->frames);
}

int paged_check(void *state, struct mems_violation *first)
{
    struct paged *paged = state;
    struct census census = {0};
    struct cursor cursor = {0};
    const struct paged_block *block;
    const char *broken = NULL;
    lock_lock(&paged->mover);
    paged_lock_all(paged);
    lock_lock(&paged->shares);
    while (broken == NULL && (block = cursor_block(paged, &cursor)) != NULL) {
        broken = block_check(paged, block, &census);
        cursor_skip(&cursor);
    }
    broken = broken != NULL ? broken : sums_check(paged, &census);
    lock_unlock(&paged->shares);
    paged_unlock_all(paged);
    lock_unlock(&paged->mover);
    if (broken == NULL) {
        return 0;
    }
    struct printer printer;
    first->invariant = broken;
    print_init(&printer, first->text, sizeof first->text);
    print_format(&printer, "pages and frames disagree at descriptor %llu of kind %u",
                 (unsigned long long)cursor.index, cursor.kind);
    return EUCLEAN;
}

// ---- totals ------------------------------------------------------------------------------------

void paged_totals(struct paged *paged, struct policy_totals *totals)
{
    uint64_t pages = 0, free = 0;
    for (uint32_t i = 0; i < paged->arena_count; i++) {
        struct paged_arena *arena = &paged->arenas[i];
        lock_lock(&arena->lock);
        pages += arena->pages;
        totals->blocks += arena->blocks;
        totals->table_bytes += arena->table_bytes;
        totals->metadata_bytes += arena->records.bytes;
        lock_unlock(&arena->lock);
    }
    lock_lock(&paged->lock);
    totals->metadata_bytes += paged->spaces.bytes;
    lock_unlock(&paged->lock);
    free = load_relaxed(&paged->frames.free);
    uint64_t in_use = paged->frames.count - free;
    totals->metadata_bytes += paged->mapped + paged->frames.mapped + totals->table_bytes;
    totals->held_bytes = (uint64_t)paged->frames.count << paged->page_bits;
    totals->free_bytes = totals->largest_hole = free << paged->page_bits;
    totals->holes = free;
    totals->regions = 1;
    totals->absent_bytes = pages > in_use ? (pages - in_use) << paged->page_bits : 0;
    totals->copy_faults = load_relaxed(&paged->copy_faults);
}

const struct lock *paged_lock_at(void *state, size_t index)
{
    struct paged *paged = state;
    if (index < paged->arena_count) {
        return &paged->arenas[index].lock;
    }
    index -= paged->arena_count;
    const struct lock *const others[] = {&paged->mover, &paged->shares, &paged->lock};
    return index < 3 ? others[index] : frames_lock_at(&paged->frames, index - 3);
}
