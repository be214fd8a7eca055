// SPDX-License-Identifier: MIT
//
// test_job.c - good jobs: values, defaults, [global], variables, includes, and the way back.

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "job/job.h"
#include "support/test.h"
#include "workload/workload.h"

static struct job *parse(const char *text)
{
    struct complaint complaint = {{0}};
    struct job *job = NULL;
    int error = job_parse(text, strlen(text), "dir/some.job.ini", "/folder", &job, &complaint);
    if (error) {
        fail_msg("the job\n%s\nis refused: %s", text, complaint.text);
    }
    return job;
}

static void test_values_of_every_kind(void **state)
{
    (void)state;
    struct job *job = parse("[a]\nworkload=churn\ntarget = libc , mems:dynamic(fit=best,arenas=2)\n"
                            "slots = 2*1.5k\nremote=2.5e-1\nruntime=1.5m\nlatency=1/32\n"
                            "zeroed=yes\norder=lifo\nlimit=3Ki\nsize=64/1:128-256/1\nseed=0\n");
    const struct job_section *a = &job->sections[0];
    assert_int_equal(job->section_count, 1);
    assert_string_equal(job->title, "some.job");
    assert_string_equal(job->path, "/folder/some.job.ini");
    assert_string_equal(a->name, "a");
    assert_string_equal(a->workload->name, "churn");
    assert_int_equal(a->line, 1);
    assert_int_equal(job_number(a, "slots"), 3000);
    assert_true(job_real(a, "remote") == 0.25);
    assert_int_equal(job_number(a, "runtime"), 90000000000);
    assert_int_equal(job_number(a, "latency"), 32);
    assert_int_equal(job_number(a, "zeroed"), 1);
    assert_int_equal(job_number(a, "order"), 1);
    assert_int_equal(job_number(a, "limit"), 3072);
    assert_string_equal(job_text(a, "order"), "lifo");
    assert_int_equal(distribution_most(job_value(a, "size")->distribution), 256);
    char **targets = job_value(a, "target")->list;
    assert_string_equal(targets[0], "libc");
    assert_string_equal(targets[1], "mems:dynamic(fit=best,arenas=2)");
    assert_null(targets[2]);
    const struct job_value *slots = job_value(a, "slots");
    assert_true(slots->given && slots->line == 4 && slots->column == 9);
    job_free(job);
}

static void test_defaults(void **state)
{
    (void)state;
    struct job *job = parse("[a]\nworkload=churn\ntarget=null\n");
    const struct job_section *a = &job->sections[0];
    assert_int_equal(job_number(a, "threads"), 1);
    assert_int_equal(job_number(a, "ops"), 0);
    assert_int_equal(job_number(a, "runtime"), 1000000000);
    assert_int_equal(job_number(a, "verify"), 1);
    assert_int_equal(job_number(a, "seed"), 1);
    assert_int_equal(job_number(a, "repeats"), 1);
    assert_string_equal(job_text(a, "touch"), "first");
    assert_int_equal(job_number(a, "latency"), 32);
    assert_int_equal(job_number(a, "sample"), 50000000);
    assert_int_equal(job_number(a, "timeout"), 30000000000);
    assert_int_equal(distribution_least(job_value(a, "size")->distribution), 16);
    assert_int_equal(distribution_most(job_value(a, "size")->distribution), 1024);
    assert_string_equal(job_text(a, "note"), "");
    assert_null(job_value(a, "lifetime")->distribution);
    assert_false(job_value(a, "slots")->given);
    assert_int_equal(job_value(a, "slots")->line, 0);
    job_free(job);
}

// A workload's row of a common key's name takes its place; a value that is given is a value.
static void test_a_workload_has_defaults_of_its_own(void **state)
{
    (void)state;
    struct job *job = parse("[a]\nworkload=larson\ntarget=null\n[global]\nsize=7\n"
                            "[b]\nworkload=larson\ntarget=null\n"
                            "[c]\nworkload=churn\ntarget=null\n");
    const struct job_section *a = &job->sections[0];
    assert_int_equal(distribution_most(job_value(a, "size")->distribution), 8);
    assert_string_equal(job_value(a, "size")->key->help, "bytes, by a default of its own");
    assert_int_equal(distribution_most(job_value(a + 1, "size")->distribution), 7);
    assert_int_equal(distribution_most(job_value(a + 2, "size")->distribution), 7);
    unsigned rows = 0;
    for (size_t i = 0; i < a->value_count; i++) {
        rows += strcmp(a->values[i].key->name, "size") == 0;
    }
    assert_int_equal(rows, 1);
    job_free(job);
}

static void test_no_threads_are_all_cpus(void **state)
{
    (void)state;
    cpu_set_t set;
    assert_int_equal(sched_getaffinity(0, sizeof set, &set), 0);
    struct job *job = parse("[a]\nworkload=churn\ntarget=null\nthreads=0\n[b]\nworkload=churn\n"
                            "target=null\nthreads=2*$ncpus\nlimit=4*$pagesize\n");
    assert_int_equal(job_number(&job->sections[0], "threads"), CPU_COUNT(&set));
    assert_int_equal(job_number(&job->sections[1], "threads"), 2 * CPU_COUNT(&set));
    assert_int_equal(job_number(&job->sections[1], "limit"), 4 * sysconf(_SC_PAGESIZE));
    job_free(job);
}

static void test_text_of_values(void **state)
{
    (void)state;
    struct job *job = parse(
        "\xef\xbb\xbf; first\r\n\r\n  # second\r\n\t[ my section ] ; name\r\n"
        "  workload\t= churn\t# comment\r\n target=null;x ; y\r\n"
        "note = \" a #b \"\"c\"\" $$d \"  # e\r\n[b]\nworkload=churn\ntarget=null\nnote=a#b\"c");
    assert_string_equal(job->sections[0].name, "my section");
    assert_string_equal(job_value(&job->sections[0], "target")->list[0], "null;x");
    assert_string_equal(job_text(&job->sections[0], "note"), " a #b \"c\" $d ");
    assert_string_equal(job_text(&job->sections[1], "note"), "a#b\"c");
    job_free(job);
}

static void test_a_line_may_be_long(void **state)
{
    (void)state;
    enum { LENGTH = 1 << 20 };
    char *text = malloc(LENGTH + 64);
    assert_non_null(text);
    int start = sprintf(text, "[a]\nworkload=churn\ntarget=null\nnote=");
    memset(text + start, 'x', LENGTH);
    text[start + LENGTH] = 0;
    struct job *job = parse(text);
    assert_int_equal(strlen(job_text(&job->sections[0], "note")), LENGTH);
    job_free(job);
    free(text);
}

static void test_global_gives_defaults(void **state)
{
    (void)state;
    struct job *job = parse("[global]\nworkload=churn\ntarget=null\nslots=5\nops=7\nsize=8\n"
                            "[a]\n[b]\nslots=6\nruntime=2s\n"
                            "[global]\nslots=9\ntrace=t\n[c]\n[d]\nworkload=larson\n"
                            "[e]\nworkload=trace\n[f]\nworkload=trace\ntrace=./u\n");
    const struct job_section *s = job->sections;
    assert_int_equal(job_number(&s[0], "slots"), 5);
    assert_int_equal(job_number(&s[0], "ops"), 7);
    assert_int_equal(job_value(&s[0], "slots")->line, 4);
    assert_int_equal(job_number(&s[1], "slots"), 6);
    assert_int_equal(job_number(&s[1], "ops"), 0);
    assert_int_equal(job_number(&s[1], "runtime"), 2000000000);
    assert_int_equal(job_number(&s[2], "slots"), 9);
    assert_string_equal(s[3].workload->name, "larson");
    assert_string_equal(job_text(&s[4], "trace"), "/folder/t");
    assert_string_equal(job_text(&s[5], "trace"), "/folder/u");
    assert_int_equal(job_number(&s[4], "ops"), 0); // it has no use for it
    job_free(job);
    job = parse("[global]\nruntime=9s\n[a]\nworkload=churn\ntarget=null\nops=3\n");
    assert_int_equal(job_number(&job->sections[0], "ops"), 3);
    assert_false(job_value(&job->sections[0], "runtime")->given);
    job_free(job);
}

static void test_variables_of_the_environment(void **state)
{
    (void)state;
    setenv("MEMS_SET", "a #b ${x}", 1);
    unsetenv("MEMS_UNSET");
    struct job *job =
        parse("[a]\nworkload=churn\ntarget=${MEMS_UNSET:-${MEMS_UNSET:-null}}\n"
              "note=<${MEMS_SET}${MEMS_UNSET:-}>\nslots=${MEMS_UNSET:-1${MEMS_UNSET:-2}3}");
    assert_string_equal(job_text(&job->sections[0], "note"), "<a #b ${x}>");
    assert_string_equal(job_value(&job->sections[0], "target")->list[0], "null");
    assert_int_equal(job_number(&job->sections[0], "slots"), 123);
    assert_string_equal(job_variable_at(job, 0), "MEMS_SET");
    assert_null(job_variable_at(job, 1)); // the other is not set
    job_free(job);
    setenv("MEMS_EMPTY", "", 1);
    const char *text = "[a]\nworkload=churn\ntarget=null\nnote=${MEMS_SET} ${MEMS_SET}$$\n"
                       "slots=${MEMS_EMPTY:-7}\n";
    const char *set[] = {"a.threads=${MEMS_THREADS}", NULL};
    setenv("MEMS_THREADS", "2", 1);
    assert_int_equal(job_parse_set(text, strlen(text), "test.ini", "/", set, &job, NULL), 0);
    static const char *const used[] = {"MEMS_SET", "MEMS_EMPTY", "MEMS_THREADS"};
    for (size_t i = 0; i < 3; i++) { // each once, an empty one too, the command line's last
        assert_string_equal(job_variable_at(job, i), used[i]);
    }
    assert_null(job_variable_at(job, 3));
    job_free(job);
}

// A section and what it reads back as have the same values.
static void assert_same(const struct job_section *a, const struct job_section *b)
{
    assert_string_equal(a->name, b->name);
    assert_ptr_equal(a->workload, b->workload);
    assert_int_equal(a->value_count, b->value_count);
    for (size_t i = 0; i < a->value_count; i++) {
        const struct job_value *x = &a->values[i], *y = &b->values[i];
        assert_int_equal(x->number, y->number);
        assert_true(x->real == y->real);
        if (x->path) {
            assert_string_equal(x->path, y->path);
        }
        for (char **p = x->list, **q = y->list; p && *p; p++, q++) {
            assert_string_equal(*p, *q);
        }
        if (x->distribution) {
            assert_true(distribution_mean(x->distribution) == distribution_mean(y->distribution));
        } else {
            assert_null(y->distribution);
        }
        if (x->key->kind == JOB_TEXT) {
            assert_string_equal(x->text, y->text);
        }
    }
}

static void test_a_section_is_read_back_as_written(void **state)
{
    (void)state;
    static const char *const jobs[] = {
        "[a]\nworkload=churn\ntarget=?libc, mems:fixed(a=1,b=2)\nslots=$ncpus\nremote=0.1\n"
        "runtime=1500us\nlatency=all\nnote= \" #$$\"\" "
        ";\"\nsize=64/50:4k/40:1M/10\nlifetime=log:1-9\n",
        "[a "
        "b]\nworkload=churn\ntarget=null\nops=10k\nlatency=none\nthreads=0\nnote=\"$$\"\nzeroed="
        "yes\n",
        "[t]\nworkload=trace\ntarget=null\ntrace=\"a $$b #c \"\nseed=18446744073709551615\n",
        "[l]\nworkload=larson\ntarget=null\nrounds=7\nverify=0\n",
    };
    for (size_t i = 0; i < sizeof jobs / sizeof jobs[0]; i++) {
        struct job *job = parse(jobs[i]);
        char *text = job_section_text(&job->sections[0]);
        assert_non_null(text);
        struct job *back = parse(text);
        assert_same(&job->sections[0], &back->sections[0]);
        char *again = job_section_text(&back->sections[0]);
        assert_string_equal(text, again);
        free(text);
        free(again);
        job_free(job);
        job_free(back);
    }
}

static char folder[64];

static void write_file(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static int read_file(const char *name, struct job **job, char *complaint_text)
{
    char path[128];
    struct complaint complaint = {{0}};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    *job = NULL;
    int error = job_read(path, job, &complaint);
    size_t length = strlen(folder); // the rest is the same in every run
    const char *text = complaint.text;
    strcpy(complaint_text, strncmp(text, folder, length) == 0 ? text + length + 1 : text);
    return error;
}

static int make_folder(void **state)
{
    (void)state;
    char path[128];
    strcpy(folder, "/tmp/mems-job-XXXXXX");
    if (!mkdtemp(folder)) {
        return -1;
    }
    snprintf(path, sizeof path, "%s/sub", folder);
    return mkdir(path, 0700);
}

static int remove_folder(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static void test_includes(void **state)
{
    (void)state;
    struct job *job;
    char text[1024], trace[128];
    write_file("job.ini", "[global]\ninclude = sub/common.ini\n[a]\ninclude=sub/keys.ini\nseed=5\n"
                          "include = sub/sections.ini\n[c]\nworkload=churn\n");
    write_file("sub/common.ini", "target=null\n");
    write_file("sub/keys.ini", "workload=trace\ntrace=here\n");
    write_file("sub/sections.ini", "[b]\ninclude=./keys.ini\ntouch=none\n");
    assert_int_equal(read_file("job.ini", &job, text), 0);
    assert_int_equal(job->section_count, 3);
    assert_int_equal(job_number(&job->sections[0], "seed"), 5);
    snprintf(trace, sizeof trace, "%s/sub/here", folder);
    assert_string_equal(job_text(&job->sections[0], "trace"), trace);
    assert_string_equal(job_text(&job->sections[1], "trace"), trace);
    assert_string_equal(job_text(&job->sections[1], "touch"), "none");
    assert_string_equal(job_value(&job->sections[2], "target")->list[0], "null");
    assert_string_equal(job->title, "job");
    job_free(job);
}

static void test_bad_includes_name_the_file(void **state)
{
    (void)state;
    struct job *job;
    char text[1024];
    write_file("job.ini", "[a]\nworkload=churn\ninclude=sub/bad.ini\n");
    write_file("sub/bad.ini", "target=null\n slots=x\n");
    assert_int_equal(read_file("job.ini", &job, text), EINVAL);
    assert_string_equal(text,
                        "sub/bad.ini:2:8: slots = x: not a number: expected digits, as in 64; "
                        "allowed is 1 .. 1000000");
    write_file("sub/bad.ini", "target=null\nworkload=churn\n");
    assert_int_equal(read_file("job.ini", &job, text), EINVAL);
    assert_non_null(strstr(text, "sub/bad.ini:2:1: key 'workload' twice in section [a]: the first "
                                 "is at "));
    write_file("job.ini", "[a]\ninclude=sub/two.ini\nseed=4\n");
    write_file("sub/two.ini", "[b]\n");
    assert_int_equal(read_file("job.ini", &job, text), EINVAL);
    assert_string_equal(text, "job.ini:3:1: key 'seed' after an include with sections of its own: "
                              "open a section first ([global] or [name])");
    write_file("job.ini", "include = job.ini\n");
    assert_int_equal(read_file("job.ini", &job, text), EINVAL);
    assert_non_null(strstr(text, "job.ini:1:11: include = job.ini: "));
    assert_non_null(strstr(text, "/job.ini includes itself"));
    write_file("job.ini", "include = sub/back.ini\n");
    write_file("sub/back.ini", "\ninclude = ../job.ini\n");
    assert_int_equal(read_file("job.ini", &job, text), EINVAL);
    assert_non_null(strstr(text, "sub/back.ini:2:11: include = ../job.ini: "));
    assert_non_null(strstr(text, "/job.ini includes itself by way of "));
    write_file("job.ini", "[a]\ninclude = sub\n");
    assert_int_equal(read_file("job.ini", &job, text), EISDIR);
    assert_string_equal(text, "job.ini:2:11: include = sub: Is a directory");
}

// Each file includes the next twice: without a bound that is 2^20 files.
static void test_includes_are_bounded(void **state)
{
    (void)state;
    struct job *job;
    char name[32], lines[128], text[1024];
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof name, "%d.ini", i);
        snprintf(lines, sizeof lines, "include=%d.ini\ninclude=%d.ini\n", i + 1, i + 1);
        write_file(name, i < 19 ? lines : "");
    }
    assert_int_equal(read_file("0.ini", &job, text), EINVAL);
    assert_non_null(strstr(text, "the job reads more than 256 files"));
}

static void test_unreadable_files(void **state)
{
    (void)state;
    struct job *job;
    struct complaint complaint = {{0}};
    char text[1024];
    assert_int_equal(read_file("missing.ini", &job, text), ENOENT);
    assert_string_equal(text, "missing.ini:1:1: No such file or directory");
    assert_int_equal(read_file("sub", &job, text), EISDIR);
    assert_string_equal(text, "sub:1:1: Is a directory");
    assert_int_equal(job_read("/dev/zero", &job, &complaint), EFBIG);
    assert_string_equal(complaint.text, "/dev/zero:1:1: larger than 16 MiB: not a job file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_of_every_kind),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_a_workload_has_defaults_of_its_own),
        cmocka_unit_test(test_no_threads_are_all_cpus),
        cmocka_unit_test(test_text_of_values),
        cmocka_unit_test(test_a_line_may_be_long),
        cmocka_unit_test(test_global_gives_defaults),
        cmocka_unit_test(test_variables_of_the_environment),
        cmocka_unit_test(test_a_section_is_read_back_as_written),
        cmocka_unit_test(test_includes),
        cmocka_unit_test(test_bad_includes_name_the_file),
        cmocka_unit_test(test_includes_are_bounded),
        cmocka_unit_test(test_unreadable_files),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
