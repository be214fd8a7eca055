// SPDX-License-Identifier: MIT
//
// vm_segment.h - what the files of virtual memory by segments share; the essay is in
// vm_segmentation.c.

#ifndef POLICY_VM_SEGMENT_H
#define POLICY_VM_SEGMENT_H

#include "base/tree.h"
#include "memory/extent.h"
#include "memory/swap.h"
#include "policy/compaction.h"
#include "policy/policy.h"
#include "policy/regions.h"
#include "policy/replacement/replacement.h"

struct vm_segment_settings {
    unsigned fit; // enum extent_fit
    bool paged;
    uint64_t capacity, granule, swap, slot, seed;
    uint64_t page, active;
    struct compaction_settings compaction;
    struct option_text replacement, swap_file;
};

#define VM_SEGMENT_CLASSES 32    // sizes for magazines where the granule is above 16
#define VM_SEGMENT_ROUNDS  16    // of eviction in a row in which every victim was in use
#define VM_SEGMENT_BUFFER  65536 // bytes that are written to swap at once, at most

// extent != NULL: in memory; else it is in `absent`, and its bytes are in the chain of slots; a
// segment that has been in a magazine since it left memory has no bytes and no slots (VS1)
struct vm_segment {
    struct tree_node node;         // in absent [lock]
    struct list owned;             // in its space's list [lock]
    struct descriptor *descriptor; // [ro]
    struct extent *extent;         // [lock]
    uint64_t key;                  // [ro] never another segment's
    uint64_t size;                 // [lock] bytes it takes; its owner may read it
    uint64_t left;                 // [lock] evicted_bytes when it left memory
    uint64_t align;                // [ro] of the place that it was asked for with; 0: any
    uint32_t frame;                // [lock] in memory: its number for the replacement
    uint32_t slot;                 // [lock] first of its slots, or SWAP_NONE
    bool held;                     // [lock] the mover works on it without the lock
    bool ended;                    // [lock] given back while held: the holder finishes that
};

struct vm_segment_space {
    uint32_t id;       // [ro]
    uint64_t faults;   // [lock] read by anyone
    struct list owned; // [lock]
};

// The numbers that the replacement knows segments by: they grow with the segments in memory.
// resident[i]->frame == i, or i is in free[0 .. free_count - 1]; all [lock]                   (VS2)
struct vm_segment_frames {
    struct replacement_config *config; // at the begin of the mapping
    struct vm_segment **resident;      // by frame; NULL: free
    uint32_t *free;                    // a stack
    uint32_t free_count;
    uint32_t given; // numbers used so far, free ones included
    uint32_t room;  // in the arrays
    uint64_t bytes; // mapped
    void *state;    // the algorithm's
};

struct vm_segment_counters {
    uint64_t faults, zero_faults, evictions, write_backs, moves_tried, moves_abandoned, thrashing;
};

// reserved == slots that all segments there are would take; reserved + pending <= slots (VS3)
// absent_bytes == sum over absent; slots in use == sum of the chains' lengths (VS4)
struct vm_segments {
    struct vm_segment_settings settings;   // [ro]
    const struct replacement *replacement; // [ro]
    bool second_chance; // [ro] a segment that was used since it was looked at last stays
    size_t mapped;      // [ro] this struct and what lies behind it
    uint64_t class_sizes[VM_SEGMENT_CLASSES]; // [ro]
    struct compaction compaction; // its lock is the mover's: held across grace periods and swapping
    struct regions regions;       // one, mapped at the start
    char *buffer;                 // [mover]
    struct lock lock;             // rank LOCK_POLICY
    struct extents extents;
    struct descriptor_shelf shelf;
    struct pool records; // struct vm_segment
    struct tree absent;  // by key
    struct vm_segment_frames frames;
    uint64_t blocks; // taken and not given back
    uint64_t last_key, absent_bytes;
    uint64_t evicted_bytes;             // in all
    uint64_t turn_began, turn_returned; // evicted_bytes then; bytes that came back since
    struct vm_segment_counters counters;
    struct swap swap;           // [lock] but for reads and writes
    uint64_t slot_bytes, slots; // [ro]
    uint64_t reserved;          // [lock] slots of segments there are
    uint64_t pending;           // [lock] and of those that are being made
    uint32_t *next_slot;        // [lock] chains; the mover reads held ones
    size_t next_bytes;          // [ro] mapped for them
    struct lock spaces_lock;    // rank LOCK_POOL
    struct pool spaces;         // [spaces_lock]
};

// ---- settings (vm_segment_settings.c) ----------------------------------------------------------

extern const struct option vm_segment_options[];
// 0 and the index of the replacement in its table, or EINVAL and a complaint. With paged=yes the
// rest is for vm_segment_paged_open.
int vm_segment_validate(const struct vm_segment_settings *settings, uint32_t *replacement,
                        struct printer *complaint);

// ---- frames (vm_segment_frames.c) --------------------------------------------------------------

// A number for a segment that comes into memory; its arrays may grow. 0 or ENOMEM. [lock]
int vm_segment_frame_take(struct vm_segments *segments, struct vm_segment *segment);
// The number is free again; the replacement does not know it any more. [lock]
void vm_segment_frame_give(struct vm_segments *segments, struct vm_segment *segment);
// The replacement learns of a segment in memory, or that one which it gave up stays. [lock]
void vm_segment_load(struct vm_segments *segments, struct vm_segment *segment);

void vm_segment_frames_close(struct vm_segments *segments);

// ---- records (vm_segmentation.c) ---------------------------------------------------------------

// Ends a segment that is not held: memory, slots, number, descriptor, record. The replacement has
// forgotten it. [lock]
void vm_segment_finish(struct vm_segments *segments, struct vm_segment *segment);

// ---- coming and going (vm_segment_evict.c) -----------------------------------------------------

// Finds a place of `size` bytes, by evicting others until there is one. Called with the mover's
// lock and `lock` held; drops and retakes `lock`. 0; EBUSY: everything else is in use; ENOSPC, EIO:
// swap could not be written; ENOMEM.
int vm_segment_place(struct vm_segments *segments, uint64_t size, uint64_t align,
                     struct extent **block);

// policy->fault.
int vm_segment_fault(void *state, void *owned, struct descriptor *descriptor, mems_addr addr,
                     enum mems_access mode);

// ---- looking (vm_segment_map.c) ----------------------------------------------------------------

int vm_segment_walk(void *state, mems_visitor visit, void *arg);
int vm_segment_check(void *state, struct mems_violation *first);
void vm_segment_totals(void *state, struct policy_totals *totals);
const struct lock *vm_segment_lock_at(void *state, size_t index);

// ---- segments of pages (vm_segment_paged.c) ----------------------------------------------------

extern const struct policy vm_segment_paged;
// paged=yes. `replacement`: its index in the table. site->instead says how to go on.
int vm_segment_paged_open(const struct vm_segment_settings *settings, uint32_t replacement,
                          struct policy_site *site, void **state, struct printer *complaint);

// ---- swap (vm_segment_swap.c) ------------------------------------------------------------------

// 0; ENOMEM or EIO with a complaint.
int vm_segment_swap_open(struct vm_segments *segments, struct printer *complaint);
void vm_segment_swap_close(struct vm_segments *segments);
uint64_t vm_segment_swap_metadata(const struct vm_segments *segments); // bytes
uint64_t vm_segment_slots_used(struct vm_segments *segments);

static inline uint64_t vm_segment_slots(const struct vm_segments *segments, uint64_t size)
{
    return (size + segments->slot_bytes - 1) / segments->slot_bytes;
}

// Slots for a segment without any; they are reserved, so there are enough. [lock]
void vm_segment_slots_take(struct vm_segments *segments, struct vm_segment *segment);
// No-op where it has none. [lock]
void vm_segment_slots_give(struct vm_segments *segments, struct vm_segment *segment);
// How many a segment has. [lock]
uint64_t vm_segment_slots_held(const struct vm_segments *segments,
                               const struct vm_segment *segment);

// Copies `size` bytes at `from`, which others may be writing to, to the segment's slots; or reads
// them back. The segment is held. 0 or EIO. [mover]
int vm_segment_write(struct vm_segments *segments, const struct vm_segment *segment,
                     const char *from, uint64_t size);
int vm_segment_read(struct vm_segments *segments, const struct vm_segment *segment, char *to,
                    uint64_t size);

#endif
