// SPDX-License-Identifier: MIT
//
// test_thread.c - a thread of the library's own: it runs, it is deaf to signals, and may be
// refused.

#include "support/engine.h"

#include <mems/inject.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/os.h"

static struct {
    atomic_uint ran;
    atomic_bool deaf;
} seen;

static void run(void *arg)
{
    sigset_t mask;
    (void)pthread_sigmask(SIG_BLOCK, NULL, &mask);
    atomic_store(&seen.deaf, sigismember(&mask, SIGINT) == 1 && sigismember(&mask, SIGPROF) == 1);
    atomic_fetch_add(&seen.ran, *(unsigned *)arg);
}

static void test_runs(void **state)
{
    (void)state;
    struct os_thread thread;
    unsigned step = 7;
    sigset_t before, after;
    atomic_store(&seen.ran, 0);
    (void)pthread_sigmask(SIG_BLOCK, NULL, &before);
    errno = 5;
    assert_true(os_thread_start(&thread, run, &step));
    os_thread_join(&thread);
    assert_int_equal(errno, 5);
    assert_int_equal(atomic_load(&seen.ran), 7);
    assert_true(atomic_load(&seen.deaf));
    (void)pthread_sigmask(SIG_BLOCK, NULL, &after);
    assert_int_equal(sigismember(&after, SIGINT), sigismember(&before, SIGINT));
}

static void test_refused(void **state)
{
    (void)state;
    struct os_thread thread;
    unsigned step = 1;
    atomic_store(&seen.ran, 0);
    mems_inject(MEMS_SEAM_THREAD, 1, 0);
    assert_false(os_thread_start(&thread, run, &step));
    assert_int_equal(mems_inject_hits(MEMS_SEAM_THREAD), 1);
    mems_inject(MEMS_SEAM_THREAD, 0, 0);
    assert_int_equal(atomic_load(&seen.ran), 0);
}

#ifndef TEST_SANITIZED
// A child has the engine but not its thread: closing it must not wait.
static void test_fork(void **state)
{
    (void)state;
    struct os_thread thread;
    unsigned step = 1;
    int status = -1;
    assert_true(os_thread_start(&thread, run, &step));
    pid_t child = fork();
    if (child == 0) {
        os_thread_join(&thread);
        _exit(7);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 7);
    os_thread_join(&thread);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs),
        cmocka_unit_test(test_refused),
#ifndef TEST_SANITIZED
        cmocka_unit_test(test_fork),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
