// SPDX-License-Identifier: MIT
//
// move.c - blocks that move, and blocks that two spaces see: compaction, rights, sharing.
//
// The engine only checks who asks for what; how blocks move is told in memory/relocation.c and in
// the policies.

#include <errno.h>

#include "engine/engine.h"
#include "sync/section.h"

int mems_compact(struct mems_engine *engine, struct mems_compaction *done)
{
    struct mems_compaction nobody_asked;
    if (section_inside()) {
        return EBUSY;
    }
    if (engine->policy->compact == NULL) {
        return ENOTSUP;
    }
    done = done != NULL ? done : &nobody_asked;
    *done = (struct mems_compaction){0};
    return engine->policy->compact(engine->state, done);
}

int block_deny(struct mems_space *space, mems_addr addr, unsigned denied)
{
    struct descriptor *descriptor;
    int error = block_find_start(space, addr, &descriptor);
    if (error == 0) {
        // No magazine may hand it to the next one with less than every right.
        store_relaxed(&descriptor->class, DESCRIPTOR_UNCACHED);
        descriptor_deny(descriptor, denied);
        error = block_find_start(space, addr, &descriptor);
        if (error != 0) { // released meanwhile: another's block, whose rights it has
            descriptor_deny(descriptor, 0);
        }
    }
    return error;
}

int mems_protect(struct mems_space *space, mems_addr addr, unsigned rights)
{
    if ((rights & ~(unsigned)(MEMS_READ | MEMS_WRITE)) != 0) {
        return EINVAL;
    }
    if (!space->engine->policy->rights) {
        return ENOTSUP;
    }
    if (section_inside()) {
        return EBUSY;
    }
    int error = block_deny(space, addr, ~rights & (MEMS_READ | MEMS_WRITE));
    if (error != 0) {
        return block_misused(space, error);
    }
    section_wait();
    return 0;
}

int mems_share(struct mems_space *space, mems_addr addr, struct mems_space *with, unsigned rights,
               mems_addr *shared)
{
    struct mems_engine *engine = space->engine;
    struct descriptor *descriptor;
    if ((rights & ~(unsigned)(MEMS_READ | MEMS_WRITE)) != 0 || with->engine != engine) {
        return EINVAL;
    }
    if (engine->policy->share == NULL) {
        return ENOTSUP;
    }
    if (section_inside()) {
        return EBUSY;
    }
    int error = block_find_start(space, addr, &descriptor);
    if (error != 0) {
        return block_misused(space, error);
    }
    uint64_t size = load_acquire(&descriptor->limit); // [A:limit]
    unsigned denied = (~rights & (MEMS_READ | MEMS_WRITE)) | descriptor_denied(descriptor);
    error = engine->policy->share(engine->state, space->owned, descriptor, addr, with->owned,
                                  denied, shared);
    if (error == ENOMEM && block_unhoard(with)) {
        error = engine->policy->share(engine->state, space->owned, descriptor, addr, with->owned,
                                      denied, shared);
    }
    if (error == ESTALE) {
        return block_misused(space, error);
    }
    if (error == 0) {
        struct cache *here = cache_here(&with->cache);
        ENGINE_COUNT(with, here, allocs, 1);
        ENGINE_COUNT(with, here, direct, 1);
        ENGINE_COUNT(with, here, requested, size);
    }
    return error;
}
