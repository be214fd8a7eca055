// SPDX-License-Identifier: MIT
//
// segmentation.h - what the files of segmentation share; the essay is in segmentation.c.

#ifndef POLICY_SEGMENTATION_H
#define POLICY_SEGMENTATION_H

#include "base/bits.h"
#include "memory/extent.h"
#include "policy/compaction.h"
#include "policy/policy.h"

struct segmentation_settings {
    unsigned fit; // enum extent_fit
    uint64_t capacity, region, granule, arenas;
    struct compaction_settings compaction;
};

#define SEGMENTATION_CLASSES 32 // sizes for magazines where the granule is above 16

// shares: absent_bytes == sum over shares of (users - 1) * the segment's size                 (SG3)
struct segment_arena {
    struct lock lock; // rank LOCK_POLICY
    struct extents extents;
    struct descriptor_shelf shelf;
    struct pool share_pool, link_pool;
    struct list links;     // every space's, oldest first; and marks of walks
    uint64_t absent_bytes; // what all users of shared segments but the first would take
} __attribute__((aligned(64)));

// A segment that several spaces see: its memory hangs on a descriptor that no address names.
struct segment_share {
    struct descriptor *primary; // RESIDENT or MOVING; its record is the extent
    struct list segment;        // the extent, by its `owned`
    struct list users;          // links, oldest first
    uint32_t user_count;
};

// One space's use of a share: the record of a descriptor that is a LINK, marked by segment_tag.
struct segment_link {
    struct list arena;           // in the arena's links
    struct list owned;           // in its space's
    struct list users;           // in the share's
    struct segment_share *share; // NULL: a walk's mark
    struct descriptor *descriptor;
};

struct segment_space {
    uint32_t id;
    struct {               // one an arena, [arena's lock]
        struct list owned; // extents
        struct list links;
    } arena[];
};

struct segmentation {
    struct segmentation_settings settings;      // [ro]
    size_t mapped;                              // [ro]
    struct lock lock;                           // rank LOCK_POOL
    struct pool spaces;                         // [lock]
    uint64_t class_sizes[SEGMENTATION_CLASSES]; // [ro]
    struct regions regions;
    struct compaction compaction;
    struct segment_arena arenas[];
};

// A record is an extent, or a link with the lowest bit set.
static inline void *segment_tag(struct segment_link *link)
{
    return (char *)link + 1;
}

// The link that a descriptor's record is; NULL: it is an extent. The arena's lock is held.
static inline struct segment_link *segment_link_of(const struct descriptor *descriptor)
{
    char *record = descriptor->record;
    bool tagged = ((uintptr_t)record & 1) != 0;
    return tagged ? (struct segment_link *)(void *)(record - 1) : NULL;
}

// The extent behind a descriptor, shared or not.
static inline struct extent *segment_extent_of(const struct descriptor *descriptor)
{
    const struct segment_link *link = segment_link_of(descriptor);
    return link != NULL ? link->share->primary->record : descriptor->record;
}

// The share of an extent, or NULL. The arena's lock is held.
static inline struct segment_share *segment_share_of(const struct extent *extent)
{
    bool shared = load_relaxed(&extent->descriptor->space) == DESCRIPTOR_NOBODY;
    return shared ? container_of(extent->owned.next, struct segment_share, segment) : NULL;
}

static inline struct segment_link *segment_first_user(const struct segment_share *share)
{
    return container_of(share->users.next, struct segment_link, users);
}

// segmentation_share.c
int segmentation_share(void *state, void *owned, struct descriptor *descriptor, mems_addr addr,
                       void *with, unsigned denied, mems_addr *shared);
// Ends one use, whose descriptor is CACHED and goes to the shelf; the last one frees the segment.
// The arena's lock is held.
void segmentation_unlink(struct segment_arena *arena, struct segment_link *link);

// segmentation_map.c
int segmentation_walk(void *state, mems_visitor visit, void *arg);
int segmentation_check(void *state, struct mems_violation *first);
void segmentation_totals(void *state, struct policy_totals *totals);

#endif
