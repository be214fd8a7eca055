// SPDX-License-Identifier: MIT
//
// descriptor.h - what a virtual address names: one small record a block, found in O(1).
//
// The essay is in descriptor.c. In short, an address is {kind 3, generation 18, index, offset}; the
// kind says how many bits the offset takes (12, 16, 20, .. 40) and leaves the rest of 43 to the
// index. A descriptor's word is {state 3, generation 18, host address / 16: 43}, so one load tells
// whether the address is live and where its block is.

#ifndef MEMORY_DESCRIPTOR_H
#define MEMORY_DESCRIPTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "memory/pool.h"
#include "sync/atomic.h"
#include "sync/lock.h"

#define DESCRIPTOR_KINDS           8
#define DESCRIPTOR_PLACE_BITS      43 // index and offset in an address; host / 16 in a word
#define DESCRIPTOR_GENERATION_BITS 18
#define DESCRIPTOR_GENERATION_MASK ((1u << DESCRIPTOR_GENERATION_BITS) - 1)
#define DESCRIPTOR_PLACE_MASK      ((UINT64_C(1) << DESCRIPTOR_PLACE_BITS) - 1)
#define DESCRIPTOR_LARGEST         (UINT64_C(1) << 40) // a block at most
#define DESCRIPTOR_UNCACHED        64                  // `class` of a block no magazine takes
#define DESCRIPTOR_NOBODY          UINT32_MAX          // `space` of what several spaces share

#ifdef MEMS_HOSTILE
#define DESCRIPTOR_CHUNK_BITS 4 // descriptors a chunk: 2^n
#define DESCRIPTOR_WORN_MOST  8
#else
#define DESCRIPTOR_CHUNK_BITS 11
#define DESCRIPTOR_WORN_MOST  65536
#endif
#define DESCRIPTOR_CHUNK (1u << DESCRIPTOR_CHUNK_BITS)

enum descriptor_state {
    DESCRIPTOR_FREE,     // on a shelf
    DESCRIPTOR_CACHED,   // its block is in a thread's magazine
    DESCRIPTOR_RESIDENT, // its block is allocated, and where the word says
    DESCRIPTOR_TWICE,    // allocated twice: two releases that raced both put it into magazines
    DESCRIPTOR_LINK,     // allocated, shared: its place is that of another descriptor
    DESCRIPTOR_MOVING,   // allocated, at the old place; a mover has marked it
    DESCRIPTOR_SWAPPED,  // allocated, not in memory
};

struct descriptor {
    uint64_t word;  // [atomic]
    uint64_t limit; // [atomic] bytes asked for; addresses end there
    void *record;   // the policy's; on a shelf: the next descriptor
    union {
        struct {
            uint32_t space; // [atomic] its owner; 0: none, it is on a shelf
            uint16_t
                thread;    // [atomic] who allocated it (cache->thread; 0: a thread without a cache)
            uint8_t class; // [atomic] of the magazine it goes to, or DESCRIPTOR_UNCACHED
            uint8_t arena; // [atomic] the policy's, 6 bits, and above them what is denied (enum
                           // mems_access)
        };
        uint64_t whose; // [atomic] all four: one comparison, and one store, for who knows them
    };
};

#define DESCRIPTOR_ARENAS 64 // numbers of arenas are below it

// A block on its way between policy and magazine: its descriptor, and the address under which it
// will be handed out next (its generation is already the new one).
struct grant {
    struct descriptor *descriptor; // NULL where addresses are flat
    uint64_t addr;
};

// A chunk's first descriptor, seen as its head. `word` stays 0: FREE, generation 0.
struct descriptor_head {
    uint64_t word;
    uint64_t first; // index of the chunk's first descriptor
    uint64_t kind;
    uint64_t pad;
};

_Static_assert(sizeof(struct descriptor) == 32, "two descriptors a cache line");
_Static_assert(sizeof(struct descriptor_head) == sizeof(struct descriptor), "a head is one");

struct descriptor_directory {
    struct descriptor_directory *older; // readers may still look into it
    size_t bytes;                       // mapped
    uint64_t room;                      // chunks that fit
    uint64_t count;                     // [atomic] chunks there are; those below never change
    struct descriptor *chunk[];
};

struct descriptor_table {
    struct lock lock;                                         // rank LOCK_TABLE
    struct descriptor_directory *directory[DESCRIPTOR_KINDS]; // [atomic]
    uint64_t bytes;                                           // [lock] mapped
};

// Free descriptors of one arena, guarded by the arena's lock.
struct descriptor_shelf {
    struct descriptor_table *table;
    struct {
        struct descriptor *free;  // reused first, latest first
        struct descriptor *fresh; // never used, the rest of a chunk
        uint32_t fresh_count;
        struct descriptor *worn, *worn_last; // generation used up; oldest first
        uint32_t worn_count;
    } kind[DESCRIPTOR_KINDS];
};

void descriptor_table_init(struct descriptor_table *table);
void descriptor_table_fini(struct descriptor_table *table);

void descriptor_shelf_init(struct descriptor_shelf *shelf, struct descriptor_table *table);
// A descriptor for a block of `size` bytes at `host` (a multiple of 16); it becomes CACHED and
// grant says under which address it will live. 0 or ENOMEM. Takes the table's lock at times.
int descriptor_take(struct descriptor_shelf *shelf, uint64_t size, const void *host,
                    struct grant *grant);
// Gives back a descriptor that is CACHED. Never fails.
void descriptor_give(struct descriptor_shelf *shelf, struct descriptor *descriptor);

// Whose it is and in which arena; nothing is denied. For the policy that has just taken it.
static inline void descriptor_own(struct descriptor *descriptor, uint32_t space, unsigned arena)
{
    store_relaxed(&descriptor->arena, (uint8_t)arena);
    store_release(&descriptor->space, space); // [R:limit]
}

// What `whose` says of a block that no magazine takes, with nothing denied.
static inline uint64_t descriptor_whose(uint32_t space, uint16_t thread, unsigned arena)
{
    const struct descriptor say = {
        .space = space, .thread = thread, .class = DESCRIPTOR_UNCACHED, .arena = (uint8_t)arena};
    return say.whose;
}

static inline unsigned descriptor_arena(const struct descriptor *descriptor)
{
    return load_relaxed(&descriptor->arena) % DESCRIPTOR_ARENAS;
}

// The modes (MEMS_READ, MEMS_WRITE) that its owner may not use.
static inline unsigned descriptor_denied(const struct descriptor *descriptor)
{
    return load_relaxed(&descriptor->arena) / DESCRIPTOR_ARENAS;
}

// Called with the policy's lock held.
static inline void descriptor_deny(struct descriptor *descriptor, unsigned denied)
{
    unsigned arena = descriptor_arena(descriptor) + denied * DESCRIPTOR_ARENAS;
    store_relaxed(&descriptor->arena, (uint8_t)arena);
}

// The address under which a live or cached block is known.
uint64_t descriptor_addr(const struct descriptor *descriptor);

// ---- the layout, for the hot path ---------------------------------------------------------------

static inline unsigned descriptor_offset_bits(uint64_t addr)
{
    return 12 + 4 * (unsigned)(addr >> 61);
}

static inline uint64_t descriptor_offset(uint64_t addr)
{
    return addr & ((UINT64_C(1) << descriptor_offset_bits(addr)) - 1);
}

static inline uint32_t descriptor_generation(uint64_t addr_or_word)
{
    return (uint32_t)(addr_or_word >> DESCRIPTOR_PLACE_BITS) & DESCRIPTOR_GENERATION_MASK;
}

static inline enum descriptor_state descriptor_state(uint64_t word)
{
    return (enum descriptor_state)(word >> 61);
}

static inline char *descriptor_host(uint64_t word)
{
    return (char *)(uintptr_t)((word & DESCRIPTOR_PLACE_MASK) << 4); // NOLINT
}

static inline uint64_t descriptor_word(enum descriptor_state state, uint32_t generation,
                                       uint64_t place)
{
    return (uint64_t)state << 61 | (uint64_t)generation << DESCRIPTOR_PLACE_BITS | place;
}

// Whether `word` is a resident block under the address's generation.
static inline bool descriptor_is_live(uint64_t word, uint64_t addr)
{
    return word >> DESCRIPTOR_PLACE_BITS ==
           ((uint64_t)DESCRIPTOR_RESIDENT << DESCRIPTOR_GENERATION_BITS |
            descriptor_generation(addr));
}

// Whether a block of that state is allocated: a user's, to access and to release.
static inline bool descriptor_is_allocated(enum descriptor_state state)
{
    return state == DESCRIPTOR_RESIDENT || state >= DESCRIPTOR_LINK;
}

// Whether `word` is an allocated block under the address's generation.
static inline bool descriptor_is_block(uint64_t word, uint64_t addr)
{
    return descriptor_is_allocated(descriptor_state(word)) &&
           descriptor_generation(word) == descriptor_generation(addr);
}

// The same block in another state, at the same place.
static inline uint64_t descriptor_turned(uint64_t word, enum descriptor_state state)
{
    return descriptor_word(state, descriptor_generation(word), word & DESCRIPTOR_PLACE_MASK);
}

// The descriptor that a LINK names.
static inline struct descriptor *descriptor_linked(uint64_t word)
{
    return (struct descriptor *)(void *)descriptor_host(word);
}

// The descriptor of a kind's index, whatever its state; NULL: there never was one.
static inline struct descriptor *descriptor_at(const struct descriptor_table *table, unsigned kind,
                                               uint64_t index)
{
    const struct descriptor_directory *directory =
        load_acquire(&table->directory[kind]); // [A:directory]
    uint64_t chunk = index >> DESCRIPTOR_CHUNK_BITS;
    if (__builtin_expect(chunk >= load_acquire(&directory->count), 0)) { // [A:chunk]
        return NULL;
    }
    struct descriptor *found = directory->chunk[chunk] + (index & (DESCRIPTOR_CHUNK - 1));
    if (found == NULL) {
        __builtin_unreachable(); // below the count every chunk is there
    }
    return found;
}

// The descriptor an address points at.
static inline struct descriptor *descriptor_find(const struct descriptor_table *table,
                                                 uint64_t addr)
{
    return descriptor_at(table, (unsigned)(addr >> 61),
                         (addr & DESCRIPTOR_PLACE_MASK) >> descriptor_offset_bits(addr));
}

// Most addresses are of kind 0 (blocks up to 4 KiB), and then all shifts are known. Those of the
// last generation are left to the long way, so one comparison tells both.
#define DESCRIPTOR_SMALL_END ((uint64_t)DESCRIPTOR_GENERATION_MASK << DESCRIPTOR_PLACE_BITS)

static inline bool descriptor_is_small(uint64_t addr)
{
    return addr < DESCRIPTOR_SMALL_END;
}

static inline struct descriptor *descriptor_find_small(const struct descriptor_table *table,
                                                       uint64_t addr)
{
    return descriptor_at(table, 0, (addr & DESCRIPTOR_PLACE_MASK) >> 12);
}

static inline uint64_t descriptor_offset_small(uint64_t addr)
{
    return addr & 0xfff;
}

static inline bool descriptor_is_live_small(uint64_t word, uint64_t addr)
{
    return (word ^ addr) >> DESCRIPTOR_PLACE_BITS == (uint64_t)DESCRIPTOR_RESIDENT
                                                         << DESCRIPTOR_GENERATION_BITS;
}

// The address of a descriptor of that kind whose word it is.
static inline uint64_t descriptor_addr_small(const struct descriptor *descriptor, uint64_t word)
{
    uintptr_t at = (uintptr_t)descriptor % (DESCRIPTOR_CHUNK * sizeof *descriptor);
    const struct descriptor_head *head =
        (const struct descriptor_head *)(const void *)((const char *)descriptor - at);
    return (word & DESCRIPTOR_SMALL_END) + ((head->first + at / sizeof *descriptor) << 12);
}

#endif
