// SPDX-License-Identifier: MIT
//
// vm_segment_paged.c - segments of pages: a segment is active or not, its pages are in memory or
// not.
//
// 1. Theory. Multics (Bensoussan, Clingen, Daley, CACM 1972): segments are paged, so they need no
//    place of their size; and since there are far more of them than are in use, only *active* ones
//    have a page table. Two kinds of fault: a *segment fault* makes a segment active, a page fault
//    brings one of its pages. Pages, frames, swap and reclaim are vm-paging's (vm_paging.c and the
//    files it names); here is who is active.
// 2. States. A block begins *away*: no page table, all pages ZERO, its descriptor SWAPPED when it
//    is allocated. A segment fault takes a run of page numbers in the space's page table, fills in
//    the entries and publishes SWAPPED -> RESIDENT(first page). Making it inactive is the way back:
//    its pages leave memory, its entries go into the map of swap (4), the run is free.
// 3. Who goes when there are already `active` of them: second chance over a list, with the mark on
//    the descriptor as the bit, as in vm_segmentation.c: RESIDENT is R = 1, MOVING R = 0, and an
//    access that meets MOVING takes it away. A block in a magazine has nothing to lose: it goes
//    away at once, its word becomes CACHED with place 0 (policy_site.drops).
// 4. The map of swap: for each slot the page that is in it and the segment's next slot. So what a
//    segment that is away takes is in proportion to its pages on swap; making it active or ending
//    it reads no file and cannot fail for one.
// 5. Leaving: (a) the descriptor is marked; (b) its pages are evicted by vm_clear, in batches with
//    a grace period each, at least one: whoever has looked at the page table before the mark has
//    ended; (c) under the arena's lock, if the mark still stands, MOVING -> SWAPPED. An access that
//    came in between finds its page by a page fault or where it was: the segment stays.
// 6. Page 0. Place 0 is also the first page of a space. A block there that was in a magazine is
//    allocated as SWAPPED though it is active; the fault then only publishes RESIDENT.
// 7. Locking. vm-paging's, with one arena: its lock guards the list and the map of swap.
// 8. Sharing: none. The frames of a share would pin both segments.
// 9. Failure. Nothing is overcommitted. Frames do not count here, as they do in vm-paging: all
//    segments but one may be away, and then their pages are on swap whatever frames are free. So
//    there are never more pages than slots. A segment whose page cannot be written stays active,
//    and the caller that faulted is told.

#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "os/os.h"
#include "policy/owned.h"
#include "policy/vm.h"
#include "policy/vm_segment.h"
#include "sync/thread.h"

// What the map of swap says of a slot.
struct saved_page {
    uint32_t next;  // slot of the same segment, in order of pages; or SWAP_NONE
    uint32_t index; // of the page
    uint64_t entry; // what its entry was
};

// count == length of list <= most; a block is in it == it is not away (VA1) a block away: its chain
// has rising indices below its pages, each slot with one user          (VA2)
struct active {
    struct vm vm;             // first: vm-paging's functions take it
    uint64_t most;            // [ro]
    uint64_t count;           // [arena]
    struct list list;         // [arena] the next to be looked at first
    struct saved_page *saved; // [arena] by slot
    size_t saved_bytes;       // [ro]
    uint64_t segment_faults;  // [mover] read by anyone
};

static struct lock *arena_lock(struct active *active)
{
    return &active->vm.paged.arenas[0].lock;
}

static struct active *active_of(struct paged *paged)
{
    return (struct active *)paged;
}

// ---- the map of swap ---------------------------------------------------------------------------

static void enter(struct active *active, struct paged_block *block)
{
    list_push_back(&active->list, &block->active);
    active->count++;
    block->away = false;
}

// The block has no page table any more; its entries are NONE or of no meaning.
static void depart(struct active *active, struct paged_block *block)
{
    for (uint64_t i = 0; i < block->pages; i++) {
        store_relaxed(paged_entry(block, i), page_entry(PAGE_NONE, 0));
    }
    page_run_give(&block->space->runs, block->first, block->room);
    list_remove(&block->active);
    active->count--;
    block->away = true;
    block->first = 0;
}

// Notes which pages of the block are in which slots, the last one first.
static void save(struct active *active, struct paged_block *block)
{
    block->saved = SWAP_NONE;
    for (uint64_t i = block->pages; i > 0; i--) {
        uint64_t entry = load_acquire(paged_entry(block, i - 1)); // [A:place]
        if (page_state(entry) == PAGE_SWAPPED) {
            uint32_t slot = vm_slot(entry);
            active->saved[slot] = (struct saved_page){block->saved, (uint32_t)(i - 1), entry};
            block->saved = slot;
        }
    }
}

static void restore(struct active *active, struct paged_block *block)
{
    for (uint64_t i = 0; i < block->pages; i++) {
        store_relaxed(paged_entry(block, i), page_entry(PAGE_ZERO, 0));
    }
    for (uint32_t slot = block->saved; slot != SWAP_NONE; slot = active->saved[slot].next) {
        store_relaxed(paged_entry(block, active->saved[slot].index), active->saved[slot].entry);
    }
    block->saved = SWAP_NONE;
}

// paged_kind.saved_ended
static void saved_ended(struct paged *paged, struct paged_block *block, uint64_t from)
{
    struct active *active = active_of(paged);
    uint32_t *link = &block->saved;
    while (*link != SWAP_NONE && active->saved[*link].index < from) {
        link = &active->saved[*link].next;
    }
    uint32_t slot = *link;
    *link = SWAP_NONE;
    while (slot != SWAP_NONE) {
        uint32_t next = active->saved[slot].next;
        swap_leave(&active->vm.swap, slot);
        slot = next;
    }
}

// paged_kind.block_ended
static void block_ended(struct paged *paged, struct paged_block *block)
{
    if (!block->away) {
        list_remove(&block->active);
        active_of(paged)->count--;
    }
}

static const struct paged_kind active_kind = {
    .demand = true,
    .late = true,
    .admit = vm_admit,
    .dismiss = vm_dismiss,
    .frame_ended = vm_frame_ended,
    .slot_ended = vm_slot_ended,
    .saved_ended = saved_ended,
    .block_ended = block_ended,
};

// ---- inactive ----------------------------------------------------------------------------------

// A block in a magazine: what its pages held is of no interest.
static void drop(struct active *active, struct paged_block *block, uint32_t home)
{
    struct paged *paged = &active->vm.paged;
    uint64_t pages = block->pages;
    paged_pages_end(paged, block, 0, home);
    depart(active, block);
    vm_admit(paged, pages); // they were admitted a moment ago, and nobody else admits meanwhile
    paged_pages_begin(paged, block, pages, home);
}

// Looks at segments in turn, clears R of those that were used, until one was not. false: there is
// none to be looked at. *word is its descriptor's, marked; NULL: a block in a magazine has gone
// already. The arena's lock is held.
static bool look(struct active *active, uint32_t home, struct paged_block **victim, uint64_t *word)
{
    for (uint64_t turns = 2 * active->count; turns > 0; turns--) {
        struct paged_block *block = container_of(active->list.next, struct paged_block, active);
        struct descriptor *descriptor = block->descriptor;
        list_remove(&block->active);
        list_push_back(&active->list, &block->active);
        uint64_t found = load_acquire(&descriptor->word); // [A:begin]
        uint64_t marked = descriptor_turned(found, DESCRIPTOR_MOVING);
        uint64_t dropped = descriptor_word(DESCRIPTOR_CACHED, descriptor_generation(found), 0);
        switch (descriptor_state(found)) {
        case DESCRIPTOR_CACHED:
            if (cas_acquire(&descriptor->word, &found, dropped)) { // [A:ended]
                drop(active, block, home);
                *victim = NULL;
                return true;
            }
            break;
        case DESCRIPTOR_MOVING:
        case DESCRIPTOR_SWAPPED: // page 0 (6)
            *victim = block;
            *word = found;
            return true;
        default:
            relocation_mark(&descriptor->word, found, marked);
        }
    }
    return false;
}

// Step (c). EAGAIN: it was used, or has ended. The arena's lock is held.
static int put_away(struct active *active, struct paged_block *block, struct descriptor *descriptor,
                    uint64_t word)
{
    uint64_t swapped = descriptor_word(DESCRIPTOR_SWAPPED, descriptor_generation(word), 0);
    if (load_acquire(&descriptor->word) != word) { // [A:begin]
        return EAGAIN;
    }
    for (uint64_t i = 0; i < block->pages; i++) {
        if (paged_in_frame(load_acquire(paged_entry(block, i)))) { // [A:place]
            return EAGAIN;
        }
    }
    if (!relocation_publish(&descriptor->word, word, swapped)) {
        return EAGAIN;
    }
    save(active, block);
    depart(active, block);
    return 0;
}

// One segment less is active. 0; ENOMEM: all are in use; ENOSPC, EIO: a page could not be written.
// The mover's lock is held.
static int deactivate(struct active *active, uint32_t home)
{
    struct lock *arena = arena_lock(active);
    for (unsigned round = 0; round < VM_SEGMENT_ROUNDS; round++) {
        struct paged_block *block;
        uint64_t word;
        lock_lock(arena);
        bool found = look(active, home, &block, &word);
        struct descriptor *descriptor = found && block != NULL ? block->descriptor : NULL;
        lock_unlock(arena);
        if (descriptor == NULL) {
            if (found) {
                return 0;
            }
            continue;
        }
        int error = vm_clear(&active->vm, block, descriptor, word);
        lock_lock(arena);
        error = error != 0 ? error : put_away(active, block, descriptor, word);
        lock_unlock(arena);
        if (error != EAGAIN) {
            return error;
        }
    }
    return ENOMEM;
}

// ---- active ------------------------------------------------------------------------------------

// Makes the segment active, if it is not. EBUSY: another one must go first. The arena's lock is
// held.
static int activate(struct active *active, struct paged_space *space, struct descriptor *descriptor,
                    mems_addr addr)
{
    uint64_t word = load_acquire(&descriptor->word); // [A:begin]
    if (!descriptor_is_block(word, addr) || load_acquire(&descriptor->space) != space->id) {
        return ESTALE; // [A:limit]
    }
    struct paged_block *block = descriptor->record;
    if (block->away) {
        if (active->count >= active->most) {
            return EBUSY;
        }
        int error = paged_run_take(block);
        if (error != 0) {
            return error;
        }
        restore(active, block);
        enter(active, block);
        count_own(&active->segment_faults, 1);
        count_own(&space->faults, 1);
    }
    uint64_t resident =
        descriptor_word(DESCRIPTOR_RESIDENT, descriptor_generation(word), block->first);
    bool there = descriptor_state(word) != DESCRIPTOR_SWAPPED ||
                 relocation_publish(&descriptor->word, word, resident);
    return there ? 0 : ESTALE;
}

static int active_fault(void *state, void *owned, struct descriptor *descriptor, mems_addr addr,
                        enum mems_access mode)
{
    struct active *active = state;
    uint32_t home = thread_number();
    paged_fault_begin();
    lock_lock(&active->vm.paged.mover);
    int error;
    do {
        lock_lock(arena_lock(active));
        error = activate(active, owned, descriptor, addr);
        lock_unlock(arena_lock(active));
        if (error != EBUSY) {
            break;
        }
        error = deactivate(active, home);
    } while (error == 0);
    if (error == 0) {
        error = vm_fault_held(&active->vm, owned, descriptor, addr, mode);
    }
    lock_unlock(&active->vm.paged.mover);
    return error;
}

// ---- looking -----------------------------------------------------------------------------------

static const char *saved_check(const struct active *active, const struct paged_block *block)
{
    uint64_t least = 0;
    for (uint32_t slot = block->saved; slot != SWAP_NONE; slot = active->saved[slot].next) {
        const struct saved_page *saved = &active->saved[slot];
        if (saved->index < least || saved->index >= block->pages || vm_slot(saved->entry) != slot ||
            active->vm.swap.users[slot] != 1) {
            return "VA2";
        }
        least = (uint64_t)saved->index + 1;
    }
    return NULL;
}

static int active_check(void *state, struct mems_violation *first)
{
    struct active *active = state;
    const char *broken = NULL;
    uint64_t count = 0;
    int error = vm_check(state, first);
    if (error != 0) {
        return error;
    }
    lock_lock(arena_lock(active));
    for (const struct list *i = active->list.next; i != &active->list; i = i->next) {
        broken = container_of(i, struct paged_block, active)->away ? "VA1" : broken;
        count++;
    }
    broken = count == active->count && count <= active->most ? broken : "VA1";
    const struct descriptor *descriptor;
    for (unsigned kind = 0; kind < DESCRIPTOR_KINDS && broken == NULL; kind++) {
        const struct descriptor_table *table = active->vm.paged.arenas[0].shelf.table;
        for (uint64_t i = 0; (descriptor = descriptor_at(table, kind, i)) != NULL; i++) {
            bool free = descriptor_state(load_relaxed(&descriptor->word)) == DESCRIPTOR_FREE;
            const struct paged_block *block = free ? NULL : descriptor->record;
            count -= block != NULL && !block->away;
            broken = broken == NULL && block != NULL ? saved_check(active, block) : broken;
        }
    }
    broken = broken == NULL && count != 0 ? "VA1" : broken;
    lock_unlock(arena_lock(active));
    if (broken == NULL) {
        return 0;
    }
    struct printer printer;
    first->invariant = broken;
    print_init(&printer, first->text, sizeof first->text);
    print_format(&printer, "active segments, or the map of swap; %llu are said to be active",
                 (unsigned long long)active->count);
    return EUCLEAN;
}

static void active_totals(void *state, struct policy_totals *totals)
{
    struct active *active = state;
    vm_totals(state, totals);
    totals->segment_faults = load_relaxed(&active->segment_faults);
    totals->faults += totals->segment_faults;
    totals->metadata_bytes += active->saved_bytes;
}

// ---- opening -----------------------------------------------------------------------------------

static void active_close(void *state)
{
    struct active *active = state;
    if (active->saved != NULL) {
        os_unmap(active->saved, active->saved_bytes);
    }
    vm_close(state);
}

int vm_segment_paged_open(const struct vm_segment_settings *settings, uint32_t replacement,
                          struct policy_site *site, void **state, struct printer *complaint)
{
    const struct vm_settings own = {.page = settings->page,
                                    .capacity = settings->capacity,
                                    .swap = settings->swap,
                                    .arenas = 1,
                                    .swap_file = settings->swap_file,
                                    .replacement = replacement,
                                    .clock_load_ref = true,
                                    .pff_interval = 100,
                                    .seed = settings->seed};
    if (settings->active == 0) {
        print_text(complaint, "active=0: at least one segment must be active to be used");
        return EINVAL;
    }
    if (settings->swap < settings->page) {
        print_format(complaint,
                     "swap=%llu: too small, a page takes %llu; and every page has its place there",
                     (unsigned long long)settings->swap, (unsigned long long)settings->page);
        return EINVAL;
    }
    int error = vm_open_as(&own, &active_kind, sizeof(struct active), site, state, complaint);
    if (error != 0) {
        return error;
    }
    struct active *active = *state;
    active->most = settings->active;
    active->vm.paged.most_pages = settings->swap / settings->page; // (9)
    list_init(&active->list);
    uint64_t bytes = 0;
    bits_round_up((active->vm.swap.count + UINT64_C(1)) * sizeof *active->saved, os_page_size(),
                  &bytes);
    active->saved = os_map(bytes, 0);
    active->saved_bytes = bytes;
    if (active->saved == NULL) {
        active_close(active);
        return ENOMEM;
    }
    site->moves = site->drops = true;
    site->instead = &vm_segment_paged;
    return 0;
}

const struct policy vm_segment_paged = {
    .name = "vm-segmentation",
    .rights = true,
    .close = active_close,
    .space_open = paged_space_open,
    .pages = paged_pages,
    .space_close = vm_space_close,
    .take = paged_take,
    .give = paged_give,
    .resize = paged_resize,
    .block_size = paged_block_size,
    .measure = paged_measure,
    .classes = paged_classes,
    .fault = active_fault,
    .space_stats = paged_space_stats,
    .walk = paged_walk,
    .candidates = vm_candidates,
    .check = active_check,
    .totals = active_totals,
    .lock_at = vm_lock_at,
};
