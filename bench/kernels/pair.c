// SPDX-License-Identifier: MIT
//
// pair.c - allocate a block, release it: the shortest way through an allocator.

#include "kernel.h"

static const uint64_t pair_values[] = {16, 32, 48, 64, 256, 1024, 4096, 32768, 0};

static struct kernel_demand pair_demand(uint64_t value)
{
    return (struct kernel_demand){.blocks = 1, .largest = value};
}

KERNEL_INLINE int pair_measure(struct kernel_run *run, const struct ops *ops)
{
    struct mems_space *space = run->space;
    size_t size = run->value;
    for (uint64_t i = run->iterations; i > 0; i--) {
        uint64_t block;
        int error = ops->alloc(space, size, &block);
        if (__builtin_expect(error != 0, 0)) {
            return error;
        }
        error = ops->release(space, block);
        if (__builtin_expect(error != 0, 0)) {
            return error;
        }
    }
    return 0;
}

static int pair_mems(struct kernel_run *run)
{
    return pair_measure(run, &ops_mems);
}

static int pair_malloc(struct kernel_run *run)
{
    return pair_measure(run, &ops_malloc);
}

static int pair_null(struct kernel_run *run)
{
    return pair_measure(run, &ops_null);
}

const struct kernel kernel_pair = {
    .name = "pair",
    .help = "allocate a block of `size` bytes and release it",
    .parameter = "size",
    .values = pair_values,
    .threads_least = 1,
    .demand = pair_demand,
    .measure = {pair_mems, pair_malloc, pair_null},
};
