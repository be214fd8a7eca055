// SPDX-License-Identifier: MIT
//
// policy.h - which block do we pick? One file a policy, each ending in one `const struct policy`.
//
// A policy owns the memory, finds places in it, and keeps the account of what each space holds. It
// sees batches of blocks of one size; it does not know whether a thread's magazine or a user asked.
// What a policy lacks is NULL; the engine then answers ENOTSUP or does it another way.

#ifndef POLICY_POLICY_H
#define POLICY_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/option.h"
#include "memory/descriptor.h"
#include "memory/page_table.h"
#include "mems/engine.h"
#include "sync/lock.h"

#define POLICY_BATCH    64  // grants in one take or give, at most
#define POLICY_SETTINGS 256 // bytes of a policy's settings, at most

// What a policy adds to a snapshot; the engine does the rest. Each has the meaning of the counter
// of that name (mems/engine.h).
struct policy_totals {
    uint64_t held_bytes, free_bytes, holes, largest_hole, metadata_bytes, regions;
    uint64_t held_peak_bytes; // 0: the most that snapshots saw will do
    uint64_t blocks;          // taken and not given back, magazines' included
    uint64_t absent_bytes, table_bytes;
    uint64_t compactions, moves_tried, moves_done, moves_abandoned, moved_bytes;
    uint64_t faults, zero_faults, swap_faults, segment_faults, copy_faults;
    uint64_t evictions, write_backs, swap_bytes, swap_most_bytes;
    uint64_t tlb_hits, tlb_misses, eat_ns, working_set_pages, thrashing;
};

struct policy;

// What the engine gives a policy to work with; [out] is what the policy answers.
struct policy_site {
    struct descriptor_table *table;
    const uint64_t *references; // mems_config's, for replacement=opt; NULL: none
    size_t reference_count;
    bool moves; // [out] the words of allocated blocks' descriptors change under their owners
    // [out] and blocks in magazines lose their places: their words become CACHED with place 0, and
    // such a block is SWAPPED when it is allocated.
    bool drops;
    // [out] the row to go on with, where settings choose between two; NULL: this one
    const struct policy *instead;
};

// What closing a space gave back.
struct policy_closed {
    uint64_t blocks;    // that were allocated (not in magazines)
    uint64_t requested; // bytes they had been asked for
};

struct front;
struct granule;

// A policy that serves threads from fronts of its own (heap/front.h), and not from magazines. A
// front is one thread's and one space's; who has none goes to take and give of the policy. The tags
// of its blocks are their descriptors, of arena 0, whose record begins with the slab's granule.
struct policy_front {
    struct front *(*open)(void *state, void *owned); // NULL: ENOMEM
    // Its thread ends. (Those of a space that closes go with it.)
    void (*close)(void *state, struct front *front);
    // Hands back what is free as a whole.
    void (*trim)(void *state, struct front *front);
    // As the policy's, of one block.
    int (*take)(void *state, struct front *front, size_t size, size_t align, struct grant *grant);
    void (*give)(void *state, struct front *front, const struct grant *grant);
    // The thread's release in line has brought ledger->left to 0.
    void (*look)(void *state, struct front *front, struct granule *slab);
    // Whether a space's fronts are whole: 0 or EUCLEAN. Nobody is inside a call.
    int (*check)(void *state, void *owned, struct mems_violation *first);
};

struct policy {
    const char *name;
    const char *help;
    const struct option *options;
    bool (*flat)(const void *settings); // whether addresses are flat (then no caches); NULL: never
    bool rights;                        // whether blocks have rights: mems_protect
    const struct policy_front *front;   // NULL: magazines

    // Opens with settings that option_parse filled. 0; EINVAL with a complaint; ENOMEM.
    int (*open)(const void *settings, struct policy_site *site, void **state,
                struct printer *complaint);
    void (*close)(void *state);

    // What one space owns. 0 or ENOMEM.
    int (*space_open)(void *state, uint32_t space, void **owned);
    // Memory is paged: the space's page table; a descriptor's place is then a number of a page in
    // it. NULL: a place is a host address.
    struct page_table *(*pages)(void *owned);
    // Gives back all that it owns. No other call on this space is under way.
    void (*space_close)(void *state, void *owned, struct policy_closed *closed);

    // Takes up to `count` blocks of `size` bytes for the space. Returns how many; fewer than asked
    // only when there is no more. *error says why: ENOSPC, a bounded engine has no place; ENOMEM,
    // the OS refused; EINVAL. `align` 0: any. Waits for its lock.
    size_t (*take)(void *state, void *owned, size_t size, size_t align, struct grant *grants,
                   size_t count, int *error);
    // Takes back blocks that are CACHED. One that is not (two releases of it raced) is reported as
    // corruption and left alone. What they were before (SWAPPED, LINK) the policy's record says.
    void (*give)(void *state, const struct grant *grants, size_t count);
    // Grows or shrinks one block where it stands. 0; ENOMEM and nothing changed; EBUSY: shared.
    int (*resize)(void *state, struct descriptor *descriptor, size_t size);
    // Bytes the block takes, for who owns it: nobody else may release it meanwhile.
    size_t (*block_size)(void *state, const struct descriptor *descriptor);
    // The same for anyone, under the lock; of no meaning where the block was released meanwhile.
    size_t (*measure)(void *state, const struct descriptor *descriptor);
    // Sizes that magazines should hold, rising; NULL: any size will do.
    const uint64_t *(*classes)(void *state, size_t *count);

    // Brings in what a translate of this address and mode answered EAGAIN for, or makes the copy it
    // wants. Called outside a section; on success a section has begun in which that translate
    // succeeds. ESTALE: the block has gone meanwhile. ENOSPC, EIO, ENOMEM: nothing is lost.
    int (*fault)(void *state, void *owned, struct descriptor *descriptor, mems_addr addr,
                 enum mems_access mode);
    // A block for another space (whose `owned` is `with`) that shows the same bytes: allocated,
    // with the same limit, UNCACHED, these modes denied, under *shared. ESTALE, ENOMEM.
    int (*share)(void *state, void *owned, struct descriptor *descriptor, mems_addr addr,
                 void *with, unsigned denied, mems_addr *shared);
    // Moves blocks together. Called outside a section; takes the policy's lock of rank LOCK_MOVER.
    int (*compact)(void *state, struct mems_compaction *done);
    // What the policy knows of one space: adds to `faults`.
    void (*space_stats)(void *owned, struct mems_space_stats *stats);

    // Flat addresses only.
    int (*flat_release)(void *state, mems_addr addr, size_t *requested);
    int (*flat_resize)(void *state, mems_addr addr, size_t size, size_t *before);
    int (*flat_find)(void *state, mems_addr addr, void **host, size_t *span, size_t *requested,
                     size_t *size);

    int (*walk)(void *state, mems_visitor visit, void *arg);
    // mems_candidates.
    size_t (*candidates)(void *state, struct mems_candidate *list, size_t most);
    int (*check)(void *state, struct mems_violation *first); // 0 or EUCLEAN
    void (*totals)(void *state, struct policy_totals *totals);
    const struct lock *(*lock_at)(void *state, size_t index); // NULL past the last
};

extern const struct policy policy_fixed;
extern const struct policy policy_dynamic;
extern const struct policy policy_paging;
extern const struct policy policy_segmentation;
extern const struct policy policy_vm_paging;
extern const struct policy policy_vm_segmentation;
extern const struct policy policy_slab;

// The table, by index; NULL past the last. And one by name, or NULL.
const struct policy *policy_at(size_t index);
const struct policy *policy_find(const char *name);

#endif
