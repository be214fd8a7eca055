// SPDX-License-Identifier: MIT
//
// edge.c - calls of malloc in all their forms, checked; sizes; pauses.

#include "workload/edge.h"

#include <dlfcn.h>
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *const edge_names[EDGE_CALLS] = {
    [EDGE_MALLOC] = "malloc",
    [EDGE_CALLOC] = "calloc",
    [EDGE_REALLOC] = "realloc",
    [EDGE_POSIX_MEMALIGN] = "posix_memalign",
    [EDGE_ALIGNED_ALLOC] = "aligned_alloc",
    [EDGE_MEMALIGN] = "memalign",
    [EDGE_VALLOC] = "valloc",
    [EDGE_PVALLOC] = "pvalloc",
    [EDGE_REALLOCARRAY] = "reallocarray",
    [EDGE_USABLE_SIZE] = "malloc_usable_size",
};

const char *edge_call_name(enum edge_call call)
{
    return edge_names[call];
}

static const void *edge_object(const char *symbol)
{
    Dl_info info;
    void *address = dlsym(RTLD_DEFAULT, symbol);
    return address != NULL && dladdr(address, &info) != 0 ? info.dli_fbase : NULL;
}

uint32_t edge_calls(void)
{
    uint32_t calls = 0;
    const void *object = edge_object("malloc");
    for (unsigned call = 0; call < EDGE_CALLS; call++) {
        calls |= (uint32_t)(edge_object(edge_names[call]) == object) << call;
    }
    return calls;
}

void *edge_call(enum edge_call call, size_t size, size_t align)
{
    void *block = NULL;
    switch (call) {
    case EDGE_CALLOC:
        return calloc(1, size);
    case EDGE_REALLOC:
        return realloc(NULL, size);
    case EDGE_POSIX_MEMALIGN: {
        int error = posix_memalign(&block, align, size);
        errno = error != 0 ? error : errno;
        return error == 0 ? block : NULL;
    }
    case EDGE_ALIGNED_ALLOC:
        return aligned_alloc(align, size);
    case EDGE_MEMALIGN:
        return memalign(align, size);
    case EDGE_VALLOC:
        return valloc(size);
    case EDGE_PVALLOC:
        return pvalloc(size);
    case EDGE_REALLOCARRAY:
        return reallocarray(NULL, 1, size);
    default:
        return malloc(size);
    }
}

static uint64_t edge_mark(const struct edge_block *block)
{
    return random_mix((uintptr_t)block->at ^ (block->size << 1));
}

// First and last bytes, up to eight of each.
static void edge_write(const struct edge_block *block)
{
    uint64_t mark = edge_mark(block);
    size_t bytes = block->size < sizeof mark ? block->size : sizeof mark;
    memcpy(block->at, &mark, bytes);
    memcpy(block->at + block->size - bytes, &mark, bytes);
}

void edge_verify(struct worker *worker, const struct edge_block *block)
{
    uint64_t mark = edge_mark(block);
    size_t bytes = block->size < sizeof mark ? block->size : sizeof mark;
    bool apart = block->size >= 2 * bytes; // else the last bytes lie over some of the first
    if ((apart && memcmp(block->at, &mark, bytes) != 0) ||
        memcmp(block->at + block->size - bytes, &mark, bytes) != 0) {
        child_fail(worker, "stamp", block->at, block->size,
                   "the first or last bytes of a block are not what was written");
    }
}

// What a block is aligned to at the least.
static size_t edge_least_align(enum edge_call call, size_t size, size_t align)
{
    if (call == EDGE_POSIX_MEMALIGN || call == EDGE_ALIGNED_ALLOC || call == EDGE_MEMALIGN) {
        return align;
    }
    if (call == EDGE_VALLOC || call == EDGE_PVALLOC) {
        return (size_t)sysconf(_SC_PAGESIZE);
    }
    return size >= _Alignof(max_align_t) ? _Alignof(max_align_t) : 1;
}

bool edge_alloc(struct worker *worker, enum edge_call call, size_t size, size_t align,
                bool may_fail, struct edge_block *block)
{
    const char *name = edge_names[call];
    errno = 0;
    block->at = edge_call(call, size, align);
    block->size = size;
    if (block->at == NULL) {
        if (errno != ENOMEM) {
            child_fail(worker, "errno", NULL, size, "%s(%zu) failed, and errno is %d, not ENOMEM",
                       name, size, errno);
        }
        if (!may_fail) {
            child_fail(worker, "refused", NULL, size, "%s(%zu) failed with memory to spare", name,
                       size);
        }
        return false;
    }
    size_t least = edge_least_align(call, size, align);
    if ((uintptr_t)block->at % least != 0) {
        child_fail(worker, "alignment", block->at, size, "%s(%zu) is not aligned to %zu", name,
                   size, least);
    }
    for (size_t i = 0; call == EDGE_CALLOC && i < size; i += i < 4096 ? 1 : 509) {
        if (block->at[i] != 0) {
            child_fail(worker, "calloc", block->at, size, "calloc(%zu) is not zero at byte %zu",
                       size, i);
        }
    }
    if (size > 0) {
        edge_write(block);
    }
    return true;
}

void edge_free(struct worker *worker, struct edge_block *block)
{
    if (block->at != NULL) {
        if (block->size > 0) {
            edge_verify(worker, block);
        }
        free(block->at);
        block->at = NULL;
    }
}

bool edge_resize_try(struct worker *worker, struct edge_block *block, size_t size)
{
    uint64_t mark = edge_mark(block);
    edge_verify(worker, block);
    unsigned char *at = realloc(block->at, size);
    if (at == NULL) {
        return false;
    }
    if (block->size >= 2 * sizeof mark && size >= sizeof mark &&
        memcmp(at, &mark, sizeof mark) != 0) {
        child_fail(worker, "resize", at, size, "realloc from %zu to %zu bytes lost the first ones",
                   block->size, size);
    }
    block->at = at;
    block->size = size;
    edge_write(block);
    return true;
}

void edge_resize(struct worker *worker, struct edge_block *block, size_t size)
{
    if (!edge_resize_try(worker, block, size)) {
        child_fail(worker, "refused", block->at, size, "realloc from %zu to %zu bytes failed",
                   block->size, size);
    }
}

bool edge_alloc_any(struct worker *worker, struct random *random, uint32_t calls, size_t size,
                    struct edge_block *block)
{
    enum edge_call call = (enum edge_call)random_below(random, EDGE_VALLOC);
    if ((calls >> call & 1) == 0) {
        call = EDGE_MALLOC;
    }
    size_t align = (size_t)16 << random_below(random, 3);
    size = call == EDGE_ALIGNED_ALLOC ? (size + align - 1) & ~(align - 1) : size;
    return edge_alloc(worker, call, size, align, false, block);
}

// Eight to a doubling from 16 bytes on would be a class each for most; four are enough to meet all
// kinds: 1, 8, then 16 x 2^(i/4) up to 4 MiB, one byte more and one less in turn.
size_t edge_size(unsigned index)
{
    if (index < 16) {
        return 1 + index * 8;
    }
    unsigned step = index - 16;
    size_t base = (size_t)128 << step / 5;
    size_t size = base + base / 5 * (step % 5);
    return size + (index % 3) - 1;
}

size_t edge_draw(struct random *random)
{
    uint64_t roll = random_next(random);
    unsigned bits = (roll & 63) == 0 ? 18 : (roll & 7) == 0 ? 13 : 9;
    return 1 + random_below(random, (uint64_t)1 << bits);
}

void edge_pause(struct random *random)
{
    uint64_t roll = random_next(random);
    if ((roll & 1) != 0) {
        struct timespec time = {.tv_nsec = (long)(roll >> 32 & 0x7fff)};
        nanosleep(&time, NULL);
    }
}

const char *const edge_unused[] = {"threads", "size", "verify", "checks", "touch", NULL};
const char *const edge_unused_sizes[] = {"size", "verify", "checks", "touch", NULL};

int edge_validate(const struct job_section *section, struct complaint *complaint)
{
    if (job_number(section, "threads") > EDGE_CHILDREN) {
        job_complain(section, "threads", complaint,
                     "it should be %d or less: each has a child of its own at a time",
                     EDGE_CHILDREN);
        return EINVAL;
    }
    if (job_number(section, "child_timeout") >= job_number(section, "timeout")) {
        job_complain(section, "child_timeout", complaint,
                     "it should be less than timeout, which would end the cell before");
        return EINVAL;
    }
    return 0;
}

// Of the process's own malloc, which is not sized by anybody.
int edge_demand(const struct job_section *section, struct target_demand *demand,
                struct complaint *complaint)
{
    (void)section;
    (void)complaint;
    demand->largest = demand->largest > 4 << 20 ? demand->largest : 4 << 20;
    return 0;
}

struct child_rule edge_rule(const struct run *run, const char *check)
{
    return (struct child_rule){
        .hang = check, .timeout_ns = job_number(run->section, "child_timeout"), .done = true};
}
