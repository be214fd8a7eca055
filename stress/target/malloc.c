// SPDX-License-Identifier: MIT
//
// malloc.c - the operations of whatever malloc this process has.
//
// The calls go through the dynamic linker, so the object that LD_PRELOAD names answers them. There
// is one heap a process: every space is the same one, and closing a space gives nothing back.

#include "target/malloc.h"

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

// Whether malloc_usable_size comes from the same object as malloc. A library that replaces only
// one of the two must not be asked.
static bool usable_size_known;

static int malloc_alloc(void *space, size_t size, size_t align, uint64_t *block)
{
    (void)space;
    void *memory;
    // What malloc aligns to is at most the size: a block of 8 bytes may lie at a multiple of 8.
    if (align <= size && align <= _Alignof(max_align_t)) {
        memory = malloc(size);
    } else {
        size_t least = align < sizeof(void *) ? sizeof(void *) : align;
        int error = posix_memalign(&memory, least, size);
        if (error != 0) {
            return error;
        }
    }
    *block = (uintptr_t)memory;
    return memory != NULL ? 0 : ENOMEM;
}

static int malloc_alloc_zeroed(void *space, size_t size, uint64_t *block)
{
    (void)space;
    void *memory = calloc(1, size);
    *block = (uintptr_t)memory;
    return memory != NULL ? 0 : ENOMEM;
}

static int malloc_release(void *space, uint64_t block)
{
    (void)space;
    free((void *)(uintptr_t)block);
    return 0;
}

static int malloc_resize(void *space, uint64_t *block, size_t size)
{
    (void)space;
    void *memory = realloc((void *)(uintptr_t)*block, size);
    if (memory == NULL) {
        return ENOMEM;
    }
    *block = (uintptr_t)memory;
    return 0;
}

static void *malloc_access_begin(void *space, uint64_t block, size_t offset, bool write,
                                 size_t *span)
{
    (void)space;
    (void)write;
    *span = SIZE_MAX; // a pointer has no end that we could know
    return (char *)(uintptr_t)block + offset;
}

static void malloc_access_end(void *space)
{
    (void)space;
}

static size_t malloc_block_size(void *space, uint64_t block)
{
    (void)space;
    return usable_size_known ? malloc_usable_size((void *)(uintptr_t)block) : 0;
}

const struct target_ops target_malloc_ops = {
    .alloc = malloc_alloc,
    .alloc_zeroed = malloc_alloc_zeroed,
    .release = malloc_release,
    .resize = malloc_resize,
    .access_begin = malloc_access_begin,
    .access_end = malloc_access_end,
    .block_size = malloc_block_size,
    .usable = true,
};

static const void *object_of(const char *symbol)
{
    Dl_info info;
    void *address = dlsym(RTLD_DEFAULT, symbol);
    return address != NULL && dladdr(address, &info) != 0 ? info.dli_fbase : NULL;
}

int target_malloc_open(const struct target_spec *spec, const struct target_demand *demand,
                       struct target_instance **instance, struct complaint *complaint)
{
    (void)spec;
    (void)demand;
    (void)complaint;
    usable_size_known = object_of("malloc") == object_of("malloc_usable_size");
    *instance = NULL;
    return 0;
}

void target_malloc_close(struct target_instance *instance)
{
    (void)instance;
}

int target_malloc_space_open(struct target_instance *instance, void **space)
{
    (void)instance;
    *space = NULL;
    return 0;
}

void target_malloc_space_close(struct target_instance *instance, void *space)
{
    (void)instance;
    (void)space;
}

void target_malloc_usage(struct target_instance *instance, struct target_usage *usage)
{
    (void)instance;
    memset(usage, 0, sizeof *usage);
}
