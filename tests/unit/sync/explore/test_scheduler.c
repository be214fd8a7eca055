// SPDX-License-Identifier: MIT
//
// test_scheduler.c - one thread at a time, and every way of getting stuck is found and named.

#include "unit/sync/explore/toy.h"

#include <errno.h>

#include "os/os.h"
#include "sync/atomic.h"
#include "sync/lock.h"
#include "sync/section.h"
#include "sync/thread.h"

#define SEEDS (200 / MEMS_TEST_SCALE)

static struct lock first = LOCK_READY(LOCK_POOL, "first");
static struct lock second = LOCK_READY(LOCK_POOL, "second");

static uint64_t word, other;
static uint32_t sleeping;
static bool broken;

// ---- locks -------------------------------------------------------------------------------------

static void work_locked(void *arg)
{
    (void)arg;
    for (int i = 0; i < 5; i++) {
        lock_lock(&first);
        broken |= load_relaxed(&word) != 0;
        store_relaxed(&word, 1);
        broken |= load_relaxed(&word) != 1;
        store_relaxed(&word, 0);
        lock_unlock(&first);
    }
}

static bool is_broken(void)
{
    return broken;
}

static void test_mutual_exclusion(void **state)
{
    (void)state;
    const struct toy toy = {3, work_locked, is_broken};
    const struct mems_schedule schedule = {.most_points = 100000};
    assert_int_equal(toy_count(&toy, schedule, SEEDS, TOY_PASSED), SEEDS);
}

static void work_unlocked(void *arg)
{
    (void)arg;
    uint64_t seen = load_relaxed(&word);
    store_relaxed(&word, seen + 1);
}

static bool lost_update(void)
{
    return word != 2;
}

static void test_lost_update(void **state)
{
    (void)state;
    const struct toy toy = {2, work_unlocked, lost_update};
    unsigned wrong = toy_count(&toy, (struct mems_schedule){0}, SEEDS, TOY_WRONG);
    assert_in_range(wrong, SEEDS / 10, SEEDS - SEEDS / 10);
}

static void work_two_orders(void *arg)
{
    bool turned = *(int *)arg != 0;
    lock_lock(turned ? &second : &first);
    lock_lock(turned ? &first : &second);
    lock_unlock(turned ? &first : &second);
    lock_unlock(turned ? &second : &first);
}

static void no_complaint(const struct lock *held, const struct lock *wanted)
{
    (void)held;
    (void)wanted;
}

static void test_deadlock(void **state)
{
    (void)state;
    const struct toy toy = {2, work_two_orders, NULL};
    lock_rank_handler before = lock_on_rank(no_complaint); // ranks would tell without a deadlock
    unsigned dead = toy_count(&toy, (struct mems_schedule){0}, SEEDS, MEMS_SCHEDULE_DEADLOCK);
    unsigned passed = toy_count(&toy, (struct mems_schedule){0}, SEEDS, TOY_PASSED);
    (void)lock_on_rank(before);
    assert_true(dead > 0 && passed > 0);
    assert_int_equal(dead + passed, SEEDS);
}

// ---- sleeping ----------------------------------------------------------------------------------

// Sets the word and wakes, but wakes first: who looks in between sleeps for ever.
static void work_wakes_early(void *arg)
{
    if (*(int *)arg == 0) {
        while (load_acquire(&sleeping) == 0) {
            os_wait(&sleeping, 0, 0);
        }
    } else {
        os_wake(&sleeping, 1);
        store_release(&sleeping, 1);
    }
}

static void test_lost_wake(void **state)
{
    (void)state;
    const struct toy toy = {2, work_wakes_early, NULL};
    unsigned lost = toy_count(&toy, (struct mems_schedule){0}, SEEDS, MEMS_SCHEDULE_LOST_WAKE);
    unsigned passed = toy_count(&toy, (struct mems_schedule){0}, SEEDS, TOY_PASSED);
    assert_true(lost > 0 && passed > 0);
    assert_int_equal(lost + passed, SEEDS);
}

static void work_wakes(void *arg)
{
    if (*(int *)arg == 0) {
        while (load_acquire(&sleeping) == 0) {
            os_wait(&sleeping, 0, 0);
        }
    } else {
        store_release(&sleeping, 1);
        os_wake(&sleeping, 1);
    }
}

static void test_wake(void **state)
{
    (void)state;
    const struct toy toy = {2, work_wakes, NULL};
    assert_int_equal(toy_count(&toy, (struct mems_schedule){0}, SEEDS, TOY_PASSED), SEEDS);
}

// A sleep with a timeout ends though nobody wakes; its clock goes on.
static void work_times_out(void *arg)
{
    (void)arg;
    uint64_t before = os_clock_ns();
    os_wait(&sleeping, 0, 1000000);
    broken |= os_clock_ns() < before + 1000000;
}

static void test_timeout(void **state)
{
    (void)state;
    const struct toy toy = {2, work_times_out, is_broken};
    assert_int_equal(toy_count(&toy, (struct mems_schedule){0}, SEEDS, TOY_PASSED), SEEDS);
}

// ---- loops -------------------------------------------------------------------------------------

static void work_spins(void *arg)
{
    if (*(int *)arg == 0) {
        while (load_acquire(&word) == 0) {
            os_pause();
        }
    } else {
        for (int i = 0; i < 20; i++) {
            (void)load_relaxed(&other);
        }
        store_release(&word, 1);
    }
}

static void test_spin(void **state)
{
    (void)state;
    const struct toy toy = {2, work_spins, NULL};
    struct mems_schedule schedule = {.most_points = 5000};
    assert_int_equal(toy_count(&toy, schedule, SEEDS, TOY_PASSED), SEEDS);
    schedule.strategy = MEMS_SCHEDULE_PCT;
    schedule.depth = 3;
    schedule.points = 40;
    assert_int_equal(toy_count(&toy, schedule, SEEDS, TOY_PASSED), SEEDS);
}

#define ROUNDS 100

static uint64_t table[2];

// A search of a table, and the same with a change of a shared counter in each round.
static void work_searches(void *arg)
{
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        (void)load_relaxed(&table[0]);
        (void)load_relaxed(&table[1]);
        store_relaxed(&table[1], 1);
    }
}

static void work_counts(void *arg)
{
    (void)arg;
    for (int i = 0; i < ROUNDS; i++) {
        (void)load_relaxed(&table[0]);
        (void)add_relaxed(&table[1], 1);
    }
}

static uint64_t points_of(void (*work)(void *arg))
{
    const struct toy toy = {2, work, NULL};
    const struct mems_schedule schedule = {.seed = 3};
    return toy_run(&toy, &schedule).totals.points;
}

// What others can see of each round stays a choice, plain steps over and over do not.
static void test_loops(void **state)
{
    (void)state;
    assert_in_range(points_of(work_searches), 2 * 6, 2 * 100);
    assert_true(points_of(work_counts) > 2 * ROUNDS);
}

static void work_for_ever(void *arg)
{
    (void)arg;
    while (load_acquire(&word) == 0) {
        os_yield();
    }
}

static void test_livelock(void **state)
{
    (void)state;
    const struct toy toy = {2, work_for_ever, NULL};
    const struct mems_schedule schedule = {.most_points = 5000};
    assert_int_equal(toy_count(&toy, schedule, 3, MEMS_SCHEDULE_LIVELOCK), 3);
}

// ---- sections ----------------------------------------------------------------------------------

// The reader must not see the word change inside its section: the writer waits for it.
static void work_sections(void *arg)
{
    if (*(int *)arg == 0) {
        section_begin();
        uint64_t published = load_acquire(&word);
        if (published == 0) {
            (void)load_relaxed(&other);
            (void)load_relaxed(&word);
            broken |= load_relaxed(&other) != 0;
        }
        section_end();
    } else {
        store_release(&word, 1);
        section_wait();
        store_relaxed(&other, 1);
    }
}

static void test_grace_period(void **state)
{
    (void)state;
    const struct toy toy = {2, work_sections, is_broken};
    assert_int_equal(toy_count(&toy, (struct mems_schedule){0}, SEEDS, TOY_PASSED), SEEDS);
}

static void work_no_grace(void *arg)
{
    if (*(int *)arg == 0) {
        work_sections(arg);
    } else {
        store_release(&word, 1);
        store_relaxed(&other, 1);
    }
}

static void test_no_grace_period(void **state)
{
    (void)state;
    const struct toy toy = {2, work_no_grace, is_broken};
    assert_true(toy_count(&toy, (struct mems_schedule){0}, SEEDS, TOY_WRONG) > 0);
}

static void work_waits_in_lock(void *arg)
{
    if (*(int *)arg == 0) {
        section_begin();
        lock_lock(&first);
        lock_unlock(&first);
        section_end();
    } else {
        lock_lock(&first);
        section_wait();
        lock_unlock(&first);
    }
}

static void test_grace_deadlock(void **state)
{
    (void)state;
    const struct toy toy = {2, work_waits_in_lock, NULL};
    assert_true(toy_count(&toy, (struct mems_schedule){0}, SEEDS, MEMS_SCHEDULE_DEADLOCK) > 0);
}

// ---- threads -----------------------------------------------------------------------------------

static void at_exit(void)
{
    uint64_t seen = load_relaxed(&word); // a lost update is possible in here, too
    store_relaxed(&word, seen + 1);
}

static void work_ends(void *arg)
{
    (void)arg;
    (void)thread_at_exit(at_exit);
    (void)thread_number();
}

static void test_thread_end(void **state)
{
    (void)state;
    const struct toy toy = {2, work_ends, lost_update};
    unsigned wrong = toy_count(&toy, (struct mems_schedule){0}, 200, TOY_WRONG);
    assert_in_range(wrong, 1, 199);
}

static void test_determined(void **state)
{
    (void)state;
    const struct toy toy = {3, work_locked, is_broken};
    struct mems_schedule schedule = {.seed = 7};
    struct toy_result once = toy_run(&toy, &schedule), again = toy_run(&toy, &schedule);
    assert_int_equal(once.trace, again.trace);
    assert_int_equal(once.totals.digest, again.totals.digest);
    assert_int_equal(once.totals.points, again.totals.points);
    assert_int_equal(once.totals.threads, 4);
    assert_in_range(once.totals.switches, 1, once.totals.points);
    schedule.seed = 8;
    struct toy_result another = toy_run(&toy, &schedule);
    assert_int_not_equal(once.trace, another.trace);
    assert_int_not_equal(once.totals.digest, another.totals.digest);
}

static void test_refused(void **state)
{
    (void)state;
    struct mems_schedule schedule = {.failed = NULL};
    assert_int_equal(mems_schedule_begin(&schedule), EINVAL);
    schedule = (struct mems_schedule){.strategy = MEMS_SCHEDULE_PCT, .failed = toy_failed};
    assert_int_equal(mems_schedule_begin(&schedule), EINVAL);
    schedule.depth = MEMS_SCHEDULE_DEPTH_MAX + 1;
    assert_int_equal(mems_schedule_begin(&schedule), EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mutual_exclusion),
        cmocka_unit_test(test_lost_update),
        cmocka_unit_test(test_deadlock),
        cmocka_unit_test(test_lost_wake),
        cmocka_unit_test(test_wake),
        cmocka_unit_test(test_timeout),
        cmocka_unit_test(test_spin),
        cmocka_unit_test(test_loops),
        cmocka_unit_test(test_livelock),
        cmocka_unit_test(test_grace_period),
        cmocka_unit_test(test_no_grace_period),
        cmocka_unit_test(test_grace_deadlock),
        cmocka_unit_test(test_thread_end),
        cmocka_unit_test(test_determined),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
