// SPDX-License-Identifier: MIT
//
// batch.c - allocate many blocks, then release them, oldest first.
//
// A batch is larger than the caches that allocators keep for a thread, so what is behind them is
// part of it. An iteration is one block: its allocation and its release.

#include "kernel.h"

#define BATCH_SIZE 64

static const uint64_t batch_values[] = {100, 10000, 0};

static struct kernel_demand batch_demand(uint64_t value)
{
    return (struct kernel_demand){.blocks = value, .largest = BATCH_SIZE};
}

static int batch_prepare(struct kernel_run *run)
{
    run->block = calloc(run->value, sizeof *run->block);
    return run->block != NULL ? 0 : ENOMEM;
}

KERNEL_INLINE int batch_measure(struct kernel_run *run, const struct ops *ops)
{
    struct mems_space *space = run->space;
    uint64_t *block = run->block;
    for (uint64_t left = run->iterations; left > 0;) {
        uint64_t count = left < run->value ? left : run->value;
        for (uint64_t i = 0; i < count; i++) {
            int error = ops->alloc(space, BATCH_SIZE, &block[i]);
            if (__builtin_expect(error != 0, 0)) {
                return error;
            }
        }
        for (uint64_t i = 0; i < count; i++) {
            int error = ops->release(space, block[i]);
            if (__builtin_expect(error != 0, 0)) {
                return error;
            }
        }
        left -= count;
    }
    return 0;
}

static int batch_mems(struct kernel_run *run)
{
    return batch_measure(run, &ops_mems);
}

static int batch_malloc(struct kernel_run *run)
{
    return batch_measure(run, &ops_malloc);
}

static int batch_null(struct kernel_run *run)
{
    return batch_measure(run, &ops_null);
}

const struct kernel kernel_batch = {
    .name = "batch",
    .help = "allocate `blocks` blocks of 64 bytes, then release them in the same order",
    .parameter = "blocks",
    .values = batch_values,
    .threads_least = 1,
    .demand = batch_demand,
    .prepare = batch_prepare,
    .finish = kernel_empty,
    .measure = {batch_mems, batch_malloc, batch_null},
};
