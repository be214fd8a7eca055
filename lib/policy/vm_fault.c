// SPDX-License-Identifier: MIT
//
// vm_fault.c - pages come into memory: at their first use, from swap, or as copies.
//
// 1. A fault. With the mover's lock: look the page up again (it may have come in, or ended); draw a
//    frame, which may evict others and wait for a grace period; fill it. Then, with the arena's
//    lock, look once more, begin the access section and publish. So the page cannot leave before
//    the section ends, and nobody waits for a grace period inside one. MOVING and AWAY are never
//    seen here: who marks pages has the mover's lock.
// 2. Working sets, from pages that come back (after the refault distance of Linux, Weiner 2012). An
//    entry that goes out is stamped with the number of evictions so far. When it comes back d
//    evictions later, d pages more than there are frames were in use in between: the working set
//    is about resident + d. A *return* is a fault with d of at most RETURN_MOST times the frames. A
//    window is as many faults as there are frames; if at least half of them were returns the
//    working sets together are larger than memory: thrashing is counted, and the estimate is the
//    resident pages and the mean d; else it is the resident pages.
// 3. The sum of the references (for the effective access time) is known only where hits are seen:
//    by algorithms that keep an order, or with a TLB.

#include <errno.h>
#include <string.h>

#include "policy/vm.h"
#include "sync/section.h"

#define RETURN_MOST 4

// ---- hits --------------------------------------------------------------------------------------

bool vm_hit(void *policy, uint64_t page, uint32_t frame)
{
    struct vm *vm = policy;
    (void)page;
    bool there = true;
    lock_lock(&vm->order);
    if (vm->replacement->hit != NULL && vm->frame[frame].loaded) {
        uint8_t touch = load_relaxed(&vm->touch[frame]);
        if ((touch & REPLACEMENT_FRESH) != 0) {
            store_relaxed(&vm->touch[frame], (uint8_t)(touch & ~REPLACEMENT_FRESH));
        } else {
            there = vm->replacement->hit(vm->order_state, frame);
        }
    }
    if (there) {
        vm->references++;
        if (vm->tlb.sets != 0) {
            tlb_refer(&vm->tlb, vm->frame[frame].key);
        }
    }
    lock_unlock(&vm->order);
    return there;
}

// ---- working sets ------------------------------------------------------------------------------

static void window_note(struct vm *vm, uint64_t stamp)
{
    struct vm_window *window = &vm->window;
    uint64_t frames = vm->paged.frames.count;
    uint64_t now = load_relaxed(&vm->evictions) % VM_STAMP_MASK + 1;
    uint64_t distance = (now + VM_STAMP_MASK - stamp) % VM_STAMP_MASK;
    window->faults++;
    if (stamp != 0 && distance <= RETURN_MOST * frames) {
        window->returns++;
        window->distance += distance;
    }
    if (window->faults >= frames) {
        bool thrashing = 2 * window->returns >= window->faults;
        store_relaxed(&window->beyond, thrashing ? window->distance / window->returns : 0);
        count_own(&window->thrashing, thrashing);
        window->faults = window->returns = window->distance = 0;
    }
}

uint64_t vm_working_set(const struct vm *vm)
{
    const struct frames *frames = &vm->paged.frames;
    return frames->count - load_relaxed(&frames->free) + load_relaxed(&vm->window.beyond);
}

static void fault_note(struct vm *vm, struct paged_space *space, uint64_t entry)
{
    count_own(&vm->faults, 1);
    count_own(&space->faults, 1);
    count_own(&vm->zero_faults, page_state(entry) == PAGE_ZERO);
    count_own(&vm->swap_faults, page_state(entry) == PAGE_SWAPPED);
    window_note(vm, vm_stamp(entry));
}

// ---- coming in ---------------------------------------------------------------------------------

static int spot_find(struct paged_space *space, const struct descriptor *descriptor, mems_addr addr,
                     struct paged_spot *spot, uint64_t *key)
{
    lock_lock(&space->arena->lock);
    int error = paged_spot(space, descriptor, addr, spot);
    *key = error == 0 ? vm_key(spot->block, spot->index) : 0;
    lock_unlock(&space->arena->lock);
    return error;
}

static int page_fill(struct vm *vm, const struct paged_spot *spot, uint32_t frame)
{
    char *host = frame_host(&vm->paged.frames, frame);
    if (page_state(spot->found) == PAGE_SWAPPED) {
        return swap_read(&vm->swap, vm_slot(spot->found), host);
    }
    memset(host, 0, paged_page_bytes(&vm->paged));
    return 0;
}

// The frame is filled; the page's arena is locked and the entry is still what it was.
static void page_publish(struct vm *vm, const struct paged_spot *spot, uint32_t frame)
{
    uint32_t slot = vm_slot(spot->found);
    uint8_t dirty = 0;
    vm->frame[frame].kept = 0;
    if (page_state(spot->found) == PAGE_SWAPPED && swap_users(&vm->swap, slot) == 1) {
        vm->frame[frame].kept = slot + 1;
    } else if (page_state(spot->found) == PAGE_SWAPPED) { // others need the slot as it is
        swap_leave(&vm->swap, slot);
        dirty = 1;
    }
    store_relaxed(&vm->dirty[frame], dirty);
    vm->paged.frames.frame[frame] =
        (struct frame){.block = spot->block, .index = spot->index, .users = 1};
    vm_load(vm, frame, spot->block, spot->index, true);
    store_release(spot->entry, page_entry(PAGE_RESIDENT, frame)); // [R:place]
}

static int vm_bring(struct vm *vm, struct paged_spot *spot, uint64_t key)
{
    struct lock *arena = &spot->space->arena->lock;
    uint32_t frame;
    if (vm->replacement->variable) {
        vm_trim(vm, key, FRAME_NONE);
    }
    int error = vm_frame(vm, key, &frame);
    if (error != 0) {
        return error;
    }
    error = page_fill(vm, spot, frame);
    if (error == 0) {
        lock_lock(arena);
        error = paged_stands(spot) ? 0 : EAGAIN;
        if (error == 0) {
            section_begin();
            page_publish(vm, spot, frame); // [model:fault]
        }
        lock_unlock(arena);
    }
    if (error != 0) {
        frames_give(&vm->paged.frames, 0, &frame, 1);
        return error;
    }
    fault_note(vm, spot->space, spot->found);
    return 0;
}

// The page is in a frame. Under variable allotment it may have to go and come back all the same.
static int vm_stay(struct vm *vm, struct paged_spot *spot, uint64_t key)
{
    uint32_t frame = (uint32_t)page_number(spot->found);
    if (vm->replacement->variable) {
        bool again = vm_trim(vm, key, frame);
        lock_lock(&spot->space->arena->lock);
        bool stands = paged_stands(spot);
        if (stands && again) {
            vm_load(vm, frame, spot->block, spot->index, true);
        }
        lock_unlock(&spot->space->arena->lock);
        if (!stands) {
            return EAGAIN;
        }
        if (again) {
            count_own(&vm->evictions, 1);
            fault_note(vm, spot->space, spot->found & ~PAGE_NUMBER_MASK);
        }
    }
    section_begin();
    return 0;
}

static int vm_copy(struct vm *vm, struct paged_spot *spot, uint64_t key)
{
    uint32_t frame;
    bool used;
    int error = vm_frame(vm, key, &frame);
    if (error != 0) {
        return error;
    }
    vm->frame[frame].kept = 0;
    store_relaxed(&vm->dirty[frame], 1);
    error = paged_unshare(&vm->paged, spot, frame, &used);
    if (!used) {
        frames_give(&vm->paged.frames, 0, &frame, 1);
    }
    return error;
}

int vm_fault_held(struct vm *vm, struct paged_space *space, struct descriptor *descriptor,
                  mems_addr addr, enum mems_access mode)
{
    struct paged_spot spot;
    uint64_t key;
    int error;
    do { // once more if the page was released, or left alone by who shared it
        error = spot_find(space, descriptor, addr, &spot, &key);
        if (error == 0) {
            bool shared = (spot.found & PAGE_SHARED) != 0;
            error = !paged_in_frame(spot.found)          ? vm_bring(vm, &spot, key)
                    : shared && (mode & MEMS_WRITE) != 0 ? vm_copy(vm, &spot, key)
                                                         : vm_stay(vm, &spot, key);
        }
    } while (error == EAGAIN);
    return error;
}

int vm_fault(void *state, void *owned, struct descriptor *descriptor, mems_addr addr,
             enum mems_access mode)
{
    struct vm *vm = state;
    paged_fault_begin();
    lock_lock(&vm->paged.mover); // [model:one mover]
    int error = vm_fault_held(vm, owned, descriptor, addr, mode);
    lock_unlock(&vm->paged.mover);
    return error;
}
