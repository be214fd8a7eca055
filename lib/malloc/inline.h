// SPDX-License-Identifier: MIT
//
// inline.h - the way in line: what malloc and free do almost always.
//
// malloc: a size up to 1 KiB is, rounded up and doubled, the place of an entry in the thread's
// front; the entry's word has a bit for each free block; its lowest bit is the block, if it is not
// the last. free: the address leads to the slab's record (heap/granule.h); it is this thread's; the
// address is a slot's start; no stranger has returned a block of the slab that its owner has not
// yet taken in; the slot's bit is not set: set it. No call, no lock, no atomic read-modify-write;
// and every check there is. malloc.c and new.c each have a copy, so that neither
// calls the other.

#ifndef MALLOC_INLINE_H
#define MALLOC_INLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heap/front.h"
#include "heap/granule.h"
#include "heap/ledger.h"
#include "malloc/malloc.h"
#include "sync/thread.h"

#define unlikely(x) __builtin_expect(!!(x), 0)

// The checks of a release in line, each of which a build can leave out, to show what it costs
// (bench/goals malloc-checks). What else is compared there is not for checking, but tells whose the
// block is.
enum malloc_check {
    MALLOC_CHECK_RANGE = 1, // the address is one that a program can have
    MALLOC_CHECK_START = 2, // a block starts there
    MALLOC_CHECK_TWICE = 4, // and it is not free
};
#ifndef MALLOC_CHECKS
#define MALLOC_CHECKS (MALLOC_CHECK_RANGE | MALLOC_CHECK_START | MALLOC_CHECK_TWICE)
#endif
#define malloc_finds(check, x) ((MALLOC_CHECKS & (check)) != 0 && unlikely(x))

// false: not this way; malloc_above is the other.
static inline __attribute__((always_inline)) bool malloc_in_line(size_t size, void **block)
{
    return __builtin_expect(size <= FRONT_DIRECT, 1) &&
           front_pop((const struct front_entry *)((const char *)front_here->entry +
                                                  2 * ((size + FRONT_STEP - 1) &
                                                       ~(size_t)(FRONT_STEP - 1))),
                     block);
}

static inline __attribute__((always_inline)) struct granule *malloc_record(uint64_t at)
{
    char *record = (char *)&granule_map + (at >> (GRANULE_BITS - 6) & (WINDOW_GRANULES - 1) << 6);
    record += peek(&granule_map.root[at >> WINDOW_BITS]);
    return (struct granule *)(record + offsetof(struct granule_map, nobody));
}

// Of a slab of this thread's.
static inline __attribute__((always_inline)) void malloc_release_own(struct granule *slab,
                                                                     void *block, const char *call)
{
    struct place place = place_of(slab, block);
    if (malloc_finds(MALLOC_CHECK_START, place.bit > PLACE_EXACT)) {
        malloc_release_slow(block, call);
        return;
    }
    struct ledger *ledger = slab->ledger;
    uint64_t *word = &ledger->free[place.word], bits = peek(word);
    bool was;
    __asm__("btsq %2, %0" : "+r"(bits), "=@ccc"(was) : "r"(place.bit));
    if (malloc_finds(MALLOC_CHECK_TWICE, was)) {
        malloc_release_slow(block, call);
        return;
    }
    poke(word, bits);
    if (unlikely(--ledger->left == 0)) {
        malloc_release_look(slab);
    }
}

static inline __attribute__((always_inline)) void malloc_release(void *block, const char *call)
{
    uint64_t at = (uintptr_t)block;
    if (malloc_finds(MALLOC_CHECK_RANGE, at >> WINDOW_BITS >= WINDOW_COUNT)) {
        malloc_release_slow(block, call);
        return;
    }
    struct granule *slab = malloc_record(at);
    if (unlikely(peek(&slab->owner) != thread_self())) {
        malloc_release_slow(block, call);
        return;
    }
    malloc_release_own(slab, block, call);
}

// The same of a block that was asked for with `said` bytes. A block of a class is larger than half
// of it would do for, or the smallest (malloc_size_fits); here sizes up to 8 bytes below that pass
// too, which spares a branch.
static inline __attribute__((always_inline)) void malloc_release_said(void *block, size_t said,
                                                                      const char *call)
{
    uint64_t at = (uintptr_t)block;
    if (malloc_finds(MALLOC_CHECK_RANGE, at >> WINDOW_BITS >= WINDOW_COUNT)) {
        malloc_release_sized(block, 1, said, call);
        return;
    }
    struct granule *slab = malloc_record(at);
    if (unlikely(peek(&slab->owner) != thread_self() ||
                 slab->size - said > slab->size / 2 + SLAB_STEP / 2)) {
        malloc_release_sized(block, 1, said, call);
        return;
    }
    malloc_release_own(slab, block, call);
}

#endif
