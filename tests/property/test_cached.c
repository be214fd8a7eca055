// SPDX-License-Identifier: MIT
//
// test_cached.c - what holds whatever the caches keep: laws for every policy, with caches and
// without.
//
//   contents   a block keeps what was written into it until it is released, resizes included
//   apart      no two live blocks share a byte
//   map        the walk's pieces tile each region; its blocks are the live ones, nothing else
//   joined     after a flush no two neighbours are holes (dynamic)
//   accounts   after mems_thread_flush nothing is cached, S1 and S2 hold, mems_check agrees

#include "support/engine.h"

enum { SLOTS = 512, OPS = 250000 / MEMS_TEST_SCALE };

struct run {
    const char *policy;
    const char *options;
    uint64_t most; // largest size asked for
};

static const struct run RUNS[] = {
    {"dynamic", "fit=first", 600},
    {"dynamic", "fit=best,arenas=4", 9000},
    {"dynamic", "fit=next,capacity=256Ki", 2000},
    {"dynamic", "fit=worst,arenas=3,region=16Ki", 5000},
    {"dynamic", "fit=best,cache_blocks=2,cache_limit=64", 700},
    {"dynamic", "fit=first,addresses=flat", 700}, // one space, no cache
    {"dynamic", "fit=first,thread_cache=no,arenas=2", 3000},
    {"dynamic", "fit=buddy,region=64Ki", 5000},
    {"dynamic", "fit=buddy,arenas=3,capacity=700Ki,coalesce=deferred", 3000},
    {"dynamic", "fit=tlsf,region=16Ki", 3000},
    {"dynamic", "fit=tlsf,arenas=2,coalesce=deferred,region=8Ki", 900},
    {"dynamic", "fit=best,min_block=200,region=16Ki", 2000},
    {"dynamic", "fit=first,min_block=64,coalesce=deferred,thread_cache=no", 2000},
    {"fixed", "partitions=64x200,256x100,4Kix50", 4096},
    {"fixed", "partition=1Ki,count=300,queue=size,thread_cache=no", 1024},
};

struct slot {
    bool live;
    mems_addr addr;
    uint64_t size;
    uint64_t seed;
    uintptr_t host;
};

struct trial {
    const struct run *run;
    struct mems_engine *engine;
    struct mems_space *spaces[2]; // the same one twice where there can be only one
    struct slot slots[SLOTS];
    uint64_t random;
    uint64_t live;
    uint64_t requested;
};

static struct mems_space *space_of(struct trial *trial, const struct slot *slot)
{
    return trial->spaces[(size_t)(slot - trial->slots) % 2];
}

static void require_apart(struct trial *trial, const struct slot *mine)
{
    for (size_t i = 0; i < SLOTS; i++) {
        const struct slot *slot = &trial->slots[i];
        test_require(!slot->live || slot == mine || slot->host + slot->size <= mine->host ||
                         mine->host + mine->size <= slot->host,
                     "%s(%s): two live blocks overlap at %#" PRIxPTR, trial->run->policy,
                     trial->run->options, mine->host);
    }
}

static void written(struct trial *trial, struct slot *slot)
{
    slot->seed = test_random(&trial->random);
    slot->host = test_host(space_of(trial, slot), slot->addr);
    require_apart(trial, slot);
    test_stamp(space_of(trial, slot), slot->addr, slot->size, slot->seed);
}

static void step_alloc(struct trial *trial, struct slot *slot)
{
    uint64_t most = test_below(&trial->random, 8) == 0 ? trial->run->most : 128;
    uint64_t size = 1 + test_below(&trial->random, most);
    int error = mems_alloc(space_of(trial, slot), size, 0, &slot->addr);
    if (error != 0) {
        test_require(error == ENOMEM, "alloc of %" PRIu64 ": %s", size, strerror(error));
        return;
    }
    slot->live = true;
    slot->size = size;
    trial->live++;
    trial->requested += size;
    written(trial, slot);
}

static void step_release(struct trial *trial, struct slot *slot)
{
    test_stamped(space_of(trial, slot), slot->addr, slot->size, slot->seed);
    int error = mems_release(space_of(trial, slot), slot->addr);
    test_require(error == 0, "release: %s", strerror(error));
    slot->live = false;
    trial->live--;
    trial->requested -= slot->size;
}

static void step_resize(struct trial *trial, struct slot *slot)
{
    uint64_t size = 1 + test_below(&trial->random, trial->run->most);
    mems_addr before = slot->addr;
    int error = mems_resize(space_of(trial, slot), &slot->addr, size);
    if (error != 0) {
        test_require(error == ENOMEM && slot->addr == before, "resize to %" PRIu64 ": %s", size,
                     strerror(error));
        test_stamped(space_of(trial, slot), slot->addr, slot->size, slot->seed);
        return;
    }
    uint64_t kept = size < slot->size ? size : slot->size;
    test_stamped(space_of(trial, slot), slot->addr, kept, slot->seed);
    trial->requested += size - slot->size;
    slot->size = size;
    written(trial, slot);
}

struct tiling {
    struct trial *trial;
    uint64_t blocks;
    uint64_t cached;
    uint32_t arena;
    uint32_t region;
    uint64_t end;
    bool started;
    bool after_hole;
    bool joined; // two holes side by side are wrong
};

static int see_piece(const struct mems_extent *extent, void *arg)
{
    struct tiling *tiling = arg;
    bool same =
        tiling->started && extent->arena == tiling->arena && extent->region == tiling->region;
    test_require(extent->offset == (same ? tiling->end : 0),
                 "a piece at %u.%u+%" PRIu64 " after one that ends at %u.%u+%" PRIu64,
                 extent->arena, extent->region, extent->offset, tiling->arena, tiling->region,
                 tiling->end);
    bool hole = extent->piece == MEMS_PIECE_HOLE;
    test_require(!tiling->joined || !hole || !same || !tiling->after_hole,
                 "%s(%s): two holes side by side at %u.%u+%" PRIu64, tiling->trial->run->policy,
                 tiling->trial->run->options, extent->arena, extent->region, extent->offset);
    tiling->after_hole = hole;
    tiling->started = true;
    tiling->arena = extent->arena;
    tiling->region = extent->region;
    tiling->end = extent->offset + extent->size;
    tiling->cached += extent->piece == MEMS_PIECE_CACHED;
    if (extent->piece == MEMS_PIECE_BLOCK) {
        tiling->blocks++;
        const struct slot *found = NULL;
        for (size_t i = 0; i < SLOTS && found == NULL; i++) {
            const struct slot *slot = &tiling->trial->slots[i];
            bool mine = slot->live && slot->host == (uintptr_t)extent->host;
            found = mine && slot->addr == extent->addr ? slot : NULL;
        }
        test_require(found != NULL, "the map shows a block %#" PRIx64 " that nobody has",
                     extent->addr);
        test_require(extent->requested == found->size && extent->size >= found->size &&
                         extent->space == mems_space_id(space_of(tiling->trial, found)),
                     "block %#" PRIx64 ": %" PRIu64 " of %" PRIu64 " bytes", extent->addr,
                     extent->requested, found->size);
    }
    return 0;
}

// Buddies join with buddies only, and deferred holes when they must.
static bool is_joined(const struct run *run)
{
    return strcmp(run->policy, "dynamic") == 0 && strstr(run->options, "buddy") == NULL &&
           strstr(run->options, "deferred") == NULL;
}

static void settle(struct trial *trial)
{
    struct tiling tiling = {.trial = trial};
    assert_int_equal(mems_walk(trial->engine, see_piece, &tiling), 0);
    test_require(tiling.blocks == trial->live, "%" PRIu64 " blocks in the map, %" PRIu64 " live",
                 tiling.blocks, trial->live);
    struct mems_stats stats = test_stats(trial->engine);
    test_require(stats.live_blocks == trial->live && stats.requested_bytes == trial->requested,
                 "live %" PRIu64 " of %" PRIu64 ", requested %" PRIu64 " of %" PRIu64,
                 stats.live_blocks, trial->live, stats.requested_bytes, trial->requested);
    test_require(stats.cached_blocks == tiling.cached, "%" PRIu64 " cached, the map shows %" PRIu64,
                 stats.cached_blocks, tiling.cached);
    test_conserved(trial->engine);
    test_checked(trial->engine, true);
    mems_thread_flush();
    stats = test_stats(trial->engine);
    test_require(stats.cached_blocks == 0 && stats.cached_bytes == 0,
                 "%" PRIu64 " blocks cached after the flush", stats.cached_blocks);
    test_conserved(trial->engine);
    test_checked(trial->engine, true);
    tiling = (struct tiling){.trial = trial, .joined = is_joined(trial->run)};
    assert_int_equal(mems_walk(trial->engine, see_piece, &tiling), 0);
}

static void step(struct trial *trial)
{
    struct slot *slot = &trial->slots[test_below(&trial->random, SLOTS)];
    if (!slot->live) {
        step_alloc(trial, slot);
    } else if (test_below(&trial->random, 5) == 0) {
        step_resize(trial, slot);
    } else {
        step_release(trial, slot);
    }
}

// Closes a space with live and cached blocks.
static void close_second(struct trial *trial)
{
    mems_space_close(trial->spaces[1]);
    for (size_t i = 1; i < SLOTS; i += 2) {
        if (trial->slots[i].live) {
            trial->slots[i].live = false;
            trial->live--;
            trial->requested -= trial->slots[i].size;
        }
    }
}

static void run_trial(const struct run *run, uint64_t seed)
{
    static struct trial trial;
    memset(&trial, 0, sizeof trial);
    trial.run = run;
    trial.random = seed;
    trial.engine = test_engine(run->policy, run->options);
    trial.spaces[0] = test_space(trial.engine);
    bool alone = strstr(run->options, "flat") != NULL;
    trial.spaces[1] = alone ? trial.spaces[0] : test_space(trial.engine);
    for (uint64_t i = 0; i < OPS; i++) {
        step(&trial);
        if (i % 5000 == 4999) {
            settle(&trial);
        }
    }
    if (!alone) {
        close_second(&trial);
        settle(&trial);
    }
    mems_space_close(trial.spaces[0]);
    struct mems_stats stats = test_stats(trial.engine);
    test_require(stats.live_blocks == 0 && stats.requested_bytes == 0 && stats.block_bytes == 0,
                 "%" PRIu64 " blocks live after their spaces closed", stats.live_blocks);
    test_conserved(trial.engine);
    mems_engine_close(trial.engine);
}

static void test_laws(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    for (size_t i = 0; i < sizeof RUNS / sizeof RUNS[0]; i++) {
        run_trial(&RUNS[i], seed + i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_laws)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
