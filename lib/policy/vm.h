// SPDX-License-Identifier: MIT
//
// vm.h - what the files of virtual-memory paging share; the essay is in vm_paging.c.

#ifndef POLICY_VM_H
#define POLICY_VM_H

#include "memory/relocation.h"
#include "memory/swap.h"
#include "memory/tlb.h"
#include "policy/paged.h"
#include "policy/replacement/replacement.h"

// What is known of a frame beside its user (memory/frame.h).
// loaded == exactly one page is in it, and that is RESIDENT or has been abandoned to be so     (V1)
struct vm_frame {
    uint64_t key;    // [order] of its page: the space's number less 1, and the page's
    uint64_t *entry; // [order] of its page; valid while loaded
    uint32_t kept;   // [arena of its page] slot + 1 that has the same bytes unless dirty; 0: none
    uint8_t arena;   // [order] number of that arena
    bool loaded;     // [order] the replacement algorithm knows it
};

// Working sets and thrashing, estimated from pages that come back (vm_fault.c, 2).
struct vm_window {
    uint64_t faults, returns; // in the window under way; of pages evicted not long before
    uint64_t distance;        // sum over these of evictions since their own
    uint64_t beyond;          // pages that the last window lacked
    uint64_t thrashing;       // windows in which most faults were returns
};

struct vm_settings {
    uint64_t page, frames, capacity, swap, arenas, low, high;
    struct option_text swap_file;
    unsigned replacement;
    bool clock_load_ref;
    uint64_t tau, pff_interval, seed;
    uint64_t tlb_entries, tlb_ways, tlb_ns, memory_ns, table_levels, fault_ns;
};

// The mover's lock guards what has no other; totals may read it meanwhile.
struct vm {
    struct paged paged; // first: the shared functions take it
    struct swap swap;
    const struct replacement *replacement; // [ro]
    struct replacement_config config;      // [ro]
    void *order_state;                     // [order] the algorithm's
    struct lock order;                     // rank LOCK_ORDER, number 1
    struct vm_frame *frame;                // one each
    uint8_t *touch, *dirty;                // [atomic] one each
    char *bounce;                          // [mover] a page on its way to swap
    struct page_trace trace;               // [ro]
    struct tlb tlb;                        // [order]
    uint64_t references;                   // [order] where hits are seen
    struct tlb_costs costs;                // [ro]
    uint64_t admitted;  // [atomic] pages of blocks <= paged.most_pages        (V2)
    uint32_t low, high; // [ro] free frames: reclaim when no more than low
    size_t mapped;      // [ro] frame, touch, dirty, bounce, order_state
    uint32_t steal;     // [mover] where the search for kept slots goes on
    uint64_t faults, zero_faults, swap_faults, evictions, write_backs;
    uint64_t tried, done, abandoned;
    struct vm_window window;
};

static inline uint64_t vm_key(const struct paged_block *block, uint64_t index)
{
    return (uint64_t)(block->space->id - 1) << 32 | (block->first + index);
}

// An entry of a page that is out names a slot, or nothing (ZERO), and when it was evicted.
#define VM_SLOT_BITS  32
#define VM_STAMP_MASK ((UINT64_C(1) << 28) - 1)

static inline uint32_t vm_slot(uint64_t entry)
{
    return (uint32_t)page_number(entry);
}

static inline uint64_t vm_stamp(uint64_t entry) // 0: it was never in
{
    return page_number(entry) >> VM_SLOT_BITS;
}

static inline uint64_t vm_out(enum page_state state, uint32_t slot, uint64_t stamp)
{
    return page_entry(state, stamp << VM_SLOT_BITS | slot);
}

// ---- vm_paging.c -------------------------------------------------------------------------------

// Opens a state of `size` bytes that begins with a struct vm and whose rest is zeroed. 0; EINVAL
// with a complaint; ENOMEM.
int vm_open_as(const struct vm_settings *settings, const struct paged_kind *kind, size_t size,
               struct policy_site *site, void **state, struct printer *complaint);
// Why there is no swap file of that size. EINVAL and the complaint, or ENOMEM.
int vm_swap_refused(uint64_t swap, const struct option_text *folder, int error,
                    struct printer *complaint);
void vm_close(void *state);
void vm_space_close(void *state, void *owned, struct policy_closed *closed);
int vm_check(void *state, struct mems_violation *first);
size_t vm_candidates(void *state, struct mems_candidate *list, size_t most);
void vm_totals(void *state, struct policy_totals *totals);
const struct lock *vm_lock_at(void *state, size_t index);

// struct paged_kind's.
bool vm_admit(struct paged *paged, uint64_t pages);
void vm_dismiss(struct paged *paged, uint64_t pages);
void vm_frame_ended(struct paged *paged, uint32_t frame);
void vm_slot_ended(struct paged *paged, uint64_t number);

// ---- vm_reclaim.c ------------------------------------------------------------------------------

// The page of block and index is in the frame: the algorithm is told. `fresh`: the reference that
// brought it in is still to come. The page's arena is locked.
void vm_load(struct vm *vm, uint32_t frame, const struct paged_block *block, uint64_t index,
             bool fresh);
// The algorithm forgets the frame, if it knows it. The page's arena is locked.
void vm_unload(struct vm *vm, uint32_t frame);
// The frame's page has no slot any more; its bytes are nowhere else.
void vm_unkeep(struct vm *vm, uint32_t frame);

// A frame for the page `key`: a free one, or one whose page is evicted. It is drawn. 0; ENOSPC or
// EIO: swap could not be written; ENOMEM: whatever was tried was in use.
int vm_frame(struct vm *vm, uint64_t key, uint32_t *frame);

// Evicts pages of a block whose descriptor is `moving` (marked, so that nobody reaches them without
// taking the mark away), waiting for at least one grace period. No page of it is shared. 0: each
// was out at some moment; EAGAIN: the block was used, or has gone; ENOSPC, EIO. The mover's lock is
// held.
int vm_clear(struct vm *vm, struct paged_block *block, struct descriptor *descriptor,
             uint64_t moving);

// Variable allotment: evicts what the algorithm gives up at a fault. Whether `own`, the frame of
// the page that faults (FRAME_NONE: it has none), was among it; that one is not evicted but is to
// be loaded again.
bool vm_trim(struct vm *vm, uint64_t key, uint32_t own);

// ---- vm_fault.c --------------------------------------------------------------------------------

int vm_fault(void *state, void *owned, struct descriptor *descriptor, mems_addr addr,
             enum mems_access mode);
// The same with the mover's lock held.
int vm_fault_held(struct vm *vm, struct paged_space *space, struct descriptor *descriptor,
                  mems_addr addr, enum mems_access mode);
// page_trace.hit
bool vm_hit(void *policy, uint64_t page, uint32_t frame);
// Pages that the working sets have beyond memory, by the last whole window.
uint64_t vm_working_set(const struct vm *vm);

#endif
