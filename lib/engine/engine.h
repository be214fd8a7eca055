// SPDX-License-Identifier: MIT
//
// engine.h - what the files of the engine room share; users see mems/engine.h.
//
// The engine introduces the other rooms to each other: it gives a policy its settings and its table
// of descriptors, a cache its source, and an address its meaning. It keeps no account of memory
// itself; a snapshot adds up what the policy and the caches say.

#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include "cache/cache.h"
#include "memory/corruption.h"
#include "memory/descriptor.h"
#include "mems/engine.h"
#include "policy/policy.h"

// What every engine can be told (engine/config.c).
struct engine_settings {
    bool thread_cache;
    uint64_t cache_blocks;
    uint64_t cache_limit;
};

struct mems_engine {
    const struct policy *policy; // [ro]
    void *state;                 // [ro] the policy's
    struct engine_settings settings;
    bool flat;                        // [ro]
    bool cached;                      // [ro] magazines are in use
    const struct policy_front *front; // [ro] or the policy's fronts; NULL: not
    bool moves;                       // [ro] words of descriptors change under their owners
    bool drops;                       // [ro] even of blocks in magazines
    struct descriptor_table table;    // has a lock of its own
    struct cache_classes classes;     // [ro]
    size_t mapped;                    // [ro]
    struct lock lock;                 // rank LOCK_ENGINE
    struct pool space_pool;           // [lock]
    struct list spaces;               // [lock]
    uint32_t last_space;              // [lock]
    struct cache_counters closed;     // [lock] counters of closed spaces
    uint64_t held_peak;               // [atomic] the most any snapshot saw
};

struct mems_space {
    // hot
    struct descriptor_directory *const *small; // [ro] the first of the table's
    const struct page_table *pages;            // [ro] NULL: places are host addresses
    uint32_t id;                               // [ro]
    uint32_t direct;                           // [ro] id, or 0 where there are pages
    bool flat;                                 // [ro]
    const struct descriptor_table *table;      // [ro]
    uint64_t cached_most;                      // [ro] largest size a magazine serves; 0: none
    // [ro] the cache's serial where a plain store allocates, and releases; else none has it
    uint64_t alloc_serial, release_serial;
    uint64_t front_serial; // [ro] the cache's serial where threads have fronts; else none has it
    struct cache_space cache;
    // cold
    struct mems_engine *engine; // [ro]
    void *owned;                // [ro] the policy's
    struct list link;           // [engine's lock]
};

// mems/translate.h reads these by layouts of its own.
_Static_assert(offsetof(struct mems_space, small) == offsetof(struct mems_inline_space, small) &&
                   offsetof(struct mems_space, pages) ==
                       offsetof(struct mems_inline_space, pages) &&
                   offsetof(struct mems_space, id) == offsetof(struct mems_inline_space, id) &&
                   offsetof(struct mems_space, direct) ==
                       offsetof(struct mems_inline_space, direct),
               "a space begins as mems/translate.h says");
_Static_assert(
    offsetof(struct page_table, directory) == offsetof(struct mems_inline_pages, directory) &&
        offsetof(struct page_table, memory) == offsetof(struct mems_inline_pages, memory) &&
        offsetof(struct page_table, page_bits) == offsetof(struct mems_inline_pages, page_bits) &&
        offsetof(struct page_table, trace) == offsetof(struct mems_inline_pages, trace) &&
        offsetof(struct page_directory, leaf) ==
            offsetof(struct mems_inline_page_directory, leaf) &&
        MEMS_INLINE_LEAF_BITS == PAGE_LEAF_BITS && PAGE_RESIDENT == 2 &&
        PAGE_SHARED == UINT64_C(1) << 60,
    "a page table too");
_Static_assert(offsetof(struct descriptor_directory, count) ==
                       offsetof(struct mems_inline_directory, count) &&
                   offsetof(struct descriptor_directory, chunk) ==
                       offsetof(struct mems_inline_directory, chunk) &&
                   MEMS_INLINE_CHUNK_BITS == DESCRIPTOR_CHUNK_BITS,
               "so does a directory");
_Static_assert(
    sizeof(struct descriptor) == sizeof(struct mems_inline_descriptor) &&
        offsetof(struct descriptor, limit) == offsetof(struct mems_inline_descriptor, limit) &&
        offsetof(struct descriptor, space) == offsetof(struct mems_inline_descriptor, space) &&
        offsetof(struct descriptor, arena) == offsetof(struct mems_inline_descriptor, arena) &&
        DESCRIPTOR_RESIDENT == 2 && DESCRIPTOR_PLACE_BITS == 43 && DESCRIPTOR_ARENAS == 1 << 6,
    "and a descriptor");

// Counts on this thread's cache, or on the space's shared counters when it has none.
#define ENGINE_COUNT(space, here, field, n)                                                        \
    ((here) != NULL ? (void)count_own(&(here)->counters.field, (n))                                \
                    : (void)add_relaxed(&(space)->cache.shared.field, (n)))

// The allocated block an address of this space names. 0, or the misuse that the address is.
int block_find(const struct mems_space *space, mems_addr addr, struct descriptor **descriptor);

// The same, by the address that mems_alloc returned: EINVAL when that is inside the block.
int block_find_start(const struct mems_space *space, mems_addr addr,
                     struct descriptor **descriptor);

// Denies modes of a block from now on; it goes to no magazine any more. 0 or the misuse.
int block_deny(struct mems_space *space, mems_addr addr, unsigned denied);

// mems_read without asking for the right to: a block that is resized keeps what its owner may not
// read.
int block_read(struct mems_space *space, mems_addr addr, void *buffer, size_t length);

// Hands what this thread's magazines for the space hold back to the policy, which has said that it
// lacks memory. Whether it may have more now.
bool block_unhoard(struct mems_space *space);

// Counts a misuse on this thread and returns the error.
int block_misused(struct mems_space *space, int error);

// Finds the host pointer of a flat address.
int block_find_flat(const struct mems_space *space, mems_addr addr, void **host, size_t *span);

// The source behind a space's caches: magazines; or fronts, where the policy has such.
extern const struct cache_source block_source;
extern const struct cache_source block_front_source;

// From a word of CACHED to RESIDENT, and from a generation to the next.
#define BLOCK_RESIDENT_STEP   ((uint64_t)(DESCRIPTOR_RESIDENT - DESCRIPTOR_CACHED) << 61)
#define BLOCK_GENERATION_STEP (UINT64_C(1) << DESCRIPTOR_PLACE_BITS)

// The ways that are not in line (block.c), and before them those of fronts (block_front.c).
int block_alloc_slow(struct mems_space *space, size_t size, size_t align, mems_addr *addr);
int block_release_slow(struct mems_space *space, mems_addr addr);
int block_front_alloc(struct mems_space *space, size_t size, size_t align, mems_addr *addr);
int block_front_release(struct mems_space *space, mems_addr addr);

// config.c: parses a configuration. 0, or EINVAL and the complaint printed.
int config_parse(const struct mems_config *config, struct engine_settings *settings,
                 void *policy_settings, const struct policy **policy, struct printer *complaint);

// A complaint in the making. It becomes this thread's only when the call fails: the one before
// stays valid until then.
#define COMPLAINT_LENGTH 320

struct complaint {
    struct printer printer;
    char text[COMPLAINT_LENGTH];
};
void complaint_init(struct complaint *complaint);
int complaint_fail(const struct complaint *complaint, int error); // returns the error
int complaint_raise(const char *text, int error);                 // all three steps in one

#endif
