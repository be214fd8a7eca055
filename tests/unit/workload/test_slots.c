// SPDX-License-Identifier: MIT
//
// test_slots.c - the laws on workloads that fill and empty slots of their own; what each is for.

#include <math.h>

#include "unit/workload/laws.h"

static const struct workload *const rows[] = {&workload_inverse_square, &workload_pareto_slots,
                                              &workload_random_slots, &workload_simple};
#define ROWS (sizeof rows / sizeof rows[0])

static const char *const jobs[] = {
    "workload = inverse-square\nthreads = 2\nslots = 100\nops = 5001\n",
    "workload = inverse-square\nthreads = 1\nslots = 1\nops = 1000\nsize = 1-9\n",
    "workload = pareto-slots\nthreads = 3\nslots = 1000\nops = 5001\n",
    "workload = pareto-slots\nthreads = 1\nslots = 3\nops = 3000\ntiers = 8\naccess = single\n",
    "workload = pareto-slots\nthreads = 2\nslots = 64\nops = 2000\ntiers = 1\naccess = none\n",
    "workload = pareto-slots\nthreads = 2\nslots = 64\nops = 2000\naccess = check\n",
    "workload = random-slots\nthreads = 4\nslots = 300\nbatch = 50\nops = 6001\ncross_rate = 1\n"
    "barrier = 3\n",
    "workload = random-slots\nthreads = 1\nslots = 7919\nbatch = 100\nops = 20000\nbarrier = 10\n",
    "workload = random-slots\nthreads = 2\nslots = 1\nbatch = 1\nops = 500\nbarrier = 1\n"
    "align = 8\n",
    "workload = random-slots\nthreads = 3\nslots = 200\nbatch = 64\nops = 3000\nfalloff = linear\n"
    "cross_rate = 0\nbarrier = 0\nalign = 16\n",
    "workload = simple\nthreads = 2\nops = 10001\nmain_rounds = 1\nsize = 16/1:32/1:64/1\n",
    "workload = simple\nthreads = 1\nops = 3001\nlive = 7\nmain_rounds = 0\nsize = 1-9\n",
};
#define JOBS (sizeof jobs / sizeof jobs[0])

static void test_close_checks_what_is_held(void **state)
{
    (void)state;
    close_checks_what_is_held("workload = inverse-square\nslots = 50\nops = 500\nsize = 64\n");
    close_checks_what_is_held("workload = pareto-slots\nslots = 50\nops = 500\nsize = 64\n");
    close_checks_what_is_held("workload = random-slots\nslots = 50\nbatch = 50\nops = 500\n"
                              "size = 64\n");
}

// ---- each on its own ----------------------------------------------------------------------------

static void test_inverse_square_touches_every_byte(void **state)
{
    (void)state;
    unsigned ready = fake_ready;
    struct job *job = open_cell("workload = inverse-square\nslots = 100\nops = 100\n", 9, 0);
    assert_int_equal(job_number(fake_run.section, "touch"), CHECK_TOUCH_FULL);
    assert_int_equal(distribution_least(job_value(fake_run.section, "size")->distribution), 4);
    assert_int_equal(distribution_most(job_value(fake_run.section, "size")->distribution), 32768);
    work(fake_run.workload);
    // 100 slots are filled one after the other, which is no part of the budget, then replaced.
    assert_int_equal(fake_ready, ready + 1);
    assert_int_equal(fake_workers[0].count[OP_ALLOC], 150);
    assert_int_equal(fake_workers[0].count[OP_FREE], 50);
    fake_run.workload->close(&fake_run);
    job_free(job);
}

// The hottest of six tiers has 8 of 25,000 slots and a third of the draws: so a third of all
// blocks are in eight slots, whose generations tell.
static void test_pareto_has_hot_slots(void **state)
{
    (void)state;
    struct job *job =
        open_cell("workload = pareto-slots\nslots = 25000\nops = 200000\naccess = none\n", 9, 0);
    uint64_t hot = 0;
    uint64_t all = 0;
    // What was allocated most lately: the history has the slots.
    for (unsigned i = 0; i < 200; i++) {
        fake_workers[0].budget = HISTORY_LENGTH;
        fake_run.workload->work(&fake_workers[0]);
        for (unsigned j = 0; j < HISTORY_LENGTH; j++) {
            hot += history_read(&fake_histories[0], j).slot < 8;
            all++;
        }
    }
    double share = (double)hot / (double)all;
    double right = pow(0.8, 5);
    assert_true(fabs(share - right) < 5 * sqrt(right * (1 - right) / (double)all));
    fake_run.workload->close(&fake_run);
    job_free(job);
}

static void test_pareto_accesses_as_asked(void **state)
{
    (void)state;
    static const struct {
        const char *access;
        unsigned touch, check;
    } kinds[] = {{"none", CHECK_TOUCH_NONE, CHECK_NONE},
                 {"single", CHECK_TOUCH_FIRST, CHECK_NONE},
                 {"full", CHECK_TOUCH_FULL, CHECK_NONE},
                 {"check", CHECK_TOUCH_NONE, CHECK_WHOLE}};
    for (unsigned i = 0; i < 4; i++) {
        char keys[200];
        snprintf(keys, sizeof keys, "workload = pareto-slots\nops = 100\naccess = %s\n",
                 kinds[i].access);
        struct job *job = open_cell(keys, 9, CHECK_NONE);
        assert_int_equal(fake_workers[0].touch, kinds[i].touch);
        assert_int_equal(fake_workers[0].check, job_checks_of_level(kinds[i].check));
        job_free(job);
    }
    assert_null(read_job("workload = pareto-slots\ntouch = full\n"));
}

static void test_random_slots_sends_to_the_next(void **state)
{
    (void)state;
    struct op_totals totals;
    struct job *job = open_cell("workload = random-slots\nthreads = 3\nslots = 100\nbatch = 20\n"
                                "ops = 20000\ncross_rate = 2\nbarrier = 10\nsize = 1000\n",
                                9, CHECK_EDGES);
    work(fake_run.workload);
    op_total(fake_workers, 3, &totals);
    double frees = (double)(totals.count[OP_FREE] + totals.count[OP_FREE_REMOTE]);
    double share = (double)totals.count[OP_FREE_REMOTE] / frees;
    assert_true(fabs(share - 0.5) < 0.01);
    assert_int_equal(totals.requested_bytes, 3 * 100 * 1000);
    bool known = !isnan(fake_figure("overhead at the last barrier"));
    assert_true(known);
    assert_true(fake_figure("highest overhead at a barrier") >=
                fake_figure("overhead at the last barrier"));
    fake_run.workload->close(&fake_run);
    job_free(job);
}

// Of two draws from 1 .. 3000 the lesser has a mean of a third, one draw of a half.
static void test_random_slots_falls_off(void **state)
{
    (void)state;
    static const char *const falloffs[] = {"none", "linear"};
    for (unsigned i = 0; i < 2; i++) {
        char keys[200];
        snprintf(keys, sizeof keys,
                 "workload = random-slots\nops = 40000\nslots = 500\nsize = 1-3000\nfalloff = %s\n",
                 falloffs[i]);
        run_job(keys, 9, 0);
        const struct worker *worker = &fake_workers[0];
        double mean = (double)worker->allocated_bytes / (double)worker->count[OP_ALLOC];
        assert_true(fabs(mean - (i == 0 ? 1500 : 1000)) < 5 * 900 / sqrt(20000));
    }
}

static void test_simple_measures_in_three_places(void **state)
{
    (void)state;
    static const char *const places[] = {"main alone", "main of two", "thread"};
    static const unsigned counts[] = {25, 100, 400, 1600};
    run_job("workload = simple\nops = 20000\nmain_rounds = 2\n", 9, 1);
    for (unsigned i = 0; i < 3; i++) {
        for (unsigned j = 0; j < 4; j++) {
            char name[40];
            snprintf(name, sizeof name, "%s, %u live", places[i], counts[j]);
            assert_true(fake_figure(name) > 0);
        }
    }
    assert_int_equal(fake_figure_count, 12);
    // The main thread's blocks are not among the workers'.
    assert_int_equal(fake_workers[0].count[OP_ALLOC], 10000);
    assert_int_equal(fake_spaces[0].allocations, 10000 + 2 * 2 * 4 * 1600);
    run_job("workload = simple\nops = 2000\nmain_rounds = 0\nlive = 10\n", 9, 1);
    assert_int_equal(fake_figure_count, 1);
    assert_true(fake_figure("thread, 10 live") > 0);
    assert_int_equal(fake_peak.peak_bytes, 160);
}

static void test_jobs_that_cannot_be(void **state)
{
    (void)state;
    static const struct bad_job bad[] = {
        {"workload = inverse-square\nslots = 0\n", "slots"},
        {"workload = pareto-slots\ntiers = 9\n", "tiers"},
        {"workload = pareto-slots\naccess = fulll\n", "full"},
        {"workload = random-slots\nslots = 10\nbatch = 11\n", "10 slots"},
        {"workload = random-slots\nalign = 4\n", "8, 16"},
        {"workload = simple\nlive = 1M\n", "live"},
    };
    refuse_jobs(bad, sizeof bad / sizeof bad[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAWS,
        cmocka_unit_test(test_close_checks_what_is_held),
        cmocka_unit_test(test_inverse_square_touches_every_byte),
        cmocka_unit_test(test_pareto_has_hot_slots),
        cmocka_unit_test(test_pareto_accesses_as_asked),
        cmocka_unit_test(test_random_slots_sends_to_the_next),
        cmocka_unit_test(test_random_slots_falls_off),
        cmocka_unit_test(test_simple_measures_in_three_places),
        cmocka_unit_test(test_jobs_that_cannot_be),
    };
    clock_init();
    law_rows = rows;
    law_row_count = ROWS;
    law_jobs = jobs;
    law_job_count = JOBS;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
