// SPDX-License-Identifier: MIT
//
// frame.h - physical memory cut into frames: which are free, who has the others.
//
// The essay is in frame.c. A *frame* is a place for one page, numbered from 0 in one mapping. A
// frame is drawn in two steps: frames_reserve says that so many will be had, or that there are too
// few; frames_take then names them and cannot fail. So a block gets all its frames or none, and of
// two requests that race the one that fits is never refused because the other had begun.

#ifndef MEMORY_FRAME_H
#define MEMORY_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bitmap.h"
#include "sync/lock.h"

#define FRAME_NONE        UINT32_MAX
#define FRAMES_MOST       (UINT32_MAX - 1)
#define FRAME_SHARDS      64
#define FRAME_CACHES      64 // threads' shares; threads with the same number modulo this use one
#define FRAME_CACHED_MOST 64 // frames in one of them

// Who has a frame. Guarded by the locks of the policy that draws frames.
struct frame {
    void *block;    // whose page is in it, of several that share it one; NULL: nobody's
    uint32_t index; // of the page within that block
    uint32_t users; // pages that name it; 0: free
};

// Frames that are free in a part of memory: those in `back`, and those from `fresh` on, which no
// page has had yet.
// every member of back < fresh - first                                                         (R1)
struct frame_shard {
    struct lock lock; // rank LOCK_FRAMES
    uint32_t first;   // [ro]
    uint32_t end;     // [ro]
    uint32_t fresh;   // [lock]
    struct bitmap back;
} __attribute__((aligned(64)));

struct frame_cache {
    struct lock lock; // rank LOCK_FRAMES, below the shards'
    uint32_t count;   // [lock]
    uint32_t frame[FRAME_CACHED_MOST];
} __attribute__((aligned(64)));

// whenever no call is under way:
// sum of the shards' free frames + sum of the caches' == free                                  (R2)
struct frames {
    char *memory;              // [ro] of frame 0
    uint32_t count;            // [ro]
    unsigned page_bits;        // [ro] a frame is 2^n bytes
    uint32_t shard_count;      // [ro]
    uint32_t cached_most;      // [ro] frames in a thread's share; 0: threads have none
    uint64_t free;             // [atomic] frames that are free and not reserved
    struct frame *frame;       // [policy's locks] one each
    struct frame_shard *shard; // [ro]
    struct frame_cache *cache; // [ro] FRAME_CACHES of them, or NULL
    size_t bytes;              // [ro] of the memory, mapped
    size_t mapped;             // [ro] records
};

// `page_bits` from 2 on; `cached_most` at most FRAME_CACHED_MOST. 0 or ENOMEM.
int frames_open(struct frames *frames, uint64_t count, unsigned page_bits, uint32_t shards,
                uint32_t cached_most);
void frames_close(struct frames *frames);

// Sets so many free frames aside for the caller. false: there are fewer, wherever they lie.
bool frames_reserve(struct frames *frames, uint64_t count);
void frames_unreserve(struct frames *frames, uint64_t count);

// Draws frames that the caller has reserved; `home` is its thread's number. Never fails. Without
// threads' shares and with one shard: the lowest free ones, in rising order.
void frames_take(struct frames *frames, uint32_t home, uint32_t *out, size_t count);

// Gives frames back; they are free at once.
void frames_give(struct frames *frames, uint32_t home, const uint32_t *list, size_t count);

static inline char *frame_host(const struct frames *frames, uint32_t frame)
{
    return frames->memory + ((size_t)frame << frames->page_bits);
}

// NULL, or the label of the invariant that does not hold; R2 needs that no call is under way.
const char *frames_check(struct frames *frames);

// The locks, by index; NULL past the last.
const struct lock *frames_lock_at(const struct frames *frames, size_t index);

#endif
