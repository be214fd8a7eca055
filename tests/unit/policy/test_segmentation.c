// SPDX-License-Identifier: MIT
//
// test_segmentation.c - segments: limits and rights, growing, moving; sharing is next door.

#include "support/engine.h"

#include <inttypes.h>

// The sentence of a trap: segment, offset, limit.
static void expect_trap(mems_addr addr, uint64_t offset, uint64_t limit, const char *what)
{
    char text[200];
    unsigned kind = (unsigned)(addr >> 61);
    uint64_t number = (addr & ((UINT64_C(1) << 43) - 1)) >> (12 + 4 * kind);
    snprintf(text, sizeof text,
             "segment %" PRIu64 " (kind %u), offset %" PRIu64 ", limit %" PRIu64 ": %s", number,
             kind, offset, limit, what);
    assert_string_equal(mems_complaint(), text);
}

static int touch(struct mems_space *space, mems_addr addr, enum mems_access mode)
{
    void *host;
    mems_access_begin();
    int error = mems_translate(space, addr, mode, &host, NULL);
    mems_access_end();
    return error;
}

// Acceptance case 12: (0,430) and (1,10) and (3,400) are reached, (2,500) and (4,112) are traps.
static void test_limits(void **state)
{
    (void)state;
    static const uint64_t limits[] = {600, 14, 100, 580, 96};
    static const struct {
        unsigned segment;
        uint64_t offset;
        bool trap;
    } cases[] = {{0, 430, false}, {1, 10, false}, {2, 500, true}, {3, 400, false}, {4, 112, true}};
    struct mems_engine *engine = test_engine("segmentation", "capacity=64Ki,thread_cache=no");
    struct mems_space *space = test_space(engine);
    mems_addr segments[5];
    for (size_t i = 0; i < 5; i++) {
        segments[i] = test_alloc(space, limits[i]);
    }
    for (size_t i = 0; i < 5; i++) {
        mems_addr segment = segments[cases[i].segment];
        uint64_t offset = cases[i].offset, limit = limits[cases[i].segment];
        char byte = 1;
        if (cases[i].trap) {
            assert_int_equal(touch(space, segment + offset, MEMS_READ), ERANGE);
            expect_trap(segment, offset, limit, "past the end");
            assert_int_equal(mems_read(space, segment + offset, &byte, 1), ERANGE);
            assert_int_equal(mems_write(space, segment + offset, &byte, 1), ERANGE);
        } else {
            assert_int_equal(test_host(space, segment + offset),
                             test_host(space, segment) + offset);
            assert_int_equal(mems_write(space, segment + offset, &byte, 1), 0);
        }
        assert_int_equal(touch(space, segment + limit - 1, MEMS_WRITE), 0);
        assert_int_equal(touch(space, segment + limit, MEMS_WRITE), ERANGE);
        expect_trap(segment, limit, limit, "past the end");
    }
    test_checked(engine, true);
    mems_engine_close(engine);
}

static void test_rights(void **state)
{
    (void)state;
    struct mems_engine *engine = test_engine("segmentation", "capacity=64Ki");
    struct mems_space *space = test_space(engine);
    mems_addr segment = test_alloc(space, 100);
    char bytes[100] = {1, 2, 3};
    assert_int_equal(mems_write(space, segment, bytes, 100), 0);
    for (unsigned rights = 0; rights <= (MEMS_READ | MEMS_WRITE); rights++) {
        assert_int_equal(mems_protect(space, segment, rights), 0);
        int read = (rights & MEMS_READ) != 0 ? 0 : EACCES;
        int write = (rights & MEMS_WRITE) != 0 ? 0 : EACCES;
        assert_int_equal(touch(space, segment + 7, MEMS_READ), read);
        if (read != 0) {
            expect_trap(segment, 7, 100, "no right to read");
        }
        assert_int_equal(touch(space, segment + 8, MEMS_WRITE), write);
        if (write != 0) {
            expect_trap(segment, 8, 100, "no right to write");
        }
        assert_int_equal(mems_write(space, segment, bytes, 100), write);
        assert_int_equal(mems_read(space, segment, bytes, 100), read);
    }
    assert_int_equal(bytes[2], 3);
    assert_int_equal(mems_protect(space, segment, MEMS_READ), 0);
    assert_int_equal(mems_release(space, segment), 0); // no right is needed to end it
    for (size_t i = 0; i < 20; i++) {                  // and the next one has every right
        assert_int_equal(touch(space, test_alloc(space, 100), MEMS_WRITE), 0);
    }
    mems_engine_close(engine);
}

// A segment that grows keeps address, rights and bytes where it can stay, and all but the address
// where it cannot, even when its owner may neither read nor write it.
static void test_growth(void **state)
{
    (void)state;
    struct mems_engine *engine = test_engine("segmentation", "capacity=64Ki,thread_cache=no");
    struct mems_space *space = test_space(engine);
    mems_addr segment = test_alloc(space, 100), first = segment;
    test_stamp(space, segment, 100, 1);
    uintptr_t base = test_host(space, segment);
    assert_int_equal(mems_resize(space, &segment, 3000), 0);
    assert_int_equal(segment, first);
    assert_int_equal(test_host(space, segment), base);
    test_stamped(space, segment, 100, 1);
    test_stamp(space, segment, 3000, 2);
    assert_int_equal(mems_protect(space, segment, 0), 0);
    mems_addr wall = test_alloc(space, 16);
    assert_int_equal(mems_resize(space, &segment, 20000), 0);
    assert_true(segment != first);
    assert_int_equal(touch(space, first, 0), EALREADY);
    assert_int_equal(touch(space, segment, MEMS_READ), EACCES);
    assert_int_equal(touch(space, segment, MEMS_WRITE), EACCES);
    assert_int_equal(mems_protect(space, segment, MEMS_READ | MEMS_WRITE), 0);
    test_stamped(space, segment, 3000, 2);
    first = segment;
    assert_int_equal(mems_resize(space, &segment, 100000), ENOMEM);
    assert_int_equal(segment, first);
    assert_int_equal(mems_resize(space, &segment, 10), 0);
    assert_int_equal(touch(space, segment + 10, MEMS_READ), ERANGE);
    assert_int_equal(mems_release(space, wall), 0);
    test_checked(engine, true);
    mems_engine_close(engine);
}

// Alternate blocks are released; the rest moves together, and what was where is still there.
static void compact_alternate(const char *options, size_t align)
{
    enum { COUNT = 60 };
    struct mems_engine *engine = test_engine("segmentation", options);
    struct mems_space *space = test_space(engine);
    mems_addr blocks[COUNT];
    struct mems_compaction done;
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(mems_alloc(space, 100 + i, i % 3 == 0 ? align : 0, &blocks[i]), 0);
        test_stamp(space, blocks[i], 100 + i, i);
    }
    for (size_t i = 0; i < COUNT; i += 2) {
        assert_int_equal(mems_release(space, blocks[i]), 0);
    }
    mems_thread_flush();
    assert_int_equal(mems_compact(engine, &done), 0);
    assert_true(done.moved > 0);
    assert_int_equal(done.tried, done.moved);
    assert_int_equal(done.pinned, 0);
    assert_int_equal(done.free_bytes, test_stats(engine).free_bytes);
    for (size_t i = 1; i < COUNT; i += 2) {
        test_stamped(space, blocks[i], 100 + i, i);
        test_require(i % 3 != 0 || align == 0 || test_host(space, blocks[i]) % align == 0,
                     "%s: block %zu has lost its alignment", options, i);
    }
    test_checked(engine, true);
    test_conserved(engine);
    uint64_t moved = done.moved;
    assert_int_equal(mems_compact(engine, NULL), 0);
    assert_int_equal(test_stats(engine).moves_done, moved); // nothing is left to do
    mems_engine_close(engine);
}

static void test_compact(void **state)
{
    (void)state;
    compact_alternate("capacity=64Ki", 0);
    compact_alternate("capacity=64Ki,fit=best", 0);
    compact_alternate("capacity=64Ki,fit=worst", 0);
    compact_alternate("region=4Ki,fit=next", 0);
    compact_alternate("capacity=64Ki,arenas=4,granule=64", 0);
    compact_alternate("capacity=64Ki", 256);
    compact_alternate("region=4Ki,thread_cache=no", 1024);
}

// The highest block goes into the lowest hole: one block moves where sliding moves three.
static void test_order_top(void **state)
{
    (void)state;
    static const char *const orders[] = {"address", "top"};
    static const uint64_t moves[] = {3, 1};
    for (size_t o = 0; o < 2; o++) {
        char options[80];
        snprintf(options, sizeof options, "capacity=4Ki,thread_cache=no,compact_order=%s",
                 orders[o]);
        struct mems_engine *engine = test_engine("segmentation", options);
        struct mems_space *space = test_space(engine);
        struct mems_compaction done;
        mems_addr blocks[4];
        for (size_t i = 0; i < 4; i++) {
            blocks[i] = test_alloc(space, 128);
            test_stamp(space, blocks[i], 128, i);
        }
        uintptr_t base = test_host(space, blocks[0]);
        assert_int_equal(mems_release(space, blocks[0]), 0);
        assert_int_equal(mems_compact(engine, &done), 0);
        assert_int_equal(done.moved, moves[o]);
        assert_int_equal(done.holes, 1);
        assert_int_equal(test_host(space, blocks[o == 0 ? 1 : 3]), base);
        for (size_t i = 1; i < 4; i++) {
            test_stamped(space, blocks[i], 128, i);
        }
        mems_engine_close(engine);
    }
}

// A block that is larger than the hole before it goes by way of a hole above, or stays.
static void test_parking(void **state)
{
    (void)state;
    struct mems_engine *engine = test_engine("segmentation", "capacity=4Ki,thread_cache=no");
    struct mems_space *space = test_space(engine);
    struct mems_compaction done;
    mems_addr small = test_alloc(space, 64), large = test_alloc(space, 1024);
    uintptr_t base = test_host(space, small);
    mems_addr filler = test_alloc(space, 4096 - 64 - 1024);
    test_stamp(space, large, 1024, 1);
    test_stamp(space, filler, 3008, 2);
    assert_int_equal(mems_release(space, small), 0);
    assert_int_equal(mems_compact(engine, &done), 0);
    assert_int_equal(done.tried, 0); // there is nowhere to go
    assert_int_equal(test_host(space, large), base + 64);
    assert_int_equal(mems_resize(space, &filler, 1900), 0); // a hole of 1,104 bytes above
    assert_int_equal(mems_compact(engine, &done), 0);
    assert_int_equal(test_host(space, large), base);
    assert_int_equal(test_host(space, filler), base + 1024 + 64); // larger than any hole
    assert_int_equal(done.moved, 2);
    assert_int_equal(done.moved_bytes, 2 * 1024);
    test_stamped(space, large, 1024, 1);
    test_stamped(space, filler, 1900, 2);
    test_checked(engine, true);
    mems_engine_close(engine);
}

// Blocks in magazines stay where they are; others pass them.
static void test_pinned(void **state)
{
    (void)state;
    struct mems_engine *engine = test_engine("segmentation", "capacity=256Ki,cache_blocks=64");
    struct mems_space *space = test_space(engine);
    struct mems_compaction done;
    mems_addr blocks[64];
    for (size_t i = 0; i < 64; i++) {
        blocks[i] = test_alloc(space, i % 16 == 5 ? 48 : 2000);
    }
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(mems_protect(space, blocks[i], MEMS_READ), 0); // to no magazine
    }
    assert_true(test_stats(engine).cached_blocks < 64);
    for (size_t i = 0; i < 24; i++) {
        assert_int_equal(mems_release(space, blocks[i]), 0);
    }
    test_stamp(space, blocks[63], 2000, 63);
    assert_true(test_stats(engine).cached_blocks > 0);
    assert_int_equal(mems_compact(engine, &done), 0);
    assert_true(done.pinned > 0 && done.moved > 0);
    test_stamped(space, blocks[63], 2000, 63);
    test_checked(engine, true);
    mems_engine_close(engine);
}

// 28 blocks of 2 KiB; every second one goes. Returns the engine, in pieces.
static struct mems_engine *scattered(const char *options, struct mems_space **space)
{
    struct mems_engine *engine = test_engine("segmentation", options);
    mems_addr blocks[28];
    *space = test_space(engine);
    for (size_t i = 0; i < 28; i++) {
        blocks[i] = test_alloc(*space, 2048);
        test_stamp(*space, blocks[i], 2048, i);
    }
    for (size_t i = 0; i < 28; i += 2) {
        assert_int_equal(mems_release(*space, blocks[i]), 0);
    }
    return engine;
}

static void test_threshold(void **state)
{
    (void)state;
    struct mems_space *space;
    mems_addr addr;
    // 28 KiB free below 28 KiB of blocks, and 8 KiB above them: 77 % outside the largest hole.
    struct mems_engine *engine = scattered("capacity=64Ki,thread_cache=no,compact_after=0", &space);
    assert_int_equal(mems_alloc(space, 20000, 0, &addr), ENOMEM);
    assert_int_equal(test_stats(engine).refusals_enough_free, 1);
    mems_engine_close(engine);
    engine = scattered("capacity=64Ki,thread_cache=no,compact_after=90", &space);
    assert_int_equal(mems_alloc(space, 20000, 0, &addr), ENOMEM);
    assert_int_equal(test_stats(engine).compactions, 0);
    mems_engine_close(engine);
    engine = scattered("capacity=64Ki,thread_cache=no,compact_after=70", &space);
    assert_int_equal(mems_alloc(space, 40000, 0, &addr), ENOMEM); // more than there is
    assert_int_equal(test_stats(engine).compactions, 0);
    mems_access_begin(); // inside a section nobody waits for one
    assert_int_equal(mems_alloc(space, 20000, 0, &addr), ENOMEM);
    mems_access_end();
    assert_int_equal(mems_alloc(space, 20000, 0, &addr), 0);
    assert_int_equal(test_stats(engine).compactions, 1);
    test_checked(engine, true);
    mems_engine_close(engine);
    engine = scattered("region=64Ki,thread_cache=no,compact_after=1", &space);
    assert_int_equal(mems_alloc(space, 20000, 0, &addr), 0); // instead of a second region
    assert_int_equal(test_stats(engine).regions, 1);
    assert_int_equal(mems_alloc(space, 40000, 0, &addr), 0);
    assert_int_equal(test_stats(engine).regions, 2);
    mems_engine_close(engine);
}

static int count_blocks(const struct mems_extent *extent, void *arg)
{
    *(size_t *)arg += extent->piece == MEMS_PIECE_BLOCK;
    return 0;
}

// The engine's own thread: it gets everything together without being asked, the map is exact all
// the time, and an engine that closes does not wait for it.
static void test_background(void **state)
{
    (void)state;
    static const char *const options[] = {
        "capacity=64Ki,thread_cache=no,mover=yes",
        "capacity=64Ki,thread_cache=no,mover=yes,mover_budget=0,compact_order=top",
        "capacity=64Ki,thread_cache=no,mover=yes,mover_budget=100k,arenas=2,compact_after=1",
    };
    for (size_t o = 0; o < sizeof options / sizeof options[0]; o++) {
        struct mems_space *space;
        struct mems_engine *engine = scattered(options[o], &space);
        struct mems_stats stats;
        do {
            size_t blocks = 0;
            mems_walk(engine, count_blocks, &blocks);
            assert_int_equal(blocks, 14);
            test_checked(engine, true);
            stats = test_stats(engine);
        } while (stats.holes > stats.regions + (o == 1)); // top: one may be left below
        assert_true(stats.moves_done > 0);
        mems_access_begin(); // a mover that waits for this section is not waited for
        size_t seen = 0;
        mems_walk(engine, count_blocks, &seen);
        mems_access_end();
        assert_in_range(seen, 1, 14); // one batch may have passed it
        mems_engine_close(engine);
        mems_engine_close(scattered(options[o], &space)); // at once
    }
}

// What compaction has emptied goes back but for a reserve, and the most that was held is
// remembered.
static void expect_return(const char *policy, const char *options)
{
    enum { REGIONS = 32, PARTS = 4, REGION = 4096, PART = REGION / PARTS };
    struct mems_engine *engine = test_engine(policy, options);
    struct mems_space *space = test_space(engine);
    mems_addr blocks[REGIONS * PARTS];
    for (size_t i = 0; i < REGIONS * PARTS; i++) {
        blocks[i] = test_alloc(space, PART);
        test_stamp(space, blocks[i], PART, i);
    }
    for (size_t i = 0; i < REGIONS * PARTS; i++) {
        if (i % PARTS != i / PARTS % PARTS) {
            assert_int_equal(mems_release(space, blocks[i]), 0);
        }
    }
    assert_int_equal(test_stats(engine).regions, REGIONS); // none is empty
    struct mems_compaction done;
    assert_int_equal(mems_compact(engine, &done), 0);
    struct mems_stats stats = test_stats(engine);
    test_require(stats.regions == REGIONS / PARTS + 1, "%s(%s): %" PRIu64 " regions", policy,
                 options, stats.regions);
    assert_int_equal(done.free_bytes, REGION);
    assert_int_equal(done.holes, 1);
    assert_int_equal(stats.held_peak_bytes, REGIONS * REGION);
    for (size_t i = 0; i < REGIONS * PARTS; i++) {
        if (i % PARTS == i / PARTS % PARTS) {
            test_stamped(space, blocks[i], PART, i);
        }
    }
    test_checked(engine, true);
    test_conserved(engine);
    mems_space_close(space);
    assert_int_equal(mems_compact(engine, NULL), 0); // with deferred coalescing it shows then only
    assert_int_equal(test_stats(engine).regions, 1);
    mems_engine_close(engine);
}

static void test_regions_return(void **state)
{
    (void)state;
    static const char *const segmentation[] = {"", ",fit=next", ",fit=best", ",fit=worst",
                                               ",compact_order=top"};
    static const char *const dynamic[] = {"",
                                          ",fit=next,compact_order=top",
                                          ",fit=best",
                                          ",fit=worst,coalesce=deferred",
                                          ",fit=tlsf",
                                          ",fit=tlsf,coalesce=deferred",
                                          ",coalesce=deferred,min_block=64"};
    char options[120];
    for (size_t i = 0; i < sizeof segmentation / sizeof segmentation[0]; i++) {
        snprintf(options, sizeof options, "region=4Ki,thread_cache=no%s", segmentation[i]);
        expect_return("segmentation", options);
    }
    for (size_t i = 0; i < sizeof dynamic / sizeof dynamic[0]; i++) {
        snprintf(options, sizeof options, "region=4Ki,thread_cache=no,movable=yes%s", dynamic[i]);
        expect_return("dynamic", options);
    }
}

static void test_settings(void **state)
{
    (void)state;
    static const struct {
        const char *policy, *options, *says;
    } bad[] = {
        {"segmentation", "granule=24", "granule=24"},
        {"segmentation", "granule=8", "granule"},
        {"segmentation", "capacity=100", "capacity=100"},
        {"segmentation", "compact_after=101", "compact_after"},
        {"segmentation", "compact_order=down", "compact_order"},
        {"segmentation", "mover=perhaps", "mover"},
        {"dynamic", "movable=yes,addresses=flat", "movable=yes"},
        {"dynamic", "mover=yes,addresses=flat", "mover"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct mems_config config = {.policy = bad[i].policy, .options = bad[i].options};
        struct mems_engine *engine = NULL;
        assert_int_equal(mems_engine_open(&config, &engine), EINVAL);
        test_require(strstr(mems_complaint(), bad[i].says) != NULL, "%s", mems_complaint());
    }
    struct mems_engine *engine = test_engine("dynamic", "");
    assert_int_equal(mems_compact(engine, NULL), ENOTSUP);
    mems_engine_close(engine);
    engine = test_engine("dynamic", "compact_after=5"); // which says it
    assert_int_equal(mems_compact(engine, NULL), 0);
    mems_engine_close(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limits),         cmocka_unit_test(test_rights),
        cmocka_unit_test(test_growth),         cmocka_unit_test(test_compact),
        cmocka_unit_test(test_order_top),      cmocka_unit_test(test_parking),
        cmocka_unit_test(test_pinned),         cmocka_unit_test(test_threshold),
        cmocka_unit_test(test_background),     cmocka_unit_test(test_settings),
        cmocka_unit_test(test_regions_return),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
