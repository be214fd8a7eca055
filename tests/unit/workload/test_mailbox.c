// SPDX-License-Identifier: MIT
//
// test_mailbox.c - what is put is taken once, each putter's in its order; a gate opens when the
// last has come or left.

#include <pthread.h>

#include "support/test.h"
#include "workload/gate.h"
#include "workload/mailbox.h"

#define PUTTERS 3u
#define LETTERS 5000u
#define ROUNDS  300u

static void test_capacity(void **state)
{
    (void)state;
    assert_int_equal(mailbox_capacity(1), 1);
    assert_int_equal(mailbox_capacity(2), 2);
    assert_int_equal(mailbox_capacity(3), 4);
    assert_int_equal(mailbox_capacity(65), 128);
}

static void test_in_order_and_empty(void **state)
{
    (void)state;
    struct mailbox mailbox;
    struct mailbox_place places[4];
    int letters[11];
    mailbox_init(&mailbox, places, 4);
    assert_null(mailbox_take(&mailbox));
    for (unsigned i = 0; i + 4 <= 11; i++) {
        for (unsigned j = 0; j < 4; j++) {
            mailbox_put(&mailbox, &letters[i + j]);
        }
        for (unsigned j = 0; j < 4; j++) {
            assert_ptr_equal(mailbox_take(&mailbox), &letters[i + j]);
        }
        assert_null(mailbox_take(&mailbox));
    }
}

struct letter {
    unsigned putter, number;
    bool away; // [atomic]
};

static struct mailbox shared;

// Has two letters, and waits until one is back.
static void *put_letters(void *argument)
{
    unsigned self = *(unsigned *)argument;
    static struct letter letters[PUTTERS][2];
    for (unsigned i = 0; i < LETTERS; i++) {
        struct letter *letter = &letters[self][i % 2];
        unsigned turns = 0;
        while (__atomic_load_n(&letter->away, __ATOMIC_ACQUIRE)) {
            ring_pause(&turns);
        }
        letter->putter = self;
        letter->number = i;
        __atomic_store_n(&letter->away, true, __ATOMIC_RELAXED);
        mailbox_put(&shared, letter);
    }
    return NULL;
}

static void test_many_putters(void **state)
{
    (void)state;
    static struct mailbox_place places[2 * PUTTERS + 2];
    pthread_t threads[PUTTERS];
    unsigned numbers[PUTTERS];
    unsigned next[PUTTERS] = {0};
    mailbox_init(&shared, places, mailbox_capacity((uint64_t)2 * PUTTERS));
    for (unsigned i = 0; i < PUTTERS; i++) {
        numbers[i] = i;
        pthread_create(&threads[i], NULL, put_letters, &numbers[i]);
    }
    unsigned turns = 0;
    for (unsigned taken = 0; taken < PUTTERS * LETTERS;) {
        struct letter *letter = mailbox_take(&shared);
        if (letter == NULL) {
            ring_pause(&turns);
            continue;
        }
        assert_int_equal(letter->number, next[letter->putter]++);
        __atomic_store_n(&letter->away, false, __ATOMIC_RELEASE);
        taken++;
    }
    for (unsigned i = 0; i < PUTTERS; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_null(mailbox_take(&shared));
}

// ---- the gate -----------------------------------------------------------------------------------

static struct gate gate;
static unsigned plain[PUTTERS]; // [gate] each written by one between two meetings

// One half of them sleeps at the gate.
static void meet_others(unsigned self)
{
    uint64_t phase;
    if (self % 2 == 0) {
        gate_meet(&gate);
    } else if (gate_arrive(&gate, &phase)) {
        gate_open(&gate);
    } else {
        gate_wait(&gate, phase);
    }
}

// Member i takes part in ROUNDS / (i + 1) rounds, and sees what others did before each meeting.
static void *meet(void *argument)
{
    unsigned self = *(unsigned *)argument;
    unsigned rounds = ROUNDS / (self + 1);
    for (unsigned round = 1; round <= rounds; round++) {
        plain[self] = round;
        meet_others(self);
        for (unsigned i = 0; i < PUTTERS; i++) {
            unsigned seen = plain[i];
            unsigned last = ROUNDS / (i + 1);
            if (seen != (round < last ? round : last)) {
                return argument;
            }
        }
        meet_others(self);
    }
    gate_leave_open(&gate);
    return NULL;
}

static void test_a_gate_may_be_left(void **state)
{
    (void)state;
    pthread_t threads[PUTTERS];
    unsigned numbers[PUTTERS];
    gate_init(&gate, PUTTERS);
    for (unsigned i = 0; i < PUTTERS; i++) {
        numbers[i] = i;
        pthread_create(&threads[i], NULL, meet, &numbers[i]);
    }
    for (unsigned i = 0; i < PUTTERS; i++) {
        void *wrong;
        pthread_join(threads[i], &wrong);
        assert_null(wrong);
    }
    assert_int_equal(gate.members, 0);
    assert_int_equal(gate.phase, 2 * ROUNDS);
}

static void test_the_last_one_is_told(void **state)
{
    (void)state;
    struct gate two;
    uint64_t phase, other;
    gate_init(&two, 2);
    assert_false(gate_arrive(&two, &phase));
    assert_false(gate_passed(&two, phase));
    assert_true(gate_arrive(&two, &other));
    gate_open(&two);
    assert_true(gate_passed(&two, phase) && gate_passed(&two, other));
    assert_false(gate_arrive(&two, &phase));
    assert_true(gate_leave(&two)); // the other one waits, and nobody else will come
    gate_open(&two);
    assert_true(gate_passed(&two, phase));
    assert_false(gate_leave(&two));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_capacity),
        cmocka_unit_test(test_in_order_and_empty),
        cmocka_unit_test(test_many_putters),
        cmocka_unit_test(test_a_gate_may_be_left),
        cmocka_unit_test(test_the_last_one_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
