// SPDX-License-Identifier: MIT
//
// slab_run.c - slabs with descriptors: opened from the depot, taken from, given to, closed.

#include <errno.h>

#include "base/bits.h"
#include "os/os.h"
#include "policy/slab.h"
#include "sync/section.h"
#include "sync/thread.h"

// ---- the depot, its lock held ------------------------------------------------------------------

int slab_depot_grow(struct slab_depot *depot, uint64_t size, uint64_t align)
{
    int error = extents_grow(&depot->extents, size, align);
    uint64_t held = depot->extents.held_bytes;
    depot->held_peak = held > depot->held_peak ? held : depot->held_peak;
    return error;
}

void slab_depot_unlock(struct slab_policy *policy)
{
    struct slab_depot *depot = &policy->depot;
    store_relaxed(&depot->surplus, depot->extents.surplus);
    lock_unlock(&depot->lock);
}

void slab_depot_trim(struct slab_policy *policy)
{
    struct slab_depot *depot = &policy->depot;
    if (!load_relaxed(&depot->surplus) || section_inside() || thread_ending()) {
        return; // what is left stays, for a later release to see
    }
    lock_lock(&depot->lock);
    uint64_t mark = depot->extents.emptied;
    bool surplus = depot->extents.surplus;
    lock_unlock(&depot->lock);
    if (surplus) {
        section_wait();
        lock_lock(&depot->lock);
        extents_trim(&depot->extents, mark);
        slab_depot_unlock(policy);
    }
}

int slab_depot_cut(struct slab_policy *policy, uint64_t size, uint64_t align, bool grow,
                   struct descriptor_shelf *shelf, uint64_t block, struct extent **extent)
{
    struct extents *extents = &policy->depot.extents;
    struct grant probe;
    int error = extents_take(extents, size, align, extent);
    if (error != ENOSPC || !grow || policy->settings.capacity != 0) {
        return error;
    }
    error = extents_reserve(extents);
    if (error == 0) {
        error = descriptor_take(shelf, block, NULL, &probe);
    }
    if (error == 0) {
        descriptor_give(shelf, probe.descriptor);
        error = slab_depot_grow(&policy->depot, size, align);
    }
    return error != 0 ? error : extents_take(extents, size, align, extent);
}

static int depot_run(struct slab_policy *policy, struct slab_arena *arena, unsigned class,
                     bool grow, struct slab_run **result)
{
    struct slab_depot *depot = &policy->depot;
    uint64_t bytes = policy->settings.slab;
    uint32_t count = slab_capacity(class, bytes);
    unsigned kind = bits_log2_up(count);
    struct extent *extent;
    struct slab_run *run = pool_take(&depot->records[kind]);
    if (run == NULL) {
        return ENOMEM;
    }
    int error = slab_depot_cut(policy, bytes, os_page_size(), grow, &arena->shelf,
                               slab_class_size(class), &extent);
    if (error != 0) {
        pool_give(&depot->records[kind], run);
        return error;
    }
    *run = (struct slab_run){.extent = extent,
                             .serial = ++depot->last_serial,
                             .arena = (uint8_t)(arena - policy->arenas),
                             .kind = (uint8_t)kind};
    slab_init(&run->slab, class, bytes, extent_host(extent), &run->descriptor[count]);
    extent->held = true;
    extent->holder = run;
    depot->run_count++;
    *result = run;
    return 0;
}

// ---- runs, their arena's lock held -------------------------------------------------------------

int slab_run_open(struct slab_policy *policy, struct slab_arena *arena, struct list *bin,
                  unsigned class, bool grow, struct slab_run **run)
{
    lock_lock(&policy->depot.lock);
    int error = depot_run(policy, arena, class, grow, run);
    lock_unlock(&policy->depot.lock);
    if (error == 0) {
        (*run)->bin = bin;
        list_push_front(bin, &(*run)->of_bin);
        list_push_front(&arena->runs, &(*run)->of_arena);
        list_push_back(&arena->idle, &(*run)->idle);
        arena->idle_count++;
        arena->runs_of[class]++;
    }
    return error;
}

void slab_run_close(struct slab_policy *policy, struct slab_arena *arena, struct slab_run *run)
{
    struct slab_depot *depot = &policy->depot;
    list_remove(&run->of_bin);
    list_remove(&run->of_arena);
    list_remove(&run->idle);
    arena->idle_count--;
    arena->runs_of[run->slab.class]--;
    lock_lock(&depot->lock);
    run->serial = 0;
    depot->run_count--;
    extents_give(&depot->extents, run->extent);
    pool_give(&depot->records[run->kind], run);
    slab_depot_unlock(policy);
}

int slab_run_take(struct slab_arena *arena, struct slab_run *run, uint32_t space,
                  struct grant *grant)
{
    struct slab *slab = &run->slab;
    uint32_t index = slab_next(slab);
    int error = descriptor_take(&arena->shelf, slab->size, slab_host(slab, index), grant);
    if (error != 0) {
        return error;
    }
    slab_take(slab);
    run->descriptor[index] = grant->descriptor;
    grant->descriptor->record = run;
    descriptor_own(grant->descriptor, space, run->arena);
    arena->taken[slab->class]++;
    if (slab->used == 1) {
        list_remove(&run->idle);
        arena->idle_count--;
    }
    if (slab_full(slab)) {
        list_remove(&run->of_bin);
        list_push_back(run->bin, &run->of_bin);
    }
    return 0;
}

void slab_run_give(struct slab_arena *arena, struct slab_run *run, uint32_t index)
{
    struct slab *slab = &run->slab;
    if (slab_full(slab)) {
        list_remove(&run->of_bin);
        list_push_front(run->bin, &run->of_bin);
    }
    slab_give(slab, index);
    descriptor_give(&arena->shelf, run->descriptor[index]);
    arena->taken[slab->class]--;
    if (slab->used == 0) {
        list_push_back(&arena->idle, &run->idle);
        arena->idle_count++;
    }
}

void slab_arena_trim(struct slab_policy *policy, struct slab_arena *arena, uint64_t most)
{
    while (arena->idle_count > most) {
        slab_run_close(policy, arena, container_of(arena->idle.next, struct slab_run, idle));
    }
}

bool slab_trim_all(struct slab_policy *policy)
{
    bool any = false;
    for (uint64_t i = 0; i < policy->settings.arenas; i++) {
        struct slab_arena *arena = &policy->arenas[i];
        lock_lock(&arena->lock);
        any |= arena->idle_count != 0;
        slab_arena_trim(policy, arena, 0);
        lock_unlock(&arena->lock);
    }
    return any;
}
