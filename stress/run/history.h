// SPDX-License-Identifier: MIT
//
// history.h - a thread's last operations, in memory that the driver can read after a crash.
//
// A ring with one writer. The entry is written first and counted after it, so that whoever reads
// the ring of a dead process sees at most one torn entry: the one at `count`, which it shows as
// the operation that was under way.

#ifndef RUN_HISTORY_H
#define RUN_HISTORY_H

#include <stdint.h>

#define HISTORY_LENGTH 64 // a power of two

// Values of history_entry.kind beyond enum op_kind.
enum history_kind { HISTORY_TOUCH = 16, HISTORY_VERIFY, HISTORY_REFUSED };

struct history_entry {
    uint64_t block;
    uint64_t size;
    uint32_t slot; // slot->id
    uint32_t generation;
    uint32_t kind; // enum op_kind or enum history_kind
    uint32_t pad;  // two entries a cache line
};

struct history {
    uint64_t count; // operations ever noted; the last one is at (count - 1) % HISTORY_LENGTH
    struct history_entry entry[HISTORY_LENGTH];
};

// Says what is about to be done (block 0 where it is not known yet). The driver sees it should the
// target crash or hang in it.
static inline struct history_entry *history_begin(struct history *history, uint32_t kind,
                                                  uint32_t slot, uint32_t generation,
                                                  uint64_t block, uint64_t size)
{
    struct history_entry *entry = &history->entry[history->count & (HISTORY_LENGTH - 1)];
    entry->block = block;
    entry->size = size;
    entry->slot = slot;
    entry->generation = generation;
    entry->kind = kind;
    return entry;
}

// It came back. An allocation fills in entry->block before.
static inline void history_end(struct history *history)
{
    __atomic_store_n(&history->count, history->count + 1, __ATOMIC_RELAXED);
}

#endif
