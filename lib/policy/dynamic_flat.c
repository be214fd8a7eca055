// SPDX-License-Identifier: MIT
//
// dynamic_flat.c - dynamic partitioning with flat addresses (the MeMS face).
//
// An address is a position plus `start`. The block that contains one is found in the arena's tree
// of blocks, under its lock: O(log n). What lies in a hole was released or never handed out; flat
// addresses cannot tell these apart, and a stale one is known only until its place is used again.

#include <errno.h>

#include "policy/dynamic.h"

// ---- flat addresses ----------------------------------------------------------------------------

// The block that contains the address, the lock held. 0; EFAULT: outside every region; EALREADY:
// in a hole (released, or never handed out: flat addresses cannot tell).
static int flat_block(struct dynamic *dynamic, mems_addr addr, struct extent **block)
{
    bool inside = false;
    uint64_t position = addr - dynamic->settings.start;
    *block = extents_find(&dynamic->arenas[0].extents, position, &inside);
    return *block != NULL ? 0 : inside ? EALREADY : EFAULT;
}

static bool flat_is_start(const struct dynamic *dynamic, const struct extent *block, mems_addr addr)
{
    return block->position == addr - dynamic->settings.start;
}

int dynamic_flat_release(void *state, mems_addr addr, size_t *requested)
{
    struct dynamic *dynamic = state;
    struct arena *arena = &dynamic->arenas[0];
    struct extent *block;
    lock_lock(&arena->lock);
    int error = flat_block(dynamic, addr, &block);
    if (error == 0 && !flat_is_start(dynamic, block, addr)) {
        error = EINVAL;
    }
    if (error == 0) {
        *requested = block->requested;
        extents_give(&arena->extents, block);
    }
    lock_unlock(&arena->lock);
    return error;
}

int dynamic_flat_resize(void *state, mems_addr addr, size_t size, size_t *before)
{
    struct dynamic *dynamic = state;
    struct arena *arena = &dynamic->arenas[0];
    struct extent *block;
    uint64_t rounded;
    if (!dynamic_round(dynamic, size, 1, &rounded)) {
        return ENOMEM;
    }
    lock_lock(&arena->lock);
    int error = flat_block(dynamic, addr, &block);
    if (error == 0 && !flat_is_start(dynamic, block, addr)) {
        error = EINVAL;
    }
    if (error == 0) {
        error = extents_resize(&arena->extents, block, rounded);
        error = rounded <= block->size ? 0 : error; // no record for the rest: the block keeps it
    }
    if (error == 0) {
        *before = block->requested;
        block->requested = size;
    }
    lock_unlock(&arena->lock);
    return error;
}

int dynamic_flat_find(void *state, mems_addr addr, void **host, size_t *span, size_t *requested,
                      size_t *size)
{
    struct dynamic *dynamic = state;
    struct arena *arena = &dynamic->arenas[0];
    struct extent *block;
    lock_lock(&arena->lock);
    int error = flat_block(dynamic, addr, &block);
    if (error == 0) {
        uint64_t offset = addr - dynamic->settings.start - block->position;
        if (offset >= block->requested) {
            error = ERANGE;
        } else {
            *host = extent_host(block) + offset;
            *span = block->requested - offset;
            *requested = block->requested;
            *size = block->size;
        }
    }
    lock_unlock(&arena->lock);
    return error;
}
