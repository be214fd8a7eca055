// SPDX-License-Identifier: MIT
//
// test_thread.c - numbers are given out, kept apart and reused; hooks run once, at the end.

#include "support/test.h"

#include <limits.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sync/section.h"
#include "sync/thread.h"

static char trail[16]; // the hooks that ran, in order, where one thread runs at a time
static bool crowded;   // several do: no trail
static uint32_t number_in_hook;

static void note(char what)
{
    if (crowded) {
        return;
    }
    size_t length = strlen(trail);
    assert_true(length + 1 < sizeof trail);
    trail[length] = what;
}

static void hook_a(void)
{
    note('a');
}

static void hook_b(void)
{
    thread_registry_lock(); // not held by the caller
    thread_registry_unlock();
    if (!crowded) {
        number_in_hook = thread_number();
    }
    note('b');
}

static void *run(void *body)
{
    ((void (*)(void))(uintptr_t)body)();
    return NULL;
}

static void in_thread(void (*body)(void))
{
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, run, (void *)(uintptr_t)body), 0);
    pthread_join(thread, NULL);
}

// With every pthread key taken there are no numbers, and sections work nonetheless.
static void without_keys(void)
{
    pthread_key_t key;
    while (pthread_key_create(&key, NULL) == 0) {
    }
    bool good = thread_number() == 0 && thread_number() == 0;
    section_begin();
    section_begin();
    section_end();
    good = good && section_inside();
    section_end();
    section_wait();
    _exit(good ? 42 : 1);
}

// First of all: nothing may have made the key yet.
static void test_no_key(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        without_keys();
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 42);
}

// ---- registration that comes back to itself -----------------------------------------------------

#ifndef TEST_SANITIZED // a sanitizer brings its own calloc
static bool calloc_watched;
static unsigned callocs;
static uint32_t number_in_calloc = 77;

void *__libc_calloc(size_t count, size_t size);

// Stands before the C library's, as an allocator's own calloc would, and wants a number.
void *calloc(size_t count, size_t size)
{
    if (calloc_watched) {
        number_in_calloc = thread_number();
        callocs++;
    }
    return __libc_calloc(count, size);
}

static void with_a_late_key(void)
{
    pthread_key_t key; // setspecific has room for 32 keys and allocates for those after
    for (unsigned i = 0; i < 40; i++) {
        (void)pthread_key_create(&key, NULL);
    }
    calloc_watched = true;
    uint32_t number = thread_number();
    bool good = callocs == 1 && number_in_calloc == 0 && number == 1 && thread_number() == 1;
    _exit(good ? 42 : 1);
}

static void test_setspecific_allocates(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        with_a_late_key();
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 42);
}
#endif

// ---- hooks and numbers --------------------------------------------------------------------------

static uint32_t number_seen;

static void take_number(void)
{
    number_seen = thread_number();
    assert_int_equal(thread_number(), number_seen);
}

static void test_hooks(void **state)
{
    (void)state;
    assert_true(thread_at_exit(hook_a));
    assert_true(thread_at_exit(hook_b));
    assert_true(thread_at_exit(hook_a)); // again: nothing new
    memset(trail, 0, sizeof trail);
    in_thread(take_number);
    assert_string_equal(trail, "ba"); // latest first, each once
    assert_int_equal(number_in_hook, number_seen);
}

static void do_nothing(void)
{
}

static void test_unknown_thread_runs_no_hooks(void **state)
{
    (void)state;
    memset(trail, 0, sizeof trail);
    in_thread(do_nothing);
    assert_string_equal(trail, "");
}

static void test_numbers_are_reused(void **state)
{
    (void)state;
    in_thread(take_number);
    uint32_t first = number_seen;
    assert_true(first != 0);
    for (unsigned i = 0; i < 200; i++) {
        memset(trail, 0, sizeof trail);
        in_thread(take_number);
        assert_int_equal(number_seen, first);
    }
}

#define CROWD 40u

static pthread_barrier_t gate;

static void *keep_number(void *argument)
{
    *(uint32_t *)argument = thread_number();
    pthread_barrier_wait(&gate); // all have theirs
    pthread_barrier_wait(&gate); // the test has looked
    return NULL;
}

static void test_numbers_differ(void **state)
{
    (void)state;
    crowded = true;
    for (unsigned round = 0; round < 3; round++) {
        pthread_t threads[CROWD];
        uint32_t numbers[CROWD];
        pthread_barrier_init(&gate, NULL, CROWD + 1);
        for (size_t i = 0; i < CROWD; i++) {
            assert_int_equal(pthread_create(&threads[i], NULL, keep_number, &numbers[i]), 0);
        }
        pthread_barrier_wait(&gate);
        bool seen[CROWD + 2] = {false};
        for (size_t i = 0; i < CROWD; i++) {
            assert_in_range(numbers[i], 1, CROWD + 1); // no more than threads alive
            assert_false(seen[numbers[i]]);
            seen[numbers[i]] = true;
        }
        pthread_barrier_wait(&gate);
        for (size_t i = 0; i < CROWD; i++) {
            pthread_join(threads[i], NULL);
        }
        pthread_barrier_destroy(&gate);
    }
    crowded = false;
}

// ---- threads that go on after their end ---------------------------------------------------------

// A sanitizer takes its own leave of a thread in the last round; nothing of ours can run after
// that.
#ifdef TEST_SANITIZED
#define LATE_ROUNDS (PTHREAD_DESTRUCTOR_ITERATIONS - 1u)
#else
#define LATE_ROUNDS (PTHREAD_DESTRUCTOR_ITERATIONS + 0u)
#endif

static pthread_key_t late_key;
static unsigned late_rounds;
static uint32_t late_numbers[LATE_ROUNDS];

// Comes back in every round of destructors.
static void late(void *value)
{
    late_numbers[late_rounds] = thread_number();
    section_begin();
    section_end();
    late_rounds++;
    if (late_rounds < LATE_ROUNDS) {
        (void)pthread_setspecific(late_key, value);
    }
}

static void end_late(void)
{
    assert_int_equal(pthread_setspecific(late_key, &late_key), 0);
}

static void begin_early_end_late(void)
{
    take_number();
    section_begin();
    section_end();
    end_late();
}

static void run_late(void (*body)(void))
{
    memset(trail, 0, sizeof trail);
    late_rounds = 0;
    in_thread(body);
    assert_int_equal(late_rounds, LATE_ROUNDS);
    section_wait(); // nobody is left behind in liburcu's list
}

// Known while it ran: the hooks run once, and from then on it has no number.
static void test_known_thread_ends_late(void **state)
{
    (void)state;
    assert_int_equal(pthread_key_create(&late_key, late), 0);
    for (unsigned i = 0; i < 50; i++) {
        run_late(begin_early_end_late);
        assert_string_equal(trail, "ba");
        for (unsigned round = 1; round < LATE_ROUNDS; round++) {
            assert_int_equal(late_numbers[round], 0);
        }
    }
    pthread_key_delete(late_key);
}

// First known in a destructor: the hooks still run, in the next round.
static void test_thread_known_late(void **state)
{
    (void)state;
    assert_int_equal(pthread_key_create(&late_key, late), 0);
    for (unsigned i = 0; i < 50; i++) {
        run_late(end_late);
        assert_string_equal(trail, "ba");
        assert_true(late_numbers[0] != 0);
        assert_int_equal(late_numbers[LATE_ROUNDS - 1], 0);
    }
    pthread_key_delete(late_key);
    in_thread(take_number);
    assert_in_range(number_seen, 1, 2); // and no number was lost
}

// ---- limits -------------------------------------------------------------------------------------

#define HOOK(n)                                                                                    \
    static void extra_##n(void)                                                                    \
    {                                                                                              \
    }
HOOK(0)
HOOK(1)
HOOK(2)
HOOK(3)
HOOK(4)
HOOK(5)
HOOK(6)
HOOK(7)

// Last: it fills the table for good.
static void test_too_many_hooks(void **state)
{
    (void)state;
    void (*const extras[])(void) = {extra_0, extra_1, extra_2, extra_3,
                                    extra_4, extra_5, extra_6, extra_7};
    unsigned added = 0;
    while (added < 8 && thread_at_exit(extras[added])) {
        added++;
    }
    assert_int_equal(added, THREAD_HOOKS - 3); // a, b and the sections' are there
    assert_true(thread_at_exit(hook_a));
    memset(trail, 0, sizeof trail);
    in_thread(take_number);
    assert_string_equal(trail, "ba");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_key),
#ifndef TEST_SANITIZED
        cmocka_unit_test(test_setspecific_allocates),
#endif
        cmocka_unit_test(test_hooks),
        cmocka_unit_test(test_unknown_thread_runs_no_hooks),
        cmocka_unit_test(test_numbers_are_reused),
        cmocka_unit_test(test_numbers_differ),
        cmocka_unit_test(test_known_thread_ends_late),
        cmocka_unit_test(test_thread_known_late),
        cmocka_unit_test(test_too_many_hooks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
