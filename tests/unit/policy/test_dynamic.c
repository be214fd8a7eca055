// SPDX-License-Identifier: MIT
//
// test_dynamic.c - dynamic partitioning: what the models in property/ do not ask.

#include "support/engine.h"

#include <mems/inject.h>

// A block goes back to the magazine that the next request of its size looks into, whatever the
// granule makes of that size.
static void test_granule_cached(void **state)
{
    (void)state;
    static const char *const granules[] = {"granule=16", "granule=32", "granule=64", "granule=1Ki",
                                           "granule=4Ki"};
    for (size_t g = 0; g < sizeof granules / sizeof granules[0]; g++) {
        struct mems_engine *engine = test_engine("dynamic", granules[g]);
        struct mems_space *space = test_space(engine);
        for (size_t size = 1; size <= 20000; size = size * 3 + 7) {
            uint64_t misses = test_stats(engine).cache_misses;
            for (size_t i = 0; i < 100; i++) {
                assert_int_equal(mems_release(space, test_alloc(space, size)), 0);
            }
            uint64_t now = test_stats(engine).cache_misses;
            test_require(now - misses <= 2, "%s, %zu bytes: %" PRIu64 " misses in 100 pairs",
                         granules[g], size, now - misses);
        }
        test_checked(engine, true);
        test_conserved(engine);
        mems_engine_close(engine);
    }
}

// A granule above a page: what is allocated without a word about alignment and what is allocated
// with one both stand where they should.
static void test_granule_aligned(void **state)
{
    (void)state;
    static const char *const options[] = {"granule=64Ki", "granule=64Ki,capacity=8Mi",
                                          "granule=64Ki,arenas=2,capacity=8Mi,fit=best"};
    for (size_t o = 0; o < sizeof options / sizeof options[0]; o++) {
        struct mems_engine *engine = test_engine("dynamic", options[o]);
        struct mems_space *space = test_space(engine);
        for (size_t align = 1; align <= (1 << 18); align *= 2) {
            for (size_t i = 0; i < 3; i++) {
                mems_addr addr = 0;
                assert_int_equal(mems_alloc(space, 100, align, &addr), 0);
                test_require(test_host(space, addr) % align == 0, "%s: not at %zu", options[o],
                             align);
            }
        }
        test_checked(engine, true);
        mems_engine_close(engine);
    }
    struct mems_config small = {.policy = "dynamic", .options = "granule=1Mi,capacity=64Ki"};
    struct mems_engine *engine = NULL;
    assert_int_equal(mems_engine_open(&small, &engine), EINVAL);
    assert_non_null(strstr(mems_complaint(), "1048576"));
}

// Next fit goes on where the last allocation ended, not where one ended that failed.
static void test_next_after_failure(void **state)
{
    (void)state;
    struct mems_engine *engine = test_engine("dynamic", "fit=next,capacity=1Mi,thread_cache=no");
    struct mems_space *space = test_space(engine);
    mems_addr first = test_alloc(space, 4096);
    uintptr_t last = test_host(space, test_alloc(space, 112));
    assert_int_equal(mems_release(space, first), 0); // a hole in front
    mems_inject(MEMS_SEAM_MAP, 1, 1);
    mems_addr addr = 0;
    assert_int_equal(mems_alloc(space, 8000, 0, &addr), ENOMEM); // no descriptor of that kind yet
    assert_int_equal(mems_inject_hits(MEMS_SEAM_MAP), 1);
    mems_inject(MEMS_SEAM_MAP, 0, 0);
    assert_int_equal(test_host(space, test_alloc(space, 100)), last + 112);
    test_checked(engine, true);
    mems_engine_close(engine);
}

// Regions that could not be mapped leave no records behind.
static void test_refused_regions(void **state)
{
    (void)state;
    struct mems_engine *engine = test_engine("dynamic", "region=64Ki,thread_cache=no");
    struct mems_space *space = test_space(engine);
    mems_addr addr = 0;
    test_alloc(space, 65536);
    uint64_t metadata = test_stats(engine).metadata_bytes;
    for (size_t i = 0; i < 3000; i++) {
        mems_inject(MEMS_SEAM_MAP, 1, 1);
        assert_int_equal(mems_alloc(space, 65536, 0, &addr), ENOMEM);
    }
    mems_inject(MEMS_SEAM_MAP, 0, 0);
    test_alloc(space, 65536);
    assert_int_equal(test_stats(engine).metadata_bytes, metadata);
    assert_int_equal(test_stats(engine).regions, 2);
    mems_engine_close(engine);
}

#define WALKED 300

struct walk {
    struct mems_space *space;
    mems_addr blocks[WALKED];
    size_t pieces;
    uint64_t end; // of the piece before
};

// Each piece begins where the last one ended. At the first one, every block goes: the one that the
// walk would see next melts into a hole before it, and its record serves another block.
static int walk_visit(const struct mems_extent *piece, void *arg)
{
    struct walk *walk = arg;
    test_require(piece->offset == walk->end, "piece %zu at %" PRIu64 ", not %" PRIu64, walk->pieces,
                 piece->offset, walk->end);
    walk->end += piece->size;
    if (walk->pieces++ == 0) {
        for (size_t i = 0; i < WALKED; i++) {
            assert_int_equal(mems_release(walk->space, walk->blocks[i]), 0);
        }
        for (size_t i = 0; i < 40; i++) {
            test_alloc(walk->space, 16);
        }
    }
    return 0;
}

static void test_walk_while_merging(void **state)
{
    (void)state;
    struct mems_engine *engine = test_engine("dynamic", "capacity=1Mi,thread_cache=no");
    struct walk walk = {.space = test_space(engine)};
    for (size_t i = 0; i < WALKED; i++) {
        walk.blocks[i] = test_alloc(walk.space, 64);
    }
    assert_int_equal(mems_walk(engine, walk_visit, &walk), 0);
    assert_int_equal(walk.end, 1 << 20);
    assert_true(walk.pieces < WALKED / 2);
    test_checked(engine, true);
    mems_engine_close(engine);
}

// Empty regions go back but for a reserve, and the most that was held is remembered exactly, also
// when no snapshot saw it.
static void test_regions_return(void **state)
{
    (void)state;
    static const char *const options[] = {
        "region=64Ki,thread_cache=no", "region=64Ki,fit=buddy,thread_cache=no",
        "region=64Ki,fit=tlsf,arenas=3", "region=64Ki,fit=best,coalesce=deferred,thread_cache=no"};
    for (size_t o = 0; o < sizeof options / sizeof options[0]; o++) {
        struct mems_engine *engine = test_engine("dynamic", options[o]);
        struct mems_space *space = test_space(engine);
        mems_addr blocks[50];
        for (size_t i = 0; i < 50; i++) {
            blocks[i] = test_alloc(space, 65536);
        }
        for (size_t i = 0; i < 50; i++) {
            assert_int_equal(mems_release(space, blocks[i]), 0);
        }
        mems_thread_flush();
        struct mems_stats stats = test_stats(engine);
        assert_int_equal(stats.held_bytes, 65536);
        assert_int_equal(stats.regions, 1);
        assert_int_equal(stats.held_peak_bytes, 50 * 65536);
        test_alloc(space, 65536);
        assert_int_equal(test_stats(engine).held_bytes, 65536);
        for (size_t i = 0; i < 20; i++) {
            test_alloc(space, 65536);
        }
        mems_space_close(space);
        stats = test_stats(engine);
        assert_int_equal(stats.held_bytes, 65536);
        assert_int_equal(stats.held_peak_bytes, 50 * 65536);
        test_checked(engine, true);
        test_conserved(engine);
        mems_engine_close(engine);
    }
}

static void test_regions_stay(void **state)
{
    (void)state;
    static const char *const options[] = {"capacity=1Mi,thread_cache=no",
                                          "region=64Ki,addresses=flat"};
    for (size_t o = 0; o < sizeof options / sizeof options[0]; o++) {
        struct mems_engine *engine = test_engine("dynamic", options[o]);
        struct mems_space *space = test_space(engine);
        mems_addr blocks[16];
        for (size_t i = 0; i < 16; i++) {
            blocks[i] = test_alloc(space, 65536);
        }
        for (size_t i = 0; i < 16; i++) {
            assert_int_equal(mems_release(space, blocks[i]), 0);
        }
        assert_int_equal(test_stats(engine).held_bytes, 1 << 20);
        mems_engine_close(engine);
    }
}

// In a section nobody waits for sections: the regions go with the first release after it. One that
// the system does not take back serves on.
static void test_regions_late(void **state)
{
    (void)state;
    struct mems_engine *engine = test_engine("dynamic", "region=64Ki,thread_cache=no");
    struct mems_space *space = test_space(engine);
    mems_addr blocks[16];
    for (size_t i = 0; i < 16; i++) {
        blocks[i] = test_alloc(space, 65536);
    }
    mems_access_begin();
    for (size_t i = 0; i < 10; i++) {
        assert_int_equal(mems_release(space, blocks[i]), 0);
    }
    mems_access_end();
    assert_int_equal(test_stats(engine).regions, 16);
    test_checked(engine, true);
    mems_inject(MEMS_SEAM_UNMAP, 1, 1);
    assert_int_equal(mems_release(space, blocks[10]), 0);
    assert_int_equal(mems_inject_hits(MEMS_SEAM_UNMAP), 1);
    mems_inject(MEMS_SEAM_UNMAP, 0, 0);
    assert_int_equal(test_stats(engine).regions, 16);
    test_stamp(space, test_alloc(space, 65536), 65536, 1);
    assert_int_equal(mems_release(space, blocks[11]), 0);
    assert_int_equal(test_stats(engine).regions, 16 - 10);
    test_checked(engine, true);
    test_conserved(engine);
    mems_engine_close(engine);
}

// Magazines hold blocks of one size: one that kept a remainder goes by itself.
static void test_min_block_cached(void **state)
{
    (void)state;
    struct mems_engine *engine = test_engine("dynamic", "min_block=200,region=4Ki");
    struct mems_space *space = test_space(engine);
    size_t larger = 0;
    for (size_t i = 0; i < 2000; i++) {
        size_t size = 0;
        mems_addr addr = test_alloc(space, 112);
        assert_int_equal(mems_block_size(space, addr, NULL, &size), 0);
        test_require(size >= 112 && size < 112 + 200, "a block of %zu", size);
        larger += size > 112;
        if (i % 3 == 0) {
            assert_int_equal(mems_release(space, addr), 0);
        }
    }
    assert_true(larger > 0);
    test_checked(engine, true);
    test_conserved(engine);
    mems_engine_close(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_granule_cached),     cmocka_unit_test(test_granule_aligned),
        cmocka_unit_test(test_next_after_failure), cmocka_unit_test(test_refused_regions),
        cmocka_unit_test(test_walk_while_merging), cmocka_unit_test(test_regions_return),
        cmocka_unit_test(test_regions_stay),       cmocka_unit_test(test_regions_late),
        cmocka_unit_test(test_min_block_cached),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
