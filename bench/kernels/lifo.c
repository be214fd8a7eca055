// SPDX-License-Identifier: MIT
//
// lifo.c - many blocks live; the newest ones come and go, as on a stack.
//
// 256 blocks at a time are released, newest first, and allocated again with sizes of 16 to 128
// bytes. What lies below them is never touched: an allocator whose cost grows with the number of
// live blocks shows it, and the memory's own slowness does not. An iteration is one replacement.

#include "kernel.h"

#define LIFO_BURST 256

static const uint64_t lifo_values[] = {1000, 1000000, 0};

static struct kernel_demand lifo_demand(uint64_t value)
{
    return (struct kernel_demand){.blocks = value, .largest = KERNEL_SIZE_MOST};
}

static int lifo_prepare(struct kernel_run *run)
{
    return kernel_fill(run, run->value, 0);
}

KERNEL_INLINE int lifo_measure(struct kernel_run *run, const struct ops *ops)
{
    struct mems_space *space = run->space;
    uint64_t *top = run->block + run->blocks;
    uint64_t burst = run->blocks < LIFO_BURST ? run->blocks : LIFO_BURST;
    for (uint64_t left = run->iterations; left > 0;) {
        uint64_t count = left < burst ? left : burst;
        for (uint64_t i = 1; i <= count; i++) {
            int error = ops->release(space, *(top - i));
            if (__builtin_expect(error != 0, 0)) {
                return error;
            }
        }
        for (uint64_t i = count; i >= 1; i--) {
            int error = ops->alloc(space, kernel_size(kernel_random(run)), top - i);
            if (__builtin_expect(error != 0, 0)) {
                return error;
            }
        }
        left -= count;
    }
    return 0;
}

static int lifo_mems(struct kernel_run *run)
{
    return lifo_measure(run, &ops_mems);
}

static int lifo_malloc(struct kernel_run *run)
{
    return lifo_measure(run, &ops_malloc);
}

static int lifo_null(struct kernel_run *run)
{
    return lifo_measure(run, &ops_null);
}

const struct kernel kernel_lifo = {
    .name = "lifo",
    .help = "with `live` blocks of 16 to 128 bytes: replace the newest 256, newest first",
    .parameter = "live",
    .values = lifo_values,
    .threads_least = 1,
    .demand = lifo_demand,
    .prepare = lifo_prepare,
    .finish = kernel_empty,
    .measure = {lifo_mems, lifo_malloc, lifo_null},
};
