// SPDX-License-Identifier: MIT
//
// block_front.c - one request's way where threads have fronts.
//
// 1. The policy has slabs that a thread owns, and a way of its own to the next block
//    (heap/front.h); the engine adds the descriptor. A block is taken by clearing its bit in a word
//    of this thread's; its descriptor, the block's tag, becomes RESIDENT by a plain store. Release
//    is the mirror: the address leads to the descriptor, that to the slab, and the block's place in
//    it is one multiplication. No lock, no atomic read-modify-write, no indirect call.
// 2. In line go blocks up to 4 KiB (whose addresses are of the first kind) that this thread has
//    allocated, from slabs that are its front's still: one comparison of the descriptor's `whose`
//    tells space, thread, and that it is a slab's block; one of the slab's `owner` the rest, and
//    that nobody else has returned a block to it since its owner looked.
// 3. All else is the policy's, or block.c's.

#include "engine/engine.h"
#include "heap/front.h"

#define IN_LINE 4096u

// ---- allocating --------------------------------------------------------------------------------

static inline __attribute__((always_inline)) bool
take_in_line(struct cache *here, const struct front_entry *entry, size_t size, mems_addr *addr)
{
    struct descriptor *descriptor = front_tag(entry);
    void *block;
    if (__builtin_expect(descriptor == NULL || !front_pop(entry, &block), 0)) {
        return false;
    }
    uint64_t word = load_relaxed(&descriptor->word) + BLOCK_RESIDENT_STEP;
    store_release(&descriptor->limit, size);        // [R:limit]
    store_release(&descriptor->whose, here->whose); // [R:limit]
    store_release(&descriptor->word, word);         // [R:begin]
    count_own(&here->counters.allocs, 1);
    count_own(&here->counters.requested, size);
    *addr = descriptor_addr_small(descriptor, word);
    return true;
}

static __attribute__((noinline)) int alloc_above(struct mems_space *space, size_t size,
                                                 size_t align, mems_addr *addr)
{
    struct cache *here = cache_last;
    bool above =
        here->serial == space->front_serial && align == 0 && size > FRONT_DIRECT && size <= IN_LINE;
    return above && take_in_line(here, front_entry_above(here->front, slab_class(size)), size, addr)
               ? 0
               : block_alloc_slow(space, size, align, addr);
}

int block_front_alloc(struct mems_space *space, size_t size, size_t align, mems_addr *addr)
{
    struct cache *here = cache_last;
    if (__builtin_expect(
            here->serial != space->front_serial || size - 1 >= FRONT_DIRECT || align != 0, 0)) {
        return alloc_above(space, size, align, addr);
    }
    const struct front *front = here->front;
    const struct front_entry *entry = &front->entry[(size + FRONT_STEP - 1) / FRONT_STEP];
    return take_in_line(here, entry, size, addr) ? 0 : block_alloc_slow(space, size, align, addr);
}

// ---- releasing ---------------------------------------------------------------------------------

static __attribute__((noinline)) int release_look(const struct mems_space *space,
                                                  struct granule *slab)
{
    const struct mems_engine *engine = space->engine;
    engine->front->look(engine->state, cache_last->front, slab);
    return 0;
}

int block_front_release(struct mems_space *space, mems_addr addr)
{
    struct cache *here = cache_last;
    if (__builtin_expect(here->serial != space->front_serial || !descriptor_is_small(addr) ||
                             descriptor_offset_small(addr) != 0,
                         0)) {
        return block_release_slow(space, addr);
    }
    struct descriptor *descriptor = descriptor_find_small(space->table, addr);
    if (__builtin_expect(descriptor == NULL, 0)) {
        return block_release_slow(space, addr);
    }
    uint64_t word = load_relaxed(&descriptor->word);
    if (__builtin_expect(!descriptor_is_live_small(word, addr) ||
                             load_relaxed(&descriptor->whose) != here->whose,
                         0)) {
        return block_release_slow(space, addr);
    }
    const struct front *front = here->front;
    struct granule *slab = descriptor->record;
    if (__builtin_expect(peek(&slab->owner) != front->self ||
                             !ledger_put(slab->ledger, place_of(slab, descriptor_host(word))),
                         0)) {
        return block_release_slow(space, addr);
    }
    store_relaxed(&descriptor->word, word - BLOCK_RESIDENT_STEP + BLOCK_GENERATION_STEP);
    count_own(&here->counters.releases, 1);
    count_own(&here->counters.requested, -load_relaxed(&descriptor->limit));
    if (__builtin_expect(--slab->ledger->left == 0, 0)) {
        return release_look(space, slab);
    }
    return 0;
}

// ---- the source behind caches ------------------------------------------------------------------

static bool source_open(void *backend, struct cache *cache)
{
    const struct mems_space *space = backend;
    cache->front = space->engine->front->open(space->engine->state, space->owned);
    cache->whose = descriptor_whose(space->id, cache->thread, 0);
    return cache->front != NULL;
}

static void source_trim(void *backend, struct cache *cache)
{
    const struct mems_engine *engine = ((const struct mems_space *)backend)->engine;
    engine->front->trim(engine->state, cache->front);
}

static void source_close(void *backend, struct cache *cache)
{
    const struct mems_engine *engine = ((const struct mems_space *)backend)->engine;
    engine->front->close(engine->state, cache->front);
}

const struct cache_source block_front_source = {
    .open = source_open,
    .trim = source_trim,
    .close = source_close,
};
