// SPDX-License-Identifier: MIT
//
// test_extent.c - extents without a policy: buddies, classes, pending holes, regions that go.
//
// The random streams of tests/property compare addresses with models; here is what these cannot
// see: when holes are coalesced, which regions go, resizing where a block stands, and invariants
// under every combination of settings.

#include "memory/extent.h"
#include "os/os.h"
#include "support/engine.h"

#include <mems/inject.h>

enum { PAGE = 4096 };

static struct extents extents;

static void begin(const struct extents_settings *settings)
{
    assert_int_equal(extents_init(&extents, settings), 0);
}

static void check(void)
{
    const char *broken = extents_check(&extents);
    test_require(broken == NULL, "%s is broken (fit %d)", broken, extents.set.fit);
}

static struct extent *take(uint64_t size)
{
    struct extent *block = NULL;
    uint64_t rounded = 0;
    assert_true(extents_round(&extents, size, 1, &rounded));
    if (extents_take(&extents, rounded, 1, &block) == ENOSPC) {
        assert_int_equal(extents_grow(&extents, rounded, 1), 0);
        assert_int_equal(extents_take(&extents, rounded, 1, &block), 0);
    }
    check();
    return block;
}

static void give(struct extent *block)
{
    extents_give(&extents, block);
    check();
}

static void end(void)
{
    check();
    extents_fini(&extents);
}

// ---- buddies ------------------------------------------------------------------------------------

// Memory that is no power of two: 32 + 16 + 4 pages, and nothing merges across these.
static void test_buddy_pieces(void **state)
{
    (void)state;
    begin(&(struct extents_settings){.fit = EXTENT_BUDDY, .granule = 16});
    assert_int_equal(extents_grow(&extents, 52 * PAGE, 1), 0);
    assert_int_equal(extents.region_count, 1);
    assert_int_equal(extents.hole_count, 3);
    assert_int_equal(extents_largest_hole(&extents), 32 * PAGE);
    struct extent *a = take(3 * PAGE), *b = take(9 * PAGE), *c = take(32 * PAGE);
    assert_int_equal(a->position, 48 * PAGE);
    assert_int_equal(b->position, 32 * PAGE);
    assert_int_equal(c->position, 0);
    assert_int_equal((uintptr_t)extent_host(c) % (32 * PAGE), 0);
    assert_int_equal(extents.hole_count, 0);
    assert_int_equal(extents_largest_hole(&extents), 0);
    struct extent *none = NULL;
    assert_int_equal(extents_take(&extents, 16, 1, &none), ENOSPC);
    give(a);
    give(b);
    give(c);
    assert_int_equal(extents.hole_count, 3);
    end();
}

static void test_buddy_round(void **state)
{
    (void)state;
    uint64_t rounded;
    begin(&(struct extents_settings){.fit = EXTENT_BUDDY, .granule = 16, .min_block = 100});
    static const uint64_t cases[][3] = {{1, 1, 128},     {128, 1, 128},    {129, 1, 256},
                                        {1, 4096, 4096}, {5000, 64, 8192}, {4096, 4096, 4096}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_true(extents_round(&extents, cases[i][0], cases[i][1], &rounded));
        assert_int_equal(rounded, cases[i][2]);
    }
    assert_false(extents_round(&extents, PTRDIFF_MAX, 1, &rounded));
    assert_false(extents_round(&extents, UINT64_MAX, 1, &rounded));
    assert_true(extents_round(&extents, UINT64_C(1) << 62, 1, &rounded));
    assert_int_equal(extents_grow(&extents, rounded, 1), ENOMEM);
    end();
}

// A block grows while it is the lower half and the upper one is free, and shrinks for ever.
static void test_buddy_resize(void **state)
{
    (void)state;
    begin(&(struct extents_settings){.fit = EXTENT_BUDDY, .granule = 16});
    assert_int_equal(extents_grow(&extents, 1024, 1), 0); // a page
    struct extent *low = take(16), *next = take(16);
    assert_int_equal(extents_resize(&extents, low, 32), ENOMEM);  // its buddy is taken
    assert_int_equal(extents_resize(&extents, next, 32), ENOMEM); // it is the upper half
    give(next);
    assert_int_equal(extents_resize(&extents, low, 1024), 0);
    check();
    assert_int_equal(low->size, 1024);
    assert_int_equal(extents_resize(&extents, low, PAGE), 0);
    assert_int_equal(extents.hole_count, 0);
    assert_int_equal(extents_resize(&extents, low, 2 * PAGE), ENOMEM); // the region ends
    assert_int_equal(extents_resize(&extents, low, 64), 0);
    check();
    assert_int_equal(extents.hole_count, 6); // 64, 128, .. 2048
    give(low);
    assert_int_equal(extents.hole_count, 1);
    end();
}

// ---- classes ------------------------------------------------------------------------------------

// Good fit takes the first hole of a class whose every hole is large enough, though a hole of the
// request's own class would have done.
static void test_tlsf_rule(void **state)
{
    (void)state;
    begin(&(struct extents_settings){.fit = EXTENT_TLSF, .granule = 16});
    assert_int_equal(extents_grow(&extents, 64 * PAGE, 1), 0);
    // 2,048 bytes are 128 units: classes there are 4 units wide, so [2048, 2112) is one.
    struct extent *near = take(2096), *wall = take(16), *exact = take(2112), *last = take(16);
    uint64_t near_at = near->position, exact_at = exact->position;
    give(near);
    give(exact);
    struct extent *block = take(2080); // looked for at 2112 and above
    assert_int_equal(block->position, exact_at);
    struct extent *small = take(2048); // a class begins with it
    assert_int_equal(small->position, near_at);
    give(small);
    give(block);
    assert_int_equal(extents_largest_hole(&extents), 64 * PAGE - 2096 - 16 - 2112 - 16);
    give(wall);
    give(last);
    assert_int_equal(extents_largest_hole(&extents), 64 * PAGE);
    // What a new region must have so that the request is found in it: 4,097 units are looked for
    // as 4,224.
    uint64_t held = extents.held_bytes;
    struct extent *whole = take(64 * PAGE), *more = take((uint64_t)4097 * 16);
    assert_int_equal(extents.held_bytes - held, 17 * PAGE);
    give(whole);
    give(more);
    end();
}

// ---- remainders ---------------------------------------------------------------------------------

static void test_min_block(void **state)
{
    (void)state;
    begin(&(struct extents_settings){.fit = EXTENT_FIRST, .granule = 16, .min_block = 100});
    assert_int_equal(extents_grow(&extents, PAGE, 1), 0);
    struct extent *block = take(PAGE - 96);
    assert_int_equal(block->size, PAGE); // 96 are not split off
    assert_int_equal(extents_resize(&extents, block, PAGE - 96), 0);
    assert_int_equal(block->size, PAGE); // nor cut off
    assert_int_equal(extents_resize(&extents, block, PAGE - 112), 0);
    assert_int_equal(block->size, PAGE - 112);
    assert_int_equal(extents_resize(&extents, block, PAGE - 64), 0);
    assert_int_equal(block->size, PAGE); // nor left over
    assert_int_equal(extents_resize(&extents, block, 16), 0);
    struct extent *other = take(PAGE - 16 - 112);
    assert_int_equal(other->size, PAGE - 16 - 112);
    assert_int_equal(extents.free_bytes, 112);
    give(block);
    give(other);
    assert_int_equal(extents.hole_count, 1);
    end();
}

// ---- pending ------------------------------------------------------------------------------------

enum { MANY = 3000 };

// Nothing merges until more than 1,024 holes pend and more than blocks live.
static void test_deferred(void **state)
{
    (void)state;
    static const enum extent_fit fits[] = {EXTENT_FIRST, EXTENT_NEXT,  EXTENT_BEST,
                                           EXTENT_WORST, EXTENT_BUDDY, EXTENT_TLSF};
    static struct extent *blocks[MANY];
    for (size_t f = 0; f < sizeof fits / sizeof fits[0]; f++) {
        begin(&(struct extents_settings){.fit = fits[f], .granule = 16, .deferred = true});
        bool buddy = fits[f] == EXTENT_BUDDY;
        assert_int_equal(extents_grow(&extents, buddy ? 16 * PAGE : MANY * 16, 1), 0);
        for (size_t i = 0; i < MANY; i++) {
            blocks[i] = take(16);
        }
        uint64_t before = extents.hole_count;
        size_t i = 0;
        do {
            uint64_t holes = extents.hole_count;
            extents_give(&extents, blocks[i++]);
            assert_true(extents.pending_count == 0 || extents.hole_count == holes + 1);
        } while (i < 2 || extents.pending_count != 0);
        // Of a row every hole but the first has a neighbour; of buddies every second one.
        size_t live = MANY - i, pended = buddy ? i / 2 : i - 1;
        assert_true(pended > live && pended > 1024);
        assert_true(pended - 1 <= live + 1 || pended - 1 <= 1024);
        assert_true(extents.hole_count <= before + 16);
        check();
        for (; i < MANY; i++) {
            extents_give(&extents, blocks[i]);
        }
        check();
        extents_sweep(&extents);
        check();
        assert_int_equal(extents.hole_count, extents.region_count);
        end();
    }
}

// ---- regions ------------------------------------------------------------------------------------

enum { REGIONS = 20 };

static void grow_full(struct extent **blocks)
{
    begin(&(struct extents_settings){
        .fit = EXTENT_FIRST, .granule = 16, .step = PAGE, .returns = true});
    for (size_t i = 0; i < REGIONS; i++) {
        blocks[i] = take(PAGE);
    }
    assert_int_equal(extents.held_bytes, REGIONS * PAGE);
    assert_false(extents.surplus);
}

// One region is kept, or an eighth of the memory: two of twenty.
static void test_trim(void **state)
{
    (void)state;
    struct extent *blocks[REGIONS];
    grow_full(blocks);
    give(blocks[7]);
    give(blocks[3]);
    assert_false(extents.surplus);
    give(blocks[5]);
    assert_true(extents.surplus);
    uint64_t mark = extents.emptied;
    assert_int_equal(extents_trim(&extents, mark), PAGE); // 7, the longest empty
    check();
    assert_false(extents.surplus);
    assert_int_equal(extents.region_count, REGIONS - 1);
    assert_int_equal(take(PAGE)->region->number, 3); // in use again
    give(blocks[9]);
    give(blocks[10]);
    assert_true(extents.surplus);
    // Only 5 has been empty since the mark.
    assert_int_equal(extents_trim(&extents, mark), PAGE);
    assert_int_equal(extents.region_count, REGIONS - 2);
    check();
    give(blocks[11]);
    assert_int_equal(extents_trim(&extents, mark), 0);
    assert_true(extents.surplus); // for a later mark
    assert_int_equal(extents_trim(&extents, extents.emptied), PAGE);
    struct extent *more = take(3 * PAGE); // numbers go on
    assert_int_equal(more->region->number, REGIONS);
    assert_int_equal(more->position, REGIONS * PAGE);
    end();
}

static void test_trim_refused(void **state)
{
    (void)state;
    struct extent *blocks[REGIONS];
    grow_full(blocks);
    for (size_t i = 0; i < 4; i++) {
        give(blocks[i]);
    }
    mems_inject(MEMS_SEAM_UNMAP, 2, 1);
    assert_int_equal(extents_trim(&extents, extents.emptied), PAGE);
    assert_int_equal(mems_inject_hits(MEMS_SEAM_UNMAP), 1);
    mems_inject(MEMS_SEAM_UNMAP, 0, 0);
    check();
    assert_int_equal(extents.region_count, REGIONS - 1);
    assert_false(extents.surplus); // not tried again at once
    assert_int_equal(take(PAGE)->region->number, 1);
    give(blocks[4]);
    assert_true(extents.surplus);
    assert_int_equal(extents_trim(&extents, extents.emptied), PAGE);
    end();
}

// A region goes under two walks: one is in it, one has just done the region before.
static void test_trim_under_cursors(void **state)
{
    (void)state;
    struct extent *blocks[REGIONS];
    struct extent_cursor first, inside, before;
    uint64_t from, seen = 0;
    grow_full(blocks);
    extents_cursor_begin(&extents, &first);
    extents_cursor_begin(&extents, &inside);
    extents_cursor_begin(&extents, &before);
    assert_ptr_equal(extents_cursor_next(&extents, &inside, &from), blocks[0]);
    assert_ptr_equal(extents_cursor_next(&extents, &before, &from), blocks[0]);
    assert_ptr_equal(extents_cursor_next(&extents, &inside, &from), blocks[1]);
    for (size_t i = 0; i < 5; i++) {
        give(blocks[i]);
    }
    assert_int_equal(extents_trim(&extents, extents.emptied), 3 * PAGE);
    assert_int_equal(extents_cursor_next(&extents, &inside, &from)->position, 3 * PAGE);
    assert_int_equal(extents_cursor_next(&extents, &before, &from)->position, 3 * PAGE);
    while (extents_cursor_next(&extents, &first, &from) != NULL) {
        assert_int_equal(from, (3 + seen) * PAGE);
        seen++;
    }
    assert_int_equal(seen, REGIONS - 3);
    assert_null(extents_cursor_next(&extents, &first, &from));
    take(2 * PAGE); // a region that came while the walk had nothing more to see
    assert_int_equal(extents_cursor_next(&extents, &first, &from)->size, 2 * PAGE);
    extents_cursor_end(&first);
    extents_cursor_end(&inside);
    extents_cursor_end(&before);
    end();
}

// ---- anything -----------------------------------------------------------------------------------

enum { SLOTS = 200, STEPS = 20000 / MEMS_TEST_SCALE };

static void resize(struct extent *block, uint64_t size)
{
    uint64_t rounded, before = block->size, at = block->position;
    assert_true(extents_round(&extents, size, 1, &rounded));
    int error = extents_resize(&extents, block, rounded);
    assert_int_equal(block->position, at);
    if (error == 0) {
        assert_true(block->size >= rounded && block->size - rounded <= extents.set.min_block);
    } else {
        assert_true(error == ENOMEM && rounded > before && block->size == before);
    }
}

static void wander(const struct extents_settings *settings, uint64_t seed)
{
    struct extent *slots[SLOTS] = {NULL};
    uint64_t random = seed;
    begin(settings);
    for (uint64_t step = 0; step < STEPS; step++) {
        struct extent **slot = &slots[test_below(&random, SLOTS)];
        uint64_t size = 1 + test_below(&random, UINT64_C(1) << test_below(&random, 13));
        if (*slot == NULL) {
            uint64_t align = UINT64_C(1) << test_below(&random, 15), rounded;
            assert_true(extents_round(&extents, size, align, &rounded));
            if (extents_take(&extents, rounded, align, slot) != 0) {
                assert_int_equal(extents_grow(&extents, rounded, align), 0);
                assert_int_equal(extents_take(&extents, rounded, align, slot), 0);
            }
            assert_int_equal((uintptr_t)extent_host(*slot) % align, 0);
            assert_true((*slot)->size >= size);
        } else if (test_below(&random, 3) == 0) {
            resize(*slot, size);
        } else {
            extents_give(&extents, *slot);
            *slot = NULL;
        }
        if (test_below(&random, 20) == 0) {
            extents_trim(&extents, extents.emptied);
        }
        if (step % 16 == 0) {
            check();
        }
    }
    for (size_t i = 0; i < SLOTS; i++) {
        if (slots[i] != NULL) {
            give(slots[i]);
        }
    }
    extents_sweep(&extents);
    assert_int_equal(extents.free_bytes, extents.held_bytes);
    assert_int_equal(extents.hole_count, extents.region_count);
    end();
}

static void test_wander(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    for (unsigned i = 0; i < 6 * 8; i++) {
        struct extents_settings settings = {.fit = (enum extent_fit)(i / 8),
                                            .flat = (i & 1) != 0,
                                            .deferred = (i & 2) != 0,
                                            .returns = (i & 1) == 0,
                                            .granule = (i & 1) != 0 ? 1 : 16,
                                            .step = 4 * PAGE,
                                            .min_block = (i & 4) != 0 ? 200 : 0};
        wander(&settings, seed + i);
    }
}

// What a mover does: while a batch of moves is in flight no region goes; a place that it reserves
// is cut exactly, and an empty region that it uses is empty no more.
static void test_moves(void **state)
{
    (void)state;
    static const enum extent_fit fits[] = {EXTENT_FIRST, EXTENT_NEXT, EXTENT_BEST, EXTENT_WORST,
                                           EXTENT_TLSF};
    for (size_t i = 0; i < sizeof fits / sizeof fits[0]; i++) {
        begin(&(struct extents_settings){
            .fit = fits[i], .returns = true, .granule = 16, .step = PAGE, .min_block = 512});
        struct extent *blocks[4], *place = NULL;
        for (size_t b = 0; b < 4; b++) {
            blocks[b] = take(PAGE);
        }
        for (size_t b = 0; b < 3; b++) {
            give(blocks[b]);
        }
        assert_true(extents.surplus && extents_may_trim(&extents));
        extents.pinned = 1;
        assert_false(extents_may_trim(&extents));
        assert_int_equal(extents_trim(&extents, extents.emptied), 0);
        assert_true(extents.surplus); // for whoever comes after the batch
        assert_int_equal(extents_take_from(&extents, blocks[1], PAGE + 16, 1, &place), ENOSPC);
        assert_int_equal(extents_take_from(&extents, blocks[1], PAGE - 64, 1, &place), 0);
        assert_int_equal(place->size, PAGE - 64);
        assert_int_equal(extents.empty_bytes, 2 * PAGE);
        check();
        extents.pinned = 0;
        assert_int_equal(extents_trim(&extents, extents.emptied), PAGE);
        give(place);
        assert_int_equal(extents_trim(&extents, extents.emptied), PAGE);
        assert_int_equal(extents.region_count, 2);
        give(blocks[3]);
        end();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buddy_pieces),
        cmocka_unit_test(test_buddy_round),
        cmocka_unit_test(test_buddy_resize),
        cmocka_unit_test(test_tlsf_rule),
        cmocka_unit_test(test_min_block),
        cmocka_unit_test(test_deferred),
        cmocka_unit_test(test_trim),
        cmocka_unit_test(test_trim_refused),
        cmocka_unit_test(test_trim_under_cursors),
        cmocka_unit_test(test_moves),
        cmocka_unit_test(test_wander),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
