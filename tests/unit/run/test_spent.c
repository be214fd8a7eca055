// SPDX-License-Identifier: MIT
//
// test_spent.c - a worker's CPU time is that of all the threads it has been.

#include "run/spent.h"

#include <time.h>

#include "support/test.h"

#define THREADS 3

static uint64_t own_cpu_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static uint64_t spent_by_threads; // each adds its own while it is the worker

static void *live(void *arg)
{
    struct spent *spent = arg;
    struct spent_time seen;
    uint64_t began = own_cpu_ns();
    spent_begin(spent);
    while (own_cpu_ns() - began < 2000000) {
    }
    spent_read(spent, &seen);
    assert_true(seen.cpu_ns >= spent_by_threads + 2000000); // of the running one too
    spent_by_threads += own_cpu_ns() - began;
    spent_end(spent);
    return NULL;
}

static void test_threads_add_up(void **state)
{
    (void)state;
    struct spent spent;
    struct spent_time time;
    spent_init(&spent);
    spent_read(&spent, &time);
    assert_int_equal(time.cpu_ns, 0);
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_t thread;
        pthread_create(&thread, NULL, live, &spent);
        pthread_join(thread, NULL);
        spent_read(&spent, &time);
        assert_true(time.cpu_ns >= spent_by_threads);
    }
    struct spent_time again;
    spent_read(&spent, &again);
    assert_int_equal(again.cpu_ns, time.cpu_ns); // nobody works
    assert_int_equal(again.runqueue_ns, time.runqueue_ns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_threads_add_up)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
