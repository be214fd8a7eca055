// SPDX-License-Identifier: MIT
//
// test_sweep.c - which sections a sweep stands for, and what the command line puts over a job.

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "job/job.h"
#include "support/test.h"
#include "workload/random.h"
#include "workload/workload.h"

static struct job *parse_set(const char *text, const char *const *set)
{
    struct complaint complaint = {{0}};
    struct job *job = NULL;
    if (job_parse_set(text, strlen(text), "j", "/folder", set, &job, &complaint) != 0) {
        fail_msg("the job\n%s\nis refused: %s", text, complaint.text);
    }
    return job;
}

static struct job *parse(const char *text)
{
    return parse_set(text, NULL);
}

// The names of all sections, a bar after each.
static void assert_names(const char *text, const char *const *set, const char *names)
{
    struct job *job = parse_set(text, set);
    char found[8192] = "";
    for (size_t i = 0; i < job->section_count; i++) {
        strcat(strcat(found, job->sections[i].name), "|");
    }
    assert_string_equal(found, names);
    job_free(job);
}

#define GOOD "[a]\nworkload=churn\ntarget=libc,null\n"

static void test_series(void **state)
{
    (void)state;
    static const struct {
        const char *line, *names;
    } rows[] = {
        {"threads=1,2,4\n", "a threads=1|a threads=2|a threads=4|"},
        {"threads = 3 , 1\n", "a threads=3|a threads=1|"},
        {"threads=1..3\n", "a threads=1|a threads=2|a threads=3|"},
        {"threads=2..2\n", "a threads=2|"},
        {"threads=1,3..7\n", "a threads=1|a threads=3|a threads=5|a threads=7|"},
        {"threads=1,2,4..32\n",
         "a threads=1|a threads=2|a threads=4|a threads=8|a threads=16|a threads=32|"},
        {"threads=1,2,3..5\n", "a threads=1|a threads=2|a threads=3|a threads=4|a threads=5|"},
        {"threads=27,18,12..8\n", "a threads=27|a threads=18|a threads=12|a threads=8|"},
        {"threads=9,7..3\n", "a threads=9|a threads=7|a threads=5|a threads=3|"},
        {"threads=8..1/2\n", "a threads=8|a threads=4|a threads=2|a threads=1|"},
        {"threads=8..2-3\n", "a threads=8|a threads=5|a threads=2|"},
        {"threads=1,2,8..24+8\n", "a threads=1|a threads=2|a threads=8|a threads=16|a threads=24|"},
        {"threads=1..3,7..9\n",
         "a threads=1|a threads=2|a threads=3|a threads=7|a threads=8|a threads=9|"},
        {"threads=2*2,1..(2*1)+1\n", "a threads=4|a threads=1|a threads=2|"},
        {"limit=16..4Ki*4\n", "a limit=16|a limit=64|a limit=256|a limit=1Ki|a limit=4Ki|"},
        {"limit=0..2k+1k\n", "a limit=0|a limit=1000|a limit=2000|"},
        {"limit=4k,4Ki\n", "a limit=4k|a limit=4Ki|"},
        {"runtime=10ms..50ms+20ms\n", "a runtime=10ms|a runtime=30ms|a runtime=50ms|"},
        {"runtime=500ms,1s..2s\n", "a runtime=500ms|a runtime=1s|a runtime=1500ms|a runtime=2s|"},
        {"remote=0..1+0.25\n", "a remote=0|a remote=0.25|a remote=0.5|a remote=0.75|a remote=1|"},
        {"remote=0.1,0.2..0.5\n",
         "a remote=0.1|a remote=0.2|a remote=0.3|a remote=0.4|a remote=0.5|"},
        {"remote=1e-3,0.5\n", "a remote=1e-3|a remote=0.5|"},
        {"size=16,64-128,4Ki\n", "a size=16|a size=64-128|a size=4Ki|"},
        {"size=16..64*2\n", "a size=16|a size=32|a size=64|"},
        {"size=64/50:4k/40,64/2\n", "a size=64/50:4k/40|a size=64/2|"},
        {"size=(1+3)*4-(4Ki/2),8\n", "a size=(1+3)*4-(4Ki/2)|a size=8|"},
        {"order=fifo,lifo\n", "a order=fifo|a order=lifo|"},
        {"zeroed=no,yes\n", "a zeroed=no|a zeroed=yes|"},
        {"latency=all,1/8,none\n", "a latency=all|a latency=1/8|a latency=none|"},
        {"note=../x,b..c\n", "a note=../x|a note=b..c|"},
        {"note=[x],y\n", "a note=#1|a note=y|"},
        {"note=\"a,b\"\n", "a|"},
        {"size=\"16\"\n", "a|"},
        {"wait_for=b,c\n", "a|"},
        {"threads=1,2\ntouch=none,full\n",
         "a threads=1 touch=none|a threads=1 touch=full|a threads=2 touch=none|"
         "a threads=2 touch=full|"},
    };
    char text[512];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(text, sizeof text, GOOD "%s", rows[i].line);
        assert_names(text, NULL, rows[i].names);
    }
}

static void test_a_section_of_a_sweep_is_an_ordinary_one(void **state)
{
    (void)state;
    struct job *job = parse("[global]\ntarget=libc,null\n[a]\nworkload=churn\n"
                            "threads = 1, 2\nsize=16..64*2\n[b]\nworkload=churn\n");
    assert_int_equal(job->section_count, 7);
    const struct job_section *last = &job->sections[5];
    assert_string_equal(last->name, "a threads=2 size=64");
    assert_int_equal(job_number(last, "threads"), 2);
    assert_string_equal(job_text(last, "threads"), "2");
    assert_int_equal(job_value(last, "threads")->line, 5);
    assert_int_equal(job_value(last, "threads")->column, 14);
    assert_int_equal(distribution_most(job_value(last, "size")->distribution), 64);
    assert_string_equal(job_text(last, "group"), "a");
    assert_string_equal(job_text(&job->sections[6], "group"), "");
    assert_string_equal(job_value(last, "target")->list[1], "null");
    assert_int_equal(last->line, 3);
    job_free(job);
    job = parse(GOOD "threads=1,2\ngroup=mine\n");
    assert_string_equal(job_text(&job->sections[1], "group"), "mine");
    job_free(job);
}

static void test_global_sweeps_multiply_who_uses_them(void **state)
{
    (void)state;
    assert_names("[global]\ntarget=null\nslots=1,2\nthreads=3\n[a]\nworkload=churn\n"
                 "[b]\nworkload=larson\n[c]\nworkload=churn\nslots=9\n[global]\nthreads=1,2\n"
                 "[d]\nworkload=larson\n[t]\nworkload=trace\ntrace=x\n",
                 NULL, "a slots=1|a slots=2|b|c|d threads=1|d threads=2|t|");
    // The section's own keys come first in the name.
    assert_names("[global]\ntarget=null\nslots=1,2\n[a]\nworkload=churn\nthreads=3,4\n", NULL,
                 "a threads=3 slots=1|a threads=3 slots=2|a threads=4 slots=1|a threads=4 "
                 "slots=2|");
}

static void test_workloads_sweep_with_the_keys_they_have(void **state)
{
    (void)state;
    assert_names("[global]\ntarget=null\nslots=1,2\n[a]\nworkload=churn,larson\nthreads=1,2\n",
                 NULL,
                 "a workload=churn threads=1 slots=1|a workload=churn threads=1 slots=2|"
                 "a workload=churn threads=2 slots=1|a workload=churn threads=2 slots=2|"
                 "a workload=larson threads=1|a workload=larson threads=2|");
    assert_names("[global]\ntarget=null\nworkload=churn,larson\n[a]\n[b]\nworkload=churn\n", NULL,
                 "a workload=churn|a workload=larson|b|");
}

// What ops drops does not multiply, and what is not dropped does.
static void test_length_that_loses_does_not_sweep(void **state)
{
    (void)state;
    assert_names("[global]\ntarget=null\nruntime=1s,2s\n[a]\nworkload=churn\nops=0,5\n[b]\n"
                 "workload=churn\nops=7\n[c]\nworkload=churn\n",
                 NULL,
                 "a ops=0 runtime=1s|a ops=0 runtime=2s|a ops=5|b|c runtime=1s|c runtime=2s|");
    assert_names("[global]\ntarget=null\nops=1,2\n[a]\nworkload=churn\nruntime=1s\n[b]\n"
                 "workload=churn\n",
                 NULL, "a|b ops=1|b ops=2|");
}

static void test_overrides(void **state)
{
    (void)state;
    static const char text[] = "[global]\ntarget=null\nthreads=1,2\n[a]\nworkload=churn\n"
                               "slots=5\nruntime=1s\n[b.c]\nworkload=larson\nthreads=3\n";
    assert_names(text, NULL, "a threads=1|a threads=2|b.c|");
    assert_names(text, (const char *const[]){"threads=7", NULL}, "a|b.c|");
    assert_names(text, (const char *const[]){"a.threads=7,8", NULL},
                 "a threads=7|a threads=8|b.c|");
    assert_names(text, (const char *const[]){"threads=7", "b.c.threads=1..2", NULL},
                 "a|b.c threads=1|b.c threads=2|");
    assert_names(text, (const char *const[]){"b.c.workload=larson,churn", "threads=1", NULL},
                 "a|b.c workload=larson|b.c workload=churn|");
}

static void test_override_values(void **state)
{
    (void)state;
    static const char text[] = "[global]\ntarget=null\nthreads=1\n[a]\nworkload=churn\n"
                               "slots=5\nruntime=1s\nnote=x\n[b]\nworkload=larson\n"
                               "[t]\nworkload=trace\ntrace=y\n";
    char here[4096];
    struct job *job =
        parse_set(text, (const char *const[]){"slots = 2*3", "ops=5", "t.trace=./z",
                                              "note=\"a, b # c\"", "b.rounds=9", NULL});
    const struct job_section *a = &job->sections[0];
    assert_int_equal(job_number(a, "slots"), 6);
    assert_int_equal(job_number(a, "ops"), 5); // drops the runtime of the file
    assert_false(job_value(a, "runtime")->given);
    assert_string_equal(job_text(a, "note"), "a, b # c");
    assert_int_equal(job_number(&job->sections[1], "rounds"), 9);
    assert_int_equal(job_number(&job->sections[1], "ops"), 5);
    assert_non_null(getcwd(here, sizeof here - 2)); // not the job's folder
    strcat(here, "/z");
    assert_string_equal(job_text(&job->sections[2], "trace"), here);
    job_free(job);
}

static void test_bad_overrides(void **state)
{
    (void)state;
    static const char text[] = "[global]\ntarget=null\n[fill]\nworkload=churn\nthreads=2\n"
                               "[t]\nworkload=trace\ntrace=y\n";
    static const struct {
        const char *set[3];
        const char *complaint;
    } rows[] = {
        {{"threads=0x"},
         "--set threads=0x: threads = 0x: unknown unit 'x': units of a number are k M G T (1000); "
         "allowed is 0 .. 1024, where 0 is all CPUs"},
        {{"thread=1"}, "--set thread=1: unknown key 'thread'; did you mean 'threads'?"},
        {{"fill.thread=1"},
         "--set fill.thread=1: unknown key 'thread' in section [fill]; did you mean 'threads'?"},
        {{"fil.threads=1"},
         "--set fil.threads=1: the job has no section [fil]; did you mean [fill]?"},
        {{"t.threads=1"},
         "--set t.threads=1: key 'threads' means nothing to workload trace (a "
         "recorded program, in its order): leave it out"},
        {{"rounds=1"},
         "--set rounds=1: no section of the job can use key 'rounds', which is one "
         "of workload larson"},
        {{"threads"}, "--set threads: expected KEY=VALUE or SECTION.KEY=VALUE"},
        {{"=1"}, "--set =1: expected KEY=VALUE or SECTION.KEY=VALUE"},
        {{"include=x"}, "--set include=x: expected KEY=VALUE or SECTION.KEY=VALUE"},
        {{"threads="},
         "--set threads=: key 'threads' has no value: give one, or leave the line "
         "out for the default"},
        {{"threads=1", "threads=2"},
         "--set threads=2: key 'threads' is set twice: the first is --set threads=1"},
        {{"threads=1,1"}, "--set threads=1,1: threads = 1,1: 1 comes twice"},
        {{"ops=1", "runtime=1s"},
         "--set runtime=1s: keys 'ops' and 'runtime' exclude each other: "
         "ops = 1 is at --set ops=1; keep one of them"},
        {{"note=a\nb"}, NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct complaint complaint = {{0}};
        struct job *job = NULL;
        assert_int_equal(job_parse_set(text, strlen(text), "j", "/", rows[i].set, &job, &complaint),
                         EINVAL);
        if (rows[i].complaint) {
            assert_string_equal(complaint.text, rows[i].complaint);
        }
    }
}

// [a] may wait, and what it waits for need not be quoted.
static void test_folder_of_commands(void **state)
{
    (void)state;
    struct job *job = parse(GOOD "[b]\nworkload=churn\ntarget=null\nsetup=\"true, true\"\n"
                                 "wait_for=a\n[c]\nworkload=churn\ntarget=null\nprepare=true\n"
                                 "folder=sub\n");
    assert_string_equal(job_text(&job->sections[1], "setup"), "true, true");
    assert_string_equal(job_text(&job->sections[1], "folder"), "/folder");
    assert_string_equal(job_text(&job->sections[2], "folder"), "/folder/sub");
    char *text = job_section_text(&job->sections[1]);
    assert_non_null(strstr(text, "setup = \"true, true\"\n"));
    assert_non_null(strstr(text, "folder = /folder\n"));
    free(text);
    text = job_section_text(&job->sections[0]);
    assert_null(strstr(text, "folder"));
    assert_null(strstr(text, "arrival"));
    free(text);
    job_free(job);
}

// A random cross product against one that is counted here.
static void test_random_products(void **state)
{
    (void)state;
    struct random random;
    random_init(&random, test_seed(), 0, 0);
    for (unsigned round = 0; round < 300 / MEMS_TEST_SCALE; round++) {
        static const char *const keys[] = {"threads", "slots", "seed", "verify", "repeats"};
        char text[2048] = GOOD;
        uint64_t values[5][4], counts[5], expected = 1;
        for (size_t k = 0; k < 5; k++) {
            counts[k] = 1 + random_below(&random, 4);
            expected *= counts[k];
            sprintf(text + strlen(text), "%s=", keys[k]);
            for (size_t v = 0; v < counts[k]; v++) {
                values[k][v] = v + (k != 3); // verify begins at 0
                sprintf(text + strlen(text), "%s%" PRIu64, v ? "," : "", values[k][v]);
            }
            strcat(text, "\n");
        }
        struct job *job = parse(text);
        assert_int_equal(job->section_count, expected);
        for (size_t i = 0; i < expected; i++) { // the first key changes slowest
            uint64_t rest = i;
            for (size_t k = 5; k-- > 0; rest /= counts[k]) {
                assert_int_equal(job_number(&job->sections[i], keys[k]),
                                 values[k][rest % counts[k]]);
            }
        }
        job_free(job);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_series),
        cmocka_unit_test(test_a_section_of_a_sweep_is_an_ordinary_one),
        cmocka_unit_test(test_global_sweeps_multiply_who_uses_them),
        cmocka_unit_test(test_workloads_sweep_with_the_keys_they_have),
        cmocka_unit_test(test_length_that_loses_does_not_sweep),
        cmocka_unit_test(test_overrides),
        cmocka_unit_test(test_override_values),
        cmocka_unit_test(test_bad_overrides),
        cmocka_unit_test(test_folder_of_commands),
        cmocka_unit_test(test_random_products),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
