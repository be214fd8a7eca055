// SPDX-License-Identifier: MIT
//
// edge.h - what the process workloads share: the calls of malloc, blocks that know what is in them.
//
// 1. These workloads are about malloc, free and the rest as a process has them, called where an
//    allocator is at its weakest: in a fork's child, in a thread's first moment and its last, in a
//    signal, at exit, with no memory left. They call the process's own malloc (needs_malloc), not
//    through op.h: in a child there is no worker, and a thread's first call must be its first.
// 2. Progress is counted in steps: a fork, a thread, a process, a refused size.
// 3. A block is written and verified here as far as it matters: first and last bytes, told from
//    address and size. Stamps of every byte are op.h's.
// 4. A call is made only where the object that answers malloc has it. aligned_alloc of the C
//    library beside another library's free is nobody's bug but the program's.
// 5. The compiler does not know what these functions are (-fno-builtin), so that it neither merges
//    nor drops a call.
// 6. A worker has one child at a time, and that one at most one: 64 live ones in all.

#ifndef WORKLOAD_EDGE_H
#define WORKLOAD_EDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "run/child.h"
#include "run/run.h"
#include "workload/random.h"

enum edge_call {
    EDGE_MALLOC,
    EDGE_CALLOC,
    EDGE_REALLOC, // of NULL
    EDGE_POSIX_MEMALIGN,
    EDGE_ALIGNED_ALLOC,
    EDGE_MEMALIGN,
    EDGE_VALLOC,
    EDGE_PVALLOC,
    EDGE_REALLOCARRAY, // of NULL
    EDGE_USABLE_SIZE,  // only asked whether it is there
    EDGE_CALLS,
};

// The calls that come from the object which answers malloc, one bit each. Looks symbols up: not
// for a process that is to do its first operation.
uint32_t edge_calls(void);
const char *edge_call_name(enum edge_call call);

struct edge_block {
    unsigned char *at; // NULL: none
    size_t size;
};

// A block by some call; `align` is for those that take one. NULL and errno as the call gave them
// (posix_memalign's result is put into errno). Checks and writes nothing.
void *edge_call(enum edge_call call, size_t size, size_t align);
// The same, with every check that can be made: not NULL (unless errno is ENOMEM and `may_fail`),
// aligned, zeroed. Written at both ends. False: refused.
bool edge_alloc(struct worker *worker, enum edge_call call, size_t size, size_t align,
                bool may_fail, struct edge_block *block);
// Verifies both ends.
void edge_verify(struct worker *worker, const struct edge_block *block);
// Verifies and frees. An empty block is left alone.
void edge_free(struct worker *worker, struct edge_block *block);
// realloc, with the kept part verified. false: refused, and the block is as it was.
bool edge_resize_try(struct worker *worker, struct edge_block *block, size_t size);
// The same where no refusal is to be had.
void edge_resize(struct worker *worker, struct edge_block *block, size_t size);
// By a call drawn at random from those that are there, aligned to 64 at the most (other alignments
// are extreme-sizes').
bool edge_alloc_any(struct worker *worker, struct random *random, uint32_t calls, size_t size,
                    struct edge_block *block);

// Sizes of every kind that allocators tell apart, from 1 byte to 4 MiB: index below EDGE_SIZES.
#define EDGE_SIZES 96
size_t edge_size(unsigned index);
// Small ones most of the time, up to 256 KiB now and then.
size_t edge_draw(struct random *random);

// A pause of up to 32 us every other time, so that no thread has a lock of the C library all the
// time and what happens meets at ever other places.
void edge_pause(struct random *random);

#define EDGE_CHILDREN (STAGE_CHILDREN / 2)

// The keys that every process workload which has children takes; and the rows that all of them
// leave aside.
#define EDGE_CHILD_TIMEOUT                                                                         \
    {                                                                                              \
        .name = "child_timeout", .kind = JOB_TIME, .least = 0.1e9, .most = 600e9,                  \
        .standard = "5s", .help = "a child without progress for so long hangs; less than timeout", \
    }
extern const char *const edge_unused[];       // threads, size, verify, touch
extern const char *const edge_unused_sizes[]; // the same without threads
int edge_validate(const struct job_section *section, struct complaint *complaint);
int edge_demand(const struct job_section *section, struct target_demand *demand,
                struct complaint *complaint);
// Where a child that hangs is to be blamed under `check`.
struct child_rule edge_rule(const struct run *run, const char *check);

#endif
