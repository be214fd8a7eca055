// SPDX-License-Identifier: MIT
//
// random.c - many blocks live; one chosen at random is released, and one of another size allocated.
//
// The heap is aged first by as many replacements as there are blocks, so that its holes are those
// of a program that has run for a while. Beyond the processor's caches the choice alone costs cache
// misses, in every allocator: compare the growth with another target's in the same run.

#include "kernel.h"

static const uint64_t random_values[] = {1000, 1000000, 0};

static struct kernel_demand random_demand(uint64_t value)
{
    return (struct kernel_demand){.blocks = value + value / 4, .largest = KERNEL_SIZE_MOST};
}

KERNEL_INLINE int random_replace(struct kernel_run *run, const struct ops *ops, uint64_t count)
{
    struct mems_space *space = run->space;
    for (; count > 0; count--) {
        uint64_t random = kernel_random(run);
        uint64_t *block = &run->block[kernel_index(random, run->blocks)];
        int error = ops->release(space, *block);
        if (__builtin_expect(error != 0, 0)) {
            return error;
        }
        error = ops->alloc(space, kernel_size(random), block);
        if (__builtin_expect(error != 0, 0)) {
            return error;
        }
    }
    return 0;
}

static int random_prepare(struct kernel_run *run)
{
    int error = kernel_fill(run, run->value, 0);
    return error != 0 ? error : random_replace(run, run->ops, run->value);
}

static int random_mems(struct kernel_run *run)
{
    return random_replace(run, &ops_mems, run->iterations);
}

static int random_malloc(struct kernel_run *run)
{
    return random_replace(run, &ops_malloc, run->iterations);
}

static int random_null(struct kernel_run *run)
{
    return random_replace(run, &ops_null, run->iterations);
}

const struct kernel kernel_random_replacement = {
    .name = "random",
    .help = "with `live` blocks of 16 to 128 bytes: replace one chosen at random",
    .parameter = "live",
    .values = random_values,
    .threads_least = 1,
    .demand = random_demand,
    .prepare = random_prepare,
    .finish = kernel_empty,
    .measure = {random_mems, random_malloc, random_null},
};
