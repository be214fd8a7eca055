// SPDX-License-Identifier: MIT
//
// test_invariants.c - the checks of extents, frames and swap can fail, each invariant of theirs.

#include "support/invariant.h"

#include "memory/extent.h"
#include "memory/frame.h"
#include "memory/swap.h"

enum { BYTES = 1 << 16 };

static struct extents extents;

static struct extent *take(uint64_t size)
{
    struct extent *block = NULL;
    assert_int_equal(extents_take(&extents, size, 1, &block), 0);
    return block;
}

#define EXTENTS(field, value, label) INVARIANT_SPOILT(extents_check(&extents), field, value, label)

static void test_chain(void **state)
{
    (void)state;
    const struct extents_settings settings = {.fit = EXTENT_FIRST, .granule = 16};
    assert_int_equal(extents_init(&extents, &settings), 0);
    assert_int_equal(extents_grow(&extents, BYTES, 1), 0);
    struct extent *first = take(64), *second = take(64), *third = take(64);
    extents_give(&extents, second);
    struct extent *hole = first->next;
    assert_int_equal(hole->tag, EXTENT_HOLE);
    EXTENTS(third->position, third->position + 16, "H1");
    EXTENTS(third->previous, first, "H1");
    EXTENTS(third->region, NULL, "H1");
    EXTENTS(first->size, 0, "H1");
    EXTENTS(first->size, 2 * BYTES, "H1");
    EXTENTS(third->next->size, third->next->size - 16, "H1"); // the last: the region goes on
    EXTENTS(third->tag, EXTENT_HOLE, "H2");                   // beside one
    EXTENTS(extents.pending_count, 1, "H2");
    EXTENTS(extents.hole_count, 3, "H3");
    EXTENTS(extents.block_count, 3, "H3");
    EXTENTS(hole->largest, hole->largest - 16, "H3");
    EXTENTS(extents.free_bytes, extents.free_bytes + 16, "H4");
    EXTENTS(extents.held_bytes, extents.held_bytes - 16, "H4");
    EXTENTS(extents.region_count, 2, "H4");
    EXTENTS(extents.empty_bytes, 16, "H5");
    extents_give(&extents, first);
    extents_give(&extents, third);
    struct region *region = container_of(extents.regions.next, struct region, link);
    assert_int_equal(extents.empty_bytes, region->size);
    EXTENTS(region->emptied, 0, "H5");
    EXTENTS(region->emptied, extents.emptied + 1, "H5");
    extents_fini(&extents);
}

static void test_buddies(void **state)
{
    (void)state;
    const struct extents_settings settings = {.fit = EXTENT_BUDDY, .granule = 16};
    assert_int_equal(extents_init(&extents, &settings), 0);
    assert_int_equal(extents_grow(&extents, BYTES, 1), 0);
    struct extent *block = take(64);
    EXTENTS(block->size, block->size - 16, "H6"); // no power of two
    EXTENTS(block->next->size, 128, "H6");        // a power of two, but at 64
    extents_give(&extents, block);
    extents_fini(&extents);
}

// Blocks that stand in a tree by their addresses.
static void test_flat(void **state)
{
    (void)state;
    const struct extents_settings settings = {.fit = EXTENT_BEST, .flat = true, .granule = 16};
    assert_int_equal(extents_init(&extents, &settings), 0);
    assert_int_equal(extents_grow(&extents, BYTES, 1), 0);
    struct extent *block = take(64);
    EXTENTS(extents.blocks.count, 2, "H3");
    extents_give(&extents, block);
    extents_fini(&extents);
}

// What a mover holds: the policies name it.                                                    (H7)
static const char *reserved(void)
{
    return extents_reserved_check(&extents) ? NULL : "H7";
}

static void test_reserved(void **state)
{
    (void)state;
    const struct extents_settings settings = {.fit = EXTENT_FIRST, .granule = 16};
    assert_int_equal(extents_init(&extents, &settings), 0);
    assert_int_equal(extents_grow(&extents, BYTES, 1), 0);
    struct extent *place = take(64);
    static char owner;
    place->descriptor = (void *)&owner;
    INVARIANT_SPOILT(reserved(), extents.reserved_bytes, 64, "H7");
    INVARIANT_SPOILT(reserved(), extents.reserved_count, 1, "H7");
    INVARIANT_SPOILT(reserved(), place->descriptor, NULL, "H7");
    place->descriptor = NULL;
    extents.reserved_bytes = 64;
    extents.reserved_count = 1;
    extents.pinned = 1;
    INVARIANT_SPOILT(reserved(), extents.pinned, 0, "H7"); // reserved, and no batch in flight
    extents_fini(&extents);
}

static void test_frames(void **state)
{
    (void)state;
    struct frames frames;
    uint32_t got[10];
    assert_int_equal(frames_open(&frames, 20, 7, 1, 16), 0);
    assert_true(frames_reserve(&frames, 10));
    frames_take(&frames, 1, got, 10);
    frames_give(&frames, 1, got, 10); // more than half of a share: to the shard
    struct frame_shard *shard = &frames.shard[0];
    const char *(*check)(struct frames *) = frames_check;
    INVARIANT_SPOILT(check(&frames), shard->fresh, 1, "R1"); // what came back was never out
    assert_true(frames_reserve(&frames, 2));
    frames_take(&frames, 1, got, 2);
    frames_give(&frames, 1, got, 2); // into a share
    INVARIANT_SPOILT(check(&frames), shard->back.count, shard->back.count + 1, "R1");
    INVARIANT_SPOILT(check(&frames), frames.free, frames.free - 1, "R2");
    INVARIANT_SPOILT(check(&frames), shard->end, 21, "R2");
    unsigned share = 0;
    while (frames.cache[share].count == 0) {
        share++;
    }
    INVARIANT_SPOILT(check(&frames), frames.cache[share].count, 0, "R2");
    frames_close(&frames);
}

static void test_swap(void **state)
{
    (void)state;
    struct swap swap;
    assert_int_equal(swap_open(&swap, NULL, 0, 3, 7), 0);
    assert_int_equal(swap_take(&swap), 0);
    assert_int_equal(swap_take(&swap), 1);
    swap_leave(&swap, 0);
    INVARIANT_SPOILT(swap_check(&swap), swap.used, 2, "W1");
    INVARIANT_SPOILT(swap_check(&swap), swap.fresh, 3, "W1");
    INVARIANT_SPOILT(swap_check(&swap), swap.back.count, 0, "W1");
    INVARIANT_SPOILT(swap_check(&swap), swap.users[0], 1, "W2"); // free, and has a user
    INVARIANT_SPOILT(swap_check(&swap), swap.users[1], 0, "W2"); // taken, and has none
    swap_close(&swap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chain),  cmocka_unit_test(test_buddies),
        cmocka_unit_test(test_flat),   cmocka_unit_test(test_reserved),
        cmocka_unit_test(test_frames), cmocka_unit_test(test_swap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
