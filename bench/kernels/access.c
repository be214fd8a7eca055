// SPDX-License-Identifier: MIT
//
// access.c - begin an access section, translate one address, end it: a lone access, whole.

#include "kernel.h"

#define ACCESS_BLOCKS 64

static const uint64_t access_values[] = {64, 0};

static struct kernel_demand access_demand(uint64_t value)
{
    return (struct kernel_demand){.blocks = ACCESS_BLOCKS, .largest = value};
}

static int access_prepare(struct kernel_run *run)
{
    return kernel_fill_touched(run, ACCESS_BLOCKS, run->value);
}

static int access_mems(struct kernel_run *run)
{
    struct mems_space *space = run->space;
    const uint64_t *block = run->block;
    int error = 0;
    for (uint64_t i = 0; i < run->iterations; i++) {
        void *host = NULL;
        mems_access_begin();
        error |= mems_translate(space, block[i % ACCESS_BLOCKS], MEMS_READ, &host, NULL);
        __asm__ volatile("" : : "r"(host));
        mems_access_end();
    }
    return error;
}

const struct kernel kernel_access = {
    .name = "access",
    .help = "mems_access_begin, mems_translate, mems_access_end on 64 blocks of `size` bytes",
    .parameter = "size",
    .values = access_values,
    .threads_least = 1,
    .demand = access_demand,
    .prepare = access_prepare,
    .finish = kernel_empty,
    .measure = {[FAMILY_MEMS] = access_mems},
};
