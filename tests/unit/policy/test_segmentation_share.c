// SPDX-License-Identifier: MIT
//
// test_segmentation_share.c - segments that several spaces see; and the operating system that says
// no to opening, sharing and compacting.

#include "support/engine.h"

#include <mems/inject.h>

enum { BOTH = MEMS_READ | MEMS_WRITE };

static int touch(struct mems_space *space, mems_addr addr, enum mems_access mode)
{
    void *host;
    mems_access_begin();
    int error = mems_translate(space, addr, mode, &host, NULL);
    mems_access_end();
    return error;
}

static mems_addr share(struct mems_space *from, mems_addr addr, struct mems_space *with,
                       unsigned rights)
{
    mems_addr shared = 0;
    int error = mems_share(from, addr, with, rights, &shared);
    test_require(error == 0, "share: %s", strerror(error));
    return shared;
}

static uint64_t live_of(struct mems_space *space)
{
    struct mems_space_stats stats;
    assert_int_equal(mems_space_snapshot(space, &stats), 0);
    return stats.live_blocks;
}

static void quiet(struct mems_engine *engine)
{
    test_checked(engine, true);
    test_conserved(engine);
}

static void test_bytes(void **state)
{
    (void)state;
    struct mems_engine *engine = test_engine("segmentation", "capacity=64Ki,thread_cache=no");
    struct mems_space *one = test_space(engine), *two = test_space(engine);
    mems_addr mine = test_alloc(one, 3000);
    test_stamp(one, mine, 3000, 1);
    uint64_t free = test_stats(engine).free_bytes;
    mems_addr yours = share(one, mine, two, BOTH);
    assert_true(yours != mine);
    test_stamped(two, yours, 3000, 1);
    test_stamp(two, yours, 3000, 2);
    test_stamped(one, mine, 3000, 2);
    assert_int_equal(test_host(one, mine), test_host(two, yours));
    struct mems_stats stats = test_stats(engine);
    assert_int_equal(stats.live_blocks, 2);
    assert_int_equal(stats.requested_bytes, 6000);
    assert_int_equal(stats.absent_bytes, 3008);
    assert_int_equal(stats.block_bytes, 2 * 3008);
    assert_int_equal(stats.free_bytes, free);
    assert_int_equal(live_of(two), 1);
    size_t requested, size;
    assert_int_equal(mems_block_size(two, yours, &requested, &size), 0);
    assert_int_equal(requested, 3000);
    assert_int_equal(size, 3008);
    quiet(engine);
    // Each has its own address only, and the limit holds.
    assert_int_equal(touch(two, mine, MEMS_READ), EPERM);
    assert_int_equal(touch(one, yours, MEMS_READ), EPERM);
    assert_int_equal(touch(two, yours + 3000, MEMS_READ), ERANGE);
    assert_int_equal(mems_resize(one, &mine, 100), EBUSY);
    assert_int_equal(mems_resize(two, &yours, 5000), EBUSY); // not even by a copy
    assert_int_equal(mems_resize(two, &yours, 100000), EBUSY);
    // The giver goes first: the bytes stay.
    assert_int_equal(mems_release(one, mine), 0);
    assert_int_equal(touch(one, mine, MEMS_READ), EALREADY);
    test_stamped(two, yours, 3000, 2);
    assert_int_equal(test_stats(engine).absent_bytes, 0);
    assert_int_equal(test_stats(engine).free_bytes, free);
    quiet(engine);
    assert_int_equal(mems_release(two, yours), 0);
    assert_int_equal(mems_release(two, yours), EALREADY);
    assert_int_equal(test_stats(engine).free_bytes, free + 3008);
    quiet(engine);
    mems_engine_close(engine);
}

// The last user of a segment that was shared resizes it: by a copy, which is nobody else's.
static void test_resized_alone(void **state)
{
    (void)state;
    struct mems_engine *engine = test_engine("segmentation", "capacity=64Ki,thread_cache=no");
    struct mems_space *one = test_space(engine), *two = test_space(engine);
    mems_addr mine = test_alloc(one, 3000);
    test_stamp(one, mine, 3000, 1);
    mems_addr yours = share(one, mine, two, MEMS_READ);
    assert_int_equal(mems_resize(two, &yours, 5000), EBUSY);
    assert_int_equal(mems_release(one, mine), 0);
    mems_addr before = yours;
    assert_int_equal(mems_resize(two, &yours, 5000), 0);
    assert_int_equal(touch(two, before, MEMS_READ), EALREADY);
    assert_int_equal(touch(two, yours + 4999, MEMS_READ), 0);
    assert_int_equal(touch(two, yours, MEMS_WRITE), EACCES); // the rights move along
    test_stamped(two, yours, 3000, 1);
    quiet(engine);
    mine = share(two, yours, one, MEMS_READ);
    assert_int_equal(mems_release(two, yours), 0);
    mems_addr big;
    while (mems_alloc(two, 1000, 0, &big) == 0) {
    }
    assert_int_equal(mems_resize(one, &mine, 100), 0); // where it is: there is no room for a copy
    assert_int_equal(touch(one, mine + 100, MEMS_READ), ERANGE);
    quiet(engine);
    mems_engine_close(engine);
}

// Never more rights than the giver has, and each its own.
static void test_rights(void **state)
{
    (void)state;
    struct mems_engine *engine = test_engine("segmentation", "capacity=64Ki,thread_cache=no");
    struct mems_space *one = test_space(engine), *two = test_space(engine);
    mems_addr mine = test_alloc(one, 100);
    mems_addr reads = share(one, mine, two, MEMS_READ);
    assert_int_equal(touch(two, reads, MEMS_READ), 0);
    assert_int_equal(touch(two, reads, MEMS_WRITE), EACCES);
    assert_non_null(strstr(mems_complaint(), "no right to write"));
    assert_int_equal(touch(one, mine, MEMS_WRITE), 0);
    mems_addr back = share(two, reads, one, BOTH); // a second address in the first space
    assert_int_equal(touch(one, back, MEMS_READ), 0);
    assert_int_equal(touch(one, back, MEMS_WRITE), EACCES);
    assert_int_equal(mems_protect(one, mine, 0), 0);
    assert_int_equal(touch(one, mine, MEMS_READ), EACCES);
    assert_int_equal(touch(two, reads, MEMS_READ), 0);
    assert_int_equal(test_stats(engine).absent_bytes, 2 * 112);
    quiet(engine);
    mems_space_close(one); // two of the three
    assert_int_equal(touch(two, reads, MEMS_READ), 0);
    assert_int_equal(test_stats(engine).live_blocks, 1);
    assert_int_equal(test_stats(engine).absent_bytes, 0);
    quiet(engine);
    mems_space_close(two);
    assert_int_equal(test_stats(engine).free_bytes, 65536);
    quiet(engine);
    mems_engine_close(engine);
}

// A shared segment moves for everyone at once.
static void test_moves(void **state)
{
    (void)state;
    static const char *const orders[] = {"address", "top"};
    for (size_t o = 0; o < 2; o++) {
        char options[80];
        snprintf(options, sizeof options, "capacity=64Ki,thread_cache=no,compact_order=%s",
                 orders[o]);
        struct mems_engine *engine = test_engine("segmentation", options);
        struct mems_space *spaces[5];
        mems_addr addrs[5], below = 0;
        for (size_t i = 0; i < 5; i++) {
            spaces[i] = test_space(engine);
        }
        below = test_alloc(spaces[0], 5000);
        addrs[0] = test_alloc(spaces[0], 700);
        uintptr_t base = test_host(spaces[0], below);
        test_stamp(spaces[0], addrs[0], 700, 5);
        for (size_t i = 1; i < 5; i++) {
            addrs[i] = share(spaces[i - 1], addrs[i - 1], spaces[i], BOTH);
        }
        assert_int_equal(mems_release(spaces[0], below), 0);
        struct mems_compaction done;
        assert_int_equal(mems_compact(engine, &done), 0);
        assert_int_equal(done.moved, 1);
        for (size_t i = 0; i < 5; i++) {
            assert_int_equal(test_host(spaces[i], addrs[i]), base);
            test_stamped(spaces[i], addrs[i], 700, 5);
        }
        quiet(engine);
        for (size_t i = 0; i < 5; i++) {
            mems_space_close(spaces[(i + 2) % 5]);
            quiet(engine);
        }
        assert_int_equal(test_stats(engine).free_bytes, 65536);
        mems_engine_close(engine);
    }
}

enum { WALKED = 200 };

struct walk {
    struct mems_space *one, *two;
    mems_addr mine[WALKED], yours[WALKED];
    size_t pieces, blocks, absent;
};

// In the middle of the absent pieces half of the shares end and others come.
static int visit(const struct mems_extent *piece, void *arg)
{
    struct walk *walk = arg;
    walk->pieces++;
    walk->blocks += piece->piece == MEMS_PIECE_BLOCK && !piece->absent;
    if (piece->absent) {
        assert_int_equal(piece->piece, MEMS_PIECE_BLOCK);
        assert_int_equal(piece->space, mems_space_id(walk->two));
        assert_int_equal(piece->requested, 64);
        if (walk->absent++ == 0) {
            for (size_t i = 0; i < WALKED; i += 2) {
                assert_int_equal(mems_release(walk->two, walk->yours[i]), 0);
                walk->yours[i] = share(walk->one, walk->mine[i], walk->two, BOTH);
            }
        }
    }
    return 0;
}

static void test_walk(void **state)
{
    (void)state;
    struct mems_engine *engine = test_engine("segmentation", "capacity=64Ki,thread_cache=no");
    struct walk walk = {.one = test_space(engine), .two = test_space(engine)};
    for (size_t i = 0; i < WALKED; i++) {
        walk.mine[i] = test_alloc(walk.one, 64);
        walk.yours[i] = share(walk.one, walk.mine[i], walk.two, BOTH);
    }
    assert_int_equal(mems_walk(engine, visit, &walk), 0);
    assert_int_equal(walk.blocks, WALKED);
    assert_int_equal(walk.pieces, walk.blocks + walk.absent + 1); // and one hole
    assert_in_range(walk.absent, WALKED, WALKED + WALKED / 2);
    quiet(engine);
    mems_engine_close(engine);
}

// ---- the operating system says no ---------------------------------------------------------------

static void require_fault(enum mems_seam seam, int error, const char *what)
{
    test_require(error == ENOMEM && mems_inject_hits(seam) > 0, "%s: %s, %" PRIu64 " hits", what,
                 strerror(error), mems_inject_hits(seam));
}

// One life with the seam's nth call failing: open, share, compact. false: it never failed.
static bool live(enum mems_seam seam, uint64_t nth)
{
    struct mems_config config = {.policy = "segmentation",
                                 .options = "capacity=64Ki,thread_cache=no,mover=yes"};
    struct mems_engine *engine = NULL;
    struct mems_compaction done;
    mems_addr shared = 0, blocks[8];
    mems_inject(seam, nth, 0);
    int error = mems_engine_open(&config, &engine);
    if (error != 0) {
        require_fault(seam, error, "open");
        assert_true(strlen(mems_complaint()) > 0);
        return true;
    }
    uint64_t hits = mems_inject_hits(seam); // an unmap that is refused is nobody's error
    mems_inject(seam, 0, 0);
    struct mems_space *one = test_space(engine), *two = test_space(engine);
    for (size_t i = 0; i < 8; i++) {
        blocks[i] = test_alloc(one, 500);
        test_stamp(one, blocks[i], 500, i);
    }
    assert_int_equal(mems_release(one, blocks[0]), 0);
    mems_inject(seam, nth, 0);
    error = mems_share(one, blocks[5], two, BOTH, &shared);
    if (error != 0) {
        require_fault(seam, error, "share");
        quiet(engine);
        assert_int_equal(test_stats(engine).live_blocks, 7);
        hits += mems_inject_hits(seam);
        mems_inject(seam, 0, 0);
        shared = share(one, blocks[5], two, BOTH);
    }
    hits += mems_inject_hits(seam);
    mems_inject(seam, nth, 0);
    error = mems_compact(engine, &done);
    if (error != 0) {
        require_fault(seam, error, "compact");
    }
    hits += mems_inject_hits(seam);
    mems_inject(seam, 0, 0);
    for (size_t i = 1; i < 8; i++) {
        test_stamped(one, blocks[i], 500, i);
    }
    test_stamped(two, shared, 500, 5);
    quiet(engine);
    mems_engine_close(engine);
    return hits > 0;
}

static void sweep(enum mems_seam seam, uint64_t least)
{
    uint64_t nth = 1;
    while (live(seam, nth)) {
        nth++;
    }
    test_require(nth > least, "seam %d failed %" PRIu64 " times only", seam, nth - 1);
}

static void test_inject(void **state)
{
    (void)state;
    sweep(MEMS_SEAM_MAP, 4);
    sweep(MEMS_SEAM_UNMAP, 0);
    sweep(MEMS_SEAM_THREAD, 1);
    assert_int_equal(mems_inject_calls(MEMS_SEAM_THREAD), 0);
}

// Of the maps that a first share needs each is refused in turn; nothing is left behind.
static void test_inject_share(void **state)
{
    (void)state;
    uint64_t hits = 0, nth = 1;
    do {
        struct mems_engine *engine = test_engine("segmentation", "capacity=64Ki,thread_cache=no");
        struct mems_space *one = test_space(engine), *two = test_space(engine);
        mems_addr mine = test_alloc(one, 100), shared = 42;
        assert_int_equal(mems_release(two, test_alloc(two, 16)), 0); // knows this thread now
        test_stamp(one, mine, 100, 1);
        mems_inject(MEMS_SEAM_MAP, nth++, 1);
        int error = mems_share(one, mine, two, BOTH, &shared);
        hits = mems_inject_hits(MEMS_SEAM_MAP);
        mems_inject(MEMS_SEAM_MAP, 0, 0);
        assert_int_equal(error, hits > 0 ? ENOMEM : 0);
        assert_true((shared == 42) == (error != 0));
        quiet(engine);
        test_stamped(one, mine, 100, 1);
        if (error != 0) {
            assert_int_equal(mems_resize(one, &mine, 90), 0); // not shared
            shared = share(one, mine, two, BOTH);
        }
        test_stamped(two, shared, 90, 1);
        quiet(engine);
        mems_engine_close(engine);
    } while (hits > 0);
    assert_true(nth > 3); // share and link records have pools of their own
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes),        cmocka_unit_test(test_resized_alone),
        cmocka_unit_test(test_rights),       cmocka_unit_test(test_moves),
        cmocka_unit_test(test_walk),         cmocka_unit_test(test_inject),
        cmocka_unit_test(test_inject_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
