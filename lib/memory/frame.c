// SPDX-License-Identifier: MIT
//
// frame.c - physical memory cut into frames: which are free.
//
// 1. Theory. Any frame serves any page, so there is no external fragmentation and no search: a free
//    list would do. Here the free ones are bits under a summary (base/bitmap.h), so that the lowest
//    is found in constant time: memory stays dense and every answer can be foretold.
// 2. Fresh frames. What no page has had yet begins at `fresh`; neither the bitmap nor the memory
//    behind those frames is touched before. Opening takes constant time whatever the capacity.
// 3. Shards. Memory is cut into shards with a lock each. A thread draws from its own shard first,
//    then from the others in turn.
// 4. Threads' shares. In front of the shards each thread number has a small stack of frames,
//    filled and emptied half at a time. Its lock is practically never contended; it is there so
//    that anyone can empty it: a bounded engine must not refuse while frames lie in shares.
// 5. Reserving. `free` counts what is free, wherever it is. Who has taken n off it by
//    compare-and-swap will find n frames, for every frame is given back before it is counted. One
//    sweep may miss frames on their way from a share to a shard; it is then repeated.
// 6. Locking. A share's lock, then a shard's; both of rank LOCK_FRAMES, the shares numbered below.

#include "memory/frame.h"

#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "os/os.h"
#include "sync/atomic.h"

// ---- opening -----------------------------------------------------------------------------------

// Where the records lie in their mapping.
struct layout {
    uint64_t shards, caches, records, bitmaps, bytes;
    uint64_t share; // frames a shard
};

static bool lay_out(struct layout *layout, uint64_t count, uint32_t shards, uint32_t cached_most)
{
    layout->share = (count + shards - 1) / shards;
    layout->shards = 0;
    layout->caches = shards * sizeof(struct frame_shard);
    layout->records =
        layout->caches + (cached_most ? FRAME_CACHES * sizeof(struct frame_cache) : 0);
    layout->bitmaps = layout->records + count * sizeof(struct frame);
    uint64_t end = layout->bitmaps + shards * bitmap_bytes(layout->share);
    return bits_round_up(end, os_page_size(), &layout->bytes);
}

static void shards_init(struct frames *frames, const struct layout *layout, char *mapping)
{
    for (uint32_t i = 0; i < frames->shard_count; i++) {
        struct frame_shard *shard = &frames->shard[i];
        uint64_t first = i * layout->share, end = first + layout->share;
        lock_init(&shard->lock, LOCK_FRAMES, "frames.shard", FRAME_CACHES + i);
        shard->first = (uint32_t)(first < frames->count ? first : frames->count);
        shard->end = (uint32_t)(end < frames->count ? end : frames->count);
        shard->fresh = shard->first;
        bitmap_init(&shard->back, layout->share,
                    mapping + layout->bitmaps + i * bitmap_bytes(layout->share));
    }
}

int frames_open(struct frames *frames, uint64_t count, unsigned page_bits, uint32_t shards,
                uint32_t cached_most)
{
    struct layout layout;
    uint64_t bytes = 0, page = os_page_size();
    memset(frames, 0, sizeof *frames);
    if (count > FRAMES_MOST || count > (UINT64_C(1) << 46) >> page_bits ||
        !lay_out(&layout, count, shards, cached_most)) {
        return ENOMEM;
    }
    bits_round_up(count << page_bits, page, &bytes);
    uint64_t align = UINT64_C(1) << page_bits;
    char *memory = os_map(bytes, align > page ? align : 0);
    char *mapping = memory == NULL ? NULL : os_map(layout.bytes, 0);
    if (mapping == NULL) {
        if (memory != NULL) {
            os_unmap(memory, bytes);
        }
        return ENOMEM;
    }
    *frames = (struct frames){.memory = memory,
                              .count = (uint32_t)count,
                              .page_bits = page_bits,
                              .shard_count = shards,
                              .cached_most = cached_most,
                              .free = count,
                              .frame = (struct frame *)(void *)(mapping + layout.records),
                              .shard = (struct frame_shard *)(void *)mapping,
                              .bytes = bytes,
                              .mapped = layout.bytes};
    shards_init(frames, &layout, mapping);
    if (cached_most != 0) {
        frames->cache = (struct frame_cache *)(void *)(mapping + layout.caches);
        for (uint32_t i = 0; i < FRAME_CACHES; i++) {
            lock_init(&frames->cache[i].lock, LOCK_FRAMES, "frames.thread", i);
        }
    }
    return 0;
}

void frames_close(struct frames *frames)
{
    if (frames->memory != NULL) {
        os_unmap(frames->shard, frames->mapped);
        os_unmap(frames->memory, frames->bytes);
        frames->memory = NULL;
    }
}

// ---- counting ----------------------------------------------------------------------------------

bool frames_reserve(struct frames *frames, uint64_t count)
{
    uint64_t free = load_relaxed(&frames->free);
    do {
        if (free < count) {
            return false;
        }
    } while (!cas_relaxed(&frames->free, &free, free - count));
    return true;
}

void frames_unreserve(struct frames *frames, uint64_t count)
{
    add_relaxed(&frames->free, count);
}

// ---- shards ------------------------------------------------------------------------------------

// Up to `count` frames of one shard, lowest first; returns how many.
static size_t shard_take(struct frame_shard *shard, uint32_t *out, size_t count)
{
    size_t got = 0;
    lock_lock(&shard->lock);
    for (; got < count; got++) {
        uint64_t lowest = bitmap_first(&shard->back);
        if (lowest != BITMAP_NONE) {
            bitmap_remove(&shard->back, lowest);
            out[got] = shard->first + (uint32_t)lowest;
        } else if (shard->fresh < shard->end) {
            out[got] = shard->fresh++;
        } else {
            break;
        }
    }
    lock_unlock(&shard->lock);
    return got;
}

// From all shards, the thread's own first.
static size_t shards_take(struct frames *frames, uint32_t home, uint32_t *out, size_t count)
{
    size_t got = 0;
    for (uint32_t i = 0; i < frames->shard_count && got < count; i++) {
        struct frame_shard *shard = &frames->shard[(home + i) % frames->shard_count];
        got += shard_take(shard, out + got, count - got);
    }
    return got;
}

static void shards_give(struct frames *frames, const uint32_t *list, size_t count)
{
    uint32_t share = frames->shard[0].end - frames->shard[0].first;
    struct frame_shard *shard = NULL;
    for (size_t i = 0; i < count; i++) {
        struct frame_shard *home = &frames->shard[list[i] / share];
        if (home != shard) {
            if (shard != NULL) {
                lock_unlock(&shard->lock);
            }
            shard = home;
            lock_lock(&shard->lock);
        }
        bitmap_insert(&shard->back, list[i] - shard->first);
    }
    if (shard != NULL) {
        lock_unlock(&shard->lock);
    }
}

// ---- threads' shares ---------------------------------------------------------------------------

// From the thread's share, which is filled on the way; returns how many, fewer where the shards
// are empty.
static size_t cache_take(struct frames *frames, uint32_t home, uint32_t *out, size_t count)
{
    struct frame_cache *cache = &frames->cache[home % FRAME_CACHES];
    lock_lock(&cache->lock);
    if (cache->count < count) {
        size_t wanted = count - cache->count + frames->cached_most / 2;
        size_t room = frames->cached_most - cache->count;
        cache->count += (uint32_t)shards_take(frames, home, cache->frame + cache->count,
                                              wanted < room ? wanted : room);
    }
    size_t got = count < cache->count ? count : cache->count;
    for (size_t i = 0; i < got; i++) {
        out[i] = cache->frame[--cache->count];
    }
    lock_unlock(&cache->lock);
    return got;
}

static void cache_give(struct frames *frames, uint32_t home, const uint32_t *list, size_t count)
{
    struct frame_cache *cache = &frames->cache[home % FRAME_CACHES];
    lock_lock(&cache->lock);
    if (cache->count + count > frames->cached_most) { // the older half
        uint32_t older = (cache->count + 1) / 2;
        older = cache->count + count - older > frames->cached_most ? cache->count : older;
        shards_give(frames, cache->frame, older);
        cache->count -= older;
        memmove(cache->frame, cache->frame + older, cache->count * sizeof *cache->frame);
    }
    memcpy(cache->frame + cache->count, list, count * sizeof *list);
    cache->count += (uint32_t)count;
    lock_unlock(&cache->lock);
}

// Empties all shares, so that the shards have every free frame.
static void caches_empty(struct frames *frames)
{
    for (uint32_t i = 0; frames->cache != NULL && i < FRAME_CACHES; i++) {
        struct frame_cache *cache = &frames->cache[i];
        lock_lock(&cache->lock);
        shards_give(frames, cache->frame, cache->count);
        cache->count = 0;
        lock_unlock(&cache->lock);
    }
}

// ---- taking and giving -------------------------------------------------------------------------

void frames_take(struct frames *frames, uint32_t home, uint32_t *out, size_t count)
{
    size_t got = 0;
    if (count <= frames->cached_most / 2) {
        got = cache_take(frames, home, out, count);
    }
    got += shards_take(frames, home, out + got, count - got);
    while (got < count) {
        caches_empty(frames);
        got += shards_take(frames, home, out + got, count - got);
    }
}

void frames_give(struct frames *frames, uint32_t home, const uint32_t *list, size_t count)
{
    if (count <= frames->cached_most / 2) {
        cache_give(frames, home, list, count);
    } else {
        shards_give(frames, list, count);
    }
    add_relaxed(&frames->free, count);
}

// ---- looking -----------------------------------------------------------------------------------

const char *frames_check(struct frames *frames)
{
    uint64_t found = 0;
    const char *broken = NULL;
    for (uint32_t i = 0; frames->cache != NULL && i < FRAME_CACHES; i++) {
        lock_lock(&frames->cache[i].lock);
        found += frames->cache[i].count;
        lock_unlock(&frames->cache[i].lock);
    }
    for (uint32_t i = 0; i < frames->shard_count; i++) {
        struct frame_shard *shard = &frames->shard[i];
        lock_lock(&shard->lock);
        found += shard->back.count + shard->end - shard->fresh;
        uint64_t above = bitmap_first_from(&shard->back, shard->fresh - shard->first);
        if (!bitmap_check(&shard->back) || above != BITMAP_NONE) {
            broken = "R1";
        }
        lock_unlock(&shard->lock);
    }
    return broken != NULL ? broken : found != load_relaxed(&frames->free) ? "R2" : NULL;
}

const struct lock *frames_lock_at(const struct frames *frames, size_t index)
{
    size_t caches = frames->cache != NULL ? FRAME_CACHES : 0;
    return index < frames->shard_count            ? &frames->shard[index].lock
           : index < frames->shard_count + caches ? &frames->cache[index - frames->shard_count].lock
                                                  : NULL;
}
