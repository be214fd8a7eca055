// SPDX-License-Identifier: MIT
//
// op.h - one operation on the target: done, counted, timed now and then, checked, accounted.
//
// 1. A slot is where a workload keeps a block. It belongs to one thread at a time; handing it over
//    is the workload's business (with release/acquire of its own). A block travels by copying its
//    slot: id, generation and owner say for the rest of its life which allocation it came from.
// 2. Every counter is the worker's own: written with relaxed stores by its thread, read by the
//    sampler. There is no shared counter, so that the harness does not contend with itself.
// 3. The common operation is a comparison, a note in the history, the call, a handful of stores. It
//    is inline here: some 40 instructions with the null target's own, of which the history takes
//    15. The history counts the operations, so that no other countdown is needed: when its count
//    reaches slow_at (at every operation where blocks are checked or touched, else once in a while)
//    the operation is done by its _slow half in op.c. What is noted there but is no operation (a
//    touch, a verification) puts slow_at off by one.
// 4. Latency is taken on one operation in worker->latency_every (0: never, 1: all). Which one is
//    drawn at random, so that a workload's rhythm cannot hide from it, and from a stream apart, so
//    that a job does the same operations whether it is timed or not. It is the target's call alone
//    that is timed: neither touching nor checking.
// 5. What a block takes (its block size) is asked at every checked operation, else on one in 128
//    only: asking costs as much as some allocators' malloc. Such a block is *measured*:
//    measured_bytes and taken_bytes are the requested and block bytes of the live measured blocks,
//    a random sample of the live ones, so that taken/measured estimates the whole without bias.
// 6. Open loop (rate=): worker->pace says when each operation is intended to start. Every operation
//    is then a slow one, which waits for its time just before the call; what was timed is counted
//    twice, from its start (service) and from its intended start (response). A timed step is one
//    intended start: the operations inside it follow one another, and have no response of their
//    own.
// 7. The histograms change under a running worker: whoever measures points worker->latency to
//    fresh ones, and the worker reads the pointer once an operation that it times.
// 8. Where pictures of memory are taken (map=), the operation that comes to a mark of the album is
// a
//    slow one, and draws the picture when it has ended, untimed.
// 9. A failed check ends the cell: check_fail records the evidence and does not return. So does an
//    error of the target other than ENOMEM.

#ifndef WORKLOAD_OP_H
#define WORKLOAD_OP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "measure/histogram.h"
#include "run/history.h"
#include "target/target.h"
#include "workload/random.h"

// A step is what a workload counts that is no call of the target: a fork, a thread, a reference.
enum op_kind { OP_ALLOC, OP_FREE, OP_FREE_REMOTE, OP_RESIZE, OP_STEP, OP_KINDS };

// Flags of a slot.
#define SLOT_MAPPED    1u // the overlap map of check 4 holds it
#define SLOT_INHERITED 2u // allocated by a predecessor of the worker's thread (worker_hand_over)

struct slot {
    uint64_t block;      // the target's name for it; valid when size > 0
    uint64_t size;       // requested; 0: empty
    uint32_t generation; // of the slot; goes up at each allocation
    uint32_t id;         // number of the slot in the run, for stamps and reports
    union {
        struct {
            uint16_t owner; // worker that allocated it
            uint16_t flags;
            uint32_t block_size; // what it takes, when it is measured (and below 4 GiB); else 0
        };
        uint64_t birth; // the three at once: its owner's number while there is nothing special
    };
};
_Static_assert(sizeof(struct slot) == 32, "two slots a cache line");

struct pace;  // workload/pace.h
struct album; // run/album.h

// A zeroed worker with its pointers, check, touch, latency_every and random stream set is ready:
// its first operation goes the slow way and sets the rest.
struct worker {
    // hot: used by every operation
    const struct target_ops *ops;
    void *space;
    struct history *history;  // its last operations, in memory shared with the driver
    uint64_t slow_at;         // the history's count when the next slow operation begins
    uint32_t number;          // 0 ..
    uint64_t count[OP_KINDS]; // operations that succeeded
    uint64_t allocated_bytes; // requested, ever (resizing: what a block grew by)
    uint64_t freed_bytes;     // requested, ever (resizing: what it shrank by)
    struct random random;     // the workload's
    uint64_t measured_bytes;  // requested bytes of measured blocks, allocated minus freed by this
    uint64_t taken_bytes;   // worker, and their block bytes (both wrap; the workers' sum is right)
    uint64_t refused;       // ENOMEM
    unsigned check;         // a set of checks (job/checks.h); 0: none
    unsigned touch;         // how blocks are touched after allocation (enum check_touch)
    uint32_t latency_every; // [ro]
    uint32_t latency_left;  // operations until the next sampled one, this one included
    uint32_t stride;        // operations since the last slow one, this one included
    uint32_t timing;        // state of the stream that picks the sampled operations
    // [atomic] OP_KINDS histograms of service, in nanoseconds; with a pace as many of response
    // behind them.
    struct histogram *latency;
    // cold
    struct run *run;
    struct pace *pace;   // [own] open loop; NULL: closed
    struct album *album; // pictures of memory are taken; NULL: none
    uint64_t budget;     // operations still to do (ops=), UINT64_MAX with runtime=
    void *own;           // the workload's
} __attribute__((aligned(128)));

#define OP_INLINE inline __attribute__((always_inline))

// One allocation into an empty slot. Returns 0, or ENOMEM: refused, counted, the slot stays empty.
static OP_INLINE int op_alloc(struct worker *worker, struct slot *slot, size_t size, size_t align);
int op_alloc_zeroed(struct worker *worker, struct slot *slot, size_t size);
// Frees a full slot, after checking its contents. Local or remote is told by owner and flags.
static OP_INLINE void op_free(struct worker *worker, struct slot *slot);
// A full slot whose block goes with its space, which is about to be closed: checked and accounted
// like a free, but no call, so that it is not counted as an operation.
void op_abandon(struct worker *worker, struct slot *slot);
// Resizes a full slot. ENOMEM: refused, the block is as it was.
int op_resize(struct worker *worker, struct slot *slot, size_t size);
// Reads or writes one byte of a full slot (checks what it read where checks are on).
void op_touch(struct worker *worker, struct slot *slot, size_t offset, bool write);
// Verifies a full slot without freeing it.
void op_verify(struct worker *worker, struct slot *slot);
// Reads each byte of a full slot, whatever is checked.
void op_read(struct worker *worker, struct slot *slot);
// Reads and writes each byte of a full slot 2 * `times` times, and leaves it as it was.
void op_rewrite(struct worker *worker, struct slot *slot, uint64_t times);

// Where a full slot's block lies: the address of its first byte on the host, good until the target
// moves it; its name where it lies in pieces or has no bytes.
uint64_t op_place(struct worker *worker, const struct slot *slot);

// Counts `count` steps, which the watchdog takes for progress.
static inline void op_step(struct worker *worker, uint64_t count);
// One step that is timed, if any operation is, and in an open loop waits for its time: begin gives
// what end wants. End counts the step. A step that failed does not end; the next may begin.
uint64_t op_step_begin(struct worker *worker);
void op_step_end(struct worker *worker, uint64_t began);

// The measured phase has begun for this worker, which has filled what it fills.
void op_measured(struct worker *worker);

// Sums of all workers, as good as relaxed reads of running threads are; exact when they rest.
struct op_totals {
    uint64_t count[OP_KINDS];
    uint64_t operations; // the sum of count
    uint64_t refused;
    uint64_t allocated_bytes;
    uint64_t requested_bytes; // live
    uint64_t taken_bytes;     // live block bytes: exact when every live block is measured, else the
                          // estimate of point 5; equal to requested_bytes where nothing is known
};
void op_total(const struct worker *workers, unsigned count, struct op_totals *totals);

// True when the thread is to stop: the budget is used up or the time is over. `done` operations
// are taken from the budget, unless the run is still warming up. Call it once a batch.
bool worker_stop(struct worker *worker, uint64_t done);

// What the worker fills before it begins is filled (workload.fills): waits until that is so of
// every worker. What comes next is paced and, unless there is a warm-up, measured. To be called
// once, by the worker's first thread; a worker that ends without is taken for ready.
void worker_ready(struct worker *worker);

// Continues this worker in a new thread that runs `body`; the calling thread must return from
// `work` at once, without touching the worker. (larson's successors.) 0 or errno.
int worker_hand_over(struct worker *worker, void (*body)(struct worker *worker));

// ---- the inline halves -------------------------------------------------------------------------

int op_alloc_slow(struct worker *worker, struct slot *slot, size_t size, size_t align);
int op_alloc_refused(struct worker *worker, struct slot *slot, size_t size, int error);
void op_free_slow(struct worker *worker, struct slot *slot);
void op_free_other(struct worker *worker, struct slot *slot); // fast, but of any block
_Noreturn void op_free_failed(struct worker *worker, const struct slot *slot, int error);

// The sampler reads what this thread alone writes: a plain add to memory, seen whole. (Compilers
// make three instructions of the portable form.)
static inline void op_count(uint64_t *counter, uint64_t n)
{
#if defined(__x86_64__) && defined(NDEBUG)
    __asm__("addq %1, %0" : "+m"(*counter) : "er"(n) : "cc");
#else
    __atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
#endif
}

static inline void op_step(struct worker *worker, uint64_t count)
{
    op_count(&worker->count[OP_STEP], count);
}

// True when the next operation is to be done the slow way.
static inline bool op_is_slow(const struct worker *worker)
{
    return __builtin_expect(worker->history->count >= worker->slow_at, 0);
}

// The slot's new generation begins; op_alloc_refused takes it back.
static inline struct history_entry *op_alloc_begin(struct worker *worker, struct slot *slot,
                                                   size_t size)
{
    uint32_t generation = slot->generation + 1;
    slot->generation = generation;
    return history_begin(worker->history, OP_ALLOC, slot->id, generation, 0, size);
}

static inline void op_alloc_end(struct worker *worker, struct slot *slot,
                                struct history_entry *entry, uint64_t block, size_t size)
{
    slot->block = block;
    history_place(entry, block);
    history_end(worker->history);
    slot->size = size;
    slot->birth = worker->number;
    op_count(&worker->count[OP_ALLOC], 1);
    op_count(&worker->allocated_bytes, size);
}

// Its own block, and one that is not measured: no more is to be done than op_free does.
static inline bool op_is_plain(const struct worker *worker, const struct slot *slot)
{
    return __builtin_expect(slot->birth == worker->number, 1);
}

static OP_INLINE int op_alloc(struct worker *worker, struct slot *slot, size_t size, size_t align)
{
    if (op_is_slow(worker)) {
        return op_alloc_slow(worker, slot, size, align);
    }
    struct history_entry *entry = op_alloc_begin(worker, slot, size);
    uint64_t block;
    int error = worker->ops->alloc(worker->space, size, align, &block);
    if (__builtin_expect(error != 0, 0)) {
        return op_alloc_refused(worker, slot, size, error);
    }
    op_alloc_end(worker, slot, entry, block, size);
    return 0;
}

static OP_INLINE void op_free(struct worker *worker, struct slot *slot)
{
    if (op_is_slow(worker)) {
        op_free_slow(worker, slot);
        return;
    }
    if (!op_is_plain(worker, slot)) {
        op_free_other(worker, slot);
        return;
    }
    history_begin(worker->history, OP_FREE, slot->id, slot->generation, slot->block, slot->size);
    int error = worker->ops->release(worker->space, slot->block);
    if (__builtin_expect(error != 0, 0)) {
        op_free_failed(worker, slot, error);
    }
    history_end(worker->history);
    op_count(&worker->count[OP_FREE], 1);
    op_count(&worker->freed_bytes, slot->size);
    slot->size = 0;
}

#endif
