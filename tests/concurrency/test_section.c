// SPDX-License-Identifier: MIT
//
// test_section.c - old copies are written only after a grace period, and no reader sees it.
//
// The copies are plain memory: under TSan this test fails when sync/section.c does not tell it what
// the end of a section and a grace period order; elsewhere a reader sees a torn or poisoned pair
// when the wait does not wait.

#include "support/test.h"

#include <pthread.h>
#include <sched.h>

#include "sync/atomic.h"
#include "sync/section.h"

#define READERS 3u
#define MOVES   (1000u / MEMS_TEST_SCALE)
#define LOOKS   20u
#define POISON  UINT64_MAX

struct pair {
    uint64_t left;
    uint64_t right;
};

static struct pair copies[2];
static struct pair *current; // [atomic]
static uint32_t done;        // [atomic]
static uint32_t readings;    // [atomic]

static void *read_on(void *argument)
{
    uintptr_t wrong = 0;
    (void)argument;
    while (load_relaxed(&done) == 0) {
        section_begin();
        const struct pair *pair = load_acquire(&current); // [A:pair]
        uint64_t left = pair->left;
        for (unsigned look = 0; look < LOOKS; look++) {
            sched_yield(); // gives the mover its chance in the middle of a section
            wrong += pair->left != left || pair->right != left;
        }
        section_end();
        (void)add_relaxed(&readings, 1u);
    }
    return (void *)wrong;
}

static void test_publication(void **state)
{
    (void)state;
    store_release(&current, &copies[0]);
    pthread_t threads[READERS];
    for (size_t i = 0; i < READERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, read_on, NULL), 0);
    }
    for (uint64_t move = 1; move <= MOVES || load_relaxed(&readings) < 1000; move++) {
        struct pair *old = &copies[(move - 1) % 2];
        struct pair *new = &copies[move % 2];
        new->left = move;
        new->right = move;
        store_release(&current, new); // [R:pair]
        section_wait();
        old->left = POISON;
        old->right = POISON - 1;
    }
    store_relaxed(&done, 1u);
    uintptr_t wrong = 0;
    for (size_t i = 0; i < READERS; i++) {
        void *result;
        pthread_join(threads[i], &result);
        wrong += (uintptr_t)result;
    }
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_publication)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
