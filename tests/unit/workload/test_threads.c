// SPDX-License-Identifier: MIT
//
// test_threads.c - the laws on workloads whose threads come and go or pass blocks on; what each is
// for.

#include <math.h>

#include "unit/workload/laws.h"

static const struct workload *const rows[] = {
    &workload_exchange,
    &workload_thread_churn,
    &workload_message_passing,
    &workload_startup,
};
#define ROWS (sizeof rows / sizeof rows[0])

static const char *const jobs[] = {
    "workload = exchange\nthreads = 1\nops = 9000\nround = 1000\nslots = 50\nretain = 100\n",
    "workload = exchange\nthreads = 4\nops = 8001\nround = 777\nslots = 30\nretain = 0\n"
    "exchange_share = 1\ntable = 10\n",
    "workload = exchange\nthreads = 3\nops = 6000\nround = 500\nslots = 1\nretain = 1000\n"
    "rare = 0.1\nsize = 1-9\n",
    "workload = exchange\nthreads = 8\nops = 60\nround = 1\nslots = 3\nretain = 1\ntable = 1\n",
    "workload = thread-churn\nleak_limit = 1Gi\nthreads = 1\nops = 20000\n",
    "workload = thread-churn\nleak_limit = 1Gi\nthreads = 4\nops = 701\nblocks = 7\ntable = 20\n",
    "workload = thread-churn\nleak_limit = 1Gi\nthreads = 2\nops = 60\nblocks = 1\ntable = 1\nsize "
    "= 64\n",
    "workload = message-passing\nthreads = 2\nops = 10001\n",
    "workload = message-passing\nthreads = 8\nproducers = 3\nproxies = 2\nops = 3000\n"
    "outstanding = 2\nbatch = 5\n",
    "workload = message-passing\nthreads = 3\nproxies = 1\nops = 2000\noutstanding = 1\nbatch = 1\n"
    "size = 64\n",
    "workload = startup\nthreads = 3\nops = 150\n",
    "workload = startup\nthreads = 1\nops = 1\n",
};
#define JOBS (sizeof jobs / sizeof jobs[0])

// Of message-passing only the producers have operations of their own.
static bool may_rest(unsigned j)
{
    return fake_run.workload == &workload_message_passing &&
           fake_workers[j].count[OP_ALLOC] + fake_workers[j].refused == 0;
}

static bool frees_vary(void)
{
    return fake_run.threads > 1 &&
           (fake_run.workload == &workload_exchange || fake_run.workload == &workload_thread_churn);
}

// ---- exchange -----------------------------------------------------------------------------------

static void test_exchange_meets_between_rounds(void **state)
{
    (void)state;
    struct op_totals totals;
    struct job *job = open_cell("workload = exchange\nthreads = 4\nops = 8000\nround = 500\n"
                                "slots = 20\nretain = 50\ntable = 40\n",
                                9, CHECK_WHOLE);
    work(fake_run.workload);
    op_total(fake_workers, 4, &totals);
    // 4,000 steps are eight rounds, of which the last has no successor.
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(fake_generations[i], 7);
        assert_int_equal(fake_workers[i].count[OP_ALLOC], 4000);
    }
    // Blocks went through the table and were freed by others.
    assert_true(totals.count[OP_FREE_REMOTE] > 1000);
    assert_true(totals.count[OP_FREE] > totals.count[OP_FREE_REMOTE]);
    fake_run.workload->close(&fake_run);
    job_free(job);
}

static void test_exchange_without_exchange_frees_its_own(void **state)
{
    (void)state;
    struct op_totals totals;
    run_job("workload = exchange\nthreads = 2\nops = 4000\nround = 500\nexchange_share = 0\n", 9,
            1);
    op_total(fake_workers, 2, &totals);
    assert_int_equal(totals.count[OP_FREE_REMOTE], 0);
}

// The factors come as often as they should, by their mean: 1 + 0.2 (0.9 * 99 + 0.09 * 999 + ...).
static void test_exchange_has_rare_large_blocks(void **state)
{
    (void)state;
    run_job("workload = exchange\nops = 200000\nsize = 1\nrare = 0.2\nslots = 10\nretain = 0\n"
            "exchange_share = 0\n",
            test_seed(), 0);
    double mean = (double)fake_workers[0].allocated_bytes / (double)fake_workers[0].count[OP_ALLOC];
    double right = 0.8 + 0.2 * (0.9 * 100 + 0.09 * 1000 + 0.01 * 10000);
    // One draw spreads by 472; five spreads of the mean of 100,000.
    assert_true(fabs(mean - right) < 5 * 472 / sqrt(100000));
    assert_int_equal(fake_peak.largest, 10000);
}

// A byte that changes while a block is in the table is found by who swaps it out.
static void test_exchange_checks_what_it_gets(void **state)
{
    (void)state;
    struct job *volatile job =
        open_cell("workload = exchange\nops = 200\nround = 1000000\nslots = 1\nretain = 0\n"
                  "exchange_share = 1\ntable = 1000\nsize = 64\nrare = 0\n",
                  5, CHECK_WHOLE);
    work(fake_run.workload);
    for (struct fake_node *node = fake_live; node != NULL; node = node->next) {
        ((uint8_t *)(node + 1))[FAKE_HEADER + 40] = 0;
    }
    fake_workers[0].budget = 20000;
    FAKE_FAILS("stamp", fake_run.workload->work(&fake_workers[0]));
    // It was found by looking, not by freeing: with this seed the thread's own slot was empty.
    const struct history *history = &fake_histories[0];
    assert_int_equal(history_read(history, history->count).kind, HISTORY_VERIFY);
    job_free(job);
}

// ---- thread-churn -------------------------------------------------------------------------------

static void test_thread_churn_has_many_threads(void **state)
{
    (void)state;
    struct op_totals totals;
    run_job("workload = thread-churn\nleak_limit = 1Gi\nthreads = 2\nblocks = 10\nops = "
            "4100\ntable = 100\n",
            9, 1);
    op_total(fake_workers, 2, &totals);
    // Half of the table is filled by each first thread; then two hundred threads each do ten
    // blocks. The last is not followed by another.
    assert_int_equal(fake_generations[0], 199);
    assert_int_equal(fake_generations[1], 199);
    assert_true(fake_figure("threads") == 400);
    assert_true(totals.count[OP_FREE_REMOTE] > 500);
    assert_true(fake_peak.peak_blocks[fake_class(1024)] <= 102);
    bool known = !isnan(fake_figure("RSS growth a thread"));
    assert_true(known);
}

static void test_thread_churn_finds_a_leak(void **state)
{
    (void)state;
    static const char keys[] = "workload = thread-churn\nblocks = 4\nops = 2000\ntable = 1\n"
                               "leak_limit = %s\n";
    static const char *const limits[] = {"4000", "0", MEMS_TEST_SCALE < 10 ? "32Ki" : "1Mi"};
    for (volatile unsigned i = 0; i < 3; i++) {
        char text[200];
        snprintf(text, sizeof text, keys, limits[i]);
        struct job *volatile job = open_cell(text, 9, 0);
        fake_spoil.leak = 4096; // of 1,000 releases: 4 MiB, and what a sanitizer keeps of it
        work(fake_run.workload);
        if (i == 0) {
            FAKE_FAILS("leak", fake_run.workload->close(&fake_run));
            assert_true(fake_failure.found > fake_failure.expected);
        } else {
            fake_run.workload->close(&fake_run);
        }
        double growth = fake_figure("RSS growth, last half");
        assert_true(growth > 1e6); // half of it
        growth = fake_figure("RSS growth a thread");
        assert_true(growth > 12e3); // four pages each
        // A sanitizer keeps more of each thread that has been.
        assert_true(growth < 30e3 || MEMS_TEST_SCALE >= 10);
        job_free(job);
    }
}

// ---- message-passing ----------------------------------------------------------------------------

static void test_messages_go_from_producers_to_consumers(void **state)
{
    (void)state;
    run_job("workload = message-passing\nthreads = 6\nproducers = 2\nproxies = 2\nops = 20000\n", 9,
            CHECK_WHOLE);
    uint64_t freed = 0;
    uint64_t passed = 0;
    for (unsigned i = 0; i < 6; i++) {
        const struct worker *worker = &fake_workers[i];
        assert_int_equal(worker->count[OP_ALLOC], i < 2 ? 20000 : 0);
        assert_int_equal(worker->count[OP_FREE], 0);
        assert_true(i >= 4 || worker->count[OP_FREE_REMOTE] == 0);
        assert_true(i < 4 || worker->count[OP_FREE_REMOTE] > 15000);
        assert_true((worker->count[OP_STEP] > 0) == (i == 2 || i == 3));
        freed += worker->count[OP_FREE_REMOTE];
        passed += worker->count[OP_STEP];
    }
    assert_int_equal(freed, 40000);
    // Half of 40,000 / 8.5 messages, as far as tosses can tell.
    assert_true(fabs((double)passed - 40000 / 17.0) < 400);
}

static void test_messages_are_bounded(void **state)
{
    (void)state;
    run_job("workload = message-passing\nthreads = 4\nproducers = 3\nops = 5000\nbatch = 4\n"
            "outstanding = 3\nsize = 16\n",
            9, 0);
    assert_true(fake_peak.peak_bytes <= UINT64_C(3) * 3 * 4 * 16);
}

// ---- startup ------------------------------------------------------------------------------------

static void test_startup_times_each_life(void **state)
{
    (void)state;
    struct job *job = open_cell("workload = startup\nthreads = 2\nops = 300\n", 9, 1);
    for (unsigned i = 0; i < 2; i++) {
        fake_workers[i].latency_every = 1;
    }
    work(fake_run.workload);
    for (unsigned i = 0; i < 2; i++) {
        const struct worker *worker = &fake_workers[i];
        assert_int_equal(worker->count[OP_STEP], 100);
        assert_int_equal(fake_generations[i], 99);
        assert_int_equal(worker->latency[OP_STEP].count, 100);
        assert_int_equal(worker->latency[OP_ALLOC].count, 100);
        assert_true(worker->latency[OP_STEP].most >= worker->latency[OP_ALLOC].most);
    }
    fake_run.workload->close(&fake_run);
    job_free(job);
}

static void test_jobs_that_cannot_be(void **state)
{
    (void)state;
    static const struct bad_job bad[] = {
        {"workload = exchange\nexchange_share = 2\n", "exchange_share"},
        {"workload = exchange\nslots = 0\n", "slots"},
        {"workload = thread-churn\nleak_limit = -1\n", "leak_limit"},
        {"workload = message-passing\n", "threads = 2"},
        {"workload = message-passing\nthreads = 3\nproxies = 2\n", "at most 1"},
        {"workload = message-passing\nthreads = 4\nproxies = 1\nproducers = 3\n", "at most 2"},
        {"workload = message-passing\nthreads = 2\nproducers = 2\n", "at most 1"},
    };
    refuse_jobs(bad, sizeof bad / sizeof bad[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAWS,
        cmocka_unit_test(test_exchange_meets_between_rounds),
        cmocka_unit_test(test_exchange_without_exchange_frees_its_own),
        cmocka_unit_test(test_exchange_has_rare_large_blocks),
        cmocka_unit_test(test_exchange_checks_what_it_gets),
        cmocka_unit_test(test_thread_churn_has_many_threads),
        cmocka_unit_test(test_thread_churn_finds_a_leak),
        cmocka_unit_test(test_messages_go_from_producers_to_consumers),
        cmocka_unit_test(test_messages_are_bounded),
        cmocka_unit_test(test_startup_times_each_life),
        cmocka_unit_test(test_jobs_that_cannot_be),
    };
    clock_init();
    law_rows = rows;
    law_row_count = ROWS;
    law_jobs = jobs;
    law_job_count = JOBS;
    law_may_rest = may_rest;
    law_frees_vary = frees_vary;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
