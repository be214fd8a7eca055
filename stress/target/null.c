// SPDX-License-Identifier: MIT
//
// null.c - the target "null": what the harness itself costs.
//
// Blocks are invented numbers, aligned like a malloc's. Nothing lies behind them: checks are off
// and nothing is touched.

#include <errno.h>
#include <string.h>

#include "target/rows.h"

static int null_resolve(struct target_spec *spec, struct complaint *complaint)
{
    if (spec->argument != NULL || spec->options != NULL) {
        complain(complaint, "target %s: null takes neither argument nor options; write \"null\"",
                 spec->name);
        return EINVAL;
    }
    return 0;
}

static int null_open(const struct target_spec *spec, const struct target_demand *demand,
                     struct target_instance **instance, struct complaint *complaint)
{
    (void)spec;
    (void)demand;
    (void)complaint;
    *instance = NULL;
    return 0;
}

static void null_close(struct target_instance *instance)
{
    (void)instance;
}

static int null_space_open(struct target_instance *instance, void **space)
{
    (void)instance;
    *space = NULL;
    return 0;
}

static void null_space_close(struct target_instance *instance, void *space)
{
    (void)instance;
    (void)space;
}

static int null_alloc(void *space, size_t size, size_t align, uint64_t *block)
{
    static __thread uint64_t next;
    (void)space;
    (void)size;
    (void)align;
    next += 16;
    *block = next;
    return 0;
}

static int null_alloc_zeroed(void *space, size_t size, uint64_t *block)
{
    return null_alloc(space, size, 0, block);
}

static int null_release(void *space, uint64_t block)
{
    (void)space;
    (void)block;
    return 0;
}

static int null_resize(void *space, uint64_t *block, size_t size)
{
    (void)space;
    (void)block;
    (void)size;
    return 0;
}

static void *null_access_begin(void *space, uint64_t block, size_t offset, bool write, size_t *span)
{
    (void)space;
    (void)block;
    (void)offset;
    (void)write;
    *span = 0;
    return NULL;
}

static void null_access_end(void *space)
{
    (void)space;
}

static size_t null_block_size(void *space, uint64_t block)
{
    (void)space;
    (void)block;
    return 0;
}

static void null_usage(struct target_instance *instance, struct target_usage *usage)
{
    (void)instance;
    memset(usage, 0, sizeof *usage);
}

static const struct target_ops null_ops = {
    .alloc = null_alloc,
    .alloc_zeroed = null_alloc_zeroed,
    .release = null_release,
    .resize = null_resize,
    .access_begin = null_access_begin,
    .access_end = null_access_end,
    .block_size = null_block_size,
    .no_memory = true,
};

const struct target target_null = {
    .name = "null",
    .form = "null",
    .help = "no memory at all: blocks are invented numbers; the harness's own floor",
    .resolve = null_resolve,
    .open = null_open,
    .close = null_close,
    .space_open = null_space_open,
    .space_close = null_space_close,
    .ops = &null_ops,
    .usage = null_usage,
};
