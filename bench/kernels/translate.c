// SPDX-License-Identifier: MIT
//
// translate.c - from a virtual address to its host pointer, many times in one access section.
//
// 64 blocks, whose records fit the processor's first-level cache; no translation depends on the
// one before, so they overlap as independent accesses of a program do.

#include "kernel.h"

#define TRANSLATE_BLOCKS 64

static const uint64_t translate_values[] = {64, 0};

static struct kernel_demand translate_demand(uint64_t value)
{
    return (struct kernel_demand){.blocks = TRANSLATE_BLOCKS, .largest = value};
}

static int translate_prepare(struct kernel_run *run)
{
    return kernel_fill_touched(run, TRANSLATE_BLOCKS, run->value);
}

static int translate_mems(struct kernel_run *run)
{
    struct mems_space *space = run->space;
    const uint64_t *block = run->block;
    int error = 0;
    mems_access_begin();
    for (uint64_t i = 0; i < run->iterations; i++) {
        void *host = NULL;
        error |= mems_translate(space, block[i % TRANSLATE_BLOCKS], MEMS_READ, &host, NULL);
        __asm__ volatile("" : : "r"(host));
    }
    mems_access_end();
    return error;
}

const struct kernel kernel_translate = {
    .name = "translate",
    .help = "mems_translate of 64 blocks of `size` bytes in turn, all in one access section",
    .parameter = "size",
    .values = translate_values,
    .threads_least = 1,
    .demand = translate_demand,
    .prepare = translate_prepare,
    .finish = kernel_empty,
    .measure = {[FAMILY_MEMS] = translate_mems},
};
