// SPDX-License-Identifier: MIT
//
// cache.h - can we avoid asking? Magazines of free blocks, owned by one thread, for one space.
//
// The essay is in cache.c. A cache knows what is behind it only as {refill, drain}.

#ifndef CACHE_CACHE_H
#define CACHE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/tree.h"
#include "cache/classes.h"
#include "memory/descriptor.h"
#include "sync/lock.h"

#define CACHE_NONE   UINT64_MAX
#define CACHE_RECENT 8 // caches a thread finds again without a search

// What is behind: one a space. `backend` is passed back.
struct cache;
struct cache_source {
    // Up to `count` blocks of the class's size. Sets *error when none. A first block may be of
    // another class (its descriptor says which); then it is alone.
    size_t (*refill)(void *backend, unsigned class, struct grant *grants, size_t count, int *error);
    void (*drain)(void *backend, const struct grant *grants, size_t count);
    // What is behind serves threads in a way of its own, and magazines stand aside: opens a
    // thread's front (false: it can have none), empties it, closes it. NULL: it does not.
    bool (*open)(void *backend, struct cache *cache);
    void (*trim)(void *backend, struct cache *cache);
    void (*close)(void *backend, struct cache *cache);
    void *backend;
};

// Counters of one thread's traffic with one space; written by it alone (count_own).
struct cache_counters {
    uint64_t allocs, releases, resizes, refusals, refusals_enough_free, misuses;
    uint64_t requested; // bytes asked for minus bytes released: wraps, the sum is right
    uint64_t direct;    // allocations and releases that no magazine could serve
    uint64_t misses, refills, refilled, drains, drained, remote;
};

// A stack. base <= top <= end; all NULL: not opened yet (M1) every grant's descriptor is CACHED,
// under the generation in the grant, of this class                                             (M2)
struct magazine {
    struct grant *top;  // [own; atomic for readers] one past the latest
    struct grant *base; // [own; atomic for readers]
    struct grant *end;  // [own]
    size_t batch;       // [own] next refill: 1, 2, 4 .. half of what it holds
};

struct cache {
    struct magazine magazine[CLASSES_MOST]; // first in the struct: no offset to add
    uint64_t serial;                        // [ro] of the space
    uint64_t latest_class; // [own; atomic for readers] of `latest`; CACHE_NONE: there is none
    struct grant latest;   // [own] the block released last
    uint16_t thread;       // [ro] tells caches apart: nearly a serial of its own
    void *front;           // [own] the source's; NULL: magazines
    uint64_t whose;        // [ro] with a front: what descriptors of its blocks say (`whose`)
    struct cache_counters counters;
    struct cache_space *space;  // [ro]
    struct tree_node node;      // [own] in this thread's tree, by serial
    struct list of_space;       // [space's lock]
    char *arena;                // [own] memory for slots: the chunk in use
    size_t arena_left;          // [own]
    struct cache_chunk *chunks; // [own] all of them
    uint64_t bytes;             // [own] mapped, this struct included
};

// The cache room's share of a space.
struct cache_space {
    uint64_t serial;                     // [ro] differs for each space there ever was
    const struct cache_classes *classes; // [ro] NULL: no magazines, only counters
    unsigned room;                       // [ro] most blocks in one magazine
    struct cache_source source;          // [ro]
    struct lock lock;                    // rank LOCK_SPACE
    struct list caches;                  // [lock]
    struct cache_counters ended;         // [lock] counters of threads that ended
    struct cache_counters shared;        // [atomic] of threads that could get no cache
};

// The cache this thread used last: the hot path's first look. Never NULL: cache_none, whose serial
// no space has, stands for none.
extern _Thread_local struct cache *cache_last;
extern struct cache cache_none;

void cache_space_init(struct cache_space *space, const struct cache_classes *classes, unsigned room,
                      const struct cache_source *source);
// The space's blocks are gone: forgets every cache of it without draining. No other call on the
// space is under way.
void cache_space_fini(struct cache_space *space);

// This thread's cache for the space, made when there is none yet. NULL: it can have none.
struct cache *cache_here_slow(struct cache_space *space);

static inline struct cache *cache_here(struct cache_space *space)
{
    if (__builtin_expect(cache_last->serial == space->serial, 1)) {
        return cache_last;
    }
    return cache_here_slow(space);
}

// One block of a class: the latest, or from the magazine (false: it is empty), or by a refill. 0 or
// the source's error.
int cache_pop_slow(struct cache *cache, unsigned class, struct grant *grant);

static inline bool cache_pop(struct cache *cache, size_t class, struct grant *grant)
{
    if (cache->latest_class == class) {
        *grant = cache->latest;
        store_relaxed(&cache->latest_class, CACHE_NONE);
        return true;
    }
    struct magazine *magazine = &cache->magazine[class];
    struct grant *top = magazine->top;
    if (__builtin_expect(top == magazine->base, 0)) {
        return false;
    }
    *grant = top[-1];
    store_relaxed(&magazine->top, top - 1);
    return true;
}

// The mirror: keeps a block as the latest; the one that was goes into its magazine (false: that is
// full, or the class has none), or drains half of it first.
void cache_push_slow(struct cache *cache, unsigned class, struct grant grant);

static inline bool cache_push(struct cache *cache, size_t class, struct grant grant)
{
    size_t before = cache->latest_class;
    if (__builtin_expect(class == DESCRIPTOR_UNCACHED, 0)) {
        return false;
    }
    if (before != CACHE_NONE) {
        struct magazine *magazine = &cache->magazine[before];
        struct grant *top = magazine->top;
        if (__builtin_expect(top == magazine->end, 0)) {
            return false;
        }
        *top = cache->latest;
        store_relaxed(&magazine->top, top + 1);
    }
    cache->latest = grant;
    store_relaxed(&cache->latest_class, class);
    return true;
}

// Hands every block in this cache back (all of this thread's caches), or what is free of its front.
void cache_flush(struct cache *cache);
void cache_flush_thread(void);

void cache_counters_add(struct cache_counters *into, const struct cache_counters *from);

// Sums over all threads: counters, and what lies in magazines.
struct cache_totals {
    struct cache_counters counters;
    uint64_t blocks, bytes, metadata;
};
void cache_totals(struct cache_space *space, struct cache_totals *totals);

// M1 and M2 of every magazine; no other call on the space is under way. NULL or the label.
const char *cache_check(struct cache_space *space);

#endif
