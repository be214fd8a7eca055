// SPDX-License-Identifier: MIT
//
// block.c - one request's way: allocate, release, resize.
//
// 1. The short way. A size that a magazine serves: class by table, this thread's cache by the
//    space's serial, pop. The block's descriptor becomes RESIDENT by a plain store: nobody else may
//    touch a block between its owner's calls. Release is the mirror. No lock, no atomic
//    read-modify-write, no clock, no indirect call. Where blocks move (space->release_serial) a
//    release is one compare-and-swap, the long way: a mover may mark or publish at any moment.
//    Where blocks in magazines lose their places (space->alloc_serial) so is an allocation.
//    Where threads have fronts (the policy's own way) that is in block_front.c.
// 2. The long way. The magazine asks the policy for a batch (block_refill), under the policy's
//    lock, once. Sizes that no magazine holds, alignments above 16, and threads without a cache go
//    to the policy one by one.
// 3. A magazine can hoard what a bounded policy lacks: before refusing, this thread's magazines for
//    the space are emptied and the policy is asked again.
// 4. Misuse is judged by the descriptor's word alone (block_find): live under the address's
//    generation or not; and which not.

#include <errno.h>
#include <string.h>

#include "engine/engine.h"

// ---- finding -----------------------------------------------------------------------------------

// What is wrong with an address whose descriptor is not live under it.
static int misuse_of(uint64_t word, mems_addr addr)
{
    uint32_t now = descriptor_generation(word), then = descriptor_generation(addr);
    if (descriptor_state(word) == DESCRIPTOR_TWICE && then == now) {
        corruption_report("block released twice at once", addr);
        return EALREADY;
    }
    if (word == 0 || then == 0 || (now != 0 && then >= now)) {
        return EFAULT; // that generation was not handed out yet
    }
    bool resting = !descriptor_is_allocated(descriptor_state(word));
    return resting && ((then + 1) & DESCRIPTOR_GENERATION_MASK) == now ? EALREADY : ESTALE;
}

int block_find(const struct mems_space *space, mems_addr addr, struct descriptor **descriptor)
{
    struct descriptor *found = descriptor_find(space->table, addr);
    if (found == NULL) {
        return EFAULT;
    }
    uint64_t word = load_acquire(&found->word);
    if (!descriptor_is_block(word, addr)) {
        return misuse_of(word, addr);
    }
    if (load_acquire(&found->space) != space->id) { // [A:limit] of this block, or of the next one
        uint64_t again = load_relaxed(&found->word);
        return descriptor_is_block(again, addr) ? EPERM : misuse_of(again, addr);
    }
    *descriptor = found;
    return 0;
}

int block_find_start(const struct mems_space *space, mems_addr addr, struct descriptor **descriptor)
{
    int error = block_find(space, addr, descriptor);
    return error == 0 && descriptor_offset(addr) != 0 ? EINVAL : error;
}

int block_misused(struct mems_space *space, int error)
{
    struct cache *here = cache_here(&space->cache);
    ENGINE_COUNT(space, here, misuses, 1);
    return error;
}

int block_find_flat(const struct mems_space *space, mems_addr addr, void **host, size_t *span)
{
    size_t requested, size, run;
    struct mems_engine *engine = space->engine;
    int error = engine->policy->flat_find(engine->state, addr, host, &run, &requested, &size);
    if (error == 0 && span != NULL) {
        *span = run;
    }
    return error;
}

// ---- the source behind caches ------------------------------------------------------------------

static void class_set(struct mems_engine *engine, struct descriptor *descriptor)
{
    size_t size = engine->policy->block_size(engine->state, descriptor);
    bool fits = size <= engine->classes.largest &&
                engine->classes.size[cache_class(&engine->classes, size)] == size;
    store_relaxed(&descriptor->class,
                  fits ? (uint8_t)cache_class(&engine->classes, size) : DESCRIPTOR_UNCACHED);
}

static size_t block_refill(void *backend, unsigned class, struct grant *grants, size_t count,
                           int *error)
{
    struct mems_space *space = backend;
    struct mems_engine *engine = space->engine;
    uint64_t size = engine->classes.size[class];
    size_t got = engine->policy->take(engine->state, space->owned, size, 1, grants, count, error);
    for (size_t i = 0; i < got; i++) {
        class_set(engine, grants[i].descriptor);
    }
    if (got > 1 && grants[0].descriptor->class != class) {
        engine->policy->give(engine->state, grants + 1, got - 1);
        got = 1;
    }
    return got;
}

static void block_drain(void *backend, const struct grant *grants, size_t count)
{
    struct mems_space *space = backend;
    space->engine->policy->give(space->engine->state, grants, count);
}

const struct cache_source block_source = {.refill = block_refill, .drain = block_drain};

bool block_unhoard(struct mems_space *space)
{
    struct cache *here = space->engine->cached ? cache_here(&space->cache) : NULL;
    if (here != NULL) {
        cache_flush(here);
    }
    return here != NULL;
}

// ---- allocating --------------------------------------------------------------------------------

static inline void block_begin(const struct grant *grant, size_t size, uint16_t thread)
{
    struct descriptor *descriptor = grant->descriptor;
    store_release(&descriptor->limit, size); // [R:limit]
    store_relaxed(&descriptor->thread, thread);
    store_release(&descriptor->word,
                  load_relaxed(&descriptor->word) + BLOCK_RESIDENT_STEP); // [R:begin]
}

// The same where a mover may take the place away until the block is allocated.
static void block_begin_dropped(const struct grant *grant, size_t size, uint16_t thread)
{
    struct descriptor *descriptor = grant->descriptor;
    store_release(&descriptor->limit, size); // [R:limit]
    store_relaxed(&descriptor->thread, thread);
    uint64_t word = load_relaxed(&descriptor->word), begun;
    do {
        bool dropped = (word & DESCRIPTOR_PLACE_MASK) == 0;
        begun =
            descriptor_turned(word, descriptor_state(word) != DESCRIPTOR_CACHED ? DESCRIPTOR_TWICE
                                    : dropped                                   ? DESCRIPTOR_SWAPPED
                                              : DESCRIPTOR_RESIDENT);
    } while (!cas_release(&descriptor->word, &word, begun)); // [R:begin] [model:begin]
}

static inline void block_begin_any(const struct mems_engine *engine, const struct grant *grant,
                                   size_t size, uint16_t thread)
{
    if (engine->drops) {
        block_begin_dropped(grant, size, thread);
    } else {
        block_begin(grant, size, thread);
    }
}

static void refuse(struct mems_space *space, struct cache *here, size_t size)
{
    struct policy_totals totals;
    ENGINE_COUNT(space, here, refusals, 1);
    space->engine->policy->totals(space->engine->state, &totals);
    if (totals.free_bytes >= size) {
        ENGINE_COUNT(space, here, refusals_enough_free, 1);
    }
}

// One block past the magazines.
static int alloc_direct(struct mems_space *space, struct cache *here, size_t size, size_t align,
                        mems_addr *addr)
{
    struct mems_engine *engine = space->engine;
    struct grant grant;
    int error = 0;
    if (engine->policy->take(engine->state, space->owned, size, align, &grant, 1, &error) == 0) {
        if (error == EINVAL || here == NULL || !engine->cached) {
            return error;
        }
        cache_flush(here);
        if (engine->policy->take(engine->state, space->owned, size, align, &grant, 1, &error) ==
            0) {
            return error;
        }
    }
    ENGINE_COUNT(space, here, direct, 1);
    *addr = grant.addr;
    if (grant.descriptor != NULL) {
        block_begin_any(engine, &grant, size, here != NULL ? here->thread : 0);
    }
    return 0;
}

static int alloc_front(struct mems_space *space, struct cache *here, size_t size, size_t align,
                       mems_addr *addr)
{
    struct mems_engine *engine = space->engine;
    struct grant grant;
    int error = engine->front->take(engine->state, here->front, size, align, &grant);
    if (error != 0) {
        return error;
    }
    count_own(&here->counters.misses, 1);
    block_begin(&grant, size, here->thread);
    *addr = grant.addr;
    return 0;
}

static int alloc_cached(struct mems_space *space, struct cache *here, size_t size, mems_addr *addr)
{
    struct grant grant;
    unsigned class = cache_class(&space->engine->classes, size);
    if (!cache_pop(here, class, &grant)) {
        int error = cache_pop_slow(here, class, &grant);
        if (error != 0) {
            cache_flush(here);
            error = cache_pop_slow(here, class, &grant);
        }
        if (error != 0) {
            return error;
        }
    }
    block_begin_any(space->engine, &grant, size, here->thread);
    *addr = grant.addr;
    return 0;
}

// Sizes and alignments that make sense. ENOSPC: a bounded engine is full, and it is not counted.
static int alloc_any(struct mems_space *space, struct cache *here, size_t size, size_t align,
                     mems_addr *addr)
{
    mems_addr result = 0;
    if (size > PTRDIFF_MAX || align > PTRDIFF_MAX) {
        return ENOMEM;
    }
    int error;
    if (here != NULL && here->front != NULL) {
        error = alloc_front(space, here, size, align, &result);
    } else if (here != NULL && size <= space->cached_most && align <= 16) {
        error = alloc_cached(space, here, size, &result);
    } else {
        error = alloc_direct(space, here, size, align, &result);
    }
    if (error != 0) {
        return error;
    }
    ENGINE_COUNT(space, here, allocs, 1);
    ENGINE_COUNT(space, here, requested, size);
    *addr = result;
    return 0;
}

int block_alloc_slow(struct mems_space *space, size_t size, size_t align, mems_addr *addr)
{
    if (size == 0 || (align & (align - 1)) != 0) {
        return EINVAL;
    }
    struct cache *here = cache_here(&space->cache);
    int error = alloc_any(space, here, size, align, addr);
    if (error == ENOSPC) {
        refuse(space, here, size);
        error = ENOMEM;
    }
    return error;
}

int mems_alloc(struct mems_space *space, size_t size, size_t align, mems_addr *addr)
{
    struct grant grant;
    if (__builtin_expect(size - 1 >= space->cached_most || align != 0 ||
                             cache_last->serial != space->alloc_serial,
                         0)) {
        return block_front_alloc(space, size, align, addr);
    }
    struct cache *here = cache_last;
    if (__builtin_expect(!cache_pop(here, cache_class(space->cache.classes, size), &grant), 0)) {
        return block_alloc_slow(space, size, align, addr);
    }
    block_begin(&grant, size, here->thread);
    count_own(&here->counters.allocs, 1);
    count_own(&here->counters.requested, size);
    *addr = grant.addr;
    return 0;
}

// ---- releasing ---------------------------------------------------------------------------------

static int release_flat(struct mems_space *space, struct cache *here, mems_addr addr)
{
    struct mems_engine *engine = space->engine;
    size_t requested = 0;
    int error = engine->policy->flat_release(engine->state, addr, &requested);
    if (error == 0) {
        ENGINE_COUNT(space, here, releases, 1);
        ENGINE_COUNT(space, here, requested, -(uint64_t)requested);
        ENGINE_COUNT(space, here, direct, 1);
    }
    return error;
}

// Ends the block; its grant is what goes back to a magazine or to the policy. Of two releases that
// race here the second is told: the policy, or a magazine of the first one's thread, may have given
// the descriptor to another block by now. What was done with the bytes comes before it, for who
// takes the place out of a magazine. A mover's mark is no obstacle: what it has in hand is
// abandoned. *was is the state that the block was in.
static inline int block_end(struct descriptor *descriptor, mems_addr addr, struct grant *grant,
                            enum descriptor_state *was)
{
    uint64_t word = load_relaxed(&descriptor->word), ended;
    // [model:generation]
    uint32_t generation = (descriptor_generation(addr) + 1) & DESCRIPTOR_GENERATION_MASK;
    do {
        if (!descriptor_is_block(word, addr)) {
            return misuse_of(word, addr);
        }
        ended = descriptor_word(DESCRIPTOR_CACHED, generation, word & DESCRIPTOR_PLACE_MASK);
    } while (!cas_release(&descriptor->word, &word, ended)); // [R:ended] [model:release]
    *was = descriptor_state(word);
    uint64_t generations = (uint64_t)DESCRIPTOR_GENERATION_MASK << DESCRIPTOR_PLACE_BITS;
    grant->descriptor = descriptor;
    grant->addr = (addr & ~generations) | (uint64_t)generation << DESCRIPTOR_PLACE_BITS;
    return 0;
}

static int release_block(struct mems_space *space, struct cache *here,
                         struct descriptor *descriptor, mems_addr addr)
{
    struct grant grant;
    enum descriptor_state was = DESCRIPTOR_FREE;
    uint8_t class = load_relaxed(&descriptor->class);
    uint64_t limit = load_relaxed(&descriptor->limit);
    bool remote = here == NULL || load_relaxed(&descriptor->thread) != here->thread;
    int error = block_end(descriptor, addr, &grant, &was);
    if (error != 0) {
        return error;
    }
    ENGINE_COUNT(space, here, releases, 1);
    ENGINE_COUNT(space, here, requested, -limit);
    ENGINE_COUNT(space, here, remote, remote);
    bool worn = descriptor_generation(grant.addr) == 0; // the policy must retire its descriptor
    bool there = was == DESCRIPTOR_RESIDENT || was == DESCRIPTOR_MOVING;
    if (here != NULL && class != DESCRIPTOR_UNCACHED && !worn && there) {
        if (!cache_push(here, class, grant)) {
            cache_push_slow(here, class, grant);
        }
    } else if (here != NULL && here->front != NULL) {
        count_own(&here->counters.misses, 1);
        space->engine->front->give(space->engine->state, here->front, &grant);
    } else {
        ENGINE_COUNT(space, here, direct, 1);
        space->engine->policy->give(space->engine->state, &grant, 1);
    }
    return 0;
}

int block_release_slow(struct mems_space *space, mems_addr addr)
{
    struct descriptor *descriptor;
    struct cache *here = cache_here(&space->cache);
    int error;
    if (space->flat) {
        error = release_flat(space, here, addr);
    } else {
        error = block_find_start(space, addr, &descriptor);
        if (error == 0) {
            error = release_block(space, here, descriptor, addr);
        }
    }
    if (error != 0) {
        ENGINE_COUNT(space, here, misuses, 1);
    }
    return error;
}

int mems_release(struct mems_space *space, mems_addr addr)
{
    if (__builtin_expect(cache_last->serial != space->release_serial, 0)) {
        return block_front_release(space, addr);
    }
    if (__builtin_expect(!descriptor_is_small(addr) || descriptor_offset_small(addr) != 0, 0)) {
        return block_release_slow(space, addr);
    }
    struct descriptor *descriptor = descriptor_find_small(space->table, addr);
    if (__builtin_expect(descriptor == NULL, 0)) {
        return block_release_slow(space, addr);
    }
    struct cache *here = cache_last;
    uint64_t word = load_relaxed(&descriptor->word);
    struct grant grant = {descriptor, addr + BLOCK_GENERATION_STEP};
    if (__builtin_expect(!descriptor_is_live_small(word, addr) ||
                             load_relaxed(&descriptor->space) != space->id ||
                             !cache_push(here, load_relaxed(&descriptor->class), grant),
                         0)) {
        return block_release_slow(space, addr);
    }
    store_relaxed(&descriptor->word, word - BLOCK_RESIDENT_STEP + BLOCK_GENERATION_STEP);
    count_own(&here->counters.releases, 1);
    count_own(&here->counters.requested, -load_relaxed(&descriptor->limit));
    if (__builtin_expect(load_relaxed(&descriptor->thread) != here->thread, 0)) {
        count_own(&here->counters.remote, 1);
    }
    return 0;
}

// ---- resizing ----------------------------------------------------------------------------------

// Copies the first bytes of a block to another, a buffer at a time: neither need be in one piece or
// resident.
static int block_copy(struct mems_space *space, mems_addr to, mems_addr from, size_t length)
{
    char buffer[4096];
    int error = 0;
    for (size_t done = 0; done < length && error == 0;) {
        size_t part = length - done < sizeof buffer ? length - done : sizeof buffer;
        error = block_read(space, from + done, buffer, part);
        if (error == 0) {
            error = mems_write(space, to + done, buffer, part);
        }
        done += part;
    }
    return error;
}

// Into a new block: allocate, copy, release. A block that would shrink can stay where it is: then a
// full engine refuses nothing. What cannot be copied (swap is full, or cannot be read) has not been
// allocated either.
static int resize_by_move(struct mems_space *space, mems_addr *addr, size_t before, size_t size)
{
    mems_addr fresh;
    int error = size > before ? mems_alloc(space, size, 0, &fresh)
                              : alloc_any(space, cache_here(&space->cache), size, 0, &fresh);
    if (error != 0) {
        return ENOMEM;
    }
    error = block_copy(space, fresh, *addr, before < size ? before : size);
    if (error == 0) {
        error = mems_release(space, *addr);
    }
    if (error != 0) {
        struct cache *here = cache_here(&space->cache);
        mems_release(space, fresh);
        ENGINE_COUNT(space, here, allocs, -UINT64_C(1));
        ENGINE_COUNT(space, here, releases, -UINT64_C(1));
        return error;
    }
    *addr = fresh;
    return 0;
}

static int resize_flat(struct mems_space *space, mems_addr *addr, size_t size)
{
    struct mems_engine *engine = space->engine;
    size_t before = 0, requested = 0, taken = 0, span = 0;
    void *host;
    int error = engine->policy->flat_resize(engine->state, *addr, size, &before);
    if (error == 0) {
        struct cache *here = cache_here(&space->cache);
        ENGINE_COUNT(space, here, requested, (uint64_t)size - before);
        return 0;
    }
    if (error == ENOMEM) {
        error = engine->policy->flat_find(engine->state, *addr, &host, &span, &requested, &taken);
        if (error == 0) {
            error = resize_by_move(space, addr, requested, size);
        }
    }
    return error;
}

// A block in a magazine's class stays while the class fits it, and half of it is used or no smaller
// class would do; others are the policy's to grow and shrink.
static int resize_in_place(struct mems_space *space, struct descriptor *descriptor, size_t size)
{
    struct mems_engine *engine = space->engine;
    unsigned class = load_relaxed(&descriptor->class);
    if (class == DESCRIPTOR_UNCACHED) {
        return engine->policy->resize(engine->state, descriptor, size);
    }
    size_t taken = engine->classes.size[class];
    bool stays =
        size <= taken && (size > taken / 2 || cache_class(&engine->classes, size) == class);
    return stays ? 0 : ENOMEM;
}

static int resize_block(struct mems_space *space, struct cache *here, mems_addr *addr, size_t size)
{
    struct descriptor *descriptor;
    int error = block_find_start(space, *addr, &descriptor);
    if (error != 0) {
        return error;
    }
    uint64_t before = load_relaxed(&descriptor->limit);
    unsigned denied = descriptor_denied(descriptor);
    error = resize_in_place(space, descriptor, size);
    if (error == ENOMEM) {
        error = resize_by_move(space, addr, before, size);
        if (error == 0 && denied != 0) {
            error = block_deny(space, *addr, denied); // the rights move along
        }
        if (error != ENOMEM || size > before) {
            return error;
        }
    } else if (error != 0) {
        return error;
    }
    store_release(&descriptor->limit, size); // [R:limit]
    ENGINE_COUNT(space, here, requested, (uint64_t)size - before);
    return 0;
}

int mems_resize(struct mems_space *space, mems_addr *addr, size_t size)
{
    if (size == 0) {
        return EINVAL;
    }
    if (size > PTRDIFF_MAX) {
        return ENOMEM;
    }
    struct cache *here = cache_here(&space->cache);
    int error =
        space->flat ? resize_flat(space, addr, size) : resize_block(space, here, addr, size);
    if (error == 0) {
        ENGINE_COUNT(space, here, resizes, 1);
    } else if (error != ENOMEM && error != ENOSPC && error != EIO && error != EBUSY &&
               error != EAGAIN) {
        ENGINE_COUNT(space, here, misuses, 1);
    }
    return error;
}

int mems_block_size(struct mems_space *space, mems_addr addr, size_t *requested, size_t *size)
{
    struct mems_engine *engine = space->engine;
    size_t asked = 0, taken = 0, span = 0;
    int error;
    if (space->flat) {
        void *host;
        error = engine->policy->flat_find(engine->state, addr, &host, &span, &asked, &taken);
        error = error == 0 && span != asked ? EINVAL : error;
    } else {
        struct descriptor *descriptor;
        error = block_find_start(space, addr, &descriptor);
        if (error == 0) {
            asked = load_acquire(&descriptor->limit); // [A:limit]
            taken = engine->policy->measure(engine->state, descriptor);
            error = block_find(space, addr, &descriptor); // released meanwhile?
        }
    }
    if (error != 0) {
        return block_misused(space, error);
    }
    if (requested != NULL) {
        *requested = asked;
    }
    if (size != NULL) {
        *size = taken;
    }
    return 0;
}
