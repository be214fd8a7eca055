// SPDX-License-Identifier: MIT
//
// rounds.h - instances of a workload, one a thread, that go through rounds and meet in between.
//
// 1. A round is one attack on the allocator, from nothing live to nothing live. Without ops= and
//    runtime= a cell is one round; with them rounds follow one another until the thread is to stop,
//    in the middle of one if need be: `close` frees what is left.
// 2. Each thread has an instance of its own: the same number of slots, its own random stream. All
//    instances are at the same phase when they meet, so that what the allocator holds at that
//    moment can be set against what all of them have live.
// 3. At a meeting the last to come measures, while the others wait; not where the target has no
//    memory. Once a thread has ended, nobody measures any more: its instance lies half done in
//    memory. It is not waited for either.

#ifndef WORKLOAD_ROUNDS_H
#define WORKLOAD_ROUNDS_H

#include <stdbool.h>
#include <stdint.h>

#include "run/run.h"
#include "workload/gate.h"

struct rounds {
    struct run *run;     // [ro]
    bool again;          // [ro] rounds go on until ops or runtime are over
    struct slot **slots; // [ro] by thread
    uint64_t slot_count; // [ro] of each thread
    struct gate gate;    // its members are the threads that will come to meetings still
};

// `slots` empty ones for each thread, numbered. In the workload's open.
void rounds_init(struct rounds *rounds, struct run *run, uint64_t slots);
// Frees what the threads still hold. In the workload's close.
void rounds_fini(struct rounds *rounds);

// The body of a thread: `round` is false when the thread is to stop.
void rounds_work(struct rounds *rounds, struct worker *worker, bool (*round)(struct worker *));

// Waits until every thread that still runs is at this meeting, and measures if that is all of them.
void rounds_meet(struct rounds *rounds, void (*measure)(struct run *run));

static inline struct slot *rounds_slots(struct rounds *rounds, const struct worker *worker)
{
    return rounds->slots[worker->number];
}

// What all threads have live; exact while they rest at a meeting.
uint64_t rounds_live(const struct run *run);

// One operation each; false when the thread is to stop. A refusal leaves the slot empty.
static inline bool rounds_alloc(struct worker *worker, struct slot *slot, uint64_t size)
{
    op_alloc(worker, slot, size, 0);
    return !worker_stop(worker, 1);
}

// Nothing to do for an empty slot.
static inline bool rounds_free(struct worker *worker, struct slot *slot)
{
    if (slot->size == 0) {
        return true;
    }
    op_free(worker, slot);
    return !worker_stop(worker, 1);
}

bool rounds_free_all(struct rounds *rounds, struct worker *worker);

// Blocks travel by their slots (op.h).
static inline void rounds_swap(struct slot *a, struct slot *b)
{
    struct slot other = *a;
    *a = *b;
    *b = other;
}

#endif
