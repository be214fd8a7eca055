// SPDX-License-Identifier: MIT
//
// test_relocation.c - the four steps on one word, in every order that an access or a release can
// come between; then threads that hold a word against a mover.

#include "support/engine.h"

#include <pthread.h>
#include <stdatomic.h>

#include "memory/descriptor.h"
#include "memory/relocation.h"
#include "sync/section.h"

static uint64_t at(enum descriptor_state state, uint64_t place)
{
    return descriptor_word(state, 7, place);
}

static void test_undisturbed(void **state)
{
    (void)state;
    char from[64] = "bytes that move", to[64] = "";
    uint64_t word = at(DESCRIPTOR_RESIDENT, 1);
    assert_true(relocation_mark(&word, at(DESCRIPTOR_RESIDENT, 1), at(DESCRIPTOR_MOVING, 1)));
    assert_int_equal(word, at(DESCRIPTOR_MOVING, 1));
    relocation_wait();
    relocation_copy(to, from, sizeof to);
    assert_memory_equal(to, from, sizeof to);
    assert_true(relocation_publish(&word, at(DESCRIPTOR_MOVING, 1), at(DESCRIPTOR_RESIDENT, 2)));
    assert_int_equal(word, at(DESCRIPTOR_RESIDENT, 2));
}

static void test_changed_before(void **state)
{
    (void)state;
    uint64_t word = at(DESCRIPTOR_CACHED, 1);
    assert_false(relocation_mark(&word, at(DESCRIPTOR_RESIDENT, 1), at(DESCRIPTOR_MOVING, 1)));
    assert_int_equal(word, at(DESCRIPTOR_CACHED, 1));
}

// An access: the old place again, and the move has failed.
static void test_cancelled(void **state)
{
    (void)state;
    uint64_t old = at(DESCRIPTOR_RESIDENT, 1), moving = at(DESCRIPTOR_MOVING, 1), word = old;
    assert_true(relocation_mark(&word, old, moving));
    assert_int_equal(relocation_cancel(&word, moving, old), old);
    assert_int_equal(word, old);
    assert_false(relocation_publish(&word, moving, at(DESCRIPTOR_RESIDENT, 2)));
    assert_int_equal(word, old);
    assert_int_equal(relocation_cancel(&word, moving, old), old); // a second one is too late
}

// An access that comes after the publish goes on at the new place; after a release nowhere.
static void test_late(void **state)
{
    (void)state;
    uint64_t old = at(DESCRIPTOR_RESIDENT, 1), moving = at(DESCRIPTOR_MOVING, 1), word = old;
    assert_true(relocation_mark(&word, old, moving));
    assert_true(relocation_publish(&word, moving, at(DESCRIPTOR_RESIDENT, 2)));
    assert_int_equal(relocation_cancel(&word, moving, old), at(DESCRIPTOR_RESIDENT, 2));
    word = old;
    assert_true(relocation_mark(&word, old, moving));
    word = at(DESCRIPTOR_CACHED, 1); // released
    assert_int_equal(relocation_cancel(&word, moving, old), at(DESCRIPTOR_CACHED, 1));
    assert_false(relocation_publish(&word, moving, at(DESCRIPTOR_RESIDENT, 2)));
    assert_int_equal(word, at(DESCRIPTOR_CACHED, 1));
}

static void test_copy_sizes(void **state)
{
    (void)state;
    static char from[5000], to[5000];
    for (size_t i = 0; i < sizeof from; i++) {
        from[i] = (char)test_stamp_byte(1, i);
    }
    for (size_t length = 0; length < sizeof from - 8; length = length * 2 + 1) {
        memset(to, 0x55, sizeof to);
        relocation_copy(to + 3, from + 1, length);
        assert_memory_equal(to + 3, from + 1, length);
        assert_int_equal(to[2], 0x55);
        assert_int_equal(to[length + 3], 0x55);
    }
}

// ---- under load ---------------------------------------------------------------------------------

enum { THREADS = 3, ROUNDS = 20000 / MEMS_TEST_SCALE, PLACES = 8 };

static struct {
    uint64_t word; // [atomic] place: an index of `count`
    uint64_t count[PLACES];
    atomic_ulong added, cancels;
    atomic_bool over;
} load;

// In one section: finds the place as an access does and adds one there.
static void *adder(void *arg)
{
    (void)arg;
    while (!atomic_load(&load.over)) {
        section_begin();
        uint64_t word = load_acquire(&load.word);
        unsigned tries = 0;
        while (descriptor_state(word) == DESCRIPTOR_MOVING) {
            word =
                relocation_cancel(&load.word, word, descriptor_turned(word, DESCRIPTOR_RESIDENT));
            atomic_fetch_add(&load.cancels, 1);
            tries++;
        }
        test_require(tries <= RELOCATION_CANCELS, "%u tries", tries);
        __atomic_fetch_add(&load.count[word & DESCRIPTOR_PLACE_MASK], 1, __ATOMIC_RELAXED);
        section_end();
        atomic_fetch_add(&load.added, 1);
    }
    return NULL;
}

static void test_load(void **state)
{
    (void)state;
    pthread_t ids[THREADS];
    uint64_t moved = 0, abandoned = 0;
    memset(&load, 0, sizeof load);
    load.word = at(DESCRIPTOR_RESIDENT, 0);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&ids[i], NULL, adder, NULL), 0);
    }
    for (uint64_t i = 0; i < ROUNDS || moved == 0 || abandoned == 0; i++) {
        uint64_t old = load_relaxed(&load.word), place = old & DESCRIPTOR_PLACE_MASK;
        uint64_t next = (place + 1) % PLACES;
        uint64_t moving = descriptor_turned(old, DESCRIPTOR_MOVING);
        test_require(relocation_mark(&load.word, old, moving), "only a mover marks");
        relocation_wait();
        relocation_copy(&load.count[next], &load.count[place], sizeof load.count[0]);
        bool done = relocation_publish(&load.word, moving, at(DESCRIPTOR_RESIDENT, next));
        moved += done;
        abandoned += !done;
    }
    atomic_store(&load.over, true);
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(ids[i], NULL);
    }
    assert_int_equal(load.count[load.word & DESCRIPTOR_PLACE_MASK], atomic_load(&load.added));
    assert_true(atomic_load(&load.cancels) >= abandoned);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_undisturbed), cmocka_unit_test(test_changed_before),
        cmocka_unit_test(test_cancelled),   cmocka_unit_test(test_late),
        cmocka_unit_test(test_copy_sizes),  cmocka_unit_test(test_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
