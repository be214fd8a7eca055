// SPDX-License-Identifier: MIT
//
// vm_reclaim.c - pages leave memory: chosen, marked, written, gone.
//
// 1. A batch, by the protocol of memory/relocation.c. (1) The algorithm names frames, each entry
//    goes RESIDENT -> MOVING by compare-and-swap; (2) one grace period; (3) what was written since
//    it was loaded is copied aside and goes to swap; (4) MOVING -> SWAPPED, or ZERO where a page
//    was never written at all. An access in between takes the mark away: that page stays, and the
//    algorithm is told as if it came in again.
// 2. Dirty is looked at after the grace period: who got a pointer to write before the mark has set
//    it before the pointer was used, and its section has ended; who comes after the mark cancels.
// 3. Bytes are written from a bounce buffer, not from the frame: a thread that cancels may write
//    there at any moment, and the file must not get a page that never was. Whatever was written for
//    a page that stays does no harm: it stays dirty.
// 4. Slots. A clean page that was read back keeps its slot and need not be written again. When all
//    slots are in use one that is kept is taken away from its page, which counts as dirty then.
//    There is one slot more than `swap` promises, and blocks never have more pages than frames and
//    swap hold: so of F resident pages and at most S others one slot of S + 1 can always be had.
// 5. Failure. A page that cannot be written stays, as if it had been accessed. The faulting caller
//    is told only if no frame at all was won.
// 6. Locking. The mover's lock is held throughout. A page's entry is marked under the order lock:
//    while the algorithm knows a frame its entry is there (vm_frame.entry). Publishing takes the
//    arena's lock, so that release finds a page in one state or the other, with its slot.

#include <errno.h>

#include "policy/vm.h"

#define ROUNDS 256 // batches that may be cancelled whole before a fault gives up

// A page on its way out.
struct leaver {
    uint64_t *entry;
    struct lock *arena; // that guards it
    uint64_t moving;    // what the entry was marked with
    uint32_t frame;
    bool marked; // else it has ended meanwhile
};

struct leavers {
    size_t count;
    struct leaver leaver[RELOCATION_BATCH];
    size_t freed_count;
    uint32_t freed[RELOCATION_BATCH];
    int error; // of a write
};

// ---- what the algorithm knows ------------------------------------------------------------------

static void load_locked(struct vm *vm, uint32_t frame, bool fresh)
{
    vm->frame[frame].loaded = true;
    vm->replacement->load(vm->order_state, frame, vm->frame[frame].key);
    if (fresh && vm->replacement->touch != REPLACEMENT_TOUCH_NONE) {
        uint8_t touch = load_relaxed(&vm->touch[frame]);
        store_relaxed(&vm->touch[frame], (uint8_t)(touch | REPLACEMENT_FRESH));
    }
}

void vm_load(struct vm *vm, uint32_t frame, const struct paged_block *block, uint64_t index,
             bool fresh)
{
    lock_lock(&vm->order);
    vm->frame[frame].key = vm_key(block, index);
    vm->frame[frame].entry = paged_entry(block, index);
    vm->frame[frame].arena = (uint8_t)block->space->number;
    load_locked(vm, frame, fresh);
    lock_unlock(&vm->order);
}

void vm_unload(struct vm *vm, uint32_t frame)
{
    struct vm_frame *own = &vm->frame[frame];
    lock_lock(&vm->order);
    if (own->loaded) {
        vm->replacement->forget(vm->order_state, frame);
        own->loaded = false;
    }
    if (vm->tlb.sets != 0) {
        tlb_drop(&vm->tlb, own->key);
    }
    lock_unlock(&vm->order);
}

void vm_unkeep(struct vm *vm, uint32_t frame)
{
    if (vm->frame[frame].kept != 0) {
        swap_leave(&vm->swap, vm->frame[frame].kept - 1);
        vm->frame[frame].kept = 0;
        store_relaxed(&vm->dirty[frame], 1);
    }
}

// ---- step 1 ------------------------------------------------------------------------------------

// The algorithm has taken the frame out. The order lock is held.
static void leaver_add(struct vm *vm, struct leavers *leavers, uint32_t frame)
{
    struct vm_frame *own = &vm->frame[frame];
    uint64_t resident = page_entry(PAGE_RESIDENT, frame);
    struct leaver *leaver = &leavers->leaver[leavers->count++];
    own->loaded = false;
    *leaver = (struct leaver){.entry = own->entry,
                              .arena = &vm->paged.arenas[own->arena].lock,
                              .frame = frame,
                              .moving = page_turned(resident, PAGE_MOVING)};
    leaver->marked = relocation_mark(leaver->entry, resident, leaver->moving);
    count_own(&vm->tried, leaver->marked);
}

// ---- step 3 ------------------------------------------------------------------------------------

// Takes a kept slot away from some resident page.
static void slot_steal(struct vm *vm)
{
    for (uint32_t i = 0; i < vm->paged.frames.count; i++) {
        uint32_t frame = vm->steal++ % vm->paged.frames.count;
        struct vm_frame *own = &vm->frame[frame];
        lock_lock(&vm->order);
        bool loaded = own->loaded;
        struct lock *arena = &vm->paged.arenas[own->arena].lock;
        lock_unlock(&vm->order);
        if (!loaded) {
            continue;
        }
        lock_lock(arena);
        lock_lock(&vm->order); // no page but this one can be there: others come in with our lock
        loaded = own->loaded;
        lock_unlock(&vm->order);
        bool kept = loaded && own->kept != 0;
        if (kept) {
            vm_unkeep(vm, frame);
        }
        lock_unlock(arena);
        if (kept) {
            return;
        }
    }
}

// The slot for a page that must be written, which the frame keeps from then on. The page's arena is
// locked; the lock is given up for a moment when slots are scarce.
static bool slot_find(struct vm *vm, struct leaver *leaver)
{
    struct vm_frame *own = &vm->frame[leaver->frame];
    uint32_t slot = own->kept != 0 ? own->kept - 1 : swap_take(&vm->swap);
    if (slot == SWAP_NONE) {
        lock_unlock(leaver->arena);
        slot_steal(vm);
        lock_lock(leaver->arena);
        // Released meanwhile: then the caller will see that, and nobody keeps anything.
        bool there = load_acquire(leaver->entry) == leaver->moving; // [A:place]
        slot = there ? swap_take(&vm->swap) : SWAP_NONE;
    }
    if (slot != SWAP_NONE) {
        own->kept = slot + 1;
    }
    return slot != SWAP_NONE;
}

// Writes the page. The arena's lock is given up meanwhile. 0, ENOSPC or EIO.
static int leaver_write(struct vm *vm, struct leaver *leaver)
{
    if (!slot_find(vm, leaver)) {
        return ENOSPC;
    }
    uint32_t slot = vm->frame[leaver->frame].kept - 1;
    lock_unlock(leaver->arena);
    relocation_copy(vm->bounce, frame_host(&vm->paged.frames, leaver->frame),
                    paged_page_bytes(&vm->paged));
    int error = swap_write(&vm->swap, slot, vm->bounce);
    lock_lock(leaver->arena);
    return error;
}

// ---- step 4 ------------------------------------------------------------------------------------

// Takes the mark away from a page that stays.
static void leaver_stay(struct vm *vm, struct leaver *leaver)
{
    uint64_t resident = page_turned(leaver->moving, PAGE_RESIDENT);
    relocation_cancel(leaver->entry, leaver->moving, resident);
    if (load_acquire(leaver->entry) == resident) { // [A:place]
        lock_lock(&vm->order);
        load_locked(vm, leaver->frame, false);
        lock_unlock(&vm->order);
    } // else it was released, and its frame with it
}

static bool leaver_publish(struct vm *vm, struct leaver *leaver)
{
    struct vm_frame *own = &vm->frame[leaver->frame];
    uint64_t stamp = load_relaxed(&vm->evictions) % VM_STAMP_MASK + 1;
    uint64_t out =
        own->kept != 0 ? vm_out(PAGE_SWAPPED, own->kept - 1, stamp) : vm_out(PAGE_ZERO, 0, stamp);
    if (!relocation_publish(leaver->entry, leaver->moving, out)) {
        return false;
    }
    own->kept = 0; // the entry has it
    vm->paged.frames.frame[leaver->frame] = (struct frame){0};
    vm_unload(vm, leaver->frame);
    return true;
}

// Steps 3 and 4 for one page.
static void leaver_leave(struct vm *vm, struct leavers *leavers, struct leaver *leaver)
{
    bool written = false, gone = false;
    lock_lock(leaver->arena);
    if (load_acquire(leaver->entry) == leaver->moving) { // [A:place]
        int error = 0;
        written = load_relaxed(&vm->dirty[leaver->frame]) != 0; // [model:dirty]
        if (written) {
            error = leaver_write(vm, leaver);
        }
        leavers->error = error != 0 ? error : leavers->error;
        gone = error == 0 && leaver_publish(vm, leaver);
    }
    if (!gone) {
        leaver_stay(vm, leaver);
    }
    lock_unlock(leaver->arena);
    if (gone) {
        leavers->freed[leavers->freed_count++] = leaver->frame; // [model:place]
        count_own(&vm->evictions, 1);
        count_own(&vm->write_backs, written);
    }
    count_own(gone ? &vm->done : &vm->abandoned, 1);
}

// Steps 2 to 4. Frames that were won are free afterwards. Whether a grace period has passed.
static bool leavers_leave(struct vm *vm, struct leavers *leavers)
{
    bool any = false;
    for (size_t i = 0; i < leavers->count; i++) {
        any = any || leavers->leaver[i].marked;
    }
    if (any) {
        relocation_wait(); // [model:grace]
    }
    for (size_t i = 0; i < leavers->count; i++) {
        if (leavers->leaver[i].marked) {
            leaver_leave(vm, leavers, &leavers->leaver[i]);
        }
    }
    if (leavers->freed_count != 0) {
        frames_give(&vm->paged.frames, 0, leavers->freed, leavers->freed_count);
    }
    return any;
}

// ---- frames ------------------------------------------------------------------------------------

// Evicts up to `wanted` pages that the algorithm chooses. 0, or why a page could not be written.
static int vm_reclaim(struct vm *vm, uint64_t key, uint64_t wanted)
{
    struct leavers leavers = {0};
    wanted = wanted < RELOCATION_BATCH ? wanted : RELOCATION_BATCH;
    lock_lock(&vm->order);
    while (leavers.count < wanted) {
        uint32_t frame =
            vm->replacement->victim(vm->order_state, leavers.count == 0 ? key : REPLACEMENT_ANY);
        if (frame == REPLACEMENT_NONE) {
            break;
        }
        leaver_add(vm, &leavers, frame);
    }
    lock_unlock(&vm->order);
    leavers_leave(vm, &leavers);
    return leavers.error;
}

int vm_frame(struct vm *vm, uint64_t key, uint32_t *frame)
{
    struct frames *frames = &vm->paged.frames;
    for (unsigned round = 0; round < ROUNDS; round++) {
        uint64_t free = load_relaxed(&frames->free);
        int error = 0;
        if (free <= vm->low) {
            // A batch that was cancelled is followed by a larger one.
            error = vm_reclaim(vm, key, vm->high - free + round);
        }
        if (frames_reserve(frames, 1)) {
            frames_take(frames, 0, frame, 1);
            return 0;
        }
        if (error != 0) {
            return error;
        }
    }
    return ENOMEM;
}

// Marks pages of the block from *index on, a batch at most. The arena is locked.
static void clear_batch(struct vm *vm, const struct paged_block *block, uint64_t *index,
                        struct leavers *leavers)
{
    lock_lock(&vm->order);
    for (; *index < block->pages && leavers->count < RELOCATION_BATCH; ++*index) {
        uint64_t entry = load_acquire(paged_entry(block, *index)); // [A:place]
        uint32_t frame = (uint32_t)page_number(entry);
        if (page_state(entry) == PAGE_RESIDENT && vm->frame[frame].loaded) {
            vm->replacement->forget(vm->order_state, frame);
            leaver_add(vm, leavers, frame);
        }
    }
    lock_unlock(&vm->order);
}

int vm_clear(struct vm *vm, struct paged_block *block, struct descriptor *descriptor,
             uint64_t moving)
{
    struct lock *arena = &vm->paged.arenas[descriptor_arena(descriptor)].lock;
    uint64_t index = 0;
    bool more = true, waited = false;
    int error = 0;
    while (more && error == 0) {
        struct leavers leavers = {0};
        lock_lock(arena);
        bool same = load_acquire(&descriptor->word) == moving; // [A:begin]
        if (same) {                                            // so the block is still there
            clear_batch(vm, block, &index, &leavers);
            more = index < block->pages;
        }
        lock_unlock(arena);
        waited = leavers_leave(vm, &leavers) || waited;
        error = leavers.error != 0 ? leavers.error : same ? 0 : EAGAIN;
    }
    if (!waited) {
        relocation_wait();
    }
    return error;
}

bool vm_trim(struct vm *vm, uint64_t key, uint32_t own)
{
    bool found = false;
    struct leavers leavers = {0};
    do {
        leavers.count = leavers.freed_count = 0;
        lock_lock(&vm->order);
        while (leavers.count < RELOCATION_BATCH) {
            uint32_t frame = vm->replacement->surplus(vm->order_state, key);
            if (frame == REPLACEMENT_NONE) {
                break;
            }
            if (frame == own) {
                vm->frame[frame].loaded = false;
                found = true;
            } else {
                leaver_add(vm, &leavers, frame);
            }
        }
        lock_unlock(&vm->order);
        leavers_leave(vm, &leavers); // what cannot be written stays for now
    } while (leavers.count == RELOCATION_BATCH);
    return found;
}
