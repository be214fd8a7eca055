// SPDX-License-Identifier: MIT
//
// test_lock.c - the account of one thread and of sleepers, locks that freeze, who holds one, and
// the order of ranks.

#include "support/test.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mems/engine.h"
#include "sync/atomic.h"
#include "sync/lock.h"

// As many as there were, and as long as their total and the longest say.
static void expect_times(const uint64_t *buckets, uint64_t count, uint64_t total, uint64_t most)
{
    uint64_t counted = 0, least = 0, last = 0;
    for (unsigned i = 0; i < MEMS_LOCK_BUCKETS; i++) {
        counted += buckets[i];
        least += buckets[i] * mems_lock_bucket_least(i);
        last = buckets[i] != 0 ? i : last;
    }
    assert_int_equal(counted, count);
    assert_true(least <= total && total <= 2 * least + count);
    assert_true(mems_lock_bucket_least((unsigned)last) <= most);
    assert_true(last + 1 == MEMS_LOCK_BUCKETS || most < mems_lock_bucket_least((unsigned)last + 1));
}

static void test_account_of_one_thread(void **state)
{
    (void)state;
    struct lock lock;
    lock_init(&lock, LOCK_POLICY, "arena", 7);
    struct mems_lock_stats stats;
    for (unsigned i = 0; i < 3 * LOCK_HOLD_SAMPLE; i++) {
        lock_lock(&lock);
        lock_unlock(&lock);
    }
    assert_true(lock_try(&lock));
    lock_unlock(&lock);
    lock_stats(&lock, &stats);
    assert_string_equal(stats.name, "arena.7");
    struct lock last;
    struct mems_lock_stats of_last;
    lock_init(&last, LOCK_FRAMES, "swap", LOCK_LAST);
    lock_stats(&last, &of_last);
    assert_string_equal(of_last.name, "swap"); // the only one of its name needs no number
    assert_int_equal(stats.acquisitions, 3 * LOCK_HOLD_SAMPLE + 1);
    assert_int_equal(stats.contended, 0);
    assert_int_equal(stats.spin_acquired, 0);
    assert_int_equal(stats.waited, 0);
    assert_int_equal(stats.wait_ns, 0);
    assert_int_equal(stats.max_wait_ns, 0);
    assert_int_equal(stats.max_waiting, 0);
    assert_int_equal(stats.owner_switches, 0);
    assert_int_equal(stats.hold_sample, LOCK_HOLD_SAMPLE);
    assert_int_equal(stats.hold_sampled, 3);
    assert_true(stats.hold_ns > 0);
    assert_true(stats.max_hold_ns <= stats.hold_ns && stats.max_hold_ns * 3 >= stats.hold_ns);
    expect_times(stats.hold, 3, stats.hold_ns, stats.max_hold_ns);
    expect_times(stats.wait, 0, 0, 0);
}

static void *try_it(void *argument)
{
    struct lock *lock = argument;
    bool taken = lock_try(lock);
    if (taken) {
        lock_unlock(lock);
    }
    return (void *)(uintptr_t)taken;
}

static bool try_elsewhere(struct lock *lock)
{
    pthread_t thread;
    void *taken;
    assert_int_equal(pthread_create(&thread, NULL, try_it, lock), 0);
    pthread_join(thread, &taken);
    return taken != NULL;
}

static void test_try(void **state)
{
    (void)state;
    struct lock lock = LOCK_READY(LOCK_POLICY, "ready");
    lock_lock(&lock);
    assert_false(try_elsewhere(&lock));
    lock_unlock(&lock);
    assert_true(try_elsewhere(&lock));
    struct mems_lock_stats stats;
    lock_stats(&lock, &stats);
    assert_int_equal(stats.acquisitions, 2); // the try that failed is not one
    assert_int_equal(stats.contended, 0);
    assert_int_equal(stats.owner_switches, 1);
}

static void *lock_once(void *argument)
{
    lock_lock(argument);
    lock_unlock(argument);
    return NULL;
}

// The holder lets go only when all the others sleep, so their account is known.
static void test_account_of_sleepers(void **state)
{
    (void)state;
    enum { SLEEPERS = 5 };
    struct lock lock;
    lock_init(&lock, LOCK_POLICY, "arena", 0);
    lock_lock(&lock);
    pthread_t threads[SLEEPERS];
    for (size_t i = 0; i < SLEEPERS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, lock_once, &lock), 0);
    }
    while (load_relaxed(&lock.waiting) < SLEEPERS) {
        sched_yield();
    }
    lock_unlock(&lock);
    for (size_t i = 0; i < SLEEPERS; i++) {
        pthread_join(threads[i], NULL);
    }
    struct mems_lock_stats stats;
    lock_stats(&lock, &stats);
    assert_int_equal(stats.acquisitions, SLEEPERS + 1);
    assert_int_equal(stats.contended, SLEEPERS);
    assert_int_equal(stats.spin_acquired, 0);
    assert_int_equal(stats.waited, SLEEPERS);
    assert_int_equal(stats.max_waiting, SLEEPERS);
    assert_int_equal(stats.owner_switches, SLEEPERS);
    assert_true(stats.max_wait_ns > 0 && stats.wait_ns >= stats.max_wait_ns);
    assert_int_equal(lock.waiting, 0);
    expect_times(stats.wait, SLEEPERS, stats.wait_ns, stats.max_wait_ns);
}

// ---- frozen -------------------------------------------------------------------------------------

struct frozen_lock {
    struct lock lock;
    uint32_t frozen;
};

static void *lock_unless(void *argument)
{
    struct frozen_lock *it = argument;
    bool taken = lock_lock_unless(&it->lock, &it->frozen);
    if (taken) {
        lock_unlock(&it->lock);
    }
    return (void *)(uintptr_t)taken;
}

// Nobody gets a frozen lock and nobody waits for it; afterwards it is as any other. Any thread may
// thaw it.
static void *thaw(void *argument)
{
    struct frozen_lock *it = argument;
    store_release(&it->frozen, 0);
    lock_thaw(&it->lock);
    return NULL;
}

static void *elsewhere(void *(*run)(void *), void *argument)
{
    pthread_t thread;
    void *result;
    assert_int_equal(pthread_create(&thread, NULL, run, argument), 0);
    pthread_join(thread, &result);
    return result;
}

static void test_frozen(void **state)
{
    (void)state;
    struct frozen_lock it = {.lock = LOCK_READY(LOCK_POLICY, "cold")};
    for (unsigned round = 1; round <= 3 * LOCK_HOLD_SAMPLE; round++) {
        assert_true(lock_freeze(&it.lock, &it.frozen, round));
        assert_int_equal(it.frozen, round);
        assert_false(lock_freeze(&it.lock, &it.frozen, 1));
        assert_false(lock_is_mine(&it.lock));
        assert_false(lock_try(&it.lock));
        assert_false(lock_lock_unless(&it.lock, &it.frozen));
        if (round % 256 == 0) {
            assert_null(elsewhere(lock_unless, &it));
            assert_null(elsewhere(thaw, &it));
            assert_non_null(elsewhere(lock_unless, &it));
        } else {
            thaw(&it);
        }
        lock_lock(&it.lock);
        lock_unlock(&it.lock);
    }
    struct mems_lock_stats stats;
    lock_stats(&it.lock, &stats);
    assert_int_equal(stats.contended, 0);                            // who gave up is not counted
    assert_int_equal(stats.acquisitions, 3 * LOCK_HOLD_SAMPLE + 12); // nor is freezing
    assert_int_equal(stats.hold_sampled, 3);
}

// Waiters that sleep when the lock is frozen wake and give up; those that insist sleep on. Its
// holder may do that in the middle of holding it, and has it again afterwards.
static void test_freeze_wakes(void **state)
{
    (void)state;
    enum { WAITERS = 6 };
    struct frozen_lock it = {.lock = LOCK_READY(LOCK_POLICY, "cold")};
    pthread_t waiters[WAITERS], patient;
    void *taken;
    assert_true(lock_lock_unless(&it.lock, &it.frozen));
    for (size_t i = 0; i < WAITERS; i++) {
        assert_int_equal(pthread_create(&waiters[i], NULL, lock_unless, &it), 0);
    }
    assert_int_equal(pthread_create(&patient, NULL, lock_once, &it.lock), 0);
    while (load_relaxed(&it.lock.waiting) < WAITERS + 1) {
        sched_yield();
    }
    lock_freeze_mine(&it.lock, &it.frozen, 1);
    for (size_t i = 0; i < WAITERS; i++) {
        pthread_join(waiters[i], &taken);
        assert_null(taken);
    }
    assert_false(lock_is_mine(&it.lock));
    lock_thaw_mine(&it.lock);
    store_release(&it.frozen, 0);
    assert_true(lock_is_mine(&it.lock));
    lock_unlock(&it.lock);
    pthread_join(patient, NULL);
    assert_int_equal(it.lock.waiting, 0);
    assert_true(lock_try(&it.lock));
    lock_unlock(&it.lock);
}

enum { CROWD = 6, FREEZES = 20000 / MEMS_TEST_SCALE };

struct crowd {
    struct frozen_lock it;
    uint32_t round;   // [atomic] which freeze
    uint32_t gave_up; // [atomic] in it
    uint32_t done;    // [atomic]
    uint64_t guarded; // [lock] changed while it is held, by two steps
};

static void *come_and_go(void *argument)
{
    struct crowd *crowd = argument;
    uint32_t last = 0;
    while (load_acquire(&crowd->done) == 0) {
        if (lock_lock_unless(&crowd->it.lock, &crowd->it.frozen)) {
            crowd->guarded++;
            crowd->guarded++;
            lock_unlock(&crowd->it.lock);
        } else if (load_acquire(&crowd->round) != last) { // once a freeze
            last = load_acquire(&crowd->round);
            (void)add_acq_rel(&crowd->gave_up, 1);
        } else {
            sched_yield();
        }
    }
    return NULL;
}

// All of a crowd give up in every freeze, whatever they were in the middle of: one that slept
// through it would be waited for without end.
static void test_freeze_in_a_crowd(void **state)
{
    (void)state;
    static struct crowd crowd = {.it.lock = LOCK_READY(LOCK_POLICY, "cold")};
    pthread_t threads[CROWD];
    for (size_t i = 0; i < CROWD; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, &crowd), 0);
    }
    for (uint32_t round = 1; round <= FREEZES; round++) {
        bool mine = round % 2 == 0;
        if (mine) {
            assert_true(lock_lock_unless(&crowd.it.lock, &crowd.it.frozen));
        }
        store_relaxed(&crowd.gave_up, 0);
        store_release(&crowd.round, round);
        if (mine) {
            lock_freeze_mine(&crowd.it.lock, &crowd.it.frozen, 1);
        } else {
            assert_true(lock_freeze(&crowd.it.lock, &crowd.it.frozen, 1));
        }
        while (load_acquire(&crowd.gave_up) < CROWD) {
            sched_yield();
        }
        assert_int_equal(crowd.guarded % 2, 0); // nobody is inside
        if (round == FREEZES) {
            store_release(&crowd.done, 1);
        }
        if (mine) {
            lock_thaw_mine(&crowd.it.lock);
            store_release(&crowd.it.frozen, 0);
            crowd.guarded += 2;
            lock_unlock(&crowd.it.lock);
        } else {
            thaw(&crowd.it);
        }
    }
    for (size_t i = 0; i < CROWD; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(crowd.it.lock.waiting, 0);
}

// ---- whose --------------------------------------------------------------------------------------

static struct lock asked = LOCK_READY(LOCK_POLICY, "asked");
static __thread bool inside; // between lock_lock's return and lock_unlock
static __thread uint32_t answers[2];

static void ask(int signal)
{
    (void)signal;
    bool is_mine = lock_is_mine(&asked);
    if (inside && !is_mine) {
        abort();
    }
    answers[is_mine]++;
}

static void *lock_often(void *pointer)
{
    (void)pointer;
    bool both = false;
    while (!both) {
        for (unsigned i = 0; i < 1000; i++) {
            if (i % 100 == 50) {
                raise(SIGUSR1);
            }
            lock_lock(&asked);
            inside = true;
            __atomic_signal_fence(__ATOMIC_SEQ_CST);
            if (i % 100 == 0) {
                raise(SIGUSR1);
            }
            __atomic_signal_fence(__ATOMIC_SEQ_CST);
            inside = false;
            lock_unlock(&asked);
            if (lock_is_mine(&asked)) {
                abort();
            }
        }
        both = answers[0] != 0 && answers[1] != 0;
    }
    return NULL;
}

// A handler knows whether it has interrupted the holder, whatever step it has interrupted.
static void test_is_mine(void **state)
{
    (void)state;
    enum { THREADS = 3, SIGNALS = 2000 / MEMS_TEST_SCALE };
    struct sigaction action = {.sa_handler = ask}, before;
    pthread_t threads[THREADS];
    assert_false(lock_is_mine(&asked));
    assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, lock_often, NULL), 0);
    }
    for (unsigned i = 0; i < THREADS * SIGNALS; i++) {
        assert_int_equal(pthread_kill(threads[i % THREADS], SIGUSR1), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);
}

#ifdef MEMS_CHECK_RANKS
static unsigned violations;
static const struct lock *seen_held;
static const struct lock *seen_wanted;

static void note_violation(const struct lock *held, const struct lock *wanted)
{
    violations++;
    seen_held = held;
    seen_wanted = wanted;
}

// How many violations taking b while a is held makes.
static unsigned violations_of(struct lock *a, struct lock *b)
{
    violations = 0;
    lock_lock(a);
    lock_lock(b);
    if (violations != 0) {
        assert_ptr_equal(seen_held, a);
        assert_ptr_equal(seen_wanted, b);
    }
    lock_unlock(a); // not the latest first: any order is right
    assert_false(lock_held(a));
    assert_true(lock_held(b));
    lock_unlock(b);
    return violations;
}

static void test_ranks(void **state)
{
    (void)state;
    struct lock face;
    struct lock arena0;
    struct lock arena1;
    struct lock other0;
    struct lock pool;
    lock_init(&face, LOCK_FACE, "face", 0);
    lock_init(&arena0, LOCK_POLICY, "arena", 0);
    lock_init(&arena1, LOCK_POLICY, "arena", 1);
    lock_init(&other0, LOCK_POLICY, "other", 0);
    lock_init(&pool, LOCK_POOL, "pool", 0);
    lock_rank_handler old = lock_on_rank(note_violation);
    assert_int_equal(violations_of(&face, &pool), 0);
    assert_int_equal(violations_of(&arena0, &pool), 0);
    assert_int_equal(violations_of(&arena0, &arena1), 0); // ascending numbers
    assert_int_equal(violations_of(&pool, &face), 1);
    assert_int_equal(violations_of(&pool, &arena1), 1);
    assert_int_equal(violations_of(&arena1, &arena0), 1);
    assert_int_equal(violations_of(&arena0, &other0), 1); // one rank, one number

    violations = 0; // a try never waits, but what it took counts for those that come after it
    lock_lock(&pool);
    assert_true(lock_try(&face));
    assert_int_equal(violations, 0);
    lock_lock(&arena0);
    assert_int_equal(violations, 1);
    assert_ptr_equal(seen_held, &pool);
    lock_unlock(&arena0);
    lock_unlock(&face);
    lock_unlock(&pool);
    assert_ptr_equal(lock_on_rank(old), note_violation);
}

// What a child writes to stderr before it aborts.
static void expect_abort(void (*sin)(void), const char *expected)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        dup2(ends[1], STDERR_FILENO);
        sin();
        _exit(0);
    }
    close(ends[1]);
    char text[300] = "";
    ssize_t got = read(ends[0], text, sizeof text - 1);
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_true(got > 0);
    assert_string_equal(text, expected);
}

static void sin_order(void)
{
    struct lock pool = LOCK_READY(LOCK_POOL, "pool");
    struct lock arena = LOCK_READY(LOCK_POLICY, "arena");
    lock_lock(&pool);
    lock_lock(&arena);
}

static void sin_not_held(void)
{
    struct lock pool = LOCK_READY(LOCK_POOL, "pool");
    lock_unlock(&pool);
}

static void test_default_handler(void **state)
{
    (void)state;
    expect_abort(sin_order,
                 "mems: lock order: arena 0 (rank 6) wanted while pool 0 (rank 10) is held\n");
    expect_abort(sin_not_held, "mems: a lock is given back by a thread that does not hold it\n");
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_account_of_one_thread),
        cmocka_unit_test(test_try),
        cmocka_unit_test(test_account_of_sleepers),
        cmocka_unit_test(test_frozen),
        cmocka_unit_test(test_freeze_wakes),
        cmocka_unit_test(test_freeze_in_a_crowd),
        cmocka_unit_test(test_is_mine),
#ifdef MEMS_CHECK_RANKS
        cmocka_unit_test(test_ranks),
        cmocka_unit_test(test_default_handler),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
