// SPDX-License-Identifier: MIT
//
// replace.c - among live blocks of one size, one chosen at random is replaced by another.
//
// As many as a thread's caches do not hold, so that what a size costs behind them is part of it:
// the same kernel from small blocks to those of several pages, where allocators go other ways.

#include "kernel.h"

#define REPLACE_LIVE 1000

static const uint64_t replace_values[] = {16, 64, 256, 1024, 4096, 32768, 0};

static struct kernel_demand replace_demand(uint64_t value)
{
    return (struct kernel_demand){.blocks = REPLACE_LIVE, .largest = value};
}

static int replace_prepare(struct kernel_run *run)
{
    return kernel_fill(run, REPLACE_LIVE, run->value);
}

KERNEL_INLINE int replace_measure(struct kernel_run *run, const struct ops *ops)
{
    struct mems_space *space = run->space;
    size_t size = run->value;
    for (uint64_t i = run->iterations; i > 0; i--) {
        uint64_t *block = &run->block[kernel_index(kernel_random(run), REPLACE_LIVE)];
        int error = ops->release(space, *block);
        if (__builtin_expect(error != 0, 0)) {
            return error;
        }
        error = ops->alloc(space, size, block);
        if (__builtin_expect(error != 0, 0)) {
            return error;
        }
    }
    return 0;
}

static int replace_mems(struct kernel_run *run)
{
    return replace_measure(run, &ops_mems);
}

static int replace_malloc(struct kernel_run *run)
{
    return replace_measure(run, &ops_malloc);
}

static int replace_null(struct kernel_run *run)
{
    return replace_measure(run, &ops_null);
}

const struct kernel kernel_replace = {
    .name = "replace",
    .help = "replace a random one of 1000 live blocks of `size` bytes",
    .parameter = "size",
    .values = replace_values,
    .threads_least = 1,
    .demand = replace_demand,
    .prepare = replace_prepare,
    .finish = kernel_empty,
    .measure = {replace_mems, replace_malloc, replace_null},
};
