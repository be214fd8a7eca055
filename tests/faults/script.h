// SPDX-License-Identifier: MIT
//
// script.h - the whole malloc family at work, while memory is refused.
//
// A call that is refused gives NULL (posix_memalign: ENOMEM) with errno ENOMEM, and has changed
// nothing: the block that was to be resized holds its bytes. Then the same call, without the fault,
// gives the block. free never fails and never changes errno. Who includes this says by SCRIPT(name)
// which family it is.

#ifndef FAULTS_SCRIPT_H
#define FAULTS_SCRIPT_H

#include "support/require.h"

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SCRIPT_SLOTS = 96, SCRIPT_STEPS = 900, SCRIPT_EDGE = 64 };

struct script_block {
    unsigned char *bytes;
    size_t size;
    unsigned char mark;
};

struct script {
    struct script_block blocks[SCRIPT_SLOTS];
    uint64_t random;
    // After a refusal: holds the heap against its invariants, takes the fault away. True: the call
    // must succeed now.
    bool (*refused)(void);
    uint64_t refusals;
};

static uint64_t script_below(struct script *script, uint64_t bound)
{
    uint64_t x = script->random += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return (x ^ (x >> 31)) % bound;
}

static size_t script_size(struct script *script)
{
    uint64_t dice = script_below(script, 100);
    return 1 + script_below(script, dice < 60   ? 512
                                    : dice < 85 ? 32 << 10
                                    : dice < 94 ? 300 << 10
                                                : 5 << 20);
}

// The edges of a block are marked, all of a small one.
static void script_mark(struct script_block *block, unsigned char mark)
{
    size_t edge = block->size < SCRIPT_EDGE ? block->size : SCRIPT_EDGE;
    block->mark = mark;
    memset(block->bytes, mark, edge);
    memset(block->bytes + block->size - edge, mark, edge);
}

static void script_marked(const struct script_block *block, size_t size, bool both)
{
    size_t edge = size < SCRIPT_EDGE ? size : SCRIPT_EDGE;
    for (size_t i = 0; i < edge; i++) {
        test_require(block->bytes[i] == block->mark, "byte %zu of %zu", i, size);
        test_require(!both || block->bytes[size - 1 - i] == block->mark, "byte %zu from the end",
                     i);
    }
}

static const size_t script_aligns[] = {16, 64, 512, 4096, 65536, 1 << 21};

// One call that gives a block; `how` says which. NULL: refused.
static void *script_get(unsigned how, size_t size, size_t align)
{
    void *block = NULL;
    int error = 0;
    errno = 0;
    switch (how) {
    case 0:
        block = SCRIPT(calloc)(3, (size + 2) / 3);
        break;
    case 1:
        error = SCRIPT(posix_memalign)(&block, align, size);
        test_require(error == 0 || (error == ENOMEM && block == NULL), "error %d", error);
        return block;
    case 2:
        block = SCRIPT(aligned_alloc)(align, size);
        break;
    case 3:
        block = SCRIPT(memalign)(align, size);
        break;
    case 4:
        block = SCRIPT(valloc)(size);
        break;
    case 5:
        block = SCRIPT(pvalloc)(size);
        break;
    case 6:
        block = SCRIPT(reallocarray)(NULL, 2, (size + 1) / 2);
        break;
    default:
        block = SCRIPT(malloc)(size);
    }
    test_require(block != NULL || errno == ENOMEM, "NULL, and errno is %d", errno);
    return block;
}

static void script_fill(struct script *script, struct script_block *block)
{
    unsigned how = (unsigned)script_below(script, 14);
    size_t size = script_size(script);
    size_t align = script_aligns[script_below(script, 6)];
    block->bytes = script_get(how, size, align);
    if (block->bytes == NULL) {
        script->refusals++;
        bool must = script->refused();
        block->bytes = script_get(how, size, align);
        test_require(block->bytes != NULL || !must, "refused without a fault: %zu by %zu", size,
                     align);
    }
    if (block->bytes == NULL) {
        return;
    }
    block->size = size;
    test_require(how < 1 || how > 3 || (uintptr_t)block->bytes % align == 0, "not aligned");
    test_require(SCRIPT(malloc_usable_size)(block->bytes) >= size, "too small");
    for (size_t i = 0; how == 0 && i < size; i++) {
        test_require(block->bytes[i] == 0, "calloc: byte %zu of %zu is %d", i, size,
                     block->bytes[i]);
    }
    script_mark(block, (unsigned char)script_below(script, 256));
}

static void script_resize(struct script *script, struct script_block *block)
{
    size_t size = script_size(script);
    if (block->size > 1 << 20 && script_below(script, 2) == 0) {
        size = block->size * 2; // pages move
    }
    size_t kept = size < block->size ? size : block->size;
    errno = 0;
    unsigned char *moved = SCRIPT(realloc)(block->bytes, size);
    if (moved == NULL) {
        test_require(errno == ENOMEM, "realloc: NULL, and errno is %d", errno);
        script_marked(block, block->size, true);
        script->refusals++;
        bool must = script->refused();
        moved = SCRIPT(realloc)(block->bytes, size);
        test_require(moved != NULL || !must, "realloc refused without a fault: %zu", size);
    }
    if (moved == NULL) {
        return;
    }
    block->bytes = moved;
    size_t edge = kept < SCRIPT_EDGE ? kept : SCRIPT_EDGE;
    script_marked(block, edge, false);
    block->size = size;
    script_mark(block, block->mark);
}

static void script_drop(struct script_block *block)
{
    if (block->bytes != NULL) {
        script_marked(block, block->size, true);
        errno = 4711;
        SCRIPT(free)(block->bytes);
        test_require(errno == 4711, "free made errno %d", errno);
        block->bytes = NULL;
    }
}

static void *script_drop_all(void *arg)
{
    struct script *script = arg;
    for (size_t i = 0; i < SCRIPT_SLOTS; i++) {
        script_drop(&script->blocks[i]);
    }
    return NULL;
}

// A part of the blocks is freed by another thread, where one can be had.
static void script_elsewhere(struct script *script)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, script_drop_all, script) == 0) {
        pthread_join(thread, NULL);
    } else {
        script_drop_all(script);
    }
}

static void script_run(struct script *script)
{
    for (unsigned step = 0; step < SCRIPT_STEPS; step++) {
        struct script_block *block = &script->blocks[script_below(script, SCRIPT_SLOTS)];
        uint64_t dice = script_below(script, 100);
        if (block->bytes == NULL) {
            script_fill(script, block);
        } else if (dice < 50) {
            script_drop(block);
        } else {
            script_resize(script, block);
        }
        if (step % 300 == 299) {
            script_elsewhere(script);
            (void)SCRIPT(malloc_trim)(0);
        }
    }
    script_drop_all(script);
    (void)SCRIPT(malloc_trim)(0);
}

#endif
