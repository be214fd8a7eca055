// SPDX-License-Identifier: MIT
//
// test_slab.c - the slab policy: what the model in property/ does not ask.

#include "support/engine.h"

#include <pthread.h>
#include <semaphore.h>

#include "engine/engine.h"
#include "mems/inject.h"
#include "policy/slab.h"

// ---- threads that do one thing and end ---------------------------------------------------------

struct errand {
    struct mems_space *space;
    mems_addr *addrs;
    size_t count;
    size_t size; // 0: releases them
};

static void *run_errand(void *arg)
{
    const struct errand *errand = arg;
    for (size_t i = 0; i < errand->count; i++) {
        if (errand->size != 0) {
            errand->addrs[i] = test_alloc(errand->space, errand->size);
        } else {
            test_require(mems_release(errand->space, errand->addrs[i]) == 0, "release %zu", i);
        }
    }
    return NULL;
}

static void in_thread(struct mems_space *space, mems_addr *addrs, size_t count, size_t size)
{
    struct errand errand = {space, addrs, count, size};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, run_errand, &errand), 0);
    pthread_join(thread, NULL);
}

// ---- whose -------------------------------------------------------------------------------------

static uintptr_t slab_of(struct mems_space *space, mems_addr addr)
{
    return test_host(space, addr) & ~(uintptr_t)0xffff;
}

// A slab is one space's and one thread's: neighbours in it are of one owner. Without fronts threads
// share.
static void test_owned(void **state)
{
    (void)state;
    for (unsigned fronts = 0; fronts < 2; fronts++) {
        struct mems_engine *engine =
            test_engine("slab", fronts ? "thread_cache=yes" : "thread_cache=no");
        struct mems_space *a = test_space(engine), *b = test_space(engine);
        mems_addr mine = test_alloc(a, 64), second = test_alloc(a, 64), strange = test_alloc(b, 64);
        mems_addr other = 0;
        in_thread(a, &other, 1, 64);
        assert_int_equal(test_host(a, second), test_host(a, mine) + 64);
        assert_true(slab_of(b, strange) != slab_of(a, mine));
        assert_int_equal(slab_of(a, other) != slab_of(a, mine), fronts);
        test_checked(engine, true);
        test_conserved(engine);
        mems_engine_close(engine);
    }
}

// The slab of a thread that has ended is the next one's of the same space, and of no other.
static void test_orphans(void **state)
{
    (void)state;
    struct mems_engine *engine = test_engine("slab", "capacity=64Ki");
    struct mems_space *space = test_space(engine), *other = test_space(engine);
    mems_addr addr = 0, strange = 0;
    in_thread(space, &addr, 1, 64); // the only slab
    test_stamp(space, addr, 64, 1);
    assert_int_equal(mems_alloc(other, 64, 0, &strange), ENOMEM);
    test_checked(engine, true);
    uintptr_t slab = slab_of(space, addr);
    for (size_t i = 1; i < 1024; i++) {
        assert_true(slab_of(space, test_alloc(space, 64)) == slab);
    }
    test_stamped(space, addr, 64, 1);
    assert_int_equal(mems_alloc(space, 64, 0, &strange), ENOMEM);
    assert_int_equal(test_stats(engine).refusals, 2);
    assert_int_equal(test_stats(engine).free_bytes, 0);
    test_checked(engine, true);
    mems_engine_close(engine);
}

// Whoever could have no front (memory for one was refused) uses the common one; what that keeps of
// an empty slab goes to who needs it, of another class, and has a front.
static void test_common_lends(void **state)
{
    (void)state;
    unsigned common = 0;
    for (uint64_t nth = 1; nth < 8; nth++) {
        struct mems_engine *engine = test_engine("slab", "capacity=64Ki"); // one slab
        struct mems_space *space = test_space(engine);
        const struct slab_space *own = space->owned;
        mems_addr addr = 0;
        mems_inject(MEMS_SEAM_MAP, nth, 0);
        int error = mems_alloc(space, 64, 0, &addr);
        mems_inject(MEMS_SEAM_MAP, 0, 0);
        assert_true(error == 0 || error == ENOMEM);
        common += error == 0 && own->common != NULL;
        assert_true(error != 0 || mems_release(space, addr) == 0);
        assert_int_equal(mems_release(space, test_alloc(space, 1000)), 0);
        test_checked(engine, true);
        mems_engine_close(engine);
    }
    assert_true(common > 0);
}

// An orphan ends with its last block, whoever releases that.
static void test_orphans_end(void **state)
{
    (void)state;
    enum { COUNT = 2500 }; // three slabs
    static mems_addr addrs[COUNT];
    struct mems_engine *engine = test_engine("slab", "capacity=1Mi");
    struct mems_space *space = test_space(engine);
    in_thread(space, addrs, COUNT, 64);
    assert_int_equal(test_stats(engine).largest_hole, 13 * 65536);
    test_checked(engine, true);
    in_thread(space, addrs, COUNT / 2, 0);
    for (size_t i = COUNT / 2; i < COUNT; i++) {
        assert_int_equal(mems_release(space, addrs[i]), 0);
    }
    assert_int_equal(test_stats(engine).largest_hole, 1 << 20);
    assert_int_equal(test_stats(engine).remote_releases, COUNT);
    test_checked(engine, true);
    mems_engine_close(engine);
}

// What strangers return is free at once to who looks, and the owner's when it needs it.
static void test_strangers(void **state)
{
    (void)state;
    enum { COUNT = 1024 }; // one slab
    static mems_addr addrs[COUNT];
    struct mems_engine *engine = test_engine("slab", "capacity=64Ki");
    struct mems_space *space = test_space(engine);
    for (size_t i = 0; i < COUNT; i++) {
        addrs[i] = test_alloc(space, 64);
    }
    in_thread(space, addrs, COUNT, 0);
    struct mems_stats stats = test_stats(engine);
    assert_int_equal(stats.remote_releases, COUNT);
    assert_int_equal(stats.live_blocks, 0);
    assert_int_equal(stats.free_bytes, 65536);
    test_checked(engine, true);
    test_conserved(engine);
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(mems_release(space, addrs[i]), EALREADY);
        addrs[i] = test_alloc(space, 64);
    }
    in_thread(space, addrs, COUNT, 0);
    mems_addr all = 0;
    assert_int_equal(mems_alloc(space, 65536, 0, &all), 0); // the front is emptied for it
    test_checked(engine, true);
    mems_engine_close(engine);
}

// A space that closes takes the slabs of all threads with it, whatever is in them.
static void test_close(void **state)
{
    (void)state;
    enum { COUNT = 600 };
    static mems_addr addrs[COUNT];
    struct mems_engine *engine = test_engine("slab", "capacity=1Mi");
    struct mems_space *space = test_space(engine);
    for (size_t i = 0; i < COUNT; i++) {
        addrs[i] = test_alloc(space, 200);
    }
    in_thread(space, addrs, COUNT / 2, 0);  // some wait in the inbox
    in_thread(space, addrs, COUNT / 2, 48); // some are orphans'
    test_alloc(space, 100000);
    mems_space_close(space);
    struct mems_stats stats = test_stats(engine);
    assert_int_equal(stats.live_blocks, 0);
    assert_int_equal(stats.requested_bytes, 0);
    assert_int_equal(stats.largest_hole, 1 << 20);
    test_checked(engine, true);
    space = test_space(engine);
    for (size_t i = 0; i < COUNT; i++) {
        int error = mems_release(space, addrs[i]);
        test_require(error == EALREADY || error == ESTALE, "%zu: %s", i, strerror(error));
    }
    mems_engine_close(engine);
}

// ---- what an address says ----------------------------------------------------------------------

// A block keeps its descriptor, whose generations come to an end: then it gets another.
static void test_worn(void **state)
{
    (void)state;
    struct mems_engine *engine = test_engine("slab", "capacity=64Ki");
    struct mems_space *space = test_space(engine);
    mems_addr first = test_alloc(space, 64), addr = first;
    uintptr_t host = test_host(space, first);
    for (uint32_t i = 0; i < 2 * DESCRIPTOR_GENERATION_MASK; i++) {
        assert_int_equal(mems_release(space, addr), 0);
        addr = test_alloc(space, 64);
        assert_true(addr != first);
    }
    assert_true(test_host(space, addr) == host);
    assert_int_equal(mems_release(space, first), ESTALE);
    test_checked(engine, true);
    mems_engine_close(engine);
}

static size_t reports;

static void count_report(const char *what, mems_addr addr)
{
    (void)addr;
    assert_string_equal(what, "block released twice at once");
    reports++;
}

// Two releases that race see the block live both: the ledger tells the second.
static void test_twice(void **state)
{
    (void)state;
    mems_corruption_hook before = mems_on_corruption(count_report);
    for (unsigned round = 0; round < 6; round++) {
        bool stranger = round % 2 == 1, orphan = round >= 4;
        struct mems_engine *engine =
            test_engine("slab", round < 2 ? "thread_cache=no" : "thread_cache=yes");
        struct mems_space *space = test_space(engine);
        mems_addr both[2] = {0};
        if (orphan) {
            in_thread(space, both, 2, 64);
        } else {
            both[0] = test_alloc(space, 64);
            both[1] = test_alloc(space, 64);
        }
        struct descriptor *descriptor = descriptor_find(space->table, both[0]);
        uint64_t word = descriptor->word;
        reports = 0;
        if (stranger) {
            in_thread(space, both, 1, 0);
        } else {
            assert_int_equal(mems_release(space, both[0]), 0);
        }
        descriptor->word = word; // as the other thread has read it
        assert_int_equal(mems_release(space, both[0]), 0);
        assert_int_equal(reports, 1);
        test_stamp(space, both[1], 64, round);
        mems_engine_close(engine);
    }
    mems_on_corruption(before);
}

// ---- memory ------------------------------------------------------------------------------------

// Memory of one class, all released, serves another class and a large block without growing.
static void reuse(const char *options)
{
    enum { COUNT = 16 * 1024 };
    static mems_addr addrs[COUNT];
    struct mems_engine *engine = test_engine("slab", options);
    struct mems_space *space = test_space(engine);
    mems_addr large = 0;
    for (uint64_t size = 64; size <= 16384; size *= 2) {
        size_t count = (1 << 20) / size;
        for (size_t i = 0; i < count; i++) {
            addrs[i] = test_alloc(space, size);
        }
        assert_int_equal(mems_alloc(space, size, 0, &large), ENOMEM);
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(mems_release(space, addrs[i]), 0);
        }
        assert_int_equal(mems_alloc(space, 1 << 20, 0, &large), 0);
        assert_int_equal(test_stats(engine).free_bytes, 0);
        assert_int_equal(mems_release(space, large), 0);
        test_checked(engine, true);
    }
    mems_engine_close(engine);
}

static void test_reused(void **state)
{
    (void)state;
    reuse("capacity=1Mi,thread_cache=no");
    reuse("capacity=1Mi,thread_cache=yes");
}

// What a thread has released all goes back to the OS when it says so, but for a region or an
// eighth.
static void test_goes_back(void **state)
{
    (void)state;
    enum { COUNT = 100000 };
    static mems_addr addrs[COUNT];
    struct mems_engine *engine = test_engine("slab", "region=64Ki");
    struct mems_space *space = test_space(engine);
    for (size_t i = 0; i < COUNT; i++) {
        addrs[i] = test_alloc(space, 64);
    }
    uint64_t held = test_stats(engine).held_bytes;
    assert_true(held >= (uint64_t)COUNT * 64);
    for (size_t i = 0; i < COUNT; i++) {
        assert_int_equal(mems_release(space, addrs[i]), 0);
    }
    mems_thread_flush();
    assert_true(test_stats(engine).held_bytes <= 2 * 65536);
    assert_int_equal(test_stats(engine).held_peak_bytes, held);
    test_checked(engine, true);
    mems_engine_close(engine);
}

struct hoarder {
    struct mems_space *space;
    sem_t done, over;
};

static void *hoard(void *arg)
{
    struct hoarder *hoarder = arg;
    static mems_addr addrs[1025];
    for (size_t i = 0; i < 1025; i++) {
        addrs[i] = test_alloc(hoarder->space, 64);
    }
    for (size_t i = 0; i < 1025; i++) {
        test_require(mems_release(hoarder->space, addrs[i]) == 0, "release %zu", i);
    }
    sem_post(&hoarder->done);
    sem_wait(&hoarder->over);
    return NULL;
}

// A slab that another thread keeps spare is taken from it before the engine refuses, also for
// another space.
static void test_spare(void **state)
{
    (void)state;
    struct mems_engine *engine = test_engine("slab", "capacity=128Ki");
    struct mems_space *other = test_space(engine);
    struct hoarder hoarder = {.space = test_space(engine)};
    pthread_t thread;
    sem_init(&hoarder.done, 0, 0);
    sem_init(&hoarder.over, 0, 0);
    assert_int_equal(pthread_create(&thread, NULL, hoard, &hoarder), 0);
    sem_wait(&hoarder.done);
    mems_addr large = 0, second = 0;
    assert_int_equal(mems_alloc(other, 65536, 0, &large), 0);
    assert_int_equal(mems_alloc(other, 65536, 0, &second), ENOMEM); // it takes from the other slab
    test_checked(engine, true);
    sem_post(&hoarder.over);
    pthread_join(thread, NULL);
    assert_int_equal(mems_alloc(other, 65536, 0, &second), 0);
    test_checked(engine, true);
    mems_engine_close(engine);
}

// Where no slab fits any more a small block is cut from a hole.
static void test_from_hole(void **state)
{
    (void)state;
    struct mems_engine *engine = test_engine("slab", "capacity=20Ki");
    struct mems_space *space = test_space(engine);
    size_t requested = 0, size = 0;
    mems_addr addr = test_alloc(space, 100);
    assert_int_equal(mems_block_size(space, addr, &requested, &size), 0);
    assert_int_equal(size, 1024);
    for (size_t i = 1; i < 20; i++) {
        test_alloc(space, 100);
    }
    assert_int_equal(mems_alloc(space, 1, 0, &addr), ENOMEM);
    test_checked(engine, true);
    test_conserved(engine);
    mems_engine_close(engine);
}

static int see_next(const struct mems_extent *piece, void *arg)
{
    uint64_t *end = arg;
    assert_int_equal(piece->offset, *end);
    *end += piece->size;
    return 0;
}

// Slabs that do not divide: what is behind the last block is on the map.
static void test_tails(void **state)
{
    (void)state;
    struct mems_engine *engine = test_engine("slab", "capacity=8Mi,thread_cache=no");
    struct mems_space *space = test_space(engine);
    for (size_t size = 1; size <= 8192; size += 16) {
        test_alloc(space, size);
    }
    uint64_t end = 0;
    assert_int_equal(mems_walk(engine, see_next, &end), 0);
    assert_int_equal(end, 8 << 20);
    test_checked(engine, true);
    mems_engine_close(engine);
}

#define WALKED 300

struct walk {
    struct mems_space *space;
    mems_addr blocks[WALKED];
    size_t pieces, blocks_seen;
    uint64_t end;
};

// In the middle of a slab the walk's visitor releases all of it and more: the slab goes, and what
// is there now follows without a gap.
static int walk_visit(const struct mems_extent *piece, void *arg)
{
    struct walk *walk = arg;
    test_require(piece->offset == walk->end, "piece %zu at %" PRIu64 ", not %" PRIu64, walk->pieces,
                 piece->offset, walk->end);
    walk->end += piece->size;
    walk->blocks_seen += piece->piece == MEMS_PIECE_BLOCK;
    if (walk->pieces++ == 40) {
        for (size_t i = 0; i < WALKED; i++) {
            assert_int_equal(mems_release(walk->space, walk->blocks[i]), 0);
        }
        mems_addr all = 0;
        assert_int_equal(mems_alloc(walk->space, 1 << 20, 0, &all), 0); // no slab is left
        assert_int_equal(mems_release(walk->space, all), 0);
    }
    return 0;
}

static void test_walk_while_closing(void **state)
{
    (void)state;
    struct mems_engine *engine = test_engine("slab", "capacity=1Mi,thread_cache=no");
    struct walk walk = {.space = test_space(engine)};
    for (size_t i = 0; i < WALKED; i++) {
        walk.blocks[i] = test_alloc(walk.space, 1024);
    }
    assert_int_equal(mems_walk(engine, walk_visit, &walk), 0);
    assert_int_equal(walk.end, 1 << 20);
    assert_int_equal(walk.blocks_seen, 64); // a batch
    test_checked(engine, true);
    mems_engine_close(engine);
}

static void test_configurations(void **state)
{
    (void)state;
    static const char *const wrong[][2] = {
        {"slab=64Ki", "unknown option"},
        {"arenas=2", "unknown option"},
        {"capacity=100", "too small"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct mems_config config = {.policy = "slab", .options = wrong[i][0]};
        struct mems_engine *engine = NULL;
        assert_int_equal(mems_engine_open(&config, &engine), EINVAL);
        test_require(strstr(mems_complaint(), wrong[i][1]) != NULL, "%s: %s", wrong[i][0],
                     mems_complaint());
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_owned),          cmocka_unit_test(test_orphans),
        cmocka_unit_test(test_common_lends),   cmocka_unit_test(test_orphans_end),
        cmocka_unit_test(test_strangers),      cmocka_unit_test(test_close),
        cmocka_unit_test(test_worn),           cmocka_unit_test(test_twice),
        cmocka_unit_test(test_reused),         cmocka_unit_test(test_goes_back),
        cmocka_unit_test(test_spare),          cmocka_unit_test(test_from_hole),
        cmocka_unit_test(test_tails),          cmocka_unit_test(test_walk_while_closing),
        cmocka_unit_test(test_configurations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
