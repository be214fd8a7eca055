// SPDX-License-Identifier: MIT
//
// reference.c - references to the pages of one block, as a program with favourites makes them.
//
// Page i is referenced in proportion to 1/i (Zipf), the pages shuffled. One iteration is one whole
// access: begin a section, translate, end it; and where the page is not resident the fault as well.
// Each thread has a block of its own in the one space. How often a page was there says the figure
// hit_percent: it follows from the target's `frames`.

#include <stdio.h>
#include <string.h>

#include "kernel.h"

#define REFERENCES (UINT64_C(1) << 21) // of the stream, which is gone through again and again

static const uint64_t reference_values[] = {1000, 100000, 0};

struct references {
    uint64_t page_size;
    uint64_t faults_before;
    uint64_t done;
    uint32_t page[REFERENCES];
};

static struct kernel_demand reference_demand(uint64_t value)
{
    return (struct kernel_demand){.blocks = 1, .largest = value * 64};
}

static uint64_t reference_faults(struct kernel_run *run)
{
    struct mems_stats stats;
    return mems_snapshot(run->engine, &stats) == 0 ? stats.faults : 0;
}

// The stream: by inversion of the sum of 1/i.
static int references_draw(struct kernel_run *run, struct references *references)
{
    double *sum = malloc(run->value * sizeof *sum);
    uint32_t *shuffled = malloc(run->value * sizeof *shuffled);
    int error = sum == NULL || shuffled == NULL ? ENOMEM : 0;
    for (uint64_t i = 0; error == 0 && i < run->value; i++) {
        uint64_t other = kernel_index(kernel_random(run), i + 1);
        sum[i] = (i > 0 ? sum[i - 1] : 0) + 1.0 / (double)(i + 1);
        shuffled[i] = shuffled[other];
        shuffled[other] = (uint32_t)i;
    }
    for (uint64_t i = 0; error == 0 && i < REFERENCES; i++) {
        double drawn = (double)(kernel_random(run) >> 11) / 9007199254740992.0;
        uint64_t low = 0, high = run->value - 1;
        while (low < high) {
            uint64_t middle = (low + high) / 2;
            if (sum[middle] < drawn * sum[run->value - 1]) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        references->page[i] = shuffled[low];
    }
    free(sum);
    free(shuffled);
    return error;
}

// A page's size: how far the bytes run on from a block's start.
static int page_size_find(struct kernel_run *run, uint64_t block, uint64_t *size)
{
    void *host;
    size_t span = 0;
    int error = mems_fault(run->space, block, MEMS_READ);
    if (error == 0) {
        error = mems_translate(run->space, block, MEMS_READ, &host, &span);
        mems_access_end();
    }
    *size = span;
    return error;
}

static int reference_prepare(struct kernel_run *run)
{
    struct references *references = malloc(sizeof *references);
    uint64_t probe;
    int error = references == NULL ? ENOMEM : references_draw(run, references);
    if (error == 0) {
        error = mems_alloc(run->space, 2 << 20, 0, &probe);
    }
    if (error == 0) {
        error = page_size_find(run, probe, &references->page_size);
        mems_release(run->space, probe);
    }
    run->block = (uint64_t *)(void *)references;
    if (error == 0) {
        error = mems_alloc(run->space, run->value * references->page_size, 0, &run->blocks);
    }
    return error;
}

static int reference_mems(struct kernel_run *run)
{
    struct references *references = (struct references *)(void *)run->block;
    struct mems_space *space = run->space;
    uint64_t block = run->blocks, size = references->page_size;
    int error = 0;
    references->faults_before = reference_faults(run);
    references->done = run->iterations;
    for (uint64_t i = 0; i < run->iterations && error == 0; i++) {
        void *host = NULL;
        uint64_t addr = block + references->page[i % REFERENCES] * size;
        mems_access_begin();
        error = mems_translate(space, addr, MEMS_READ, &host, NULL);
        if (__builtin_expect(error == EAGAIN, 0)) {
            mems_access_end();
            error = mems_fault(space, addr, MEMS_READ);
            if (error != 0) {
                return error;
            }
            error = mems_translate(space, addr, MEMS_READ, &host, NULL);
        }
        __asm__ volatile("" : : "r"(host));
        mems_access_end();
    }
    return error;
}

static void reference_finish(struct kernel_run *run)
{
    struct references *references = (struct references *)(void *)run->block;
    if (run->thread == 0) {
        double all = (double)(references->done * run->threads);
        double faults = (double)(reference_faults(run) - references->faults_before);
        snprintf(run->figures[0].name, sizeof run->figures[0].name, "hit_percent");
        run->figures[0].value = 100.0 * (1.0 - faults / all);
    }
    mems_release(run->space, run->blocks);
    free(references);
}

const struct kernel kernel_reference = {
    .name = "reference",
    .help = "one page of a block of `pages` pages, drawn by Zipf's law: translate, or fault",
    .parameter = "pages",
    .values = reference_values,
    .threads_least = 1,
    .needs = "tlb_entries",
    .demand = reference_demand,
    .prepare = reference_prepare,
    .finish = reference_finish,
    .measure = {[FAMILY_MEMS] = reference_mems},
};
