// SPDX-License-Identifier: MIT
//
// paged_share.c - pages that two spaces see, until one of them writes.
//
// 1. Theory. Copy on write (TENEX, 1972): sharing a block copies its page table, not its bytes.
//    Both entries of a page get PAGE_SHARED; a translate to write answers EAGAIN, and the fault
//    makes the copy. A frame counts its users; the last one just loses the flag.
// 2. Peers. Blocks that share lie in a ring: page i of each names the same frame as page i of the
//    others, or one of its own. One user of a frame stands for it on the memory map; when it leaves
//    another takes its place, found in the ring. A user left alone loses the flag at once.
// 3. Why copying waits. Who reads a shared page holds a pointer to the frame. If the copy were
//    published at once, the frame's last user might write while that reader still reads: it would
//    see another space's bytes. So the entry goes to AWAY first, then a grace period passes; who
//    meets AWAY faults and waits for the mover's lock. For the same reason sharing waits for a
//    grace period: pointers to write that were had before the flag was set.
// 4. Locking. The mover's lock throughout; arenas' and shares' locks never across the wait.
// 5. Failure. Released meanwhile: the entry is not AWAY any more, the copy is thrown away. EAGAIN:
//    the fault looks again what there is.

#include <errno.h>
#include <string.h>

#include "memory/relocation.h"
#include "policy/paged.h"
#include "sync/section.h"

void paged_fault_begin(void)
{
    section_begin();
    section_end();
}

// ---- spots -------------------------------------------------------------------------------------

bool paged_stands(const struct paged_spot *spot)
{
    return descriptor_is_block(load_acquire(&spot->descriptor->word), spot->addr) &&
           load_acquire(spot->entry) == spot->found; // [A:place]
}

int paged_spot(struct paged_space *space, const struct descriptor *descriptor, mems_addr addr,
               struct paged_spot *spot)
{
    if (!descriptor_is_block(load_acquire(&descriptor->word), addr)) {
        return ESTALE;
    }
    struct paged_block *block = descriptor->record;
    uint64_t index = descriptor_offset(addr) >> space->table.page_bits;
    if (index >= block->pages) {
        return ESTALE; // cut off meanwhile
    }
    uint64_t *entry = paged_entry(block, index);
    *spot = (struct paged_spot){.space = space,
                                .descriptor = descriptor,
                                .addr = addr,
                                .block = block,
                                .entry = entry,
                                .index = (uint32_t)index,
                                .found = load_acquire(entry)}; // [A:place]
    return 0;
}

// ---- leaving -----------------------------------------------------------------------------------

// Among the peers of a block, one whose page `index` is in that frame.
static struct paged_block *peer_in(struct paged_block *block, uint32_t index, uint32_t frame)
{
    for (struct list *i = block->peers.next; i != &block->peers; i = i->next) {
        struct paged_block *peer = container_of(i, struct paged_block, peers);
        bool has = index < page_run_room(peer->room);
        uint64_t entry = has ? load_relaxed(paged_entry(peer, index)) : 0;
        if (paged_in_frame(entry) && page_number(entry) == frame) {
            return peer;
        }
    }
    return NULL; // it is about to leave as well
}

void paged_hand_over(struct paged *paged, struct paged_block *block, uint32_t index, uint32_t frame)
{
    struct frame *use = &paged->frames.frame[frame];
    struct paged_block *peer = peer_in(block, index, frame);
    if (use->block == block || use->block == NULL) {
        use->block = peer;
    }
    if (use->users != 1 || peer == NULL) {
        return;
    }
    uint64_t *entry = paged_entry(peer, index);
    uint64_t shared = page_entry(PAGE_RESIDENT, frame) | PAGE_SHARED;
    if (cas_relaxed(entry, &shared, page_entry(PAGE_RESIDENT, frame)) &&
        paged->kind->frame_alone != NULL) {
        paged->kind->frame_alone(paged, frame);
    }
}

// ---- copying -----------------------------------------------------------------------------------

// Nobody else has the frame any more: the page may be written where it is.
static bool unshare_alone(struct paged *paged, const struct paged_spot *spot, uint32_t frame)
{
    lock_lock(&paged->shares);
    uint64_t shared = spot->found;
    bool alone = paged->frames.frame[frame].users == 1 &&
                 cas_relaxed(spot->entry, &shared, spot->found & ~PAGE_SHARED);
    if (alone) {
        paged->frames.frame[frame].block = spot->block;
        if (paged->kind->frame_alone != NULL) {
            paged->kind->frame_alone(paged, frame);
        }
    }
    lock_unlock(&paged->shares);
    return alone;
}

// The copy is made: the page moves to it. The arena's lock is held, a section has begun.
static bool unshare_publish(struct paged *paged, const struct paged_spot *spot, uint32_t fresh)
{
    uint64_t away = page_turned(spot->found, PAGE_AWAY);
    // From now on the walk may meet it.
    paged->frames.frame[fresh] =
        (struct frame){.block = spot->block, .index = spot->index, .users = 1};
    if (!relocation_publish(spot->entry, away, page_entry(PAGE_RESIDENT, fresh))) {
        paged->frames.frame[fresh] = (struct frame){0};
        return false;
    }
    if (paged->kind->frame_alone != NULL) {
        paged->kind->frame_alone(paged, fresh);
    }
    uint32_t old = (uint32_t)page_number(spot->found);
    if (paged_frame_leave(paged, spot->block, spot->index, old)) {
        frames_give(&paged->frames, 0, &old, 1);
    }
    return true;
}

int paged_unshare(struct paged *paged, struct paged_spot *spot, uint32_t frame, bool *used)
{
    struct lock *arena = &spot->space->arena->lock;
    uint32_t old = (uint32_t)page_number(spot->found);
    *used = false;
    lock_lock(arena);
    bool stands = paged_stands(spot);
    bool alone = stands && unshare_alone(paged, spot, old);
    uint64_t away = page_turned(spot->found, PAGE_AWAY);
    bool marked = stands && !alone && relocation_mark(spot->entry, spot->found, away);
    lock_unlock(arena);
    if (alone) {
        section_begin();
        return 0;
    }
    if (!marked) {
        return EAGAIN;
    }
    relocation_wait();
    relocation_copy(frame_host(&paged->frames, frame), frame_host(&paged->frames, old),
                    paged_page_bytes(paged));
    section_begin();
    lock_lock(arena);
    *used = unshare_publish(paged, spot, frame);
    lock_unlock(arena);
    if (!*used) {
        section_end();
        return EAGAIN;
    }
    count_own(&paged->copy_faults, 1);
    return 0;
}

// ---- sharing -----------------------------------------------------------------------------------

// Page by page the same in both blocks.
static void pages_share(struct paged *paged, struct paged_block *from, struct paged_block *to)
{
    for (; to->pages < from->pages; to->pages++) {
        uint64_t *entry = paged_entry(from, to->pages);
        uint64_t found = load_acquire(entry); // [A:place]
        if (page_state(found) == PAGE_RESIDENT) {
            struct frame *use = &paged->frames.frame[page_number(found)];
            if (use->users++ == 1 && paged->kind->frame_shared != NULL) {
                paged->kind->frame_shared(paged, (uint32_t)page_number(found));
            }
            found |= PAGE_SHARED;
            store_relaxed(entry, found); // nobody else changes it: no mover is at work
        } else if (page_state(found) == PAGE_SWAPPED) {
            paged->kind->slot_shared(paged, page_number(found));
        }
        store_release(paged_entry(to, to->pages), found); // [R:place]
    }
    to->space->arena->pages += to->pages;
}

// The new block becomes allocated, as mems_alloc would make it.
static void share_begin(struct descriptor *descriptor, const struct descriptor *of, unsigned denied)
{
    uint64_t word = load_relaxed(&descriptor->word);
    descriptor_deny(descriptor, denied);
    store_relaxed(&descriptor->thread, 0);
    store_release(&descriptor->limit, load_acquire(&of->limit)); // [R:limit] [A:limit]
    store_release(&descriptor->word, descriptor_turned(word, DESCRIPTOR_RESIDENT)); // [R:begin]
}

// Both arenas' locks are held.
static int share_locked(struct paged *paged, struct paged_space *with,
                        struct descriptor *descriptor, mems_addr addr, struct grant *grant,
                        unsigned denied)
{
    struct paged_block *to, *from = descriptor->record;
    if (!descriptor_is_block(load_acquire(&descriptor->word), addr)) {
        return ESTALE;
    }
    if (paged->kind->demand && !paged->kind->admit(paged, from->pages)) {
        return ENOMEM;
    }
    int error = paged_block_make(paged, with, from->pages, &to, grant);
    if (error != 0) {
        if (paged->kind->demand) {
            paged->kind->dismiss(paged, from->pages);
        }
        return error;
    }
    from->peered = to->peered = true;
    lock_lock(&paged->shares);
    list_push_back(&from->peers, &to->peers);
    pages_share(paged, from, to);
    lock_unlock(&paged->shares);
    store_relaxed(&descriptor->class, DESCRIPTOR_UNCACHED);
    share_begin(grant->descriptor, descriptor, denied);
    return 0;
}

int paged_share(void *state, void *owned, struct descriptor *descriptor, mems_addr addr, void *with,
                unsigned denied, mems_addr *shared)
{
    struct paged *paged = state;
    struct paged_space *from = owned, *to = with;
    struct paged_arena *low = from->number < to->number ? from->arena : to->arena;
    struct paged_arena *high = from->number < to->number ? to->arena : from->arena;
    struct grant grant;
    lock_lock(&paged->mover);
    lock_lock(&low->lock);
    if (high != low) {
        lock_lock(&high->lock);
    }
    int error = share_locked(paged, to, descriptor, addr, &grant, denied);
    if (high != low) {
        lock_unlock(&high->lock);
    }
    lock_unlock(&low->lock);
    if (error == 0) {
        relocation_wait();
        *shared = grant.addr;
    }
    lock_unlock(&paged->mover);
    return error;
}
