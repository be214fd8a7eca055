// SPDX-License-Identifier: MIT
//
// test_check.c - every check passes on a right target and fails on the one sin it is there for.

#include "check/check.h"

#include "unit/workload/fake_run.h"

static struct slot slot, other;

static struct worker *open_worker(unsigned check)
{
    fake_open(2, check, CHECK_TOUCH_NONE, 0);
    fake_ops.usable = fake_usable;
    slot = (struct slot){.id = 1};
    other = (struct slot){.id = 2};
    return &fake_workers[0];
}

static uint8_t *byte_at(size_t offset)
{
    return (uint8_t *)fake_host(slot.block) + offset;
}

// A block's whole life at each level, in pieces of several sizes: nothing to complain of.
static void test_a_right_target_passes(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 7, 8, 15, 16, 33, 64, 65, 255, 600, 4096, 20000};
    static const size_t spans[] = {0, 1, 7, 64, 1000};
    for (unsigned check = 0; check <= CHECK_OVERLAP; check++) {
        for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            for (unsigned j = 0; j < sizeof spans / sizeof spans[0]; j++) {
                struct worker *worker = open_worker(check);
                worker->touch = i % CHECK_TOUCHES;
                fake_spoil.span = spans[j];
                assert_int_equal(i % 2 == 0 ? op_alloc(worker, &slot, sizes[i], 0)
                                            : op_alloc_zeroed(worker, &slot, sizes[i]),
                                 0);
                op_touch(worker, &slot, sizes[i] / 2, true);
                op_touch(worker, &slot, sizes[i] - 1, false);
                op_verify(worker, &slot);
                assert_int_equal(op_resize(worker, &slot, 1 + 2 * sizes[i]), 0);
                op_verify(worker, &slot);
                assert_int_equal(op_resize(worker, &slot, 1 + sizes[i] / 3), 0);
                fake_spoil.resize_error = ENOMEM;
                assert_int_equal(op_resize(worker, &slot, 1), ENOMEM);
                assert_int_equal(op_resize(worker, &slot, 3 * sizes[i]), ENOMEM);
                op_free(worker, &slot);
                assert_int_equal(fake_spoil.accesses, 0);
            }
        }
    }
}

static void test_null(void **state)
{
    (void)state;
    struct worker *worker = open_worker(CHECK_POINTER);
    fake_spoil.unreachable = true;
    FAKE_FAILS("null", op_alloc(worker, &slot, 10, 0));
    worker = open_worker(CHECK_NONE);
    fake_spoil.unreachable = true;
    assert_int_equal(op_alloc(worker, &slot, 10, 0), 0); // nobody asked
}

static void test_alignment(void **state)
{
    (void)state;
    struct worker *worker = open_worker(CHECK_POINTER);
    fake_spoil.misalign = 8;
    FAKE_FAILS("alignment", op_alloc(worker, &slot, 16, 0));
    slot.size = 0;
    assert_int_equal(op_alloc(worker, &slot, 15, 0), 0); // 8 is enough below 16
    slot.size = 0;
    fake_spoil.misalign = 4;
    FAKE_FAILS("alignment", op_alloc(worker, &slot, 8, 0));
    slot.size = 0;
    assert_int_equal(op_alloc(worker, &slot, 7, 0), 0);
    slot.size = 0;
    // Of two neighbours 16 apart, one is not a multiple of 32.
    fake_spoil.misalign = 0;
    worker->check = 0;
    op_alloc(worker, &slot, 100, 0);
    worker->check = (unsigned)job_checks_of_level(CHECK_POINTER);
    slot.block += slot.block % 32 == 0 ? 16 : 0;
    FAKE_FAILS("alignment", check_allocated(worker, &slot, 32, false));
}

static void test_block_size(void **state)
{
    (void)state;
    struct worker *worker = open_worker(CHECK_POINTER);
    fake_spoil.block_size = 99;
    FAKE_FAILS("size", op_alloc(worker, &slot, 100, 0));
    assert_int_equal(fake_failure.expected, 100);
    assert_int_equal(fake_failure.found, 99);
}

static void test_calloc_is_zero(void **state)
{
    (void)state;
    struct worker *worker = open_worker(CHECK_POINTER);
    fake_spoil.dirty = true;
    FAKE_FAILS("calloc", op_alloc_zeroed(worker, &slot, 1000));
    assert_non_null(strstr(fake_failure_text, "byte 999 of 1000 is 0x01"));
    assert_int_equal(fake_spoil.accesses, 0);
}

static void test_resize_keeps_the_prefix(void **state)
{
    (void)state;
    for (volatile unsigned check = CHECK_POINTER; check <= CHECK_OVERLAP; check++) {
        for (volatile unsigned grow = 0; grow < 2; grow++) {
            struct worker *worker = open_worker(check);
            op_alloc(worker, &slot, 5000, 0);
            fake_spoil.short_copy = true;
            FAKE_FAILS("resize", op_resize(worker, &slot, grow ? 9000 : 700));
            assert_non_null(strstr(fake_failure_text, grow ? "byte 4999" : "byte 699"));
        }
    }
}

// Level 2 sees the ends, level 3 everything.
static void test_a_flipped_byte(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 2, 63, 64, 65, 100, 5000};
    for (unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        for (volatile size_t offset = 0; offset < sizes[i]; offset += 1 + sizes[i] / 97) {
            bool end = offset < 32 || sizes[i] - offset <= 32;
            struct worker *worker = open_worker(CHECK_WHOLE);
            op_alloc(worker, &slot, sizes[i], 0);
            *byte_at(offset) ^= 0x10;
            FAKE_FAILS(end ? "stamp" : "whole", op_free(worker, &slot));
            assert_int_equal(fake_failure.expected ^ 0x10, fake_failure.found);
            worker = open_worker(CHECK_EDGES);
            op_alloc(worker, &slot, sizes[i], 0);
            *byte_at(offset) ^= 0x10;
            if (end) {
                FAKE_FAILS("stamp", op_verify(worker, &slot));
                FAKE_FAILS("stamp", op_touch(worker, &slot, offset, false));
                FAKE_FAILS("stamp", op_resize(worker, &slot, 1));
            } else {
                op_free(worker, &slot);
            }
        }
    }
}

static struct worker *open_usable(unsigned check)
{
    fake_usable = true;
    return open_worker(check);
}

// Blocks of a target whose usable bytes are the caller's: a life each, and each byte of the spare.
static void test_spare_bytes(void **state)
{
    (void)state;
    static const size_t sizes[] = {1, 63, 64, 65, 100, 5000};
    for (volatile unsigned i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        size_t size = sizes[i], room = (size + 63) / 64 * 64;
        for (unsigned check = 0; check <= CHECK_OVERLAP; check++) {
            struct worker *worker = open_usable(check);
            op_alloc(worker, &slot, size, 0);
            op_verify(worker, &slot);
            op_resize(worker, &slot, 2 * size + 1); // the spare bytes are not kept
            op_resize(worker, &slot, size);
            fake_spoil.resize_error = ENOMEM;
            assert_int_equal(op_resize(worker, &slot, 3 * size), ENOMEM);
            op_free(worker, &slot);
        }
        for (volatile size_t offset = size; offset < room; offset++) {
            struct worker *worker = open_usable(CHECK_WHOLE);
            op_alloc(worker, &slot, size, 0);
            *byte_at(offset) ^= 0x10;
            FAKE_FAILS("usable", op_free(worker, &slot));
            worker = open_usable(CHECK_WHOLE); // a failed operation ends its worker
            op_alloc(worker, &slot, size, 0);
            *byte_at(offset) ^= 0x10;
            FAKE_FAILS("usable", op_resize(worker, &slot, 2 * size));
            worker = open_usable(CHECK_EDGES);
            op_alloc(worker, &slot, size, 0);
            *byte_at(offset) ^= 0x10;
            op_free(worker, &slot);
        }
    }
    fake_usable = false;
}

// Of much spare the first 256 bytes in every block, all of it in one of 64.
static void test_much_spare(void **state)
{
    (void)state;
    enum { ROOM = 6000, SIZE = 100, BLOCKS = 2000 };
    static uint8_t memory[FAKE_HEADER + ROOM];
    unsigned all = 0;
    struct worker *worker = open_usable(CHECK_WHOLE);
    size_t held = ROOM;
    memcpy(memory, &held, sizeof held);
    fake_spoil.block = (uint64_t)(uintptr_t)(memory + FAKE_HEADER);
    fake_spoil.block_size = ROOM;
    for (unsigned i = 0; i < BLOCKS; i++) {
        memset(memory + FAKE_HEADER, 0, ROOM);
        slot.size = 0;
        op_alloc(worker, &slot, SIZE, 0);
        size_t end = ROOM;
        while (end > 0 && memory[FAKE_HEADER + end - 1] == 0) {
            end--;
        }
        assert_true(end > SIZE + 256 - 8); // a stamp's byte may be 0
        assert_true(end <= SIZE + 256 || end > ROOM - 8);
        all += end > SIZE + 256;
    }
    assert_true(all > BLOCKS / 128 && all < BLOCKS / 32);
    fake_usable = false;
}

static void test_the_map_holds_what_is_usable(void **state)
{
    (void)state;
    struct worker *worker = open_usable(CHECK_OVERLAP);
    op_alloc(worker, &slot, 200, 0); // 256 are usable
    size_t size = 8;
    memcpy(byte_at(240 - FAKE_HEADER), &size, sizeof size);
    fake_spoil.block = slot.block + 240;
    FAKE_FAILS("overlap", op_alloc(worker, &other, size, 0));
    fake_usable = false;
}

// What a resize adds is touched like a new block's bytes, whatever is checked.
static void test_growth_is_touched(void **state)
{
    (void)state;
    for (unsigned check = 0; check <= CHECK_OVERLAP; check += CHECK_OVERLAP) {
        struct worker *worker = open_worker(check);
        worker->touch = CHECK_TOUCH_FULL;
        op_alloc(worker, &slot, 100, 0);
        assert_int_equal(op_resize(worker, &slot, 9000), 0);
        unsigned written = 0;
        for (size_t i = 100; i < 9000; i++) {
            written += *byte_at(i) != 0;
        }
        assert_true(written > 8500);
        op_free(worker, &slot);
    }
}

// The right bytes in the wrong block: a stamp of another generation.
static void test_a_stale_block(void **state)
{
    (void)state;
    struct worker *worker = open_worker(CHECK_EDGES);
    op_alloc(worker, &slot, 64, 0);
    slot.generation++;
    FAKE_FAILS("stamp", op_free(worker, &slot));
    assert_int_equal(fake_failure.slot, 1);
    assert_int_equal(fake_failure.size, 64);
    assert_int_equal(fake_failure.block, slot.block);
}

static void test_a_block_handed_out_twice(void **state)
{
    (void)state;
    struct worker *worker = open_worker(CHECK_OVERLAP);
    op_alloc(worker, &slot, 100, 0);
    fake_spoil.block = slot.block;
    FAKE_FAILS("overlap", op_alloc(&fake_workers[1], &other, 100, 0));
    assert_non_null(strstr(fake_failure_text, "handed out twice: it is the live block of slot 1"));
    assert_int_equal(fake_failure.slot, 2);
}

static void test_blocks_that_overlap(void **state)
{
    (void)state;
    struct worker *worker = open_worker(CHECK_OVERLAP);
    op_alloc(worker, &slot, 200, 0);
    // In the middle of the first, where its size is found too.
    size_t size = 64;
    memcpy(byte_at(160 - FAKE_HEADER), &size, sizeof size);
    fake_spoil.block = slot.block + 160;
    FAKE_FAILS("overlap", op_alloc(worker, &other, size, 0));
    assert_int_equal(fake_failure.found, slot.block + 160);
    assert_non_null(strstr(fake_failure_text, "overlaps the live block of slot 1"));
}

// The same after a refused resize, which must leave the block in the map.
static void test_overlap_after_a_refused_resize(void **state)
{
    (void)state;
    struct worker *worker = open_worker(CHECK_OVERLAP);
    op_alloc(worker, &slot, 100, 0);
    fake_spoil.resize_error = ENOMEM;
    assert_int_equal(op_resize(worker, &slot, 200), ENOMEM);
    fake_spoil.block = slot.block;
    FAKE_FAILS("overlap", op_alloc(worker, &other, 100, 0));
}

static void test_errors_of_the_target(void **state)
{
    (void)state;
    struct worker *worker = open_worker(CHECK_NONE);
    fake_spoil.alloc_error = EINVAL;
    FAKE_FAILS("target", op_alloc(worker, &slot, 100, 0));
    assert_non_null(strstr(fake_failure_text, "alloc failed: Invalid argument"));
    slot.size = 0;
    fake_spoil.alloc_error = 0;
    op_alloc(worker, &slot, 100, 0);
    fake_spoil.release_error = EALREADY;
    FAKE_FAILS("target", op_free(worker, &slot));
    fake_spoil.resize_error = ESTALE;
    FAKE_FAILS("target", op_resize(worker, &slot, 10));
}

static void test_unreachable_bytes(void **state)
{
    (void)state;
    for (volatile unsigned check = CHECK_NONE; check <= CHECK_OVERLAP; check++) {
        struct worker *worker = open_worker(check);
        op_alloc(worker, &slot, 100, 0);
        fake_spoil.unreachable = true;
        FAKE_FAILS("access", op_touch(worker, &slot, 50, false));
        FAKE_FAILS("access", op_touch(worker, &slot, 50, true));
    }
}

// ---- one check off ------------------------------------------------------------------------------

static struct worker *open_without(enum job_check off)
{
    fake_usable = true;
    struct worker *worker = open_worker(CHECK_OVERLAP);
    worker->check &= ~(unsigned)job_check_bit(off);
    return worker;
}

static void sin_null(struct worker *worker)
{
    fake_spoil.unreachable = true;
    check_allocated(worker, &slot, 0, false);
}

static void sin_alignment(struct worker *worker)
{
    fake_spoil.misalign = 8;
    op_alloc(worker, &slot, 100, 0);
    op_free(worker, &slot);
}

static void sin_size(struct worker *worker)
{
    fake_spoil.block_size = 99;
    op_alloc(worker, &slot, 100, 0);
    op_free(worker, &slot);
}

static void sin_calloc(struct worker *worker)
{
    fake_spoil.dirty = true;
    op_alloc_zeroed(worker, &slot, 1000);
    op_free(worker, &slot);
}

static void sin_resize(struct worker *worker)
{
    op_alloc(worker, &slot, 5000, 0);
    fake_spoil.short_copy = true; // its last byte
    op_resize(worker, &slot, 9000);
    op_free(worker, &slot);
}

static void sin_at(struct worker *worker, size_t offset)
{
    op_alloc(worker, &slot, 100, 0);
    *byte_at(offset) ^= 0x10;
    op_touch(worker, &slot, offset < 100 ? offset : 99, false);
    op_verify(worker, &slot);
    op_resize(worker, &slot, 3000);
    *byte_at(offset == 50 ? 1500 : 0) ^= offset < 100 ? 0x10 : 0;
    op_resize(worker, &slot, 1000 + offset);
    op_free(worker, &slot);
}

static void sin_stamp(struct worker *worker)
{
    sin_at(worker, 99);
}

static void sin_whole(struct worker *worker)
{
    sin_at(worker, 50);
}

static void sin_usable(struct worker *worker)
{
    sin_at(worker, 101);
}

// The same bytes twice, and the stamps of both the same: nobody but the map can tell.
static void sin_overlap(struct worker *worker)
{
    op_alloc(worker, &slot, 100, 0);
    other = (struct slot){.id = slot.id};
    fake_spoil.block = slot.block;
    op_alloc(worker, &other, 100, 0);
    op_verify(worker, &slot);
    check_freeing(worker, &other);
    op_free(worker, &slot);
}

// Each sin is seen by the one check that is there for it, and by none of the others.
static void test_each_check_alone(void **state)
{
    (void)state;
    static void (*const sins[])(struct worker * worker) = {
        [JOB_CHECK_MEMORY] = sin_null,     [JOB_CHECK_ALIGNMENT] = sin_alignment,
        [JOB_CHECK_SIZE] = sin_size,       [JOB_CHECK_CALLOC] = sin_calloc,
        [JOB_CHECK_RESIZE] = sin_resize,   [JOB_CHECK_STAMP] = sin_stamp,
        [JOB_CHECK_WHOLE] = sin_whole,     [JOB_CHECK_USABLE] = sin_usable,
        [JOB_CHECK_OVERLAP] = sin_overlap,
    };
    volatile unsigned sinned = 0;
    for (volatile unsigned i = 0; i < sizeof sins / sizeof sins[0]; i++) {
        for (volatile unsigned off = 0; off < sizeof sins / sizeof sins[0]; off++) {
            struct worker *worker = open_without((enum job_check)off);
            if (off == JOB_CHECK_MEMORY && i == JOB_CHECK_MEMORY) {
                worker->check &= (unsigned)job_checks_of_level(CHECK_POINTER); // the rest reads it
            }
            slot.size = i == JOB_CHECK_MEMORY ? 100 : 0;
            if (off == i) {
                sins[i](worker);
                sinned++;
            } else {
                FAKE_FAILS(job_checks[i].name, sins[i](worker));
            }
        }
    }
    assert_int_equal(sinned, 9);
    fake_usable = false;
}

// With any one off, a right target passes, and what is off is not done: no byte of it is written.
static void test_what_is_off_is_not_done(void **state)
{
    (void)state;
    for (unsigned off = 0; off < JOB_CHECK_COUNT; off++) {
        struct worker *worker = open_without((enum job_check)off);
        for (size_t size = 1; size < 20000; size = 1 + size * 3 / 2) {
            op_alloc_zeroed(worker, &slot, size);
            unsigned ends = 0, middle = 0;
            for (size_t i = 0; i < size; i++) {
                bool end = i < 32 || size - i <= 32;
                ends += end && *byte_at(i) != 0;
                middle += !end && *byte_at(i) != 0;
            }
            assert_true((ends == 0) == (off == JOB_CHECK_STAMP) || size < 3); // a byte may be 0
            assert_true((middle == 0) == (off == JOB_CHECK_WHOLE) || size < 67);
            op_touch(worker, &slot, size / 2, true);
            op_touch(worker, &slot, size / 2, false);
            op_verify(worker, &slot);
            op_resize(worker, &slot, 2 * size);
            op_resize(worker, &slot, 1 + size / 2);
            fake_spoil.resize_error = ENOMEM;
            op_resize(worker, &slot, 1);
            op_resize(worker, &slot, 5 * size);
            fake_spoil.resize_error = 0;
            op_free(worker, &slot);
        }
    }
    fake_usable = false;
}

// What each touch policy leaves in a block that held zeroes.
static void test_touches(void **state)
{
    (void)state;
    enum { SIZE = 10000 };
    for (unsigned touch = 0; touch < CHECK_TOUCHES; touch++) {
        struct worker *worker = open_worker(CHECK_NONE);
        op_alloc_zeroed(worker, &slot, SIZE);
        worker->touch = touch;
        check_touch(worker, &slot);
        unsigned written = 0;
        for (size_t i = 0; i < SIZE; i++) {
            written += *byte_at(i) != 0;
        }
        // A stamp's byte may be 0 itself.
        static const unsigned most[] = {0, 1, 2, 24, SIZE};
        assert_true(written <= most[touch]);
        assert_true(written * 10 >= most[touch] * 9 || most[touch] <= 24);
        assert_true(written > 0 || most[touch] < 3);
        op_free(worker, &slot);
    }
    assert_string_equal(check_touch_names[CHECK_TOUCH_PAGE], "page");
    assert_null(check_touch_names[CHECK_TOUCHES]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_right_target_passes),
        cmocka_unit_test(test_null),
        cmocka_unit_test(test_alignment),
        cmocka_unit_test(test_block_size),
        cmocka_unit_test(test_calloc_is_zero),
        cmocka_unit_test(test_resize_keeps_the_prefix),
        cmocka_unit_test(test_a_flipped_byte),
        cmocka_unit_test(test_spare_bytes),
        cmocka_unit_test(test_much_spare),
        cmocka_unit_test(test_the_map_holds_what_is_usable),
        cmocka_unit_test(test_growth_is_touched),
        cmocka_unit_test(test_a_stale_block),
        cmocka_unit_test(test_a_block_handed_out_twice),
        cmocka_unit_test(test_blocks_that_overlap),
        cmocka_unit_test(test_overlap_after_a_refused_resize),
        cmocka_unit_test(test_errors_of_the_target),
        cmocka_unit_test(test_unreachable_bytes),
        cmocka_unit_test(test_each_check_alone),
        cmocka_unit_test(test_what_is_off_is_not_done),
        cmocka_unit_test(test_touches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
