// SPDX-License-Identifier: MIT
//
// test_workloads.c - the laws on churn, larson, producer-consumer and skeleton; what each is for.

#include <math.h>

#include "unit/workload/laws.h"

static const struct workload *const rows[] = {&workload_churn, &workload_larson,
                                              &workload_producer_consumer, &workload_skeleton};
#define ROWS (sizeof rows / sizeof rows[0])

static const char *const jobs[] = {
    "workload = churn\nthreads = 1\nslots = 100\nops = 20001\n",
    "workload = churn\nthreads = 4\nslots = 50\nops = 5000\nremote_share = 0.5\n",
    "workload = churn\nthreads = 2\nslots = 5\nops = 5000\nremote_share = 1\nsize = 1-9\n",
    "workload = churn\nthreads = 3\nslots = 1000\nops = 100\n",
    "workload = churn\nthreads = 1\nlifetime = 1-400\nops = 20001\n",
    "workload = churn\nthreads = 2\nlifetime = 100\nslots = 100\nops = 5000\nremote_share = 0.5\n",
    "workload = churn\nthreads = 2\nlifetime = 1/90:1000/10\nslots = 10\nops = 5000\n",
    "workload = larson\nthreads = 2\nslots = 100\nround = 500\nops = 5000\nsize = 8-999\n",
    "workload = larson\nthreads = 1\nslots = 1000\nround = 1\nops = 1010\nsize = 64\n",
    "workload = larson\nthreads = 1\nslots = 1000\nops = 10\n",
    "workload = producer-consumer\nthreads = 2\nbatch = 100\nops = 10050\nsize = 64\n",
    "workload = producer-consumer\nthreads = 4\nbatch = 1\noutstanding = 1\nops = 1000\n",
    "workload = skeleton\nthreads = 2\nops = 5000\nsize = 8/50:100-5000/50\n",
};
#define JOBS (sizeof jobs / sizeof jobs[0])

static bool may_rest(unsigned j)
{
    return fake_run.workload == &workload_producer_consumer && j % 2 == 1;
}

static void test_close_checks_what_is_held(void **state)
{
    (void)state;
    close_checks_what_is_held("workload = churn\nslots = 50\nops = 500\n");
    close_checks_what_is_held("workload = larson\nslots = 50\nops = 500\n");
}

// ---- each on its own ----------------------------------------------------------------------------

static void test_churn_hands_over_its_share(void **state)
{
    (void)state;
    static const double shares[] = {0, 0.25, 1};
    for (unsigned i = 0; i < 3; i++) {
        char keys[200];
        struct op_totals totals;
        snprintf(keys, sizeof keys,
                 "workload = churn\nthreads = 2\nslots = 64\nops = 20000\nremote_share = %g\n",
                 shares[i]);
        struct job *job = open_cell(keys, 9, CHECK_EDGES);
        work(fake_run.workload);
        op_total(fake_workers, 2, &totals);
        double frees = (double)(totals.count[OP_FREE] + totals.count[OP_FREE_REMOTE]);
        double share = (double)totals.count[OP_FREE_REMOTE] / frees;
        assert_true(fabs(share - shares[i]) < 0.03);
        fake_run.workload->close(&fake_run);
        job_free(job);
    }
}

// Each draw is one operation and turns its slot over, be it drawn once in a batch or ten times.
static void test_churn_in_few_and_in_many_slots(void **state)
{
    (void)state;
    static const unsigned slots[] = {1, 2, 31, 32, 33, 1000};
    for (unsigned i = 0; i < sizeof slots / sizeof slots[0]; i++) {
        char keys[200];
        struct op_totals totals;
        snprintf(keys, sizeof keys, "workload = churn\nslots = %u\nops = 20001\nsize = 8\n",
                 slots[i]);
        struct job *job = open_cell(keys, 9, CHECK_EDGES);
        work(fake_run.workload);
        op_total(fake_workers, 1, &totals);
        assert_int_equal(totals.operations, 20001);
        uint64_t held = totals.count[OP_ALLOC] - totals.count[OP_FREE];
        assert_int_equal(totals.requested_bytes, 8 * held);
        assert_true(held <= slots[i]);
        // Half of the slots, as far as so many tosses can tell.
        double spread = 5 * sqrt((double)slots[i] / 4);
        assert_true(fabs((double)held - (double)slots[i] / 2) <= spread + 1);
        fake_run.workload->close(&fake_run);
        job_free(job);
    }
}

// Every block lives as long as was drawn for it and until its thread comes to free it, which is
// soon: no operation allocates while a block is due.
static void test_churn_keeps_to_lifetimes(void **state)
{
    (void)state;
    enum { LIFE = 100, OPS = 20000 };
    struct op_totals totals;
    struct job *job = open_cell("workload = churn\nlifetime = 100\nsize = 8\nops = 20000\n", 9, 0);
    struct worker *worker = &fake_workers[0];
    uint64_t born[OPS], births = 0, deaths = 0;
    for (unsigned i = 0; i < OPS; i++) {
        worker->budget = 1;
        fake_run.workload->work(worker);
        op_total(worker, 1, &totals);
        if (totals.count[OP_ALLOC] > births) {
            assert_true(births == deaths || born[deaths] + LIFE > i); // none was due
            born[births++] = i;
        } else {
            assert_int_equal(totals.count[OP_FREE], deaths + 1);
            assert_true(i >= born[deaths] + LIFE); // all live equally long: the oldest goes
            deaths++;
        }
    }
    fake_run.workload->close(&fake_run);
    job_free(job);
}

// Little's law: half of the operations are births, so that half the mean lifetime is alive. The
// seed is fixed; a sample of 1,000 moments, 4,000 operations apart, each about Poisson.
static void test_churn_with_lifetimes_holds_half_their_mean(void **state)
{
    (void)state;
    double live = 0;
    unsigned moments = 1000 / MEMS_TEST_SCALE;
    struct job *job =
        open_cell("workload = churn\nlifetime = exp:400@1-4000\nsize = 8\nops = 1000\n", 9, 0);
    double mean = distribution_mean(job_value(&job->sections[0], "lifetime")->distribution);
    for (unsigned i = 0; i <= moments; i++) {
        fake_workers[0].budget = 4000;
        fake_run.workload->work(&fake_workers[0]);
        live += i > 0 ? (double)(fake_spaces[0].allocations - fake_spaces[0].releases) : 0;
    }
    assert_true(fabs(live / moments - mean / 2) < 5 * sqrt(mean / 2 / moments) + 1);
    fake_run.workload->close(&fake_run);
    job_free(job);
}

static void test_larson_leaves_its_blocks_to_successors(void **state)
{
    (void)state;
    struct op_totals totals;
    struct job *job = open_cell("workload = larson\nthreads = 2\nslots = 100\nround = 1000\n"
                                "ops = 10100\n",
                                9, CHECK_EDGES);
    work(fake_run.workload);
    op_total(fake_workers, 2, &totals);
    // Of 10,000 replacing operations a round has 1,000, and the last has no successor.
    assert_in_range(fake_generations[0], 9, 10);
    assert_in_range(fake_generations[1], 9, 10);
    assert_true(totals.count[OP_FREE_REMOTE] > 2 * 9 * 80);
    assert_true(totals.count[OP_FREE] > totals.count[OP_FREE_REMOTE]);
    fake_run.workload->close(&fake_run);
    job_free(job);
}

static void test_every_free_of_a_consumer_is_remote(void **state)
{
    (void)state;
    run_job("workload = producer-consumer\nthreads = 4\nbatch = 64\nops = 5000\n", 9, 1);
    for (unsigned i = 0; i < 4; i++) {
        bool producer = i % 2 == 0;
        assert_int_equal(fake_workers[i].count[OP_ALLOC], producer ? 5000 : 0);
        assert_int_equal(fake_workers[i].count[OP_FREE_REMOTE], producer ? 0 : 5000);
        assert_int_equal(fake_workers[i].count[OP_FREE], 0);
    }
}

static void test_jobs_that_cannot_be(void **state)
{
    (void)state;
    static const struct bad_job bad[] = {
        {"workload = churn\nremote_share = 0.5\n", "threads"},
        {"workload = churn\nthreads = 2\nremote_share = 1.5\n", "remote_share"},
        {"workload = churn\nslots = 0\n", "slots"},
        {"workload = churn\nlifetime = 0-5\n", "lifetime"},
        {"workload = larson\nround = 0\n", "round"},
        {"workload = producer-consumer\n", "threads = 2"},
        {"workload = producer-consumer\nthreads = 3\n", "threads = 4"},
        {"workload = producer-consumer\nthreads = 2\nbatch = 0\n", "batch"},
        {"workload = skeleton\nalign = 24\n", "power of two"},
    };
    refuse_jobs(bad, sizeof bad / sizeof bad[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAWS,
        cmocka_unit_test(test_close_checks_what_is_held),
        cmocka_unit_test(test_churn_hands_over_its_share),
        cmocka_unit_test(test_churn_in_few_and_in_many_slots),
        cmocka_unit_test(test_churn_keeps_to_lifetimes),
        cmocka_unit_test(test_churn_with_lifetimes_holds_half_their_mean),
        cmocka_unit_test(test_larson_leaves_its_blocks_to_successors),
        cmocka_unit_test(test_every_free_of_a_consumer_is_remote),
        cmocka_unit_test(test_jobs_that_cannot_be),
    };
    clock_init();
    law_rows = rows;
    law_row_count = ROWS;
    law_jobs = jobs;
    law_job_count = JOBS;
    law_may_rest = may_rest;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
