// SPDX-License-Identifier: MIT
//
// account.h - what a trace holds at each moment: fed operation by operation, it refuses what is not
// legal, and knows counts and peaks at the end.

#ifndef TRACE_ACCOUNT_H
#define TRACE_ACCOUNT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace/trace.h"

#define TRACE_CLASSES 48 // class i: sizes in (2^(i-1), 2^i]

struct trace_account_block {
    uint64_t size;
    uint32_t next, previous; // live blocks of its process; 0: none, else block + 1
    uint16_t process;
    uint16_t thread; // that allocated it
    bool live;
};

// sum(live_class) == live_blocks, sum of the live blocks' sizes == live_bytes                  (A1)
struct trace_account {
    struct trace_account_block *blocks;
    size_t block_room;
    uint32_t *first; // by process: its newest live block + 1
    size_t first_room;
    uint64_t *thread_ops; // by thread
    size_t thread_room;

    uint64_t ops, kind[TRACE_KINDS], call[TRACE_CALLS];
    uint64_t frees;        // of blocks, also as part of a free all
    uint64_t remote_frees; // by a thread that did not allocate it
    uint64_t live_blocks, live_bytes, peak_blocks, peak_bytes;
    uint64_t allocated_bytes; // ever, growth by resize included
    uint64_t largest;
    uint64_t live_class[TRACE_CLASSES], peak_class[TRACE_CLASSES], allocs_class[TRACE_CLASSES];
};

void trace_account_init(struct trace_account *account);
void trace_account_fini(struct trace_account *account);

// NULL, or what is wrong with the operation (then nothing changed).
const char *trace_account_add(struct trace_account *account, const struct trace_op *op);

// The class of a size; 0 counts as 1.
unsigned trace_class(uint64_t size);

#endif
