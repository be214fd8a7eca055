// SPDX-License-Identifier: MIT
//
// test_child.c - children of a cell: what each kind of end is taken for, and what is told of it.

#include "run/child.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run/evidence.h"
#include "support/test.h"

static struct stage *stage;
static struct run run;
// Nobody waits for the first but a child that hangs.
static const struct child_rule soon = {"hang", 300000000, 0, true};
static const struct child_rule rule = {"hang", 60000000000, 0, true};
#define SLOW_NS UINT64_C(1000000000) // that a child may be without progress, and is not

static int open_stage(void **state)
{
    (void)state;
    int file;
    assert_int_equal(stage_create(1, "", &stage, &file), 0);
    stage->file = file;
    memset(&run, 0, sizeof run);
    run.stage = stage;
    run.workers = stage_workers(stage);
    run.workers[0].run = &run;
    return 0;
}

static int close_stage(void **state)
{
    (void)state;
    close(stage->file);
    stage_detach(stage);
    return 0;
}

// Does to a child what a worker does, in a process that stands for the cell, as a failure ends it.
// Returns its exit status.
static int cell(void (*body)(void), const struct child_rule *expected)
{
    pid_t pid = fork();
    if (pid == 0) {
        evidence_open(stage);
        struct child_post *post = child_post(&run, 3);
        pid_t child = child_fork(post);
        if (child == 0) {
            body();
            _exit(0);
        }
        while (expected == &soon && __atomic_load_n(&post->steps, __ATOMIC_RELAXED) == 0) {
            sched_yield(); // its time begins when it has come to where it hangs
        }
        child_wait(&run.workers[0], post, child, expected);
        _exit(0);
    }
    int status;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void fails_by(const struct child_rule *broken, void (*body)(void), const char *check,
                     const char *text)
{
    assert_int_equal(cell(body, broken), EVIDENCE_EXIT_CHECK);
    assert_string_equal(stage->evidence.check, check);
    if (strstr(stage->evidence.text, text) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", stage->evidence.text, text);
    }
}

static void fails(void (*body)(void), const char *check, const char *text)
{
    fails_by(&rule, body, check, text);
}

static void body_ends(void)
{
    child_step();
    child_end();
}

static void body_hangs(void)
{
    child_doing("waiting for what never comes");
    child_step(); // from here on it hangs
    for (;;) {
        pause();
    }
}

static void body_is_slow(void)
{
    // Longer than the rule allows without progress, with some all the time.
    uint64_t begin = run_now_ns();
    while (run_now_ns() - begin < SLOW_NS + SLOW_NS / 4) {
        child_step();
        sched_yield();
    }
    child_end();
}

static void body_crashes(void)
{
    child_doing("about to crash");
    raise(SIGSEGV);
}

static void body_fails(void)
{
    child_fail(NULL, "stamp", (void *)0x1230, 77, "byte %d is wrong", 5);
}

static void body_exits(void)
{
    _exit(9);
}

static void body_forgets(void)
{
    _exit(0);
}

static void test_a_good_end(void **state)
{
    (void)state;
    assert_int_equal(cell(body_ends, &rule), 0);
    assert_int_equal(stage->evidence.kind, EVIDENCE_NONE);
    assert_int_equal(stage->children[3].steps, 1);
    assert_int_equal(stage->children[3].state, CHILD_DONE);
    assert_int_equal(stage->child_trace_count, 0);
}

static void test_progress_is_no_hang(void **state)
{
    (void)state;
    struct child_rule slow = {"hang", SLOW_NS, 0, true};
    assert_int_equal(cell(body_is_slow, &slow), 0);
}

static void test_a_hang_is_told_with_its_stack(void **state)
{
    (void)state;
    fails_by(&soon, body_hangs, "hang", "while waiting for what never comes");
    // A thread of a sanitizer's own may be there, too.
    assert_in_range(stage->child_trace_count, 1, 2);
    uint32_t frames = 0;
    for (uint32_t i = 0; i < stage->child_trace_count; i++) {
        const struct child_trace *trace = &stage->child_traces[i];
        assert_int_equal(trace->done, 1);
        assert_non_null(strstr(trace->text, "[kernel: system call "));
        frames = trace->frame_count > frames ? trace->frame_count : frames;
    }
    assert_true(frames > 2);
}

static void test_a_crash_is_the_childs(void **state)
{
    (void)state;
    fails(body_crashes, "child-crash", "was killed by SIGSEGV while about to crash");
    assert_int_equal(stage->child_traces[0].done, 1);
    assert_true(stage->child_traces[0].frame_count > 2);
}

static void test_a_failure_is_passed_on(void **state)
{
    (void)state;
    fails(body_fails, "stamp", "byte 5 is wrong");
    assert_int_equal(stage->evidence.block, 0x1230);
    assert_int_equal(stage->evidence.size, 77);
}

static void test_a_status_that_was_not_asked_for(void **state)
{
    (void)state;
    fails(body_exits, "exit-status", "status 9 in place of 0");
}

static void test_an_end_before_the_work_is_done(void **state)
{
    (void)state;
    fails(body_forgets, "exit-early", "before its work was done");
}

static void test_a_failure_in_the_cell_is_the_cells(void **state)
{
    (void)state;
    pid_t pid = fork();
    if (pid == 0) {
        evidence_open(stage);
        child_fail(&run.workers[0], "leak", NULL, 1000, "%d bytes", 1000);
    }
    int status;
    waitpid(pid, &status, 0);
    assert_int_equal(WEXITSTATUS(status), EVIDENCE_EXIT_CHECK);
    assert_string_equal(stage->evidence.check, "leak");
    assert_string_equal(stage->evidence.text, "1000 bytes");
}

#define ON_A_STAGE(test) cmocka_unit_test_setup_teardown(test, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_A_STAGE(test_a_good_end),
        ON_A_STAGE(test_progress_is_no_hang),
        ON_A_STAGE(test_a_hang_is_told_with_its_stack),
        ON_A_STAGE(test_a_crash_is_the_childs),
        ON_A_STAGE(test_a_failure_is_passed_on),
        ON_A_STAGE(test_a_status_that_was_not_asked_for),
        ON_A_STAGE(test_an_end_before_the_work_is_done),
        ON_A_STAGE(test_a_failure_in_the_cell_is_the_cells),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
