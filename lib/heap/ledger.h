// SPDX-License-Identifier: MIT
//
// ledger.h - which blocks of a slab are free.
//
// The essay is in ledger.c. The owner's half and the strangers' half are on lines of cache of their
// own.

#ifndef HEAP_LEDGER_H
#define HEAP_LEDGER_H

#include "heap/granule.h"
#include "memory/pool.h"
#include "memory/slab.h"

#define LEDGER_LINES 9 // of either half, at most
#define LEDGER_FAR   (UINT32_C(1) << 30)

// bit i of `free` is set == slot i is not with the program (G1)
//
// slot `count`, where there is room for a part of one, is never with it (G2)
//
// no slot is free and returned; there is mail where one is returned, but while that is done (G3)
struct ledger {
    uint32_t left;   // [own] releases by the owner until it looks whether the slab is empty
    uint32_t fresh;  // [own] classes up to FRONT_DIRECT: words from here on were never used; above:
                     // blocks from here on are all zero
    uint64_t free[]; // [own to write; atomic for readers]
};

// Stands right before the ledger; the words that were returned stand before that.
struct ledger_inbox {
    uint32_t looked; // [depot's lock] see idle.c
    uint32_t reserved;
};

// The lowest bit's number; `bits` is not 0. (As __builtin_ctzll, whose int costs an instruction
// more.)
static inline uint64_t ledger_lowest(uint64_t bits)
{
    uint64_t lowest;
    __asm__("rep bsfq %1, %0" : "=r"(lowest) : "r"(bits) : "cc");
    return lowest;
}

// Words of either bitmap of a slab: slot `count` has a bit, whether it is there in part or not.
static inline unsigned ledger_words(const struct granule *slab)
{
    return (slab->count >> 6) + 1u;
}

// Lines of cache that either half takes.
static inline unsigned ledger_lines(const struct granule *slab)
{
    return (ledger_words(slab) + 8) / 8; // a word for what stands before the bits
}

static inline struct ledger_inbox *ledger_inbox(const struct granule *slab)
{
    return (struct ledger_inbox *)slab->ledger - 1;
}

// [atomic] The words of the inbox: bits of slots that threads returned which do not own the slab.
static inline uint64_t *ledger_returned(const struct granule *slab)
{
    return (uint64_t *)slab->ledger - (size_t)(8 * ledger_lines(slab));
}

// Whether a slot that the program names is not with it.
static inline bool ledger_is_free(const struct granule *slab, uint32_t slot)
{
    uint64_t bits = load_relaxed(&slab->ledger->free[slot >> 6]) |
                    load_relaxed(&ledger_returned(slab)[slot >> 6]);
    return (bits >> (slot & 63) & 1) != 0;
}

// A place in a slab, by one multiplication and no division. R = floor((2^58 - 1) / size) + 1, so
// that R * size exceeds 2^58 by e < size. Slot i starts at i * size, whose product with R is i *
// 2^58 + i * e: as a number of 128 bits it has the slot's word (i / 64) in its upper half and its
// bit (i % 64) on top of the lower half, and i * e, which is below 2^16, at the bottom. An address
// r bytes further on, 0 < r < size, has r * R there, which is at least R > 2^43, and below 2^58.
// Turned left by six bits the lower half shows all: the bit lowest, and more than PLACE_EXACT where
// no slot starts.
#define PLACE_EXACT INT32_MAX
struct place {
    uint64_t word; // of the ledger
    uint64_t bit;  // in its low six bits
};

#define PLACE_RECIPROCAL(size) (((UINT64_C(1) << 58) - 1) / (size) + 1)

static inline struct place place_of(const struct granule *slab, const void *address)
{
    uint64_t low = (uint16_t)(uintptr_t)address, high;
    __asm__("mulq %2" : "+a"(low), "=d"(high) : "m"(slab->reciprocal) : "cc");
    return (struct place){.word = high, .bit = low << 6 | low >> 58};
}

// The slot that starts at the address, or SLOT_NONE where none does.
#define SLOT_NONE UINT32_MAX
static inline uint32_t granule_slot(const struct granule *slab, const void *address)
{
    struct place place = place_of(slab, address);
    return place.bit <= PLACE_EXACT ? (uint32_t)(64 * place.word + (place.bit & 63)) : SLOT_NONE;
}

// The slot that the address lies in.
static inline uint32_t granule_slot_around(const struct granule *slab, const void *address)
{
    return (uint16_t)(uintptr_t)address / slab->size;
}

// The owner's release of a slot that nobody else has returned. false: it is free already.
static inline __attribute__((always_inline)) bool ledger_put(struct ledger *ledger,
                                                             struct place place)
{
    uint64_t *word = &ledger->free[place.word], bits = peek(word);
    bool was;
    __asm__("btsq %2, %0" : "+r"(bits), "=@ccc"(was) : "r"(place.bit));
    if (__builtin_expect(was, 0)) {
        return false;
    }
    poke(word, bits);
    return true;
}

// Every slot is free. The slab's record has size, count and ledger.
void ledger_init(const struct granule *slab);

// The free slots of a word, without the one that is none (G2).
static inline uint64_t ledger_real(const struct granule *slab, unsigned word)
{
    uint64_t bits = peek(&slab->ledger->free[word]);
    return slab->count >> 6 == word ? bits & ~(UINT64_C(1) << (slab->count & 63)) : bits;
}

// How many bits of each four are set.
static inline uint64_t ledger_fours(uint64_t bits)
{
    bits -= bits >> 1 & UINT64_C(0x5555555555555555);
    return (bits & UINT64_C(0x3333333333333333)) + (bits >> 2 & UINT64_C(0x3333333333333333));
}

// How many bits are set. (x86-64 as Debian builds for it has no instruction for that.)
static inline unsigned ledger_bits(uint64_t bits)
{
    bits = ledger_fours(bits);
    bits = (bits + (bits >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
    return (unsigned)(bits * UINT64_C(0x0101010101010101) >> 56);
}

unsigned ledger_count_words(const struct granule *slab, unsigned enough);

// How many slots are free; counting stops when there are `enough`.
static inline unsigned ledger_count(const struct granule *slab, unsigned enough)
{
    if (slab->count >= 64) {
        return ledger_count_words(slab, enough);
    }
    uint64_t bits = peek(&slab->ledger->free[0]) & ~(UINT64_C(1) << slab->count);
    return bits != 0 ? ledger_bits(bits) : 0;
}

static inline bool ledger_is_empty(const struct granule *slab)
{
    return ledger_count(slab, slab->count) == slab->count;
}

// How many slots are not free in the owner's eyes; counting stops when there are `enough`.
unsigned ledger_used(const struct granule *slab, unsigned enough);

// Takes in what strangers have returned since the last time. Returns how many; *twice is a slot
// that was free already, or SLOT_NONE.
unsigned ledger_collect(struct granule *slab, uint32_t *twice);
// A stranger returns a slot. false: it is free, or was returned before.
bool ledger_return(struct granule *slab, uint32_t slot);
// There is something in the inbox.
void ledger_announce(struct granule *slab);

#endif
