// SPDX-License-Identifier: MIT
//
// test_resize.c - resizing where there is no room: a block can always shrink, and what cannot grow
// stays as it was.

#include "support/access.h"

#include <mems/inject.h>

#define BLOCKS_MOST 256

struct full {
    struct mems_engine *engine;
    struct mems_space *space;
    mems_addr blocks[BLOCKS_MOST];
    size_t count;
};

static void full_open(struct full *full, const char *policy, const char *options, size_t size)
{
    full->engine = test_engine(policy, options);
    full->space = test_space(full->engine);
    full->count = 0;
    mems_addr addr;
    while (mems_alloc(full->space, size, 0, &addr) == 0) {
        test_require(full->count < BLOCKS_MOST, "never full");
        full->blocks[full->count++] = addr;
        test_stamp(full->space, addr, size, addr);
    }
}

static void shrink(const char *policy, const char *options, size_t size, size_t to)
{
    struct full full;
    full_open(&full, policy, options, size);
    struct mems_stats before = test_stats(full.engine);
    mems_addr block = full.blocks[full.count / 2], addr = block;
    assert_int_equal(mems_resize(full.space, &addr, size + 1), ENOMEM);
    assert_true(addr == block);
    test_stamped(full.space, addr, size, block);
    int error = mems_resize(full.space, &addr, to);
    test_require(error == 0, "%s(%s): %zu to %zu: %s", policy, options, size, to, strerror(error));
    test_stamped(full.space, addr, to, block);
    size_t requested = 0;
    assert_int_equal(mems_block_size(full.space, addr, &requested, NULL), 0);
    assert_int_equal(requested, to);
    struct mems_stats now = test_stats(full.engine);
    assert_int_equal(now.resizes, before.resizes + 1);
    assert_int_equal(now.refusals, before.refusals + 1); // of growing
    assert_int_equal(now.requested_bytes, before.requested_bytes - size + to);
    test_checked(full.engine, true);
    test_conserved(full.engine);
    mems_engine_close(full.engine);
}

static void test_shrink_full(void **state)
{
    (void)state;
    shrink("fixed", "partition=4Ki,count=8", 4096, 100);
    shrink("fixed", "partition=4Ki,count=8,thread_cache=no", 4096, 100);
    shrink("fixed", "partitions=64x2,4Kix8", 4096, 100);
    shrink("dynamic", "capacity=64Ki", 4096, 100);
    shrink("dynamic", "capacity=64Ki", 1024, 1);
    shrink("dynamic", "capacity=64Ki,thread_cache=no", 1024, 1);
    shrink("dynamic", "capacity=64Ki,addresses=flat", 1024, 1);
    shrink("dynamic", "capacity=1Mi", 65536, 40000);
}

// A partition that is the only size there is serves the smaller request as well: nothing moves.
static void test_shrink_stays(void **state)
{
    (void)state;
    struct mems_engine *engine = test_engine("fixed", "partition=4Ki,count=8");
    struct mems_space *space = test_space(engine);
    mems_addr block = test_alloc(space, 4096), addr = block;
    assert_int_equal(mems_resize(space, &addr, 1), 0);
    assert_true(addr == block);
    mems_engine_close(engine);
}

// A block outgrows what its address can reach although there is room behind it: it gets another
// one, and every byte is found under it.
static void test_grow_past_kind(void **state)
{
    (void)state;
    static const size_t sizes[] = {4000, 4096, 4097, 40000, 65536, 65537, 1 << 20, (1 << 20) + 1};
    static const char *const options[] = {"thread_cache=no,region=8Mi", "region=8Mi",
                                          "addresses=flat,region=8Mi"};
    for (size_t o = 0; o < sizeof options / sizeof options[0]; o++) {
        struct mems_engine *engine = test_engine("dynamic", options[o]);
        struct mems_space *space = test_space(engine);
        mems_addr addr = test_alloc(space, sizes[0]);
        test_stamp(space, addr, sizes[0], 3);
        for (size_t i = 1; i < sizeof sizes / sizeof sizes[0]; i++) {
            assert_int_equal(mems_resize(space, &addr, sizes[i]), 0);
            test_stamped(space, addr, sizes[i - 1], 3);
            test_stamp(space, addr, sizes[i], 3);
            unsigned char last = 0;
            assert_int_equal(mems_read(space, addr + sizes[i] - 1, &last, 1), 0);
            assert_int_equal(last, test_stamp_byte(3, sizes[i] - 1));
            assert_int_equal(mems_read(space, addr + sizes[i] - 1, &last, 2), ERANGE);
        }
        assert_int_equal(mems_release(space, addr), 0);
        test_checked(engine, true);
        mems_engine_close(engine);
    }
}

// Past the end is one misuse, whichever call finds it.
static void test_past_end(void **state)
{
    (void)state;
    struct mems_engine *engine = test_engine("dynamic", "");
    struct mems_space *space = test_space(engine);
    mems_addr addr = test_alloc(space, 10);
    char bytes[16] = {0};
    assert_int_equal(mems_read(space, addr, bytes, 11), ERANGE);
    assert_int_equal(test_stats(engine).misuses, 1);
    assert_int_equal(mems_write(space, addr + 9, bytes, 2), ERANGE);
    assert_int_equal(test_stats(engine).misuses, 2);
    assert_int_equal(mems_fault(space, addr + 10, MEMS_READ), ERANGE);
    assert_int_equal(test_stats(engine).misuses, 3);
    mems_engine_close(engine);
}

// A block that would move and cannot be read back from swap has neither been allocated anew nor
// released.
static void test_copy_fails(void **state)
{
    (void)state;
    enum { PAGES = 24 };
    struct mems_engine *engine =
        test_engine("vm-paging", "page=4Ki,frames=8,swap=1Mi,thread_cache=no");
    struct mems_space *space = test_space(engine);
    mems_addr blocks[PAGES];
    for (size_t i = 0; i < PAGES; i++) {
        blocks[i] = test_alloc(space, 4096);
        access_stamp(space, blocks[i], 4096, i);
    }
    struct mems_stats before = test_stats(engine);
    mems_addr addr = blocks[0];
    mems_inject(MEMS_SEAM_SWAP_READ, 1, 0);
    assert_int_equal(mems_resize(space, &addr, 9000), EIO);
    assert_int_equal(mems_inject_hits(MEMS_SEAM_SWAP_READ), 1);
    mems_inject(MEMS_SEAM_SWAP_READ, 0, 0);
    struct mems_stats after = test_stats(engine);
    assert_true(addr == blocks[0]);
    assert_int_equal(after.allocs, before.allocs);
    assert_int_equal(after.releases, before.releases);
    assert_int_equal(after.resizes, before.resizes);
    assert_int_equal(after.requested_bytes, before.requested_bytes);
    test_checked(engine, true);
    assert_int_equal(mems_resize(space, &addr, 9000), 0);
    access_stamped(space, addr, 4096, 0);
    mems_engine_close(engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copy_fails),   cmocka_unit_test(test_shrink_full),
        cmocka_unit_test(test_shrink_stays), cmocka_unit_test(test_grow_past_kind),
        cmocka_unit_test(test_past_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
