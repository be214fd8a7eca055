// SPDX-License-Identifier: MIT
//
// table.c - every kernel, and what they share.

#include <string.h>
#include <time.h>

#include "kernel.h"

extern const struct kernel kernel_pair, kernel_batch, kernel_remote, kernel_translate,
    kernel_access, kernel_lifo, kernel_random_replacement, kernel_replace, kernel_moving,
    kernel_reference;

static const struct kernel *const kernels[] = {
    &kernel_pair,    &kernel_batch,     &kernel_remote, &kernel_lifo,   &kernel_random_replacement,
    &kernel_replace, &kernel_translate, &kernel_access, &kernel_moving, &kernel_reference,
};

uint64_t kernel_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t kernel_cycles(void)
{
    return __builtin_ia32_rdtsc();
}

const struct kernel *kernel_at(size_t index)
{
    return index < sizeof kernels / sizeof kernels[0] ? kernels[index] : NULL;
}

const struct kernel *kernel_find(const char *name)
{
    const struct kernel *kernel;
    for (size_t i = 0; (kernel = kernel_at(i)) != NULL; i++) {
        if (strcmp(kernel->name, name) == 0) {
            return kernel;
        }
    }
    return NULL;
}

int kernel_fill(struct kernel_run *run, uint64_t count, size_t size)
{
    run->block = calloc(count, sizeof *run->block);
    if (run->block == NULL) {
        return ENOMEM;
    }
    int error = 0;
    for (run->blocks = 0; run->blocks < count && error == 0; run->blocks++) {
        size_t wanted = size != 0 ? size : kernel_size(kernel_random(run));
        error = run->ops->alloc(run->space, wanted, &run->block[run->blocks]);
        if (error != 0) {
            break;
        }
    }
    if (error != 0) {
        kernel_empty(run);
    }
    return error;
}

int kernel_fill_touched(struct kernel_run *run, uint64_t count, size_t size)
{
    int error = kernel_fill(run, count, size);
    for (uint64_t i = 0; error == 0 && i < run->blocks; i++) {
        error = mems_write(run->space, run->block[i], "", 1);
    }
    return error;
}

void kernel_empty(struct kernel_run *run)
{
    for (uint64_t i = 0; i < run->blocks; i++) {
        run->ops->release(run->space, run->block[i]);
    }
    free(run->block);
    run->block = NULL;
    run->blocks = 0;
}
