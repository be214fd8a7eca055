// SPDX-License-Identifier: MIT
//
// test_slab.c - the slab policy: what the model in property/ does not ask.

#include "support/engine.h"

#include <pthread.h>

static void *hold_one(void *arg)
{
    mems_addr *addr = arg;
    struct mems_space *space = (struct mems_space *)(uintptr_t)*addr; // NOLINT: on its way
    *addr = test_alloc(space, 64);
    return NULL;
}

static mems_addr other_thread(struct mems_space *space)
{
    mems_addr addr = (mems_addr)(uintptr_t)space;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, hold_one, &addr), 0);
    pthread_join(thread, NULL);
    return addr;
}

// A slab is one space's and one thread's: neighbours in it are of one owner. With one arena
// threads share.
static void test_owned(void **state)
{
    (void)state;
    for (unsigned arenas = 1; arenas <= 2; arenas++) {
        struct mems_engine *engine = test_engine("slab", arenas == 1 ? "arenas=1,thread_cache=no"
                                                                     : "arenas=2,thread_cache=no");
        struct mems_space *a = test_space(engine), *b = test_space(engine);
        uintptr_t mine = test_host(a, test_alloc(a, 64));
        uintptr_t second = test_host(a, test_alloc(a, 64));
        uintptr_t strange = test_host(b, test_alloc(b, 64));
        uintptr_t thread = test_host(a, other_thread(a));
        assert_int_equal(second, mine + 64);
        assert_true(strange < mine || strange >= mine + 65536);
        assert_int_equal(thread < mine || thread >= mine + 65536, arenas == 2);
        test_checked(engine, true);
        mems_engine_close(engine);
    }
}

// Memory of one class, all released, serves another class and a large block without growing.
static void test_reused(void **state)
{
    (void)state;
    enum { COUNT = 16 * 1024 };
    static mems_addr addrs[COUNT];
    struct mems_engine *engine = test_engine("slab", "capacity=1Mi,thread_cache=no");
    struct mems_space *space = test_space(engine);
    mems_addr large = 0;
    for (uint64_t size = 64; size <= 8192; size *= 2) {
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

// What one arena hoards another gets before the engine refuses.
static void test_other_arena(void **state)
{
    (void)state;
    struct mems_engine *engine = test_engine("slab", "capacity=64Ki,arenas=2,thread_cache=no");
    struct mems_space *space = test_space(engine);
    other_thread(space); // the only slab is another arena's
    for (size_t i = 1; i < 1024; i++) {
        test_alloc(space, 64);
    }
    mems_addr addr = 0;
    assert_int_equal(mems_alloc(space, 64, 0, &addr), ENOMEM);
    assert_int_equal(test_stats(engine).refusals, 1);
    assert_int_equal(test_stats(engine).free_bytes, 0);
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
        {"slab=48Ki", "power of two"}, {"slab=8Ki", "slab"},    {"slab=8Mi", "slab"},
        {"arenas=0", "arenas"},        {"arenas=33", "arenas"}, {"capacity=100", "too small"},
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
        cmocka_unit_test(test_owned),          cmocka_unit_test(test_reused),
        cmocka_unit_test(test_other_arena),    cmocka_unit_test(test_from_hole),
        cmocka_unit_test(test_tails),          cmocka_unit_test(test_walk_while_closing),
        cmocka_unit_test(test_configurations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
