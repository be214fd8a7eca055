// SPDX-License-Identifier: MIT
//
// ring.h - a bounded queue between two threads: one puts, one takes, neither locks.
//
// The ring counts places; what lies in them is its user's array of `capacity` elements (Lamport,
// 1983). tail - head are full. The putter fills place tail % capacity and publishes it with a
// release that the taker's acquire sees [R:ring-put] [A:ring-put]; the taker empties place
// head % capacity and gives it back likewise [R:ring-take] [A:ring-take]. Each side keeps the last
// value it saw of the other's counter, so that the line is fetched only when it must be.

#ifndef WORKLOAD_RING_H
#define WORKLOAD_RING_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>

struct ring {
    // head <= tail <= head + capacity                                                        (R1)
    uint64_t tail __attribute__((aligned(128)));     // [atomic] written by the putter
    uint64_t seen_head;                              // [own] the putter's
    uint64_t head __attribute__((aligned(128)));     // [atomic] written by the taker
    uint64_t seen_tail;                              // [own] the taker's
    uint64_t capacity __attribute__((aligned(128))); // [ro]
    bool ended;                                      // [atomic] the putter has put its last
};

static inline void ring_init(struct ring *ring, uint64_t capacity)
{
    *ring = (struct ring){.capacity = capacity};
}

// A place to fill, or false when none is empty.
static inline bool ring_put_try(struct ring *ring, uint64_t *place)
{
    if (ring->tail - ring->seen_head == ring->capacity) {
        ring->seen_head = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE); // [A:ring-take]
        if (ring->tail - ring->seen_head == ring->capacity) {
            return false;
        }
    }
    *place = ring->tail % ring->capacity;
    return true;
}

static inline void ring_put_end(struct ring *ring)
{
    __atomic_store_n(&ring->tail, ring->tail + 1, __ATOMIC_RELEASE); // [R:ring-put]
}

// A place to empty, or false when none is full.
static inline bool ring_take_try(struct ring *ring, uint64_t *place)
{
    if (ring->head == ring->seen_tail) {
        ring->seen_tail = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE); // [A:ring-put]
        if (ring->head == ring->seen_tail) {
            return false;
        }
    }
    *place = ring->head % ring->capacity;
    return true;
}

static inline void ring_take_end(struct ring *ring)
{
    __atomic_store_n(&ring->head, ring->head + 1, __ATOMIC_RELEASE); // [R:ring-take]
}

// The putter puts no more. Whoever sees ring_has_ended and then finds the ring empty has seen all.
static inline void ring_end(struct ring *ring)
{
    __atomic_store_n(&ring->ended, true, __ATOMIC_RELEASE); // [R:ring-end]
}

static inline bool ring_has_ended(struct ring *ring)
{
    return __atomic_load_n(&ring->ended, __ATOMIC_ACQUIRE); // [A:ring-end]
}

// One turn of waiting for the other side: short on two CPUs, fair on one.
static inline void ring_pause(unsigned *turns)
{
    if (++*turns % 64 == 0) {
        sched_yield();
    } else {
        __builtin_ia32_pause();
    }
}

#endif
