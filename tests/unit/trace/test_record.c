// SPDX-License-Identifier: MIT
//
// test_record.c - recorded.c under the recorder: what it did is in the trace, legally, each time.

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/record.h"
#include "random_trace.h"
#include "trace/merge.h"

struct recorded {
    struct trace *trace;
    struct trace_recording recording;
    int status;
    unsigned spools;
};

// Merges the spools of a folder into one trace: the one of `pid`; counts them all.
static void merge_folder(const char *folder, pid_t pid, const char *out, struct recorded *recorded)
{
    DIR *open = opendir(folder);
    assert_non_null(open);
    bool found = false;
    for (struct dirent *entry; (entry = readdir(open)) != NULL;) {
        char path[4096];
        struct trace_spool spool;
        struct complaint complaint = {""};
        snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] == '.' || trace_spool_look(path, &spool) != 0) {
            continue;
        }
        recorded->spools++;
        if (spool.pid == (uint32_t)pid) {
            found = true;
            if (trace_spool_merge(path, out, &recorded->recording, &complaint) != 0) {
                fail_msg("%s", complaint.text);
            }
        }
    }
    closedir(open);
    assert_true(found);
}

static void record(struct recorded *recorded, const char *what, bool children)
{
    char program[] = RECORDED_PROGRAM, mode[32];
    snprintf(mode, sizeof(mode), "%s", what);
    char *argv[] = {program, mode, NULL};
    struct complaint complaint = {""};
    char *out = temporary();
    char *folder = record_folder_new(out, &complaint);
    assert_non_null(folder);
    struct record_run run = {.argv = argv, .folder = folder, .children = children, .quiet = true};
    memset(recorded, 0, sizeof(*recorded));
    if (record_run(&run, RECORDER_LIBRARY, &complaint) != 0) {
        fail_msg("%s", complaint.text);
    }
    recorded->status = run.status;
    merge_folder(folder, run.pid, out, recorded);
    // Reading checks that every operation is legal.
    if (trace_read(out, &recorded->trace, &complaint) != 0) {
        fail_msg("%s", complaint.text);
    }
    assert_int_equal(strcmp(what, "limited") == 0, recorded->recording.stopped != 0);
    record_folder_remove(folder);
    unlink(out);
    free(folder);
    free(out);
}

static void recorded_free(struct recorded *recorded)
{
    trace_free(recorded->trace);
    trace_account_fini(&recorded->recording.account);
}

// Operations of that kind, size and call (TRACE_CALL_NONE: any).
static size_t count(const struct recorded *recorded, unsigned kind, uint64_t size, unsigned call)
{
    size_t found = 0;
    for (size_t i = 0; i < recorded->trace->op_count; i++) {
        const struct trace_op *op = &recorded->trace->ops[i];
        found +=
            op->kind == kind && op->size == size && (call == TRACE_CALL_NONE || op->call == call);
    }
    return found;
}

static void test_threads(void **state)
{
    (void)state;
    struct recorded recorded;
    record(&recorded, "threads", false);
    assert_int_equal(7, record_exit_status(recorded.status));
    for (uint64_t i = 0; i < 4; i++) {
        assert_int_equal(3000, count(&recorded, TRACE_ALLOC, 10001 + i, TRACE_CALL_MALLOC));
        assert_int_equal(3000, count(&recorded, TRACE_RESIZE, 20001 + i, TRACE_CALL_REALLOC));
    }
    assert_int_equal(12000, count(&recorded, TRACE_ALLOC, 30208, TRACE_CALL_ALIGNED_ALLOC));
    assert_true(recorded.recording.account.remote_frees >= 12000);
    assert_int_equal(5, recorded.trace->thread_count);
    assert_int_equal(5, recorded.recording.account.kind[TRACE_THREAD_START]);
    assert_int_equal(4, recorded.recording.account.kind[TRACE_THREAD_END]);
    assert_int_equal(0, recorded.recording.repaired);
    assert_int_equal(0, recorded.recording.lost);
    assert_non_null(strstr(recorded.trace->program, "recorded threads"));
    recorded_free(&recorded);
}

// An address is freed by one thread and taken by another at once: any wrong order shows as a
// free that was not seen.
static void test_order(void **state)
{
    (void)state;
    struct recorded recorded;
    record(&recorded, "exchanges", false);
    assert_int_equal(80000, count(&recorded, TRACE_ALLOC, 40001, TRACE_CALL_MALLOC));
    assert_int_equal(0, recorded.recording.repaired);
    assert_true(recorded.recording.unknown < 100); // libc's own, from before the recording
    recorded_free(&recorded);
}

static void test_family(void **state)
{
    (void)state;
    struct recorded recorded;
    record(&recorded, "family", false);
    assert_int_equal(1, count(&recorded, TRACE_ALLOC, 50001, TRACE_CALL_MALLOC));
    assert_int_equal(1, count(&recorded, TRACE_ALLOC_ZEROED, 150006, TRACE_CALL_CALLOC));
    assert_int_equal(1, count(&recorded, TRACE_ALLOC, 50003, TRACE_CALL_REALLOC));
    assert_int_equal(1, count(&recorded, TRACE_ALLOC, 100008, TRACE_CALL_REALLOCARRAY));
    assert_int_equal(1, count(&recorded, TRACE_ALLOC, 50005, TRACE_CALL_POSIX_MEMALIGN));
    assert_int_equal(1, count(&recorded, TRACE_ALLOC, 50048, TRACE_CALL_ALIGNED_ALLOC));
    assert_int_equal(1, count(&recorded, TRACE_ALLOC, 50007, TRACE_CALL_MEMALIGN));
    assert_int_equal(1, count(&recorded, TRACE_ALLOC, 50008, TRACE_CALL_VALLOC));
    assert_int_equal(1, count(&recorded, TRACE_ALLOC, 50009, TRACE_CALL_PVALLOC));
    assert_int_equal(1, count(&recorded, TRACE_FREE, 0, TRACE_CALL_REALLOC));
    assert_int_equal(0, count(&recorded, TRACE_RESIZE, (uint64_t)1 << 60, TRACE_CALL_NONE));
    const struct trace *trace = recorded.trace;
    for (size_t i = 0; i < trace->op_count; i++) {
        if (trace->ops[i].size == 50005 || trace->ops[i].size == 50007) {
            assert_int_equal(trace->ops[i].size == 50005 ? 9 : 10, trace->ops[i].align_log2);
        }
    }
    assert_int_equal(0, recorded.recording.repaired);
    recorded_free(&recorded);
}

static void test_killed(void **state)
{
    (void)state;
    struct recorded recorded;
    record(&recorded, "killed", false);
    assert_true(WIFSIGNALED(recorded.status));
    assert_int_equal(128 + SIGKILL, record_exit_status(recorded.status));
    assert_int_equal(10000, count(&recorded, TRACE_ALLOC, 60001, TRACE_CALL_MALLOC));
    assert_true(recorded.recording.account.live_blocks >= 1000);
    recorded_free(&recorded);
}

static void test_closing(void **state)
{
    (void)state;
    struct recorded recorded;
    record(&recorded, "closing", false);
    assert_int_equal(20000, count(&recorded, TRACE_ALLOC, 70001, TRACE_CALL_MALLOC));
    recorded_free(&recorded);
}

static void test_forking(void **state)
{
    (void)state;
    struct recorded recorded;
    record(&recorded, "forking", false);
    assert_int_equal(1, count(&recorded, TRACE_ALLOC, 80001, TRACE_CALL_MALLOC));
    assert_int_equal(10000, count(&recorded, TRACE_ALLOC, 80003, TRACE_CALL_MALLOC));
    assert_int_equal(0, count(&recorded, TRACE_ALLOC, 80002, TRACE_CALL_MALLOC));
    assert_int_equal(1, recorded.spools);
    recorded_free(&recorded);
}

static void test_children(void **state)
{
    (void)state;
    struct recorded recorded;
    record(&recorded, "executing", false);
    assert_int_equal(1, recorded.spools);
    recorded_free(&recorded);
    record(&recorded, "executing", true);
    assert_int_equal(2, recorded.spools);
    assert_int_equal(1, count(&recorded, TRACE_ALLOC, 90001, TRACE_CALL_MALLOC));
    recorded_free(&recorded);
}

// No room for the spool: the recording stops and says so, the program goes on.
static void test_limited(void **state)
{
    (void)state;
    struct recorded recorded;
    record(&recorded, "limited", false);
    assert_int_equal(3, record_exit_status(recorded.status));
    assert_int_equal(EFBIG, recorded.recording.stopped);
    size_t kept = count(&recorded, TRACE_ALLOC, 35001, TRACE_CALL_MALLOC);
    assert_true(kept > 2000 && kept < 50000);
    recorded_free(&recorded);
}

static void test_short_lives(void **state)
{
    (void)state;
    struct recorded recorded;
    record(&recorded, "short-lives", false);
    assert_int_equal(2000, count(&recorded, TRACE_ALLOC, 15001, TRACE_CALL_MALLOC));
    assert_int_equal(2001, recorded.recording.threads);
    assert_true(recorded.trace->thread_count < 20); // numbers are used again
    recorded_free(&recorded);
}

static void test_signals(void **state)
{
    (void)state;
    struct recorded recorded;
    record(&recorded, "signals", false);
    assert_int_equal(0, record_exit_status(recorded.status));
    assert_true(count(&recorded, TRACE_ALLOC, 25001, TRACE_CALL_MALLOC) > 0);
    recorded_free(&recorded);
}

static void test_program_that_is_not_there(void **state)
{
    (void)state;
    struct complaint complaint = {""};
    char program[] = "/nonexistent/program";
    char *argv[] = {program, NULL};
    struct record_run run = {.argv = argv};
    assert_int_not_equal(0, record_run(&run, RECORDER_LIBRARY, &complaint));
    assert_string_equal(complaint.text,
                        "/nonexistent/program: cannot be run: No such file or directory");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_family),
        cmocka_unit_test(test_killed),
        cmocka_unit_test(test_closing),
        cmocka_unit_test(test_forking),
        cmocka_unit_test(test_children),
        cmocka_unit_test(test_limited),
        cmocka_unit_test(test_short_lives),
        cmocka_unit_test(test_signals),
        cmocka_unit_test(test_program_that_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
