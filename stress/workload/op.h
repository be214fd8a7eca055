// SPDX-License-Identifier: MIT
//
// op.h - one operation on the target: done, counted, timed now and then, checked, accounted.
//
// 1. A slot is where a workload keeps a block. It belongs to one thread at a time; handing it over
//    is the workload's business (with release/acquire of its own).
// 2. Every counter is the worker's own: written with relaxed stores by its thread, read by the
//    sampler. There is no shared counter, so that the harness does not contend with itself.
// 3. Latency is taken on one operation in worker->latency_every (0: never, 1: all). Which one is
//    drawn from the worker's random stream, so that a workload's rhythm cannot hide from it.
// 4. A failed check ends the cell: check_fail records the evidence and does not return.

#ifndef WORKLOAD_OP_H
#define WORKLOAD_OP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "measure/histogram.h"
#include "target/target.h"
#include "workload/random.h"

enum op_kind { OP_ALLOC, OP_FREE, OP_FREE_REMOTE, OP_RESIZE, OP_KINDS };

struct slot {
    uint64_t block;      // the target's name for it; valid when size > 0
    uint64_t size;       // requested; 0: empty
    uint32_t generation; // of the slot; goes up at each allocation
    uint16_t owner;      // worker that allocated it
    uint16_t flags;
    uint32_t block_size; // what it takes, for the account (saturates; 0: unknown)
    uint32_t id;         // number of the slot in the run, for reports
};

struct worker {
    // hot: used by every operation
    const struct target_ops *ops;
    void *space;
    struct random random;
    unsigned check; // 0..4
    unsigned touch; // how blocks are touched after allocation (enum touch in check.h)
    uint32_t latency_every;
    uint32_t latency_countdown;
    uint64_t count[OP_KINDS];  // operations that succeeded
    uint64_t refused;          // ENOMEM
    uint64_t requested_bytes;  // allocated minus freed by this worker (wraps; the sum is right)
    uint64_t taken_bytes;      // the same for block bytes
    uint64_t allocated_bytes;  // ever
    struct history *history;   // its last operations, in memory shared with the driver
    struct histogram *latency; // OP_KINDS of them
    // cold
    struct run *run;
    unsigned number; // 0 ..
    uint64_t budget; // operations still to do (ops=), UINT64_MAX with runtime=
    void *own;       // the workload's
};

// One allocation into an empty slot. Returns 0, or ENOMEM: refused, counted, the slot stays empty.
int op_alloc(struct worker *worker, struct slot *slot, size_t size, size_t align);
int op_alloc_zeroed(struct worker *worker, struct slot *slot, size_t size);
// Frees a full slot, after checking its contents. Local or remote is told by slot->owner.
void op_free(struct worker *worker, struct slot *slot);
// Resizes a full slot. ENOMEM: refused, the block is as it was.
int op_resize(struct worker *worker, struct slot *slot, size_t size);
// Reads or writes one byte of a full slot (checks what it read where checks are on).
void op_touch(struct worker *worker, struct slot *slot, size_t offset, bool write);
// Verifies a full slot without freeing it.
void op_verify(struct worker *worker, struct slot *slot);

// True when the thread is to stop: the budget is used up or the time is over. `done` operations
// are taken from the budget. Call it once a batch.
bool worker_stop(struct worker *worker, uint64_t done);

// Continues this worker in a new thread that runs `body`; the calling thread must return from
// `work` at once, without touching the worker. (larson's successors.) 0 or errno.
int worker_hand_over(struct worker *worker, void (*body)(struct worker *worker));

#endif
