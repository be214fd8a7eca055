// SPDX-License-Identifier: MIT
//
// test_pace.c - intended starts: how far apart they are, and what waiting for them does.

#include "workload/pace.h"

#include <math.h>
#include <pthread.h>

#include "measure/clock.h"
#include "support/test.h"

static uint64_t origin;
static bool stop;
static unsigned ticks;

static void tick(void *arg)
{
    (void)arg;
    __atomic_fetch_add(&ticks, 1, __ATOMIC_RELAXED);
}

static void open_pace(struct pace *pace, uint64_t rate, enum pace_arrival arrival)
{
    pace_init(pace, rate, arrival, 1, 0, 1);
    pace->origin_ns = &origin;
    pace->stop = &stop;
    pace->tick = tick;
    origin = clock_monotonic_ns();
    stop = false;
    ticks = 0;
}

// A rate that does not divide a second does not drift.
static void test_fixed(void **state)
{
    (void)state;
    struct pace pace;
    pace_init(&pace, 3, PACE_FIXED, 1, 0, 1);
    assert_int_equal(pace_next(&pace), 0);
    assert_int_equal(pace_next(&pace), 333333333);
    assert_int_equal(pace_next(&pace), 666666666);
    assert_int_equal(pace_next(&pace), 1000000000);
    pace.index = 3 * UINT64_C(1000000000);
    assert_int_equal(pace_next(&pace), UINT64_C(1000000000) * 1000000000);
}

// Threads do not start all at once.
static void test_phases(void **state)
{
    (void)state;
    struct pace first, second;
    pace_init(&first, 1000, PACE_FIXED, 1, 1, 4);
    pace_init(&second, 1000, PACE_FIXED, 1, 2, 4);
    assert_int_equal(pace_next(&first), 250000);
    assert_int_equal(pace_next(&second), 500000);
    assert_int_equal(pace_next(&first), 1250000);
}

// Exponential distances: their mean and their standard deviation are both 1/rate.
static void test_poisson(void **state)
{
    (void)state;
    enum { COUNT = 100000 };
    struct pace pace, again, other;
    pace_init(&pace, 1000000, PACE_POISSON, 7, 0, 2);
    pace_init(&again, 1000000, PACE_POISSON, 7, 0, 2);
    pace_init(&other, 1000000, PACE_POISSON, 7, 1, 2);
    double last = 0;
    double squares = 0;
    unsigned same = 0;
    for (unsigned i = 0; i < COUNT; i++) {
        uint64_t at = pace_next(&pace);
        assert_int_equal(at, pace_next(&again));
        same += at == pace_next(&other);
        double distance = pace.elapsed_ns - last;
        assert_true(distance > 0);
        squares += distance * distance;
        last = pace.elapsed_ns;
    }
    double mean = last / COUNT;
    assert_true(fabs(mean - 1000) < 20); // six standard errors
    assert_true(fabs(sqrt(squares / COUNT - mean * mean) - 1000) < 30);
    assert_true(same < COUNT / 100);
}

static void test_nobody_starts_early(void **state)
{
    (void)state;
    struct pace pace;
    open_pace(&pace, 2000, PACE_FIXED);
    for (unsigned i = 0; i < 20; i++) {
        pace_wait(&pace);
        uint64_t now = clock_monotonic_ns();
        assert_true(now >= origin + i * UINT64_C(500000));
        assert_true(pace.lag_ns <= now - origin - i * UINT64_C(500000));
    }
}

// What comes behind its time starts at once, is counted, and keeps its place in the plan.
static void test_late(void **state)
{
    (void)state;
    struct pace pace;
    open_pace(&pace, 1000, PACE_FIXED);
    origin -= 10500000; // ten and a half intended starts ago
    for (unsigned i = 0; i <= 10; i++) {
        pace_wait(&pace);
        assert_true(pace.lag_ns >= 10500000 - i * UINT64_C(1000000));
    }
    assert_true(pace.late >= 11);
    assert_int_equal(pace.index, 11);
    assert_int_equal(pace.begun, 11);
}

static void test_before_the_threads_begin(void **state)
{
    (void)state;
    struct pace pace;
    open_pace(&pace, 1, PACE_FIXED);
    origin = 0;
    for (unsigned i = 0; i < 1000; i++) {
        pace_wait(&pace);
    }
    assert_int_equal(pace.index, 0);
    assert_int_equal(pace.late, 0);
    assert_int_equal(pace.lag_ns, 0);
}

// What is left in the plan, by drawing it.
static uint64_t count_left(struct pace pace, uint64_t until)
{
    uint64_t left = 0;
    while (pace_next(&pace) < until) {
        left++;
    }
    return left;
}

static void test_missed(void **state)
{
    (void)state;
    static const uint64_t rates[] = {1, 3, 7777, 1000000};
    static const uint64_t ends[] = {0, 1, 333333333, 333333334, 500000000, 1000000000};
    for (unsigned i = 0; i < 4 * 6 * 2; i++) {
        struct pace pace;
        pace_init(&pace, rates[i / 12], i % 2 == 0 ? PACE_FIXED : PACE_POISSON, 1, i % 3, 3);
        for (unsigned told = 0; told < 3; told++) {
            uint64_t until = ends[i / 2 % 6];
            assert_int_equal(pace_missed(&pace, until), count_left(pace, until));
            pace_next(&pace);
        }
    }
    struct pace fast;
    pace_init(&fast, 100000000, PACE_POISSON, 1, 0, 1);
    assert_int_equal(pace_missed(&fast, 1000000000), 100000000); // too many to draw
}

// A step is one start, whatever it does.
static void test_inside_a_step(void **state)
{
    (void)state;
    struct pace pace;
    open_pace(&pace, 1, PACE_FIXED);
    pace_wait(&pace);
    uint64_t lag = pace.lag_ns;
    pace.inside = true;
    for (unsigned i = 0; i < 1000; i++) {
        pace_wait(&pace); // would take as many seconds
    }
    assert_int_equal(pace.index, 1);
    assert_int_equal(pace.begun, 1);
    assert_int_equal(pace.lag_ns, lag);
}

static void *wait_long(void *arg)
{
    struct pace *pace = arg;
    pace_wait(pace);
    pace_wait(pace); // a whole second on
    return NULL;
}

// The watchdog sees that it waits on purpose; a stop ends the wait.
static void test_stop(void **state)
{
    (void)state;
    struct pace pace;
    pthread_t thread;
    open_pace(&pace, 1, PACE_FIXED);
    origin += 3600 * UINT64_C(1000000000);
    pthread_create(&thread, NULL, wait_long, &pace);
    while (__atomic_load_n(&ticks, __ATOMIC_RELAXED) < 2) {
        sched_yield();
    }
    __atomic_store_n(&stop, true, __ATOMIC_RELAXED);
    pthread_join(thread, NULL);
    assert_int_equal(pace.lag_ns, 0);
    assert_int_equal(pace.late, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixed),
        cmocka_unit_test(test_phases),
        cmocka_unit_test(test_poisson),
        cmocka_unit_test(test_nobody_starts_early),
        cmocka_unit_test(test_late),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_missed),
        cmocka_unit_test(test_inside_a_step),
        cmocka_unit_test(test_before_the_threads_begin),
    };
    clock_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
