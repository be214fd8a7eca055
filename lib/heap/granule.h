// SPDX-License-Identifier: MIT
//
// granule.h - what is at an address: one record for each 64 KiB that the heap holds.
//
// The essay is in granule.c. A granule is the unit in which the depot hands out memory: a slab is
// one granule, a large block a run of them. Its record stands far from its bytes, so that no
// program that overruns a block reaches it.

#ifndef HEAP_GRANULE_H
#define HEAP_GRANULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "sync/atomic.h"

#define GRANULE_BITS    16
#define GRANULE_BYTES   (UINT64_C(1) << GRANULE_BITS)
#define WINDOW_BITS     28
#define WINDOW_BYTES    (UINT64_C(1) << WINDOW_BITS)
#define WINDOW_GRANULES (WINDOW_BYTES / GRANULE_BYTES)
#define ADDRESS_BITS    47
#define WINDOW_COUNT    (UINT64_C(1) << (ADDRESS_BITS - WINDOW_BITS))

// A bit of `owner`: strangers have returned blocks since the owner looked (ledger.c). The owner's
// way in line, which compares `owner` with itself, then does not apply.
#define GRANULE_MAIL UINT64_C(1)

enum granule_kind {
    GRANULE_NONE,       // not of this heap, never used, or a large block's but for the first
    GRANULE_SLAB,       // cut into blocks of one class
    GRANULE_LARGE,      // the first of a large block
    GRANULE_PAST_SLAB,  // was one, and its record still says which; maybe a large block's by now,
    GRANULE_PAST_LARGE, // but not its first
};

struct ledger;
struct extent;

// What a stranger reads is written seldom: it stays in every CPU's cache.
//
// slab: size, count, reciprocal are its class's; extent->size == GRANULE_BYTES;
// large: owner == 0, usable is extent->size but for less than a granule;
// extent->holder is the record, and the record's extent the holder's                         (G4)
struct granule {
    // [atomic] slab: who may touch its ledger (thread_self; 0: nobody), and whether there is mail.
    uint64_t owner;
    union {
        uint64_t reciprocal; // [ro] slab: of its blocks' size, see place_of
        uint64_t usable;     // [user] large: bytes that the program may use
    };
    struct ledger *ledger; // [ro] slab
    uint32_t size;         // [ro] slab: of a block
    uint16_t count;        // [ro] slab: blocks
    uint8_t class;         // [ro] slab
    uint8_t kind;          // [atomic] enum granule_kind
    struct extent *extent; // [ro] its memory
    struct list ring;      // [own] slab: in its owner's bin; [depot's lock] among the orphans
    uint16_t depot;        // [ro] number of the depot it came from
    bool zeroed;           // [ro] slab: blocks that were never used are zero
} __attribute__((aligned(64)));

_Static_assert(sizeof(struct granule) == 64, "one line of cache: the map's arithmetic");

// `root` is what address >> WINDOW_BITS names: how far the records of that window are from
// `nobody`, whose records say that nothing is there.
struct granule_map {
    uint64_t root[WINDOW_COUNT]; // [atomic]
    struct granule nobody[WINDOW_GRANULES];
};

extern struct granule_map granule_map __attribute__((visibility("hidden")));

// The record of any address whatever: one without a kind where the heap has nothing.
static inline struct granule *granule_at(const void *address)
{
    uint64_t at = (uintptr_t)address, index = at >> GRANULE_BITS & (WINDOW_GRANULES - 1);
    return at >> ADDRESS_BITS != 0
               ? granule_map.nobody
               : (struct granule *)((char *)(granule_map.nobody + index) +
                                    load_acquire(
                                        &granule_map.root[at >> WINDOW_BITS])); // [A:window]
}

static inline uint64_t granule_owner(const struct granule *slab)
{
    return load_relaxed(&slab->owner) & ~GRANULE_MAIL;
}

static inline bool granule_has_mail(const struct granule *slab)
{
    return (load_relaxed(&slab->owner) & GRANULE_MAIL) != 0;
}

// Whether each page of the granule is as the OS gave it: 0; else the clock's tick at which it was
// given back to the depot last. Guarded by the depot's lock while the granule is free.
uint8_t *granule_age(const void *address);

// Address space that the records take.
uint64_t granule_bytes(void);

// Makes records for all granules of [host, host + bytes). Never undone. false: the OS refused.
bool granule_cover(char *host, uint64_t bytes);

#endif
