// SPDX-License-Identifier: MIT
//
// operation.h - what the threads of a schedule do: a list of operations, drawn from a seed.
//
// A list has a few threads, each with its own operations in order, in one phase or more: between
// two phases every thread has ended, leaving its blocks behind, and the engine is quiescent. Blocks
// live in slots that all threads see; a slot's home is one thread, which most of its operations
// come from. An operation whose slot is in no state for it (or in another thread's hands at that
// moment) is left out at run time: so any part of a list is a list, and lists can be made smaller.

#ifndef EXPLORE_OPERATION_H
#define EXPLORE_OPERATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "job/complaint.h"
#include "job/distribution.h"
#include "workload/workload.h"

#define OPERATION_THREADS_LEAST 2
#define OPERATION_THREADS_MOST  4
#define OPERATION_PHASES        2
#define OPERATIONS_MOST         5000 // a thread
#define OPERATION_SIZE_MOST     (UINT64_C(1) << 20)

enum operation_kind {
    OPERATION_ALLOC,
    OPERATION_RELEASE, // also of another thread's block
    OPERATION_RESIZE,
    OPERATION_READ,
    OPERATION_WRITE,
    OPERATION_HOLD,  // an access section: translate, read and write through the pointer
    OPERATION_STALE, // access and release of a block that is gone
    OPERATION_COMPACT,
    OPERATION_CHECK, // every invariant, while others work
    OPERATION_LOOK,  // a snapshot of every counter
    OPERATION_FLUSH, // the thread's magazines
    OPERATION_KINDS,
};

struct operation {
    uint8_t thread, phase; // from 1; from 0
    uint8_t kind;
    bool kept;
    unsigned index; // of its thread, from 1: its name is THREAD.INDEX
    unsigned slot;
    uint64_t size;
};

struct operation_list {
    unsigned threads, phases, slots;
    size_t count, kept;           // kept: how many are
    struct operation *operations; // by thread, in order
};

// What lists are drawn from.
struct operation_shape {
    unsigned threads;
    unsigned operations; // of each thread
    enum workload_class class;
    const struct distribution *sizes;
};

void operation_list_make(const struct operation_shape *shape, uint64_t seed,
                         struct operation_list *list);
void operation_list_free(struct operation_list *list);

void operation_keep_all(struct operation_list *list);
// Keeps those that the text names, "1.2,2.1-2.4", and no other. 0 or EINVAL.
int operation_keep(struct operation_list *list, const char *text, struct complaint *complaint);
// Writes such a text.
void operation_write_kept(const struct operation_list *list, FILE *out);

const char *operation_name(enum operation_kind kind);
// "release slot 3", "alloc slot 1, 64 bytes".
void operation_text(const struct operation *operation, char *text, size_t size);
// A line for each that is kept.
void operation_print(const struct operation_list *list, FILE *out);

#endif
