// SPDX-License-Identifier: MIT
//
// test_paging.c - simple paging by the textbooks' examples, sharing, and what is refused.

#include "support/engine.h"

#include "memory/page_table.h"
#include "os/os.h"
#include "sync/atomic.h"

static const char exact[] = "page=128,frames=8,thread_cache=no,frame_cache=0";

// Frame of each page of a block, by the map; UINT64_MAX: absent.
struct where {
    mems_addr addr;
    uint32_t space;
    uint64_t frame[64];
    size_t pages, wasted;
};

static int note_piece(const struct mems_extent *piece, void *arg)
{
    struct where *where = arg;
    if (piece->piece == MEMS_PIECE_BLOCK && piece->addr == where->addr &&
        piece->space == where->space) {
        uint64_t frame = piece->absent ? UINT64_MAX : piece->offset / piece->size;
        where->frame[where->pages++] = frame;
        where->wasted += piece->size - piece->requested;
    }
    return 0;
}

static struct where find(struct mems_engine *engine, struct mems_space *space, mems_addr addr)
{
    struct where where = {.addr = addr, .space = mems_space_id(space)};
    mems_walk(engine, note_piece, &where);
    return where;
}

// 72,766 bytes in pages of 2,048: 36 frames, 962 bytes wasted.
static void test_last_page(void **state)
{
    (void)state;
    struct mems_engine *engine = test_engine("paging", "page=2Ki,frames=100");
    struct mems_space *space = test_space(engine);
    mems_addr addr = test_alloc(space, 72766);
    size_t requested, size;
    assert_int_equal(mems_block_size(space, addr, &requested, &size), 0);
    assert_int_equal(requested, 72766);
    assert_int_equal(size, 36 * 2048);
    assert_int_equal(size - requested, 962);
    struct mems_stats stats = test_stats(engine);
    assert_int_equal(stats.block_bytes - stats.requested_bytes, 962);
    assert_int_equal(stats.free_bytes, 64 * 2048);
    assert_int_equal(find(engine, space, addr).wasted, 962);
    test_checked(engine, true);
    mems_engine_close(engine);
}

// Pages of 4 bytes, table 5 6 1 2; pages of 1 KiB, page 1 in frame 6.
static void test_textbook_tables(void **state)
{
    (void)state;
    static const unsigned frames[] = {5, 6, 1, 2};
    static const unsigned cases[][2] = {{0, 20}, {3, 23}, {4, 24}, {13, 9}};
    struct page_table table;
    char *memory = os_map(os_page_size(), 0);
    page_table_init(&table, memory, 2, NULL);
    assert_int_equal(page_table_reach(&table, 4), 0);
    for (unsigned page = 0; page < 4; page++) {
        store_release(page_table_at(&table, page), page_entry(PAGE_RESIDENT, frames[page]));
    }
    for (unsigned i = 0; i < 4; i++) {
        uint64_t entry = load_acquire(page_table_at(&table, cases[i][0] / 4));
        assert_ptr_equal(page_host(&table, entry) + cases[i][0] % 4, memory + cases[i][1]);
    }
    page_table_fini(&table);
    page_table_init(&table, memory, 10, NULL);
    assert_int_equal(page_table_reach(&table, 2), 0);
    store_release(page_table_at(&table, 1), page_entry(PAGE_RESIDENT, 6));
    assert_int_equal(1502 / 1024, 1);
    assert_int_equal(1502 % 1024, 478);
    uint64_t entry = load_acquire(page_table_at(&table, 1502 >> 10));
    assert_int_equal((uintptr_t)page_host(&table, entry) + 478 - (uintptr_t)memory, 6622);
    page_table_fini(&table);
    os_unmap(memory, os_page_size());
}

// 8 pages of 128: P1 asks 300 -> 0, 1, 2 and 84 wasted; P2 asks 128 -> 3; P1 leaves -> 0-2 free.
static void test_processes(void **state)
{
    (void)state;
    struct mems_engine *engine = test_engine("paging", exact);
    struct mems_space *p1 = test_space(engine), *p2 = test_space(engine);
    mems_addr a = test_alloc(p1, 300), b = test_alloc(p2, 128);
    struct where first = find(engine, p1, a), second = find(engine, p2, b);
    assert_int_equal(first.pages, 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(first.frame[i], i);
    }
    assert_int_equal(first.wasted, 84);
    assert_int_equal(second.pages, 1);
    assert_int_equal(second.frame[0], 3);
    mems_space_close(p1);
    struct mems_stats stats = test_stats(engine);
    assert_int_equal(stats.holes, 7);
    mems_addr c = test_alloc(p2, 128 * 4);
    struct where third = find(engine, p2, c);
    static const uint64_t then[] = {0, 1, 2, 4};
    assert_int_equal(third.pages, 4);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(third.frame[i], then[i]);
    }
    test_checked(engine, true);
    mems_engine_close(engine);
}

// Too many pages: nothing is taken, the refusal is counted; what is free can still be had, wherever
// threads keep it.
static void test_all_or_nothing(void **state)
{
    (void)state;
    struct mems_engine *engine = test_engine("paging", "page=128,frames=8,frame_cache=4");
    struct mems_space *space = test_space(engine);
    mems_addr one = test_alloc(space, 1), other;
    assert_int_equal(mems_alloc(space, 128 * 8, 0, &other), ENOMEM);
    assert_int_equal(mems_alloc(space, 128 * 9, 0, &other), ENOMEM);
    struct mems_stats stats = test_stats(engine);
    assert_int_equal(stats.refusals, 2);
    assert_int_equal(stats.free_bytes + stats.cached_bytes, 7 * 128);
    other = test_alloc(space, 128 * 7);
    assert_int_equal(test_stats(engine).free_bytes, 0);
    assert_int_equal(mems_release(space, one), 0);
    assert_int_equal(mems_release(space, other), 0);
    mems_thread_flush();
    assert_int_equal(test_stats(engine).free_bytes, 8 * 128);
    test_checked(engine, true);
    mems_engine_close(engine);
}

static void write_all(struct mems_space *space, mems_addr addr, size_t size, uint64_t seed)
{
    unsigned char bytes[4096];
    test_require(size <= sizeof bytes, "%zu", size);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = test_stamp_byte(seed, i);
    }
    int error = mems_write(space, addr, bytes, size);
    test_require(error == 0, "write: %s", strerror(error));
}

static void read_all(struct mems_space *space, mems_addr addr, size_t size, uint64_t seed)
{
    unsigned char bytes[4096];
    int error = mems_read(space, addr, bytes, size);
    test_require(error == 0, "read: %s", strerror(error));
    for (size_t i = 0; i < size; i++) {
        test_require(bytes[i] == test_stamp_byte(seed, i), "byte %zu", i);
    }
}

static void test_resize(void **state)
{
    (void)state;
    struct mems_engine *engine =
        test_engine("paging", "page=128,frames=40,thread_cache=no,frame_cache=0");
    struct mems_space *space = test_space(engine);
    mems_addr addr = test_alloc(space, 128 * 17), before = addr; // a run of 18
    write_all(space, addr, 128 * 17, 1);
    assert_int_equal(mems_resize(space, &addr, 128 * 17 + 1), 0);
    assert_int_equal(addr, before);
    assert_int_equal(test_stats(engine).free_bytes, 22 * 128);
    read_all(space, addr, 128 * 17, 1);
    assert_int_equal(mems_resize(space, &addr, 100), 0);
    assert_int_equal(addr, before);
    assert_int_equal(test_stats(engine).free_bytes, 39 * 128);
    read_all(space, addr, 100, 1);
    assert_int_equal(mems_resize(space, &addr, 128 * 18), 0);
    assert_int_equal(addr, before);
    read_all(space, addr, 100, 1);
    assert_int_equal(mems_resize(space, &addr, 128 * 20), 0); // moves: 18 + 20 <= 40
    assert_int_not_equal(addr, before);
    read_all(space, addr, 100, 1);
    assert_int_equal(mems_resize(space, &addr, 128 * 41), ENOMEM);
    read_all(space, addr, 100, 1);
    test_checked(engine, true);
    mems_engine_close(engine);
}

// Both read one frame; who writes first gets a copy, the last one keeps the frame.
static void test_share(void **state)
{
    (void)state;
    struct mems_engine *engine = test_engine("paging", exact);
    struct mems_space *a = test_space(engine), *b = test_space(engine), *c = test_space(engine);
    mems_addr x = test_alloc(a, 200), y, z, w;
    write_all(a, x, 200, 1);
    uintptr_t frame = test_host(a, x);
    assert_int_equal(mems_share(a, x, b, MEMS_READ | MEMS_WRITE, &y), 0);
    assert_int_equal(mems_share(b, y, c, MEMS_READ, &z), 0);
    struct mems_stats stats = test_stats(engine);
    assert_int_equal(stats.free_bytes, 6 * 128);
    assert_int_equal(stats.absent_bytes, 4 * 128);
    assert_int_equal(stats.live_blocks, 3);
    test_checked(engine, true);
    assert_int_equal(test_host(b, y), frame);
    assert_int_equal(test_host(c, z), frame);
    assert_int_equal(mems_write(c, z, "!", 1), EACCES);
    assert_int_equal(mems_share(c, z, a, MEMS_READ | MEMS_WRITE, &w), 0); // no more than it has
    assert_int_equal(mems_write(a, w, "!", 1), EACCES);
    assert_int_equal(mems_release(a, w), 0);
    mems_access_begin();
    void *host;
    assert_int_equal(mems_translate(b, y, MEMS_WRITE, &host, NULL), EAGAIN);
    mems_access_end();
    write_all(b, y, 10, 2); // page 0 of b moves away
    assert_int_not_equal(test_host(b, y), frame);
    assert_int_equal(test_stats(engine).copy_faults, 1);
    read_all(a, x, 200, 1);
    read_all(c, z, 200, 1);
    read_all(b, y, 10, 2);
    test_checked(engine, true);
    assert_int_equal(mems_release(a, x), 0); // c stands for the frames now
    read_all(c, z, 200, 1);
    test_checked(engine, true);
    write_all(b, y + 128, 10, 3); // page 1: shared with c
    assert_int_equal(test_stats(engine).copy_faults, 2);
    read_all(c, z, 200, 1);
    test_checked(engine, true);
    mems_space_close(c);
    read_all(b, y, 10, 2);
    read_all(b, y + 128, 10, 3);
    test_checked(engine, true);
    assert_int_equal(test_stats(engine).absent_bytes, 0);
    assert_int_equal(mems_release(b, y), 0);
    assert_int_equal(test_stats(engine).free_bytes, 8 * 128);
    mems_engine_close(engine);
}

// The last user writes where the page is; a copy that finds no frame changes nothing.
static void test_share_last(void **state)
{
    (void)state;
    struct mems_engine *engine = test_engine("paging", exact);
    struct mems_space *a = test_space(engine), *b = test_space(engine);
    mems_addr x = test_alloc(a, 128 * 4), y;
    write_all(a, x, 128 * 4, 1);
    assert_int_equal(mems_share(a, x, b, MEMS_READ | MEMS_WRITE, &y), 0);
    mems_addr filler = test_alloc(a, 128 * 4);
    assert_int_equal(mems_write(b, y, "!", 1), ENOMEM);
    read_all(b, y, 128 * 4, 1);
    uintptr_t frame = test_host(b, y);
    assert_int_equal(mems_release(a, x), 0);
    write_all(b, y, 128 * 4, 2);
    assert_int_equal(test_host(b, y), frame);
    assert_int_equal(test_stats(engine).copy_faults, 0);
    assert_int_equal(mems_release(a, filler), 0);
    test_checked(engine, true);
    mems_engine_close(engine);
}

// Frames that this thread's magazines hold are given up before a copy or a share is refused.
static void test_hoard(void **state)
{
    (void)state;
    struct mems_engine *engine = test_engine("paging", "page=128,frames=8");
    struct mems_space *a = test_space(engine), *b = test_space(engine);
    mems_addr x = test_alloc(a, 128 * 2), y, other[6];
    write_all(a, x, 256, 1);
    for (size_t i = 0; i < 6; i++) {
        other[i] = test_alloc(b, 100);
    }
    assert_int_equal(mems_share(a, x, b, MEMS_READ | MEMS_WRITE, &y), 0);
    assert_int_equal(mems_write(b, y, "!", 1), ENOMEM);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(mems_release(b, other[i]), 0);
    }
    assert_true(test_stats(engine).cached_blocks > 0);
#ifndef MEMS_HOSTILE // whose magazines are too small to hold all
    assert_int_equal(test_stats(engine).free_bytes, 0);
#endif
    write_all(b, y, 256, 2);
    read_all(a, x, 256, 1);
    test_checked(engine, true);
    mems_engine_close(engine);
}

static void test_rights(void **state)
{
    (void)state;
    struct mems_engine *engine = test_engine("paging", "page=4Ki");
    struct mems_space *space = test_space(engine);
    mems_addr addr = test_alloc(space, 5000);
    write_all(space, addr, 4000, 1);
    assert_int_equal(mems_protect(space, addr, MEMS_READ), 0);
    assert_int_equal(mems_write(space, addr + 4500, "!", 1), EACCES);
    read_all(space, addr, 4000, 1);
    assert_int_equal(mems_protect(space, addr, 0), 0);
    assert_int_equal(mems_read(space, addr, &(char){0}, 1), EACCES);
    assert_int_equal(mems_protect(space, addr, MEMS_READ | MEMS_WRITE), 0);
    write_all(space, addr, 4000, 2);
    assert_int_equal(mems_read(space, addr + 4999, &(char[2]){0}, 2), ERANGE);
    mems_engine_close(engine);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        const char *options, *said;
    } cases[] = {
        {"frames=0", "frames"},
        {"capacity=0", "capacity"},
        {"page=5000", "power of two"},
        {"page=32", "page"},
        {"page=4Mi", "page"},
        {"frames=10,capacity=1Mi", "capacity"},
        {"capacity=4095", "capacity=4095: too small, at least 4096 bytes"},
        {"frames=3,arenas=4", "too few"},
        {"page=2Mi,frames=4294967294", "64Ti"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct mems_config config = {.policy = "paging", .options = cases[i].options};
        struct mems_engine *engine;
        assert_int_equal(mems_engine_open(&config, &engine), EINVAL);
        test_require(strstr(mems_complaint(), cases[i].said) != NULL, "%s: %s", cases[i].options,
                     mems_complaint());
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_last_page),  cmocka_unit_test(test_textbook_tables),
        cmocka_unit_test(test_processes),  cmocka_unit_test(test_all_or_nothing),
        cmocka_unit_test(test_resize),     cmocka_unit_test(test_share),
        cmocka_unit_test(test_share_last), cmocka_unit_test(test_rights),
        cmocka_unit_test(test_hoard),      cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
