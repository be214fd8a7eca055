// SPDX-License-Identifier: MIT
//
// test_textbook.c - the textbooks' exercises on placement, with the textbooks' answers.
//
// Memory is laid out with the holes of the exercise, a block of one unit between two of them; each
// answer is the size of the hole that a request was put into, 0 where it had to wait.

#include "support/engine.h"

enum { UNIT = 1024, HOLES_MOST = 16 };

struct memory {
    struct mems_engine *engine;
    struct mems_space *space;
    size_t count; // pieces seen
    struct mems_extent pieces[2 * HOLES_MOST + 4];
};

static int see_piece(const struct mems_extent *extent, void *arg)
{
    struct memory *memory = arg;
    memory->pieces[memory->count++] = *extent;
    return memory->count == sizeof memory->pieces / sizeof memory->pieces[0];
}

static void look(struct memory *memory)
{
    memory->count = 0;
    assert_int_equal(mems_walk(memory->engine, see_piece, memory), 0);
}

static void expect_holes(struct memory *memory, const unsigned *sizes, size_t count)
{
    size_t next = 0;
    look(memory);
    for (size_t i = 0; i < memory->count; i++) {
        if (memory->pieces[i].piece == MEMS_PIECE_HOLE) {
            assert_true(next < count);
            assert_int_equal(memory->pieces[i].size, (uint64_t)sizes[next] * UNIT);
            next++;
        }
    }
    assert_int_equal(next, count);
}

// Opens an engine whose only holes are these. The last allocation is the block before hole
// `last`, or the last block of memory when there is no such hole.
static void lay_out(struct memory *memory, const char *fit, const unsigned *holes, size_t count,
                    size_t last)
{
    uint64_t whole = 0;
    for (size_t i = 0; i < count; i++) {
        whole += holes[i] + 1;
    }
    char options[100];
    snprintf(options, sizeof options, "fit=%s,capacity=%" PRIu64 ",thread_cache=no", fit,
             (whole + 4) / 4 * 4 * UNIT);
    memory->engine = test_engine("dynamic", options);
    memory->space = test_space(memory->engine);
    mems_addr hole[HOLES_MOST], wall[HOLES_MOST];
    for (size_t i = 0; i < count; i++) {
        hole[i] = test_alloc(memory->space, (size_t)holes[i] * UNIT);
        wall[i] = test_alloc(memory->space, UNIT);
    }
    test_alloc(memory->space, (size_t)((whole + 4) / 4 * 4 - whole) * UNIT);
    if (last < count) { // take the wall away, and put it there again
        assert_int_equal(mems_release(memory->space, wall[last - 1]), 0);
        wall[last - 1] = test_alloc(memory->space, UNIT);
    }
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(mems_release(memory->space, hole[i]), 0);
    }
    expect_holes(memory, holes, count);
}

static void close_memory(struct memory *memory)
{
    test_checked(memory->engine, true);
    mems_space_close(memory->space);
    mems_engine_close(memory->engine);
}

// The size of the hole that starts where the next block will: found by the block's own place.
static unsigned place(struct memory *memory, unsigned size)
{
    struct memory before = *memory;
    look(&before);
    mems_addr addr = 0;
    int error = mems_alloc(memory->space, (size_t)size * UNIT, 0, &addr);
    if (error != 0) {
        assert_int_equal(error, ENOMEM);
        return 0;
    }
    uintptr_t host = test_host(memory->space, addr);
    for (size_t i = 0; i < before.count; i++) {
        if ((uintptr_t)before.pieces[i].host == host) {
            assert_int_equal(before.pieces[i].piece, MEMS_PIECE_HOLE);
            return (unsigned)(before.pieces[i].size / UNIT);
        }
    }
    fail_msg("%u was put where no hole began", size);
    return 0;
}

struct exercise {
    const char *fit;
    unsigned answers[5];
    unsigned left[6]; // holes afterwards; ends with 0, all 0: not told
};

static void solve(const struct exercise *exercise, const unsigned *holes, size_t count,
                  const unsigned *requests, size_t requests_count)
{
    struct memory memory;
    lay_out(&memory, exercise->fit, holes, count, count);
    for (size_t i = 0; i < requests_count; i++) {
        assert_int_equal(place(&memory, requests[i]), exercise->answers[i]);
    }
    size_t left = 0;
    while (left < 6 && exercise->left[left] != 0) {
        left++;
    }
    if (left > 0) {
        expect_holes(&memory, exercise->left, left);
    }
    close_memory(&memory);
}

static void test_silberschatz(void **state)
{
    (void)state;
    static const unsigned holes[] = {100, 500, 200, 300, 600};
    static const unsigned requests[] = {212, 417, 112, 426};
    static const struct exercise exercises[] = {
        {"first", {500, 600, 288, 0}, {100, 176, 200, 300, 183}},
        {"best", {300, 500, 200, 600}, {100, 83, 88, 88, 174}},
        {"worst", {600, 500, 388, 0}, {100, 83, 200, 300, 276}},
        {"next", {500, 600, 183, 0}, {0}},
    };
    for (size_t i = 0; i < sizeof exercises / sizeof exercises[0]; i++) {
        solve(&exercises[i], holes, 5, requests, 4);
    }
}

static void test_six_holes(void **state)
{
    (void)state;
    static const unsigned holes[] = {300, 600, 350, 200, 750, 125};
    static const unsigned requests[] = {115, 500, 358, 200, 375};
    static const struct exercise exercises[] = {
        {"first", {300, 600, 750, 350, 392}, {0}},
        {"best", {125, 600, 750, 200, 392}, {0}},
        {"worst", {750, 635, 600, 350, 0}, {0}},
    };
    for (size_t i = 0; i < sizeof exercises / sizeof exercises[0]; i++) {
        solve(&exercises[i], holes, 6, requests, 5);
    }
}

static void test_stallings(void **state)
{
    (void)state;
    static const unsigned holes[] = {8, 12, 22, 18, 8, 6, 14, 36};
    static const struct {
        const char *fit;
        unsigned answer;
    } answers[] = {{"best", 18}, {"first", 22}, {"next", 36}};
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        struct memory memory;
        lay_out(&memory, answers[i].fit, holes, 8, 7);
        assert_int_equal(place(&memory, 16), answers[i].answer);
        close_memory(&memory);
    }
}

static void test_fixed_partitions(void **state)
{
    (void)state;
    struct mems_engine *engine =
        test_engine("fixed", "partition=256Ki,count=4,thread_cache=no,queue=one");
    struct mems_space *space = test_space(engine);
    enum { PARTITION = 256 * 1024 };
    mems_addr first = test_alloc(space, PARTITION);
    uintptr_t base = test_host(space, first);
    mems_addr second = test_alloc(space, PARTITION);
    assert_int_equal(test_host(space, second) - base, PARTITION);
    assert_int_equal(mems_release(space, first), 0);
    mems_addr third = test_alloc(space, PARTITION);
    assert_int_equal(test_host(space, third), base);
    test_alloc(space, PARTITION);
    test_alloc(space, PARTITION);
    mems_addr fifth = 0;
    assert_int_equal(mems_alloc(space, PARTITION, 0, &fifth), ENOMEM); // no partition is free
    assert_int_equal(mems_release(space, 0xdeadbeefdeadu), EFAULT);    // never heard of
    test_checked(engine, true);
    mems_engine_close(engine);
}

// The part of the exercise that comes before its compaction.
static void test_before_compaction(void **state)
{
    (void)state;
    struct memory memory = {.engine =
                                test_engine("dynamic", "fit=first,capacity=1Mi,thread_cache=no")};
    memory.space = test_space(memory.engine);
    mems_addr p1 = test_alloc(memory.space, 200 * UNIT);
    uintptr_t base = test_host(memory.space, p1);
    mems_addr p2 = test_alloc(memory.space, 300 * UNIT);
    mems_addr p3 = test_alloc(memory.space, 100 * UNIT);
    assert_int_equal(test_host(memory.space, p3) - base, 500 * UNIT);
    assert_int_equal(mems_release(memory.space, p2), 0);
    mems_addr p4 = test_alloc(memory.space, 150 * UNIT);
    assert_int_equal(test_host(memory.space, p4) - base, 200 * UNIT);
    assert_int_equal(mems_release(memory.space, p1), 0);
    static const unsigned holes[] = {200, 150, 424};
    expect_holes(&memory, holes, 3);
    close_memory(&memory);
}

// One megabyte of buddies: where blocks go, and what is free after each step.
static void test_buddies(void **state)
{
    (void)state;
    struct memory memory = {.engine =
                                test_engine("dynamic", "fit=buddy,capacity=1Mi,thread_cache=no")};
    memory.space = test_space(memory.engine);
    static const struct {
        char name;
        unsigned size;  // 0: the block is released
        unsigned place; // of the block
        unsigned taken; // bytes of the block
        unsigned holes[6];
    } steps[] = {
        {'A', 100, 0, 128, {128, 256, 512}}, {'B', 240, 256, 256, {128, 512}},
        {'C', 64, 128, 64, {64, 512}},       {'D', 256, 512, 256, {64, 256}},
        {'B', 0, 0, 0, {64, 256, 256}},      {'A', 0, 0, 0, {128, 64, 256, 256}},
        {'E', 75, 0, 128, {64, 256, 256}},   {'C', 0, 0, 0, {128, 256, 256}},
        {'E', 0, 0, 0, {512, 256}},          {'D', 0, 0, 0, {1024}},
    };
    mems_addr blocks['E' + 1] = {0};
    uintptr_t base = 0;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        mems_addr *block = &blocks[(size_t)steps[i].name];
        size_t holes = 0, taken = 0;
        if (steps[i].size == 0) {
            assert_int_equal(mems_release(memory.space, *block), 0);
        } else {
            *block = test_alloc(memory.space, (size_t)steps[i].size * UNIT);
            base = base == 0 ? test_host(memory.space, *block) : base;
            assert_int_equal(test_host(memory.space, *block) - base,
                             (uintptr_t)steps[i].place * UNIT);
            assert_int_equal(mems_block_size(memory.space, *block, NULL, &taken), 0);
            assert_int_equal(taken, (size_t)steps[i].taken * UNIT);
        }
        while (holes < 6 && steps[i].holes[holes] != 0) {
            holes++;
        }
        expect_holes(&memory, steps[i].holes, holes);
        test_checked(memory.engine, true);
    }
    close_memory(&memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_silberschatz),      cmocka_unit_test(test_six_holes),
        cmocka_unit_test(test_stallings),         cmocka_unit_test(test_fixed_partitions),
        cmocka_unit_test(test_before_compaction), cmocka_unit_test(test_buddies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
