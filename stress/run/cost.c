// SPDX-License-Identifier: MIT
//
// cost.c - what an operation of the harness itself costs, on this machine, in this process.
//
// 1. Theory. A measured rate is the target's and the harness's together. What the harness takes of
//    it is measured where it matters, in the cell, right before the run: the real op_alloc and
//    op_free, on a worker of their own, with a target that does nothing. Four times: with nothing
//    asked for (the same as a cell with latency = none, verify = 0); with every operation timed;
//    with checks 1 to 3 on blocks of 64 bytes; and on blocks of 64 KiB, for what checking a byte
//    costs. A block's bytes are written at its allocation and compared at its release, so that an
//    operation of a checked pair is half of both.
// 2. The best of several batches counts: everything that disturbs a batch (an interrupt, another
//    process, a cold cache) makes it slower, nothing makes it faster. So this is the floor; a cell
//    whose cache is full of other things pays more.
// 3. No trace. Worker, history, histograms and the blocks' bytes lie in one mapping that is gone
//    afterwards; the worker belongs to no run; blocks are places in that mapping.
// 4. If you change this: a batch takes some ten microseconds, all of it two milliseconds, for there
//    are cells that do not take longer themselves.

#include "run/cost.h"

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#include "check/check.h"
#include "measure/clock.h"
#include "run/history.h"
#include "target/target.h"
#include "workload/op.h"

#define COST_TRIES 12u
#define COST_SMALL 64u
#define COST_LARGE 65536u

struct cost_place {
    struct worker worker;
    struct history history;
    struct histogram latency[OP_KINDS];
    uint8_t bytes[COST_LARGE] __attribute__((aligned(4096)));
};

// ---- a target that does nothing: its space is the place, its one block the bytes
// -----------------

static int cost_alloc(void *space, size_t size, size_t align, uint64_t *block)
{
    struct cost_place *place = space;
    (void)size;
    (void)align;
    *block = (uint64_t)(uintptr_t)place->bytes;
    return 0;
}

static int cost_release(void *space, uint64_t block)
{
    (void)space;
    (void)block;
    return 0;
}

static void *cost_access_begin(void *space, uint64_t block, size_t offset, bool write, size_t *span)
{
    struct cost_place *place = space;
    (void)block;
    (void)write;
    *span = COST_LARGE - offset;
    return place->bytes + offset;
}

static void cost_access_end(void *space)
{
    (void)space;
}

static size_t cost_block_size(void *space, uint64_t block)
{
    (void)space;
    (void)block;
    return COST_LARGE;
}

static const struct target_ops cost_ops = {
    .alloc = cost_alloc,
    .release = cost_release,
    .access_begin = cost_access_begin,
    .access_end = cost_access_end,
    .block_size = cost_block_size,
};

// ---- measuring ----------------------------------------------------------------------------------

static void cost_open(struct cost_place *place, enum check_level level, uint32_t latency_every)
{
    place->worker = (struct worker){
        .ops = &cost_ops,
        .space = place,
        .history = &place->history,
        .latency = place->latency,
        .check = (unsigned)job_checks_of_level(level),
        .latency_every = latency_every,
    };
    place->history = (struct history){0};
    for (unsigned kind = 0; kind < OP_KINDS; kind++) {
        histogram_init(&place->latency[kind]);
    }
}

// Nanoseconds an operation: `pairs` allocations and as many frees a batch, the best of the batches.
static double cost_of(struct cost_place *place, size_t size, unsigned pairs)
{
    struct worker *worker = &place->worker;
    struct slot slot = {0};
    uint64_t least = UINT64_MAX;
    for (unsigned i = 0; i < COST_TRIES; i++) {
        uint64_t began = clock_monotonic_ns();
        for (unsigned k = 0; k < pairs; k++) {
            op_alloc(worker, &slot, size, 0);
            op_free(worker, &slot);
        }
        uint64_t took = clock_monotonic_ns() - began;
        least = took < least ? took : least;
    }
    return (double)least / (2.0 * pairs);
}

void cost_measure(struct report_harness *harness, bool timed)
{
    *harness = (struct report_harness){NAN, NAN, NAN, NAN};
    struct cost_place *place = mmap(NULL, sizeof *place, PROT_READ | PROT_WRITE,
                                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (place == MAP_FAILED) {
        return;
    }
    cost_open(place, CHECK_NONE, 0);
    harness->op_ns = cost_of(place, COST_SMALL, 1000);
    if (timed) {
        cost_open(place, CHECK_NONE, 1);
        harness->timed_ns = cost_of(place, COST_SMALL, 250);
    }
    cost_open(place, CHECK_WHOLE, 0);
    harness->checked_ns = cost_of(place, COST_SMALL, 250);
    cost_open(place, CHECK_WHOLE, 0);
    harness->checked_bytes_per_ns = COST_LARGE / (2 * cost_of(place, COST_LARGE, 4));
    munmap(place, sizeof *place);
}
