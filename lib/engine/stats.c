// SPDX-License-Identifier: MIT
//
// stats.c - what is going on inside: counters, locks, the memory map, invariants.

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "engine/engine.h"
#include "sync/section.h"

static const struct mems_stat stats_table[] = {
#define STATS_ROW(name, unit, help) {#name, unit, help, offsetof(struct mems_stats, name)},
    MEMS_STATS(STATS_ROW)
#undef STATS_ROW
};

const struct mems_stat *mems_stat_at(size_t index)
{
    return index < sizeof stats_table / sizeof stats_table[0] ? &stats_table[index] : NULL;
}

// The caches of every space, open and closed. The engine's lock is taken.
static void engine_caches(struct mems_engine *engine, struct cache_totals *sum)
{
    memset(sum, 0, sizeof *sum);
    lock_lock(&engine->lock);
    sum->counters = engine->closed;
    sum->metadata = engine->space_pool.bytes;
    for (struct list *i = engine->spaces.next; i != &engine->spaces; i = i->next) {
        struct cache_totals one;
        cache_totals(&container_of(i, struct mems_space, link)->cache, &one);
        cache_counters_add(&sum->counters, &one.counters);
        sum->blocks += one.blocks;
        sum->bytes += one.bytes;
        sum->metadata += one.metadata;
    }
    lock_unlock(&engine->lock);
}

static uint64_t minus(uint64_t a, uint64_t b)
{
    return a > b ? a - b : 0; // sums taken at different moments
}

static void counters_report(const struct cache_counters *counters, struct mems_stats *stats)
{
    stats->allocs = counters->allocs;
    stats->releases = counters->releases;
    stats->resizes = counters->resizes;
    stats->refusals = counters->refusals;
    stats->refusals_enough_free = counters->refusals_enough_free;
    stats->misuses = counters->misuses;
    stats->live_blocks = minus(counters->allocs, counters->releases);
    stats->requested_bytes = counters->requested;
    stats->cache_misses = counters->misses;
    stats->cache_hits =
        minus(counters->allocs + counters->releases, counters->misses + counters->direct);
    stats->refills = counters->refills;
    stats->refilled_blocks = counters->refilled;
    stats->drains = counters->drains;
    stats->drained_blocks = counters->drained;
    stats->remote_releases = counters->remote;
}

// What the policy says and the engine only hands on: fields of one name in both structs.
static void totals_report(const struct policy_totals *totals, struct mems_stats *stats)
{
#define HAND_ON(name) stats->name = totals->name
    HAND_ON(held_bytes), HAND_ON(free_bytes), HAND_ON(holes), HAND_ON(largest_hole);
    HAND_ON(regions), HAND_ON(absent_bytes), HAND_ON(table_bytes);
    HAND_ON(compactions), HAND_ON(moves_tried), HAND_ON(moves_done), HAND_ON(moves_abandoned);
    HAND_ON(moved_bytes), HAND_ON(faults), HAND_ON(zero_faults), HAND_ON(swap_faults);
    HAND_ON(segment_faults), HAND_ON(copy_faults), HAND_ON(evictions), HAND_ON(write_backs);
    HAND_ON(swap_bytes), HAND_ON(swap_most_bytes), HAND_ON(tlb_hits), HAND_ON(tlb_misses);
    HAND_ON(eat_ns), HAND_ON(working_set_pages), HAND_ON(thrashing);
#undef HAND_ON
}

// Of a policy that does not count its peak itself, since what it holds only grows.
static uint64_t peak(struct mems_engine *engine, uint64_t held)
{
    uint64_t seen = load_relaxed(&engine->held_peak);
    while (held > seen && !cas_relaxed(&engine->held_peak, &seen, held)) {
    }
    return held > seen ? held : seen;
}

int mems_snapshot(struct mems_engine *engine, struct mems_stats *stats)
{
    struct cache_totals caches;
    struct policy_totals totals;
    memset(stats, 0, sizeof *stats);
    engine_caches(engine, &caches);
    engine->policy->totals(engine->state, &totals);
    counters_report(&caches.counters, stats);
    stats->cached_blocks = caches.blocks;
    stats->cached_bytes = caches.bytes;
    stats->held_peak_bytes =
        totals.held_peak_bytes != 0 ? totals.held_peak_bytes : peak(engine, totals.held_bytes);
    stats->block_bytes =
        minus(totals.held_bytes + totals.absent_bytes, totals.free_bytes + caches.bytes);
    totals_report(&totals, stats);
    lock_lock(&engine->table.lock);
    stats->metadata_bytes = engine->table.bytes;
    lock_unlock(&engine->table.lock);
    stats->metadata_bytes += totals.metadata_bytes + caches.metadata + engine->mapped;
    return 0;
}

int mems_space_snapshot(struct mems_space *space, struct mems_space_stats *stats)
{
    struct mems_engine *engine = space->engine;
    struct cache_totals totals;
    cache_totals(&space->cache, &totals);
    *stats = (struct mems_space_stats){
        .allocs = totals.counters.allocs,
        .releases = totals.counters.releases,
        .live_blocks = minus(totals.counters.allocs, totals.counters.releases),
        .requested_bytes = totals.counters.requested,
        .cached_blocks = totals.blocks,
        .refusals = totals.counters.refusals,
        .misuses = totals.counters.misuses,
    };
    if (engine->policy->space_stats != NULL) {
        engine->policy->space_stats(space->owned, stats);
    }
    return 0;
}

int mems_lock_at(struct mems_engine *engine, size_t index, struct mems_lock_stats *stats)
{
    const struct lock *lock = index == 0   ? &engine->lock
                              : index == 1 ? &engine->table.lock
                                           : engine->policy->lock_at(engine->state, index - 2);
    if (lock == NULL) {
        return ENOENT;
    }
    lock_stats(lock, stats);
    return 0;
}

int mems_walk(struct mems_engine *engine, mems_visitor visit, void *arg)
{
    return engine->policy->walk(engine->state, visit, arg);
}

size_t mems_candidates(struct mems_engine *engine, struct mems_candidate *list, size_t most)
{
    const struct policy *policy = engine->policy;
    return policy->candidates == NULL ? 0 : policy->candidates(engine->state, list, most);
}

// ---- checking ----------------------------------------------------------------------------------

static int violate(struct mems_violation *first, const char *invariant, const char *what,
                   uint64_t a, uint64_t b)
{
    struct printer printer;
    first->invariant = invariant;
    print_init(&printer, first->text, sizeof first->text);
    print_format(&printer, "%s: %llu against %llu", what, (unsigned long long)a,
                 (unsigned long long)b);
    return EUCLEAN;
}

static int caches_check(struct mems_engine *engine, struct mems_violation *first)
{
    const struct policy_front *front = engine->policy->front;
    int error = 0;
    lock_lock(&engine->lock);
    for (struct list *i = engine->spaces.next; i != &engine->spaces && error == 0; i = i->next) {
        struct mems_space *space = container_of(i, struct mems_space, link);
        const char *broken = cache_check(&space->cache);
        if (broken != NULL) {
            error = violate(first, broken, "a magazine is broken", 0, 0);
        } else if (front != NULL) {
            error = front->check(engine->state, space->owned, first);
        }
    }
    lock_unlock(&engine->lock);
    return error;
}

// Adds up the map by itself, to hold the counters against it.
struct census {
    uint64_t blocks, requested, block_bytes, cached_bytes, free_bytes, absent_bytes;
};

static int count_piece(const struct mems_extent *piece, void *arg)
{
    struct census *census = arg;
    census->absent_bytes += piece->absent ? piece->size : 0;
    switch (piece->piece) {
    case MEMS_PIECE_BLOCK:
        census->blocks += !piece->more;
        census->requested += piece->requested;
        census->block_bytes += piece->size;
        break;
    case MEMS_PIECE_CACHED:
        census->cached_bytes += piece->size;
        break;
    case MEMS_PIECE_HOLE:
        census->free_bytes += piece->size;
        break;
    }
    return 0;
}

// Map and counters of one moment. Nobody is inside a call, but the engine's own mover may give
// regions back between the two: then they are taken again. It moves on a budget and finds no more
// to give back in the end.
static void census_take(struct mems_engine *engine, struct mems_stats *stats, struct census *census)
{
    struct mems_stats after;
    mems_snapshot(engine, &after);
    do {
        *stats = after;
        *census = (struct census){0};
        mems_walk(engine, count_piece, census);
        mems_snapshot(engine, &after);
    } while (after.held_bytes != stats->held_bytes);
}

static int counters_check(struct mems_engine *engine, struct mems_violation *first)
{
    struct mems_stats stats;
    struct census census;
    census_take(engine, &stats, &census);
    const struct {
        const char *invariant, *what;
        uint64_t map, counters;
    } pairs[] = {
        {"S1", "held bytes and the map's pieces",
         census.block_bytes + census.cached_bytes + census.free_bytes,
         stats.held_bytes + census.absent_bytes},
        {"S1", "absent bytes on the map and by counters", census.absent_bytes, stats.absent_bytes},
        {"S1", "block bytes on the map and by counters", census.block_bytes, stats.block_bytes},
        {"S1", "cached bytes on the map and by counters", census.cached_bytes, stats.cached_bytes},
        {"S2", "live blocks on the map and by counters", census.blocks, stats.live_blocks},
        {"S2", "requested bytes on the map and by counters", census.requested,
         stats.requested_bytes},
    };
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        if (pairs[i].map != pairs[i].counters) {
            return violate(first, pairs[i].invariant, pairs[i].what, pairs[i].map,
                           pairs[i].counters);
        }
    }
    return 0;
}

int mems_check(struct mems_engine *engine, bool quiescent, struct mems_violation *first)
{
    if (section_inside()) {
        return EBUSY; // a mover that waits for the section has the lock that the check wants
    }
    int error = engine->policy->check(engine->state, first);
    if (error == 0 && quiescent) {
        error = caches_check(engine, first);
        error = error != 0 ? error : counters_check(engine, first);
    }
    return error;
}
