// SPDX-License-Identifier: MIT
//
// test_references.c - references in the order of a stream: the laws of workloads; faults and OPT on
// the engine, against counting them on the same string.

#include <unistd.h>

#include "faults/faults.h"
#include "unit/workload/engine_run.h"

static const struct workload *const rows[] = {&workload_references};

static char trace[] = "/tmp/mems-test-XXXXXX";
static char trace_job[200];

static const char *jobs[] = {
    "workload = references\nops = 5000\nblocks = 100\n",
    "workload = references\nthreads = 4\nops = 5000\nblocks = 50\nstream = zipf:1.1\n",
    "workload = references\nthreads = 2\nops = 1000\nblocks = 50\nstream = phases:5,20\n",
    "workload = references\nops = 1000\nblocks = 50\nstream = loop:7\nwrite_share = 1\n",
    "workload = references\nthreads = 2\nops = 1000\nstream = scan\n",
    trace_job,
};

#define STRING 3000
#define PAGES  90

static uint64_t string[STRING]; // what the trace has, as pages in their order of first use

static void make_trace(void)
{
    struct random random;
    int file = mkstemp(trace);
    FILE *out = fdopen(file, "w");
    bool seen[PAGES] = {false};
    random_init(&random, 5, 0, 0);
    for (unsigned i = 0, next = 0; i < STRING; i++) {
        // Some locality: a page near the one before, or any; a new one is the next number.
        uint64_t page = random_below(&random, 10) == 0 || i == 0
                            ? random_below(&random, PAGES)
                            : (string[i - 1] + random_below(&random, 12)) % PAGES;
        page = seen[page] ? page : next;
        next += !seen[page];
        seen[page] = true;
        string[i] = page;
        fprintf(out, "%u\n", (unsigned)(1000 - page));
    }
    fclose(out);
    snprintf(trace_job, sizeof trace_job,
             "workload = references\nops = 3000\nstream = trace\nreferences = %s\n", trace);
}

// Faults of an algorithm on the string, when each page was used once, in order, just before.
static uint64_t count_faults(const char *algorithm, uint64_t frames, size_t pages)
{
    uint64_t names[PAGES + STRING], faults;
    size_t count;
    struct faults_choice *choice;
    for (size_t i = 0; i < pages; i++) {
        names[i] = i;
    }
    memcpy(names + pages, string, sizeof string);
    struct references references = {.pages = names, .count = pages + STRING, .page_count = pages};
    assert_int_equal(faults_choose(algorithm, &choice, &count, &complaint), 0);
    assert_int_equal(faults_count(&references, choice, frames, 1, &faults, &complaint), 0);
    free(choice);
    return faults - pages;
}

// The blocks are pages, and allocated in the order of their first use: the same string as counted.
static void test_faults_are_the_engines(void **state)
{
    (void)state;
    static const char *const algorithms[] = {"fifo", "lru"};
    if (!faults_possible()) {
        skip();
    }
    for (unsigned i = 0; i < 2; i++) {
        char keys[300], target[200];
        size_t pages = 0;
        for (unsigned j = 0; j < STRING; j++) {
            pages = string[j] + 1 > pages ? string[j] + 1 : pages;
        }
        snprintf(keys, sizeof keys, "%ssize = 4096\nwrite_share = 0\n", trace_job);
        snprintf(target, sizeof target,
                 "mems:vm-paging(thread_cache=no,frames=40,swap=16Mi,low=0,high=1,replacement=%s)",
                 algorithms[i]);
        struct job *job = engine_open(keys, target, 1);
        work(fake_run.workload);
        fake_run.workload->close(&fake_run);
        assert_int_equal(fake_workers[0].count[OP_STEP], STRING);
        double faults = (double)count_faults(algorithms[i], 40, pages);
        assert_true(fake_figure("faults") == faults);
        assert_true(fabs(fake_figure("hit ratio") - 100 * (1 - faults / STRING)) < 1e-9);
        assert_true(fake_figure("faults where OPT is counted") == faults);
        double best = (double)count_faults("opt", 40, pages);
        assert_true(best > 0 && faults > best);
        assert_true(fabs(fake_figure("over OPT") - faults / best) < 1e-9);
        engine_close(job);
    }
}

// OPT is counted on the first references only, as many as were asked for.
static void test_opt_on_a_part(void **state)
{
    (void)state;
    if (!faults_possible()) {
        skip();
    }
    struct job *job = engine_open("workload = references\nblocks = 64\nops = 10000\nopt = 1000\n"
                                  "size = 4096\nstream = scan\n",
                                  "mems:vm-paging(frames=32,swap=16Mi,replacement=lru)", 1);
    work(fake_run.workload);
    fake_run.workload->close(&fake_run);
    assert_true(fake_figure("faults") == 10000); // a scan longer than memory: LRU never hits
    assert_true(fake_figure("faults where OPT is counted") == 1000);
    // Of 64 references OPT hits 31 of its 32 frames' pages, about.
    assert_true(fake_figure("over OPT") > 1.8 && fake_figure("over OPT") < 2.2);
    engine_close(job);
}

static void test_all_in_memory(void **state)
{
    (void)state;
    if (!faults_possible()) {
        skip();
    }
    struct job *job = engine_open("workload = references\nblocks = 64\nops = 2000\nsize = 4096\n",
                                  "mems:vm-paging(frames=128,swap=16Mi)", CHECK_WHOLE);
    work(fake_run.workload);
    fake_run.workload->close(&fake_run);
    assert_true(fake_figure("faults") == 0 && fake_figure("hit ratio") == 100);
    assert_true(fake_figure("over OPT") == 1);
    engine_close(job);
}

// Segments of one size are told apart as blocks; what several threads do is no one string.
static void test_segments_and_threads(void **state)
{
    (void)state;
    if (!faults_possible()) {
        skip();
    }
    struct job *job = engine_open("workload = references\nblocks = 64\nops = 3000\nsize = 1000\n",
                                  "mems:vm-segmentation(capacity=32Ki,swap=16Mi)", CHECK_WHOLE);
    work(fake_run.workload);
    fake_run.workload->close(&fake_run);
    assert_true(fake_figure("faults") > 0 && fake_figure("over OPT") > 1);
    engine_close(job);
    job = engine_open("workload = references\nblocks = 64\nops = 3000\nthreads = 2\n",
                      "mems:vm-paging(frames=16,swap=16Mi)", CHECK_WHOLE);
    work(fake_run.workload);
    fake_run.workload->close(&fake_run);
    assert_true(fake_figure("references") == 6000);
    assert_true(isnan(fake_figure("over OPT")) != 0);
    engine_close(job);
}

static void test_jobs_that_cannot_be(void **state)
{
    (void)state;
    char file[200], blocks[220];
    snprintf(file, sizeof file, "workload = references\nreferences = %s\n", trace);
    snprintf(blocks, sizeof blocks, "%sblocks = 3\n", trace_job);
    const struct bad_job bad[] = {
        {"workload = references\nstream = zip:1\n", "expected one of uniform, scan"},
        {"workload = references\nstream = trace\n", "a trace needs its file"},
        {"workload = references\nstream = trace\nreferences = /nowhere\n", "No such file"},
        {"workload = references\nstream = loop:11\nblocks = 10\n", "N is 11, but there are 10"},
        {"workload = references\nstream = phases:1001,9\n", "N is 1001, but there are 1000"},
        {"workload = references\nblocks = 10M\nthreads = 1000\n", "fewer than 2^32"},
        {file, "only stream = trace follows a file"},
        {blocks, "leave `blocks` out"},
    };
    refuse_jobs(bad, sizeof bad / sizeof bad[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAWS,
        cmocka_unit_test(test_faults_are_the_engines),
        cmocka_unit_test(test_opt_on_a_part),
        cmocka_unit_test(test_all_in_memory),
        cmocka_unit_test(test_segments_and_threads),
        cmocka_unit_test(test_jobs_that_cannot_be),
    };
    clock_init();
    make_trace();
    law_rows = rows;
    law_row_count = 1;
    law_jobs = (const char *const *)jobs;
    law_job_count = sizeof jobs / sizeof jobs[0];
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(trace);
    return failed;
}
