// SPDX-License-Identifier: MIT
//
// test_schedule.c - the hostile build's delays follow their seed; other builds have none.

#include "support/test.h"

#include <sched.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sync/lock.h"
#include "sync/schedule.h"

static bool yielded;
static unsigned yields;

// Stands before the C library's: the steps that give the CPU away are seen here.
int sched_yield(void)
{
    yielded = true;
    yields++;
    return 0;
}

static void lock_a_thousand_times(void)
{
    struct lock lock = LOCK_READY(LOCK_POOL, "pool");
    yields = 0;
    for (unsigned i = 0; i < 1000; i++) {
        lock_lock(&lock);
        lock_unlock(&lock);
    }
}

#ifdef MEMS_HOSTILE
// Which of 64 steps of a fresh process yield.
static uint64_t pattern(const char *seed)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        uint64_t bits = 0;
        (void)setenv("MEMS_SCHEDULE_SEED", seed, 1);
        for (unsigned i = 0; i < 64; i++) {
            yielded = false;
            schedule_step("step");
            bits = bits << 1 | yielded;
        }
        _exit(write(ends[1], &bits, sizeof bits) == (ssize_t)sizeof bits ? 0 : 1);
    }
    uint64_t bits = 0;
    close(ends[1]);
    assert_int_equal(read(ends[0], &bits, sizeof bits), (ssize_t)sizeof bits);
    close(ends[0]);
    assert_int_equal(waitpid(child, NULL, 0), child);
    return bits;
}

// First: the process's own stream must not have begun.
static void test_seeds(void **state)
{
    (void)state;
    uint64_t one = pattern("1");
    assert_int_equal(pattern("1"), one);
    assert_int_not_equal(pattern("2"), one);
    assert_int_equal(pattern("rubbish"), one); // no number: 1
    assert_int_not_equal(one, 0);
    assert_int_not_equal(one, UINT64_MAX);
}

static void test_locks_yield(void **state)
{
    (void)state;
    lock_a_thousand_times();
    assert_in_range(yields, 100, 500); // 2000 steps, one in eight
}
#else
static void test_no_delays(void **state)
{
    (void)state;
    schedule_step("step");
    schedule_point("load", "word");
    lock_a_thousand_times();
    assert_int_equal(yields, 0);
    assert_false(yielded);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
#ifdef MEMS_HOSTILE
        cmocka_unit_test(test_seeds),
        cmocka_unit_test(test_locks_yield),
#else
        cmocka_unit_test(test_no_delays),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
