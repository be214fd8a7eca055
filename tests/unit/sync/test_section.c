// SPDX-License-Identifier: MIT
//
// test_section.c - sections nest, and a wait lasts as long as the sections before it.

#include "support/test.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sync/atomic.h"
#include "sync/section.h"

static void test_nesting(void **state)
{
    (void)state;
    assert_false(section_inside());
    section_begin();
    assert_true(section_inside());
    section_begin();
    section_end();
    assert_true(section_inside());
    section_end();
    assert_false(section_inside());
    section_wait();
}

struct stage {
    uint32_t inside;   // the reader is in its section
    uint32_t go;       // it may leave
    uint32_t leaving;  // it is about to leave
    uint32_t starting; // the waiter is about to wait
    uint32_t waited;   // it has waited
    uint32_t saw;      // `leaving`, as the waiter found it afterwards
    bool nested;
};

static void await(const uint32_t *flag)
{
    while (load_acquire(flag) == 0) {
        sched_yield();
    }
}

static void *reader(void *argument)
{
    struct stage *stage = argument;
    section_begin();
    if (stage->nested) { // the end of an inner section ends nothing
        section_begin();
        section_end();
    }
    store_release(&stage->inside, 1u);
    await(&stage->go);
    store_relaxed(&stage->leaving, 1u);
    section_end();
    return NULL;
}

static void *waiter(void *argument)
{
    struct stage *stage = argument;
    store_release(&stage->starting, 1u);
    section_wait();
    store_relaxed(&stage->saw, load_relaxed(&stage->leaving));
    store_release(&stage->waited, 1u);
    return NULL;
}

// The yields only give a wait that does not wait the time to show it.
static void run_stage(struct stage *stage)
{
    pthread_t threads[2];
    assert_int_equal(pthread_create(&threads[0], NULL, reader, stage), 0);
    await(&stage->inside);
    assert_int_equal(pthread_create(&threads[1], NULL, waiter, stage), 0);
    await(&stage->starting);
    for (unsigned i = 0; i < 2000 && load_acquire(&stage->waited) == 0; i++) {
        sched_yield();
    }
    store_release(&stage->go, 1u);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    assert_int_equal(stage->saw, 1);
}

static void test_wait_waits(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        struct stage stage = {.nested = i % 2 != 0};
        run_stage(&stage);
    }
}

// Threads that were in sections and are gone hold nobody up.
static void *pass_through(void *argument)
{
    section_begin();
    section_end();
    return argument;
}

static void test_ended_threads(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, pass_through, NULL), 0);
        pthread_join(thread, NULL);
    }
    section_wait();
}

static void test_wait_inside(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        dup2(ends[1], STDERR_FILENO);
        section_begin();
        section_wait();
        _exit(0);
    }
    close(ends[1]);
    char text[200] = "";
    ssize_t got = read(ends[0], text, sizeof text - 1);
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_true(got > 0);
    assert_string_equal(text, "mems: section_wait inside a section would wait for itself\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nesting),
        cmocka_unit_test(test_wait_waits),
        cmocka_unit_test(test_ended_threads),
        cmocka_unit_test(test_wait_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
