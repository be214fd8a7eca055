// SPDX-License-Identifier: MIT
//
// paged.h - what the two policies with pages share: blocks as runs of pages, spaces, frames' users.
//
// The essay is in paged.c; sharing and copy on write are in paged_share.c, the memory map and the
// invariants in paged_map.c. `struct paged` is the first member of either policy's state.

#ifndef POLICY_PAGED_H
#define POLICY_PAGED_H

#include "memory/frame.h"
#include "memory/page_run.h"
#include "memory/page_table.h"
#include "policy/policy.h"

#define PAGED_CLASSES 32                  // sizes for magazines
#define PAGED_ARENAS  64                  // at most
#define PAGED_PAGES   (UINT64_C(1) << 32) // numbers of pages in a space, at most

struct paged;
struct paged_block;

// Where the two policies differ. Called with the lock of the block's arena held (frame_*, slot_*)
// and, for frames that are shared, that of the shares.
struct paged_kind {
    bool demand; // a page gets its frame at its first use; else with its block
    bool late;   // a block gets its page table at its first use: it begins away
    // So many pages more, or less. paging: reserves frames, which go with the pages; vm: counts
    // what frames and swap can hold, and is told of pages that end.
    bool (*admit)(struct paged *paged, uint64_t pages);
    void (*dismiss)(struct paged *paged, uint64_t pages);
    // The page in a frame has ended; the frame becomes free afterwards. The rest may be NULL.
    void (*frame_ended)(struct paged *paged, uint32_t frame);
    void (*frame_shared)(struct paged *paged, uint32_t frame); // by a second page
    void (*frame_alone)(struct paged *paged, uint32_t frame);  // one page is left, or a copy made
    void (*slot_shared)(struct paged *paged, uint64_t number); // of an entry that is SWAPPED
    void (*slot_ended)(struct paged *paged, uint64_t number);
    // late only. Pages from `from` on of a block that is away; a block ends, all its pages have.
    void (*saved_ended)(struct paged *paged, struct paged_block *block, uint64_t from);
    void (*block_ended)(struct paged *paged, struct paged_block *block);
};

// Page numbers of spaces, and blocks: those whose space has this number, modulo the arenas.
struct paged_arena {
    struct lock lock; // rank LOCK_POLICY
    struct descriptor_shelf shelf;
    struct pool records;  // struct paged_block
    uint64_t blocks;      // [lock] taken and not given back
    uint64_t pages;       // [lock] of them
    uint64_t table_bytes; // [lock] of its spaces' page tables
} __attribute__((aligned(64)));

struct paged_space {
    struct page_table table;   // [arena's lock], read by anyone
    struct page_runs runs;     // [arena's lock]
    struct paged_arena *arena; // [ro]
    uint32_t number;           // [ro] of the arena
    uint32_t id;               // [ro]
    struct list blocks;        // [arena's lock]
    uint64_t faults;           // [mover's lock] read by anyone
};

// pages 0 .. pages - 1 of the run have entries that are not NONE, the rest up to room are NONE (G1)
struct paged_block {
    struct list owned;             // in its space's list [arena's lock]
    struct descriptor *descriptor; // [ro]
    struct paged_space *space;     // [ro]
    uint64_t first;                // [arena's lock] page
    uint64_t pages;                // [arena's lock]
    uint64_t room;                 // [ro] pages that the run was taken for
    bool peered;                   // [arena's lock] is or was among peers
    struct list peers;             // [shares' lock] blocks that may share frames with it
    // late only: without a page table the block has no run (first == 0), its pages are absent
    bool away;          // [arena's lock]
    uint32_t saved;     // [arena's lock] the policy's note of its pages
    struct list active; // [arena's lock] the policy's list of those that are not away
};

struct paged {
    const struct paged_kind *kind;  // [ro]
    size_t mapped;                  // [ro] the policy's state
    unsigned page_bits;             // [ro]
    uint32_t arena_count;           // [ro]
    uint64_t most_pages;            // [ro] that a block can have
    const struct page_trace *trace; // [ro] or NULL
    struct lock mover;              // rank LOCK_MOVER; held across grace periods
    struct lock shares; // rank LOCK_ORDER, before the replacement's: frames with users > 1
    struct lock lock;   // rank LOCK_POOL
    struct pool spaces; // [lock]
    struct frames frames;
    uint64_t copy_faults; // [mover] read by anyone
    uint64_t class_sizes[PAGED_CLASSES];
    struct paged_arena arenas[PAGED_ARENAS];
};

// A page that an address leads to.
struct paged_spot {
    struct paged_space *space;
    const struct descriptor *descriptor;
    mems_addr addr;
    struct paged_block *block; // [arena's lock] alive as long as paged_stands says so
    uint64_t *entry;
    uint32_t index;
    uint64_t found; // what the entry was
};

// ---- life (paged.c) ----------------------------------------------------------------------------

// Frames, arenas, spaces. `paged` is zeroed but for kind, mapped and trace. 0 or ENOMEM; then
// paged_close is still to be called.
int paged_open(struct paged *paged, struct descriptor_table *table, uint64_t frames,
               unsigned page_bits, uint32_t arenas, uint32_t cached_most);
void paged_close(struct paged *paged); // all but the mapping of the state itself

int paged_space_open(void *state, uint32_t space, void **owned);
struct page_table *paged_pages(void *owned);
void paged_space_close(void *state, void *owned, struct policy_closed *closed);
// The same for a caller that holds the mover's lock; `home` is its thread's number.
void paged_space_end(struct paged *paged, struct paged_space *space, uint32_t home,
                     struct policy_closed *closed);
void paged_space_stats(void *owned, struct mems_space_stats *stats);

// EINVAL and the complaint that so little memory has no page for each arena.
int paged_refuse_capacity(uint64_t capacity, uint64_t arenas, uint64_t page,
                          struct printer *complaint);

size_t paged_take(void *state, void *owned, size_t size, size_t align, struct grant *grants,
                  size_t count, int *error);
void paged_give(void *state, const struct grant *grants, size_t count);
int paged_resize(void *state, struct descriptor *descriptor, size_t size);
size_t paged_block_size(void *state, const struct descriptor *descriptor);
size_t paged_measure(void *state, const struct descriptor *descriptor);
const uint64_t *paged_classes(void *state, size_t *count);

// A block of so many pages whose entries are all NONE. The arena's lock is held, the pages are
// admitted. 0 or ENOMEM.
int paged_block_make(struct paged *paged, struct paged_space *space, uint64_t pages,
                     struct paged_block **block, struct grant *grant);

// The run for a block's pages; entries are NONE. 0 or ENOMEM. The arena's lock is held.
int paged_run_take(struct paged_block *block);

// Ends pages from `from` on; gives pages up to `end`, which are admitted, what fresh ones have.
// `home`: thread_number(). The arena's lock is held.
void paged_pages_end(struct paged *paged, struct paged_block *block, uint64_t from, uint32_t home);
void paged_pages_begin(struct paged *paged, struct paged_block *block, uint64_t end, uint32_t home);

// Ends one page's use of a frame: frees it, or leaves it to those that share it. Returns whether it
// is the caller's to give back. The arena's lock is held.
bool paged_frame_leave(struct paged *paged, struct paged_block *block, uint32_t index,
                       uint32_t frame);

// ---- faults and sharing (paged_share.c) --------------------------------------------------------

// Called before a fault takes locks: a thread's first section registers it, which takes locks too.
void paged_fault_begin(void);

// The page that a fault is about. ESTALE: the block has gone. The arena's lock is held.
int paged_spot(struct paged_space *space, const struct descriptor *descriptor, mems_addr addr,
               struct paged_spot *spot);
// Whether the block is still there and the entry what it was. The arena's lock is held.
bool paged_stands(const struct paged_spot *spot);

// Makes a page that is shared its own: in `frame`, which the caller has drawn, or where it is when
// nobody else has it any more. On success a section has begun; *used says whether the frame was
// taken. EAGAIN: the page is not what it was. The mover's lock is held; waits for a grace period.
int paged_unshare(struct paged *paged, struct paged_spot *spot, uint32_t frame, bool *used);

int paged_share(void *state, void *owned, struct descriptor *descriptor, mems_addr addr, void *with,
                unsigned denied, mems_addr *shared);

// A block that shared a frame ends: somebody else stands for it. The shares' lock is held.
void paged_hand_over(struct paged *paged, struct paged_block *block, uint32_t index,
                     uint32_t frame);

// ---- looking (paged_map.c) ---------------------------------------------------------------------

void paged_lock_all(struct paged *paged); // every arena
void paged_unlock_all(struct paged *paged);
int paged_walk(void *state, mems_visitor visit, void *arg);
int paged_check(void *state, struct mems_violation *first);
void paged_totals(struct paged *paged, struct policy_totals *totals);
const struct lock *paged_lock_at(void *state, size_t index);

static inline uint64_t paged_page_bytes(const struct paged *paged)
{
    return UINT64_C(1) << paged->page_bits;
}

static inline uint64_t *paged_entry(const struct paged_block *block, uint64_t index)
{
    return page_table_at(&block->space->table, block->first + index);
}

static inline bool paged_in_frame(uint64_t entry)
{
    enum page_state state = page_state(entry);
    return state == PAGE_RESIDENT || state == PAGE_MOVING || state == PAGE_AWAY;
}

#endif
