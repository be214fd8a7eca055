// SPDX-License-Identifier: MIT
//
// test_op.c - operations are counted, accounted, timed as often as said, and noted; whether they
// are timed or checked changes nothing of what is asked of the target.

#include "workload/op.h"

#include <math.h>

#include "unit/workload/fake_run.h"

#define SLOTS 50

static struct slot slots[SLOTS];

static void open_slots(void)
{
    memset(slots, 0, sizeof slots);
    for (uint32_t i = 0; i < SLOTS; i++) {
        slots[i].id = i;
    }
}

// Random operations by one worker on the slots.
static void stir(struct worker *worker, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct slot *slot = &slots[random_below(&worker->random, SLOTS)];
        size_t size = 1 + random_below(&worker->random, 500);
        if (slot->size == 0) {
            random_below(&worker->random, 4) == 0 ? op_alloc_zeroed(worker, slot, size)
                                                  : op_alloc(worker, slot, size, 0);
        } else if (random_below(&worker->random, 3) == 0) {
            op_resize(worker, slot, size);
        } else {
            op_free(worker, slot);
        }
    }
}

static void drain(struct worker *worker)
{
    for (unsigned i = 0; i < SLOTS; i++) {
        if (slots[i].size > 0) {
            op_free(worker, &slots[i]);
        }
    }
}

static uint64_t live_bytes(void)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < SLOTS; i++) {
        sum += slots[i].size;
    }
    return sum;
}

static void test_account_follows_and_drains_to_zero(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    for (unsigned check = 0; check <= CHECK_OVERLAP; check++) {
        struct op_totals totals;
        fake_open(3, check, check % CHECK_TOUCHES, 0);
        open_slots();
        for (unsigned i = 0; i < 3; i++) {
            random_init(&fake_workers[i].random, seed, i, check);
        }
        for (unsigned round = 0; round < 30; round++) {
            stir(&fake_workers[round % 3], 200);
            op_total(fake_workers, 3, &totals);
            assert_int_equal(totals.requested_bytes, live_bytes());
            assert_true(totals.taken_bytes >= totals.requested_bytes);
        }
        if (check > 0) { // then every block is measured, and the sum is exact
            uint64_t taken = 0;
            for (unsigned i = 0; i < SLOTS; i++) {
                taken += (slots[i].size + 63) / 64 * 64;
            }
            assert_int_equal(totals.taken_bytes, taken);
        }
        drain(&fake_workers[0]);
        op_total(fake_workers, 3, &totals);
        assert_int_equal(totals.requested_bytes, 0);
        assert_int_equal(totals.taken_bytes, 0);
        uint64_t measured = 0, taken = 0;
        for (unsigned i = 0; i < 3; i++) {
            measured += fake_workers[i].measured_bytes;
            taken += fake_workers[i].taken_bytes;
        }
        assert_int_equal(measured, 0);
        assert_int_equal(taken, 0);
        assert_int_equal(totals.count[OP_ALLOC],
                         totals.count[OP_FREE] + totals.count[OP_FREE_REMOTE]);
        assert_true(totals.count[OP_FREE_REMOTE] > 0 && totals.count[OP_FREE] > 0);
        assert_true(totals.count[OP_RESIZE] > 0);
        assert_int_equal(totals.operations, 2 * totals.count[OP_ALLOC] + totals.count[OP_RESIZE]);
    }
}

static void test_whose_free_it_is(void **state)
{
    (void)state;
    fake_open(2, 0, 0, 0);
    open_slots();
    for (unsigned i = 0; i < 3; i++) {
        op_alloc(&fake_workers[0], &slots[i], 10, 0);
    }
    op_free(&fake_workers[0], &slots[0]);
    op_free(&fake_workers[1], &slots[1]);
    slots[2].flags |= SLOT_INHERITED;
    op_free(&fake_workers[0], &slots[2]);
    assert_int_equal(fake_workers[0].count[OP_FREE], 1);
    assert_int_equal(fake_workers[0].count[OP_FREE_REMOTE], 1);
    assert_int_equal(fake_workers[1].count[OP_FREE_REMOTE], 1);
    op_alloc(&fake_workers[0], &slots[2], 10, 0); // the mark goes with the block
    op_free(&fake_workers[0], &slots[2]);
    assert_int_equal(fake_workers[0].count[OP_FREE], 2);
}

static void test_refusals_are_counted_and_nothing_else(void **state)
{
    (void)state;
    for (unsigned check = 0; check <= CHECK_OVERLAP; check += CHECK_OVERLAP) {
        struct op_totals totals;
        fake_open(1, check, 0, 1);
        open_slots();
        op_alloc(&fake_workers[0], &slots[0], 100, 0);
        fake_spoil.alloc_error = fake_spoil.resize_error = ENOMEM;
        for (unsigned i = 1; i < 5; i++) {
            assert_int_equal(op_alloc(&fake_workers[0], &slots[1], 10, 0), ENOMEM);
            assert_int_equal(op_alloc_zeroed(&fake_workers[0], &slots[1], 10), ENOMEM);
            assert_int_equal(op_resize(&fake_workers[0], &slots[0], 1000), ENOMEM);
            assert_int_equal(slots[1].size, 0);
            assert_int_equal(slots[0].size, 100);
        }
        op_total(fake_workers, 1, &totals);
        assert_int_equal(totals.refused, 12);
        assert_int_equal(totals.operations, 1);
        assert_int_equal(totals.requested_bytes, 100);
        const struct history *history = &fake_histories[0];
        assert_int_equal(history->count, 13);
        assert_int_equal(history_read(history, 12).kind, HISTORY_REFUSED);
        op_free(&fake_workers[0], &slots[0]);
    }
}

static uint64_t timed(void)
{
    uint64_t sum = 0;
    for (unsigned kind = 0; kind < OP_KINDS; kind++) {
        sum += fake_latencies[0][kind].count;
    }
    return sum;
}

static void test_latency_is_taken_as_often_as_said(void **state)
{
    (void)state;
    enum { COUNT = 64000 / MEMS_TEST_SCALE };
    for (unsigned check = 0; check < 2; check++) {
        fake_open(1, check, 0, 0);
        open_slots();
        stir(&fake_workers[0], COUNT);
        assert_int_equal(timed(), 0);
        drain(&fake_workers[0]);
        fake_open(1, check, 0, 1);
        open_slots();
        stir(&fake_workers[0], COUNT);
        assert_int_equal(timed(), COUNT);
        assert_int_equal(fake_latencies[0][OP_RESIZE].count, fake_workers[0].count[OP_RESIZE]);
        drain(&fake_workers[0]);
        fake_open(1, check, 0, 16);
        open_slots();
        stir(&fake_workers[0], COUNT);
        // Strides are uniform in 1 .. 31: the count of 4,000 spreads by 36; ten spreads are
        // allowed.
        double expected = COUNT / 16.0;
        double spread = 10 * 0.58 * sqrt(expected);
        assert_true((double)timed() > expected - spread && (double)timed() < expected + spread);
        drain(&fake_workers[0]);
    }
}

// A workload's rhythm of two cannot hide one of its kinds from a sample of one in two.
static void test_rhythm_does_not_hide(void **state)
{
    (void)state;
    fake_open(1, 0, 0, 2);
    open_slots();
    for (unsigned i = 0; i < 10000; i++) {
        op_alloc(&fake_workers[0], &slots[0], 10, 0);
        op_free(&fake_workers[0], &slots[0]);
    }
    assert_true(fake_latencies[0][OP_ALLOC].count > 4000);
    assert_true(fake_latencies[0][OP_FREE].count > 4000);
}

static void test_block_sizes_are_asked_seldom_without_checks(void **state)
{
    (void)state;
    struct op_totals totals;
    fake_open(1, 0, 0, 0);
    open_slots();
    static struct slot many[20000];
    for (unsigned i = 0; i < 20000; i++) {
        op_alloc(&fake_workers[0], &many[i], 40, 0); // takes 64
    }
    assert_true(fake_spoil.block_size_calls > 50 && fake_spoil.block_size_calls < 500);
    op_total(fake_workers, 1, &totals);
    assert_int_equal(totals.requested_bytes, 20000 * 40);
    assert_in_range(totals.taken_bytes, 20000 * 64 - 1, 20000 * 64 + 1);
    for (unsigned i = 0; i < 20000; i++) {
        op_free(&fake_workers[0], &many[i]);
    }
    op_total(fake_workers, 1, &totals);
    assert_int_equal(totals.taken_bytes, 0);
}

static uint64_t asked_with(unsigned check, unsigned touch, uint32_t latency_every)
{
    fake_open(1, check, touch, latency_every);
    open_slots();
    stir(&fake_workers[0], 20000 / MEMS_TEST_SCALE);
    uint64_t asked = fake_spaces[0].asked;
    drain(&fake_workers[0]);
    return asked;
}

static void test_measuring_does_not_change_the_operations(void **state)
{
    (void)state;
    uint64_t asked = asked_with(0, 0, 0);
    assert_int_equal(asked_with(0, 0, 1), asked);
    assert_int_equal(asked_with(0, 0, 100), asked);
    assert_int_equal(asked_with(4, CHECK_TOUCH_FULL, 7), asked);
}

static void test_history_says_what_was_done(void **state)
{
    (void)state;
    for (volatile unsigned check = 0; check <= CHECK_OVERLAP; check += CHECK_OVERLAP) {
        fake_open(1, check, 0, 0);
        open_slots();
        struct worker *worker = &fake_workers[0];
        op_alloc(worker, &slots[7], 100, 0);
        uint64_t first = slots[7].block;
        op_resize(worker, &slots[7], 300);
        op_touch(worker, &slots[7], 299, true);
        op_verify(worker, &slots[7]);
        op_free(worker, &slots[7]);
        struct history_operation entry[7];
        static const uint32_t kinds[] = {OP_ALLOC, OP_RESIZE, HISTORY_TOUCH, HISTORY_VERIFY,
                                         OP_FREE};
        assert_int_equal(fake_histories[0].count, 5);
        for (unsigned i = 0; i < 5; i++) {
            entry[i] = history_read(&fake_histories[0], i);
            assert_int_equal(entry[i].kind, kinds[i]);
            assert_int_equal(entry[i].slot, 7);
            assert_int_equal(entry[i].generation, 1);
        }
        assert_int_equal(entry[0].block, first);
        assert_int_equal(entry[0].size, 100);
        assert_int_equal(entry[4].size, 300);
        // What fails is the entry at `count`: begun, not ended.
        op_alloc(worker, &slots[8], 50, 0);
        fake_spoil.release_error = EINVAL;
        FAKE_FAILS("target", op_free(worker, &slots[8]));
        assert_int_equal(fake_histories[0].count, 6);
        entry[6] = history_read(&fake_histories[0], 6);
        assert_int_equal(entry[6].kind, OP_FREE);
        assert_int_equal(entry[6].block, slots[8].block);
    }
}

static void test_history_goes_round(void **state)
{
    (void)state;
    fake_open(1, 0, 0, 0);
    open_slots();
    for (unsigned i = 0; i < HISTORY_LENGTH; i++) {
        op_alloc(&fake_workers[0], &slots[0], 1 + i, 0);
        op_free(&fake_workers[0], &slots[0]);
    }
    assert_int_equal(fake_histories[0].count, 2 * HISTORY_LENGTH);
    assert_int_equal(history_read(&fake_histories[0], 0).size, 1 + HISTORY_LENGTH / 2);
    assert_int_equal(history_read(&fake_histories[0], HISTORY_LENGTH - 1).size, HISTORY_LENGTH);
}

// A block in one piece lies where its bytes do; one in pieces, or without bytes, where its name
// says.
static int moved_alloc(void *space, size_t size, size_t align, uint64_t *block)
{
    (void)space;
    (void)size;
    (void)align;
    *block = 77;
    return 0;
}

static void *moved_access_begin(void *space, uint64_t block, size_t offset, bool write,
                                size_t *span)
{
    static char memory[100];
    (void)space;
    (void)block;
    (void)write;
    *span = sizeof memory - offset;
    return memory + offset;
}

static void test_where_a_block_lies(void **state)
{
    (void)state;
    struct target_ops ops = fake_ops;
    struct slot slot = {0};
    fake_open(1, 0, 0, 0);
    struct worker *worker = &fake_workers[0];
    ops.alloc = moved_alloc;
    ops.access_begin = moved_access_begin;
    ops.block_size = NULL;
    worker->ops = &ops;
    op_alloc(worker, &slot, 100, 0);
    size_t span;
    fake_spoil.accesses = 1;
    uint64_t place = (uint64_t)(uintptr_t)moved_access_begin(NULL, 77, 0, false, &span);
    assert_int_equal(op_place(worker, &slot), place);
    assert_int_equal(fake_spoil.accesses, 0);
    slot.size = 101; // which runs on elsewhere
    fake_spoil.accesses = 1;
    assert_int_equal(op_place(worker, &slot), 77);
    ops.no_memory = true;
    assert_int_equal(op_place(worker, &slot), 77);
    assert_int_equal(fake_spoil.accesses, 0);
    ops.no_memory = false;
    ops.access_begin = fake_access_begin;
    fake_spoil.unreachable = true;
    FAKE_FAILS("access", op_place(worker, &slot));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_account_follows_and_drains_to_zero),
        cmocka_unit_test(test_whose_free_it_is),
        cmocka_unit_test(test_refusals_are_counted_and_nothing_else),
        cmocka_unit_test(test_latency_is_taken_as_often_as_said),
        cmocka_unit_test(test_rhythm_does_not_hide),
        cmocka_unit_test(test_block_sizes_are_asked_seldom_without_checks),
        cmocka_unit_test(test_measuring_does_not_change_the_operations),
        cmocka_unit_test(test_history_says_what_was_done),
        cmocka_unit_test(test_history_goes_round),
        cmocka_unit_test(test_where_a_block_lies),
    };
    clock_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
