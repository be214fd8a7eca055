// SPDX-License-Identifier: MIT
//
// test_violation.c - mems_check against an engine that is spoilt by hand: each complaint of its
// own, one by one.
//
// What a policy says of itself (its totals, its map) is spoilt on the way, by a copy of its row;
// what the engine and the caches keep, where it lies. Each spoils one sum and leaves those alone
// that are looked at before it; put right again, the engine is whole.

#include "support/engine.h"

#include "engine/engine.h"
#include "policy/slab.h"

#define SPOILT 16 // bytes

static const struct policy *honest;
static struct policy liar;
static struct policy_totals lie;          // is added
static uint64_t more_cached, more_blocks; // bytes of holes that the map calls otherwise
static bool hide_block;                   // the map has one block fewer
static struct {
    mems_visitor visit;
    void *arg;
    bool told; // the one piece that is changed has been
} walking;

static void liar_totals(void *state, struct policy_totals *totals)
{
    honest->totals(state, totals);
    totals->held_bytes += lie.held_bytes;
    totals->free_bytes += lie.free_bytes;
    totals->absent_bytes += lie.absent_bytes;
}

static int liar_visit(const struct mems_extent *piece, void *arg)
{
    (void)arg;
    struct mems_extent told = *piece;
    uint64_t more = more_cached + more_blocks;
    int stop = 0;
    if (more != 0 && !walking.told && piece->piece == MEMS_PIECE_HOLE && piece->size > more) {
        struct mems_extent part = *piece;
        part.piece = more_cached != 0 ? MEMS_PIECE_CACHED : MEMS_PIECE_BLOCK;
        part.size = more;
        part.requested = 0;
        part.more = true;
        told.size -= more;
        walking.told = true;
        stop = walking.visit(&part, walking.arg);
    } else if (hide_block && !walking.told && piece->piece == MEMS_PIECE_BLOCK) {
        told.more = true;
        walking.told = true;
    }
    return stop != 0 ? stop : walking.visit(&told, walking.arg);
}

static int liar_walk(void *state, mems_visitor visit, void *arg)
{
    walking.visit = visit;
    walking.arg = arg;
    walking.told = false;
    return honest->walk(state, liar_visit, NULL);
}

static struct mems_engine *open_liar(const char *policy, const char *options,
                                     struct mems_space **space)
{
    struct mems_engine *engine = test_engine(policy, options);
    honest = engine->policy;
    liar = *honest;
    liar.totals = liar_totals;
    liar.walk = liar_walk;
    engine->policy = &liar;
    *space = test_space(engine);
    for (size_t i = 0; i < 10; i++) { // blocks, holes, and what waits in a magazine
        mems_addr addr = test_alloc(*space, 100);
        if (i % 2 == 1) {
            assert_int_equal(mems_release(*space, addr), 0);
        }
    }
    test_checked(engine, true);
    return engine;
}

static void violates(struct mems_engine *engine, const char *invariant, const char *text)
{
    struct mems_violation first = {.invariant = "none", .text = ""};
    test_require(mems_check(engine, true, &first) == EUCLEAN, "%s, %s: not seen", invariant, text);
    test_require(strcmp(first.invariant, invariant) == 0 && strstr(first.text, text) != NULL,
                 "%s, %s: told was %s, %s", invariant, text, first.invariant, first.text);
}

// Adds to a number, sees the complaint, and takes it away again.
static void spoils(struct mems_engine *engine, uint64_t *number, uint64_t by, const char *invariant,
                   const char *text)
{
    *number += by;
    violates(engine, invariant, text);
    *number -= by;
    test_checked(engine, true);
}

static void test_sums_of_memory(void **state)
{
    (void)state;
    struct mems_space *space;
    struct mems_engine *engine = open_liar("dynamic", "", &space);
    spoils(engine, &lie.held_bytes, SPOILT, "S1", "held bytes and the map's pieces: ");
    spoils(engine, &lie.absent_bytes, SPOILT, "S1", "absent bytes on the map and by counters: ");
    spoils(engine, &lie.free_bytes, SPOILT, "S1", "block bytes on the map and by counters: ");
    spoils(engine, &more_blocks, SPOILT, "S1", "block bytes on the map and by counters: ");
    spoils(engine, &more_cached, SPOILT, "S1", "cached bytes on the map and by counters: ");
    mems_engine_close(engine);
}

static void test_counters(void **state)
{
    (void)state;
    struct mems_space *space;
    struct mems_engine *engine = open_liar("dynamic", "", &space);
    spoils(engine, &engine->closed.allocs, 1, "S2",
           "live blocks on the map and by counters: 5 against 6");
    spoils(engine, &engine->closed.releases, 1, "S2",
           "live blocks on the map and by counters: 5 against 4");
    spoils(engine, &engine->closed.requested, SPOILT, "S2",
           "requested bytes on the map and by counters: 500 against 516");
    hide_block = true;
    violates(engine, "S2", "live blocks on the map and by counters: 4 against 5");
    hide_block = false;
    test_checked(engine, true);
    mems_engine_close(engine);
}

static void test_magazines(void **state)
{
    (void)state;
    struct mems_space *space;
    struct mems_engine *engine = open_liar("dynamic", "", &space);
    struct cache *cache = cache_here(&space->cache);
    assert_int_not_equal(cache->latest_class, CACHE_NONE);
    struct magazine *magazine = &cache->magazine[cache->latest_class];
    assert_true(magazine->top > magazine->base);
    struct magazine whole = *magazine;
    magazine->end = magazine->base; // more in it than there is room for
    violates(engine, "M1", "a magazine is broken");
    *magazine = whole;
    test_checked(engine, true);
    magazine->base->addr += UINT64_C(1) << DESCRIPTOR_PLACE_BITS; // of another generation
    violates(engine, "M2", "a magazine is broken");
    magazine->base->addr -= UINT64_C(1) << DESCRIPTOR_PLACE_BITS;
    test_checked(engine, true);
    cache->latest_class++; // the latest block is of another class
    violates(engine, "M2", "a magazine is broken");
    cache->latest_class--;
    test_checked(engine, true);
    mems_engine_close(engine);
}

// What only a look into the fronts sees: a block that its ledger has as free and its descriptor
// not.
static void test_fronts(void **state)
{
    (void)state;
    struct mems_space *space;
    struct mems_engine *engine = open_liar("slab", "", &space);
    struct slab_space *own = space->owned;
    struct slab_run *run = container_of(own->runs.next, struct slab_run, of_space);
    uint64_t *free = &run->granule.ledger->free[0], was = *free;
    assert_int_not_equal(~was & 1023, 0); // some of the ten are in use
    *free |= ~was & 1023 & -(~was & 1023);
    violates(engine, "S2", "its ledger and its descriptors differ");
    *free = was;
    test_checked(engine, true);
    run->orphan = true;
    violates(engine, "S3", "an orphan has an owner");
    run->orphan = false;
    test_checked(engine, true);
    mems_engine_close(engine);
}

// Who is inside a call is not asked for sums: they are of different moments.
static void test_not_quiescent(void **state)
{
    (void)state;
    struct mems_space *space;
    struct mems_violation first;
    struct mems_engine *engine = open_liar("dynamic", "", &space);
    lie.held_bytes = SPOILT;
    assert_int_equal(mems_check(engine, false, &first), 0);
    lie.held_bytes = 0;
    mems_access_begin();
    assert_int_equal(mems_check(engine, true, &first), EBUSY);
    mems_access_end();
    mems_engine_close(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums_of_memory), cmocka_unit_test(test_counters),
        cmocka_unit_test(test_magazines),      cmocka_unit_test(test_fronts),
        cmocka_unit_test(test_not_quiescent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
