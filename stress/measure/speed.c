// SPDX-License-Identifier: MIT
//
// speed.c - how fast the machine is just now: a fixed piece of work, timed.
//
// 1. A machine that changes its clock rate, or is shared, gives figures that differ without any
//    allocator's doing. The same work before and after the measured phase tells. The work is a
//    chain of dependent multiplications, which follows the clock rate, and in each step a load from
//    a cycle through 32 KiB, which lives in the first cache, or in the second where another has
//    spoiled the first: it asks nothing of memory, which the cell itself fills.
// 2. Of three times the least: an interrupt makes a piece longer, never shorter.

#include "measure/speed.h"

#include "measure/clock.h"

#define SPEED_CELLS  4096 // of 8 bytes
#define SPEED_ROUNDS 300000
#define SPEED_TRIES  3

static uint64_t speed_next[SPEED_CELLS];

// One cycle through all cells: a step of a full-period linear congruence (Hull and Dobell: the
// increment is odd, the factor 1 modulo 4).
static void speed_prepare(void)
{
    for (uint64_t i = 0; i < SPEED_CELLS; i++) {
        speed_next[i] = (i * 1661 + 1013) % SPEED_CELLS;
    }
}

uint64_t speed_work(uint32_t rounds)
{
    speed_prepare();
    uint64_t at = 0;
    uint64_t sum = 1;
    for (uint32_t i = 0; i < rounds; i++) {
        at = speed_next[at];
        sum = (sum ^ at) * 0x9e3779b97f4a7c15u;
    }
    return sum;
}

uint64_t speed_measure_ns(void)
{
    static volatile uint64_t sink; // so that nobody leaves the work out
    uint64_t least = UINT64_MAX;
    for (unsigned i = 0; i < SPEED_TRIES; i++) {
        uint64_t began = clock_monotonic_ns();
        sink = speed_work(SPEED_ROUNDS);
        uint64_t took = clock_monotonic_ns() - began;
        least = took < least ? took : least;
    }
    (void)sink;
    return least;
}
