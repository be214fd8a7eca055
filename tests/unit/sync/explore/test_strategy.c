// SPDX-License-Identifier: MIT
//
// test_strategy.c - PCT finds planted bugs as often as its guarantee says; whom the walk takes.

#include "unit/sync/explore/toy.h"

#include "sync/atomic.h"
#include "sync/explore/strategy.h"

#define STEPS 3 // that have no part in the bug

static uint64_t a, b;
static uint64_t idle[2]; // one a thread: steps that meet nobody's
static bool seen;

static void steps(int number)
{
    for (int i = 0; i < STEPS; i++) {
        if (i % 2 == 0) {
            (void)load_relaxed(&idle[number]);
        } else {
            store_relaxed(&idle[number], 1);
        }
    }
}

static bool is_seen(void)
{
    return seen;
}

// Depth 2: the look must come between two stores of the other.
static void work_two(void *arg)
{
    int number = *(int *)arg;
    steps(number);
    if (number == 0) {
        store_relaxed(&a, 1);
        store_relaxed(&a, 0);
    } else {
        seen = load_relaxed(&a) != 0;
    }
    steps(number);
}

// Depth 3: and the first one's look between two stores of the second, which come after its own.
static void work_three(void *arg)
{
    int number = *(int *)arg;
    steps(number);
    if (number == 0) {
        store_relaxed(&a, 1);
        store_relaxed(&a, 0);
        steps(number);
        seen = load_relaxed(&b) != 0;
    } else {
        bool open = load_relaxed(&a) != 0;
        store_relaxed(&b, open);
        store_relaxed(&b, 0);
    }
    steps(number);
}

// How many of `seeds` schedules see it; k is the most that some schedules of that kind have had.
static unsigned found(const struct toy *toy, unsigned depth, unsigned seeds, uint64_t *points)
{
    struct mems_schedule schedule = {.strategy = MEMS_SCHEDULE_PCT, .depth = depth, .points = 20};
    *points = 0;
    for (schedule.seed = 1; schedule.seed <= 20; schedule.seed++) {
        uint64_t had = toy_run(toy, &schedule).totals.points;
        *points = had > *points ? had : *points;
    }
    schedule.points = *points;
    return toy_count(toy, schedule, seeds, TOY_WRONG);
}

// At least 1 / (n k^(d-1)) of the schedules, and half of that is asked for. Seeds are fixed and no
// build has other points, so the figure is always the same one: the work is not scaled.
static void test_depth_two(void **state)
{
    (void)state;
    const struct toy toy = {2, work_two, is_seen};
    uint64_t points;
    unsigned seeds = 1000, count = found(&toy, 2, seeds, &points);
    assert_true(count > 0 && 2 * (uint64_t)count * 2 * points >= seeds);
}

static void test_depth_three(void **state)
{
    (void)state;
    const struct toy toy = {2, work_three, is_seen};
    uint64_t points;
    unsigned seeds = 3000, count = found(&toy, 3, seeds, &points);
    assert_true(count > 0 && 2 * (uint64_t)count * 2 * points * points >= seeds);
}

// Depth 1 has no change of priority: one thread after the other, in either order.
static void test_depth_one(void **state)
{
    (void)state;
    const struct toy toy = {2, work_two, is_seen};
    uint64_t points;
    assert_int_equal(found(&toy, 1, 200 / MEMS_TEST_SCALE, &points), 0);
}

// Half of the draws keep the thread that runs; the others take each as often as the next.
static void test_walk(void **state)
{
    (void)state;
    struct mems_schedule schedule = {.seed = 5};
    struct strategy strategy;
    struct strategy_thread threads[4] = {{0}};
    struct strategy_thread *const list[] = {&threads[0], &threads[1], &threads[2], &threads[3]};
    unsigned counts[4] = {0}, able;
    strategy_init(&strategy, &schedule);
    for (unsigned i = 0; i < 4; i++) {
        threads[i].able = i != 2;
    }
    for (unsigned i = 0; i < 30000; i++) {
        int chosen = strategy_choose(&strategy, list, 4, 0, i, &able);
        assert_in_range(chosen, 0, 3);
        counts[chosen]++;
    }
    assert_int_equal(able, 3);
    assert_int_equal(counts[2], 0);
    assert_in_range(counts[0], 19500, 20500); // six standard deviations
    assert_in_range(counts[1], 4600, 5400);
    assert_in_range(counts[3], 4600, 5400);
}

// Who has just said that there is nothing to do does not go on more often than others.
static void test_walk_of_an_idle(void **state)
{
    (void)state;
    struct mems_schedule schedule = {.seed = 5};
    struct strategy strategy;
    struct strategy_thread threads[2] = {{.able = true}, {.able = true}};
    struct strategy_thread *const list[] = {&threads[0], &threads[1]};
    unsigned count = 0, able;
    strategy_init(&strategy, &schedule);
    for (unsigned i = 0; i < 16000; i++) {
        threads[0].idle = true;
        count += strategy_choose(&strategy, list, 2, 0, i, &able) == 0;
    }
    assert_in_range(count, 800, 1200); // one in sixteen
}

static void test_nobody_able(void **state)
{
    (void)state;
    for (unsigned kind = MEMS_SCHEDULE_RANDOM; kind <= MEMS_SCHEDULE_PCT; kind++) {
        struct mems_schedule schedule = {.strategy = (enum mems_schedule_strategy)kind, .depth = 1};
        struct strategy strategy;
        struct strategy_thread thread = {.able = false};
        struct strategy_thread *const list[] = {&thread};
        unsigned able = 1;
        strategy_init(&strategy, &schedule);
        assert_int_equal(strategy_choose(&strategy, list, 1, 0, 1, &able), -1);
        assert_int_equal(able, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_depth_one),       cmocka_unit_test(test_depth_two),
        cmocka_unit_test(test_depth_three),     cmocka_unit_test(test_walk),
        cmocka_unit_test(test_walk_of_an_idle), cmocka_unit_test(test_nobody_able),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
