// SPDX-License-Identifier: MIT
//
// remote.c - every block is released by another thread than the one that allocated it.
//
// Thread t hands its blocks to thread t + 1 through a ring, and releases what thread t - 1 hands
// to it. An iteration is one block a thread. The null target shows what the rings alone cost.
//
// Ordering. A slot belongs to the giver until `given` passes it and to the taker until `taken`
// does; each index is stored with release by its owner and loaded with acquire by the other.

#include <sched.h>
#include <stdatomic.h>

#include "kernel.h"

#define RING_SLOTS 512
#define SPINS_MOST 200

struct ring {
    _Alignas(64) _Atomic uint64_t given; // by the giver
    _Alignas(64) _Atomic uint64_t taken; // by the taker
    _Alignas(64) uint64_t slot[RING_SLOTS];
};

static const uint64_t remote_values[] = {16, 64, 1024, 0};

static struct kernel_demand remote_demand(uint64_t value)
{
    return (struct kernel_demand){.blocks = RING_SLOTS, .largest = value};
}

// Thread 0 makes the rings; run.c has a barrier between prepare and measure.
static int remote_prepare(struct kernel_run *run)
{
    if (run->thread != 0) {
        return 0;
    }
    struct ring *rings = aligned_alloc(64, run->threads * sizeof *rings);
    if (rings == NULL) {
        return ENOMEM;
    }
    for (unsigned i = 0; i < run->threads; i++) {
        atomic_init(&rings[i].given, 0);
        atomic_init(&rings[i].taken, 0);
    }
    *run->shared = rings;
    return 0;
}

static void remote_finish(struct kernel_run *run)
{
    if (run->thread == 0) {
        free(*run->shared);
    }
}

KERNEL_INLINE bool ring_give(struct ring *ring, uint64_t block)
{
    uint64_t given = atomic_load_explicit(&ring->given, memory_order_relaxed);
    if (given - atomic_load_explicit(&ring->taken, memory_order_acquire) == RING_SLOTS) {
        return false;
    }
    ring->slot[given % RING_SLOTS] = block;
    atomic_store_explicit(&ring->given, given + 1, memory_order_release);
    return true;
}

// Releases everything that lies in the ring. Returns how many, or sets *error.
KERNEL_INLINE uint64_t ring_release_all(struct ring *ring, struct kernel_run *run,
                                        const struct ops *ops, int *error)
{
    uint64_t first = atomic_load_explicit(&ring->taken, memory_order_relaxed);
    uint64_t given = atomic_load_explicit(&ring->given, memory_order_acquire);
    for (uint64_t i = first; i != given; i++) {
        int failed = ops->release(run->space, ring->slot[i % RING_SLOTS]);
        *error = failed != 0 ? failed : *error;
    }
    atomic_store_explicit(&ring->taken, given, memory_order_release);
    return given - first;
}

static void remote_wait(unsigned *spins)
{
    if (++*spins < SPINS_MOST) {
        __builtin_ia32_pause();
    } else {
        *spins = 0;
        sched_yield();
    }
}

// A failed allocation is handed on as block 0, so that no neighbour waits for ever; the run fails.
KERNEL_INLINE int remote_measure(struct kernel_run *run, const struct ops *ops)
{
    struct ring *rings = *run->shared;
    struct ring *to = &rings[(run->thread + 1) % run->threads], *from = &rings[run->thread];
    int error = 0;
    unsigned spins = 0;
    uint64_t released = 0;
    for (uint64_t given = 0; given < run->iterations; given++) {
        uint64_t block;
        int failed = ops->alloc(run->space, run->value, &block);
        if (__builtin_expect(failed != 0, 0)) {
            error = failed;
            block = 0;
        }
        while (!ring_give(to, block)) {
            uint64_t count = ring_release_all(from, run, ops, &error);
            released += count;
            if (count == 0) {
                remote_wait(&spins);
            }
        }
    }
    while (released < run->iterations) {
        uint64_t count = ring_release_all(from, run, ops, &error);
        released += count;
        if (count == 0) {
            remote_wait(&spins);
        }
    }
    return error;
}

static int remote_mems(struct kernel_run *run)
{
    return remote_measure(run, &ops_mems);
}

static int remote_malloc(struct kernel_run *run)
{
    return remote_measure(run, &ops_malloc);
}

static int remote_null(struct kernel_run *run)
{
    return remote_measure(run, &ops_null);
}

const struct kernel kernel_remote = {
    .name = "remote",
    .help = "allocate a block of `size` bytes; the next thread releases it",
    .parameter = "size",
    .values = remote_values,
    .threads_least = 2,
    .demand = remote_demand,
    .prepare = remote_prepare,
    .finish = remote_finish,
    .measure = {remote_mems, remote_malloc, remote_null},
};
