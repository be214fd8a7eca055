// SPDX-License-Identifier: MIT
//
// test_processes.c - whole processes: the laws of workloads; spaces that close with all they hold.

#include "unit/workload/engine_run.h"

static const struct workload *const rows[] = {&workload_processes};

static const char *const jobs[] = {
    "workload = processes\nops = 20001\n",
    "workload = processes\nthreads = 4\nops = 5000\nspacing = 1\nalive = 3\nlifetime = 1\n",
    "workload = processes\nthreads = 2\nops = 5000\nsize = 1-9\nblocks = 1\nlifetime = 1000\n",
};

static double figure(const char *name)
{
    double value = fake_figure(name);
    if (isnan(value)) {
        fail_msg("no figure %s", name);
    }
    return value;
}

// One every 10 steps, each for 100: ten are alive, and nobody is refused.
static void test_littles_law(void **state)
{
    (void)state;
    run_job("workload = processes\nspacing = 10\nlifetime = 100\nblocks = 5\nops = 30000\n", 3, 1);
    assert_true(figure("processes alive, mean") > 9.8 && figure("processes alive, mean") <= 10);
    assert_true(figure("refused, too many alive") == 0);
    assert_true(figure("processes arrived") == (double)fake_workers[0].count[OP_STEP]);
    assert_int_equal(fake_workers[0].count[OP_ALLOC], 5 * fake_workers[0].count[OP_STEP]);
}

static void test_more_than_may_live_are_refused(void **state)
{
    (void)state;
    run_job("workload = processes\nspacing = 10\nlifetime = 100\nalive = 4\nops = 30000\n", 3, 1);
    assert_true(figure("processes alive, mean") > 3.9 && figure("processes alive, mean") <= 4);
    double let_in = (double)fake_workers[0].count[OP_STEP];
    // Four places, each free again after 100 steps: four of ten get in.
    assert_true(fabs(let_in / figure("processes arrived") - 0.4) < 0.01);
    assert_true(figure("processes arrived") - let_in == figure("refused, too many alive"));
}

static bool there(const char *target)
{
    struct target_spec spec;
    int error = target_parse(target, NULL, &spec, &complaint);
    if (error == 0) {
        target_spec_fini(&spec);
    }
    return error == 0;
}

static void test_spaces_close_with_all_they_hold(void **state)
{
    (void)state;
    static const char *const targets[] = {"mems:dynamic", "mems:segmentation", "mems:paging",
                                          "mems:vm-paging", "mems:vm-segmentation"};
    for (unsigned i = 0; i < sizeof targets / sizeof targets[0]; i++) {
        struct op_totals totals;
        if (!there(targets[i])) {
            continue;
        }
        char keys[100];
        snprintf(keys, sizeof keys, "workload = processes\nthreads = 2\nops = %u\nsize = 16-2000\n",
                 20000 / MEMS_TEST_SCALE);
        struct job *job = engine_open(keys, targets[i], CHECK_WHOLE);
        work(fake_run.workload);
        assert_true(fake_spaces_opened > 200 / MEMS_TEST_SCALE);
        assert_true(engine_stats().live_blocks > 0);
        fake_run.workload->close(&fake_run);
        op_total(fake_workers, 2, &totals);
        assert_int_equal(totals.count[OP_FREE] + totals.count[OP_FREE_REMOTE], 0);
        assert_int_equal(totals.requested_bytes, 0);
        assert_int_equal(totals.taken_bytes, 0);
        assert_int_equal(fake_spaces_opened, fake_spaces_closed);
        assert_int_equal(engine_stats().allocs, totals.count[OP_ALLOC]);
        engine_close(job);
    }
}

// A memory for a few: who does not get all of it gives back what it got.
static void test_no_memory_for_a_process(void **state)
{
    (void)state;
    struct op_totals totals;
    struct job *job = engine_open("workload = processes\nthreads = 2\nops = 20000\nsize = 100\n"
                                  "blocks = 10-30\n",
                                  "mems:fixed(partition=128,count=150)", CHECK_WHOLE);
    work(fake_run.workload);
    fake_run.workload->close(&fake_run);
    op_total(fake_workers, 2, &totals);
    assert_true(figure("refused, no memory") > 0);
    assert_true(totals.refused >= (uint64_t)figure("refused, no memory"));
    assert_true((double)totals.count[OP_STEP] == figure("processes arrived") -
                                                     figure("refused, no memory") -
                                                     figure("refused, too many alive"));
    assert_true(totals.count[OP_STEP] > 0);
    assert_int_equal(totals.requested_bytes, 0);
    engine_close(job);
}

// What goes with its space is checked before.
static void test_an_exit_checks_what_is_held(void **state)
{
    (void)state;
    struct job *volatile job = engine_open(
        "workload = processes\nops = 20\nblocks = 5\nlifetime = 1M\n", "mems:dynamic", CHECK_WHOLE);
    work(fake_run.workload);
    // The first process's first block was the first of all: its place is in the history.
    uint64_t block = history_read(&fake_histories[0], 0).block;
    size_t span;
    uint8_t *byte = fake_run.ops->access_begin(fake_places[1].space, block, 0, true, &span);
    *byte ^= 1;
    fake_run.ops->access_end(fake_places[1].space);
    FAKE_FAILS("stamp", fake_run.workload->close(&fake_run));
    for (unsigned i = 0; i < FAKE_PLACES; i++) {
        run_space_close(&fake_run, i);
    }
    engine_close(job);
}

static void test_jobs_that_cannot_be(void **state)
{
    (void)state;
    static const struct bad_job bad[] = {
        {"workload = processes\nalive = 0\n", "alive"},
        {"workload = processes\nalive = 60k\nthreads = 2\n", "fewer than 65536"},
        {"workload = processes\nalive = 1000\nblocks = 1-1M\n", "100M blocks"},
        {"workload = processes\nspacing = 0-3\n", "spacing"},
        {"workload = processes\nblocks = 0-3\n", "blocks"},
    };
    refuse_jobs(bad, sizeof bad / sizeof bad[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAWS,
        cmocka_unit_test(test_littles_law),
        cmocka_unit_test(test_more_than_may_live_are_refused),
        cmocka_unit_test(test_spaces_close_with_all_they_hold),
        cmocka_unit_test(test_no_memory_for_a_process),
        cmocka_unit_test(test_an_exit_checks_what_is_held),
        cmocka_unit_test(test_jobs_that_cannot_be),
    };
    clock_init();
    law_rows = rows;
    law_row_count = 1;
    law_jobs = jobs;
    law_job_count = sizeof jobs / sizeof jobs[0];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
