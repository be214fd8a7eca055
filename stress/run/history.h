// SPDX-License-Identifier: MIT
//
// history.h - a thread's last operations, in memory that the driver can read after a crash.
//
// 1. A ring with one writer. The entry is written first and counted after it, so that whoever reads
//    the ring of a dead process sees at most one torn entry: the one at `count`, which it shows as
//    the operation that was under way.
// 2. An entry is 16 bytes, so that 1,024 of them take 16 KiB: every operation writes the next one,
//    and what the ring takes of a core's first cache is missing to the allocator under test (with
//    32 KiB of it and a thousand slots: 1 read in 25 operations misses that would not with a ring
//    of 2 KiB; with entries twice as large, 1 in 8). Two words hold all that a report needs:
//
//        place   block's low 48 bits << 16 | kind << 12 | generation's low 12 bits
//        what    size's low 36 bits << 28  | slot's low 28 bits
//
//    What is too wide for its field is lost at the word's upper end by the shift, or by a mask that
//    fits an instruction: both words take a dozen instructions of the operation's fifty.
//    Addresses of user space have 47 bits, the engine's virtual ones fewer. Sizes of 64 GiB and
//    more are shown as what is left of them modulo 64 GiB, slots past 268 million likewise: the
//    order of operations is right in any case, and a failed check has all bits of its own block.
// 3. If you change this: history_read is the only reader, history_begin and history_place the only
//    writers; tests/unit/run/test_history.c holds them against each other.

#ifndef RUN_HISTORY_H
#define RUN_HISTORY_H

#include <stdint.h>

#define HISTORY_LENGTH 1024 // a power of two

// Kinds beyond enum op_kind; four bits hold all.
enum history_kind { HISTORY_TOUCH = 13, HISTORY_VERIFY, HISTORY_REFUSED };

#define HISTORY_GENERATION_BITS 12
#define HISTORY_BLOCK_SHIFT     16
#define HISTORY_SLOT_BITS       28

#define HISTORY_GENERATION_MASK ((1u << HISTORY_GENERATION_BITS) - 1)
#define HISTORY_KIND_MASK       ((1u << (HISTORY_BLOCK_SHIFT - HISTORY_GENERATION_BITS)) - 1)
#define HISTORY_SLOT_MASK       ((1u << HISTORY_SLOT_BITS) - 1)

struct history_entry {
    uint64_t place, what;
};

struct history {
    uint64_t count; // operations ever noted; the last one is at (count - 1) % HISTORY_LENGTH
    uint64_t pad;   // four entries a cache line
    struct history_entry entry[HISTORY_LENGTH];
};

// An entry as it reads.
struct history_operation {
    uint64_t block;
    uint64_t size;
    uint32_t slot; // slot->id
    uint32_t generation;
    uint32_t kind; // enum op_kind or enum history_kind
};

// Says what is about to be done (block 0 where it is not known yet). The driver sees it should the
// target crash or hang in it.
static inline struct history_entry *history_begin(struct history *history, uint32_t kind,
                                                  uint32_t slot, uint32_t generation,
                                                  uint64_t block, uint64_t size)
{
    struct history_entry *entry = &history->entry[history->count & (HISTORY_LENGTH - 1)];
    uint32_t rest = kind << HISTORY_GENERATION_BITS | (generation & HISTORY_GENERATION_MASK);
    entry->place = block << HISTORY_BLOCK_SHIFT | rest;
    entry->what = size << HISTORY_SLOT_BITS | (slot & HISTORY_SLOT_MASK);
    return entry;
}

// The block of the operation under way is known now; it was begun with 0.
static inline void history_place(struct history_entry *entry, uint64_t block)
{
    entry->place |= block << HISTORY_BLOCK_SHIFT;
}

// It came back. (A plain add to memory, as in op_count.)
static inline void history_end(struct history *history)
{
#if defined(__x86_64__) && defined(NDEBUG)
    __asm__("addq $1, %0" : "+m"(history->count) : : "cc");
#else
    __atomic_store_n(&history->count, history->count + 1, __ATOMIC_RELAXED);
#endif
}

// The operation under way turns out to be another: of this kind, at this block.
static inline void history_become(struct history *history, uint32_t kind, uint64_t block)
{
    struct history_entry *entry = &history->entry[history->count & (HISTORY_LENGTH - 1)];
    uint64_t generation = entry->place & HISTORY_GENERATION_MASK;
    uint64_t rest = kind << HISTORY_GENERATION_BITS | generation;
    entry->place = block << HISTORY_BLOCK_SHIFT | rest;
}

// Operation `index` (from 0), which must be one of the last HISTORY_LENGTH - 1 or the one under way
// (index == count).
static inline struct history_operation history_read(const struct history *history, uint64_t index)
{
    const struct history_entry *entry = &history->entry[index & (HISTORY_LENGTH - 1)];
    return (struct history_operation){
        .block = entry->place >> HISTORY_BLOCK_SHIFT,
        .size = entry->what >> HISTORY_SLOT_BITS,
        .slot = (uint32_t)entry->what & HISTORY_SLOT_MASK,
        .generation = (uint32_t)entry->place & HISTORY_GENERATION_MASK,
        .kind = entry->place >> HISTORY_GENERATION_BITS & HISTORY_KIND_MASK,
    };
}

// "alloc", "free_remote", "touch" ...
const char *history_kind_name(uint32_t kind);

// The oldest operation that is whole.
static inline uint64_t history_first(const struct history *history)
{
    return history->count >= HISTORY_LENGTH ? history->count - (HISTORY_LENGTH - 1) : 0;
}

#endif
