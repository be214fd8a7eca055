// SPDX-License-Identifier: MIT
//
// test_workloads.c - laws that every workload keeps, and what each one is for.
//
// The laws: the same seed and job ask the target for the same; another seed for something else;
// what close leaves behind is nothing; what was live at once is within the demand; a refusal loses
// nothing; a spoiled byte is found.

#include <math.h>

#include "unit/workload/fake_run.h"

static const struct workload *const rows[] = {&workload_churn, &workload_larson,
                                              &workload_producer_consumer, &workload_skeleton};
#define ROWS (sizeof rows / sizeof rows[0])

// The reader asks for workloads by name; trace, which wants files, is tested in its own room.
const struct workload *workload_at(size_t index)
{
    return index < ROWS ? rows[index] : NULL;
}

const struct workload *workload_find(const char *name)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (strcmp(rows[i]->name, name) == 0) {
            return rows[i];
        }
    }
    return NULL;
}

// ---- running a job ------------------------------------------------------------------------------

static struct complaint complaint;

// NULL when it is not a good one; `complaint` then says why.
static struct job *read_job(const char *keys)
{
    char text[512];
    struct job *job = NULL;
    int length = snprintf(text, sizeof text, "[it]\ntarget = null\n%s", keys);
    complaint.text[0] = '\0';
    return job_parse(text, (size_t)length, "job", "/", &job, &complaint) == 0 ? job : NULL;
}

static void *thread_body(void *argument)
{
    struct worker *worker = argument;
    void (*body)(struct worker *) = fake_next[worker->number];
    fake_next[worker->number] = NULL;
    body(worker);
    return NULL;
}

// A worker's threads, one after the other.
static void *thread_lives(void *argument)
{
    struct worker *worker = argument;
    while (fake_next[worker->number] != NULL) {
        pthread_t thread;
        pthread_create(&thread, NULL, thread_body, worker);
        pthread_join(thread, NULL);
    }
    return NULL;
}

static void work(const struct workload *workload)
{
    pthread_t threads[FAKE_THREADS];
    for (unsigned i = 0; i < fake_run.threads; i++) {
        fake_next[i] = workload->work;
        pthread_create(&threads[i], NULL, thread_lives, &fake_workers[i]);
    }
    for (unsigned i = 0; i < fake_run.threads; i++) {
        pthread_join(threads[i], NULL);
    }
}

// Opens the cell of a job; the job is good.
static struct job *open_cell(const char *keys, uint64_t seed, unsigned check)
{
    struct job *job = read_job(keys);
    if (job == NULL) {
        fail_msg("%s", complaint.text);
    }
    const struct job_section *section = &job->sections[0];
    unsigned threads = (unsigned)job_number(section, "threads");
    fake_open(threads, check, CHECK_TOUCH_FIRST, 0);
    fake_run.section = section;
    fake_run.workload = section->workload;
    fake_run.seed = seed;
    for (unsigned i = 0; i < threads; i++) {
        fake_workers[i].budget = job_number(section, "ops");
        random_init(&fake_workers[i].random, seed, i, 0);
    }
    assert_int_equal(section->workload->open(&fake_run, &complaint), 0);
    return job;
}

static void run_job(const char *keys, uint64_t seed, unsigned check)
{
    struct job *job = open_cell(keys, seed, check);
    work(fake_run.workload);
    fake_run.workload->close(&fake_run);
    job_free(job);
}

// ---- the laws -----------------------------------------------------------------------------------

static const char *const jobs[] = {
    "workload = churn\nthreads = 1\nslots = 100\nops = 20001\n",
    "workload = churn\nthreads = 4\nslots = 50\nops = 5000\nremote_share = 0.5\n",
    "workload = churn\nthreads = 2\nslots = 5\nops = 5000\nremote_share = 1\nsize = 1-9\n",
    "workload = churn\nthreads = 3\nslots = 1000\nops = 100\n",
    "workload = larson\nthreads = 2\nslots = 100\nround = 500\nops = 5000\nsize = 8-999\n",
    "workload = larson\nthreads = 1\nslots = 1000\nround = 1\nops = 1010\nsize = 64\n",
    "workload = larson\nthreads = 1\nslots = 1000\nops = 10\n",
    "workload = producer-consumer\nthreads = 2\nbatch = 100\nops = 10050\nsize = 64\n",
    "workload = producer-consumer\nthreads = 4\nbatch = 1\noutstanding = 1\nops = 1000\n",
    "workload = skeleton\nthreads = 2\nops = 5000\nsize = 8/50:100-5000/50\n",
};
#define JOBS (sizeof jobs / sizeof jobs[0])

static void test_the_same_seed_asks_the_same(void **state)
{
    (void)state;
    for (unsigned i = 0; i < JOBS; i++) {
        struct fake_space first[FAKE_THREADS];
        run_job(jobs[i], 7, 0);
        memcpy(first, fake_spaces, sizeof first);
        run_job(jobs[i], 7, CHECK_WHOLE);
        for (unsigned j = 0; j < FAKE_THREADS; j++) {
            assert_int_equal(first[j].asked, fake_spaces[j].asked);
            assert_int_equal(first[j].allocations, fake_spaces[j].allocations);
            assert_int_equal(first[j].releases, fake_spaces[j].releases);
        }
        bool fixed = strstr(jobs[i], "size = 64") != NULL;
        run_job(jobs[i], 8, 0);
        assert_true(fixed || first[0].asked != fake_spaces[0].asked);
    }
}

static void test_threads_do_what_was_asked_and_nothing_is_left(void **state)
{
    (void)state;
    for (unsigned i = 0; i < JOBS; i++) {
        struct op_totals totals;
        run_job(jobs[i], 3, CHECK_OVERLAP);
        op_total(fake_workers, fake_run.threads, &totals);
        assert_int_equal(totals.requested_bytes, 0);
        assert_int_equal(totals.taken_bytes, 0);
        assert_int_equal(fake_now.peak_bytes, 0);
        assert_null(fake_live);
        assert_int_equal(totals.count[OP_ALLOC],
                         totals.count[OP_FREE] + totals.count[OP_FREE_REMOTE]);
        for (unsigned j = 0; j < fake_run.threads; j++) {
            bool consumer = fake_run.workload == &workload_producer_consumer && j % 2 == 1;
            assert_true(consumer || fake_workers[j].budget == 0);
        }
    }
}

static void test_the_demand_holds(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    for (unsigned i = 0; i < JOBS; i++) {
        struct target_demand demand = {0};
        struct job *job = open_cell(jobs[i], seed, 0);
        assert_int_equal(fake_run.workload->demand(fake_run.section, &demand, &complaint), 0);
        work(fake_run.workload);
        fake_run.workload->close(&fake_run);
        assert_true(fake_peak.largest <= demand.largest);
        assert_true(fake_peak.peak_bytes <= demand.peak_bytes);
        for (unsigned j = 0; j < TARGET_CLASSES; j++) {
            assert_true(fake_peak.peak_blocks[j] <= demand.peak_blocks[j]);
        }
        job_free(job);
    }
}

// A target that is full from the start: the workloads go through all the same.
static void test_refusals_are_survived(void **state)
{
    (void)state;
    for (unsigned i = 0; i < JOBS; i++) {
        struct op_totals totals;
        struct job *job = open_cell(jobs[i], 5, CHECK_OVERLAP);
        fake_spoil.alloc_error = ENOMEM;
        work(fake_run.workload);
        fake_run.workload->close(&fake_run);
        op_total(fake_workers, fake_run.threads, &totals);
        assert_int_equal(totals.operations, 0);
        assert_true(totals.refused > 0);
        job_free(job);
    }
}

// What is still held at the end is checked before it is freed.
static void test_close_checks_what_is_held(void **state)
{
    (void)state;
    static const char *const holding[] = {"workload = churn\nslots = 50\nops = 500\n",
                                          "workload = larson\nslots = 50\nops = 500\n"};
    for (volatile unsigned i = 0; i < 2; i++) {
        struct job *volatile job = open_cell(holding[i], 5, CHECK_WHOLE);
        work(fake_run.workload);
        assert_non_null(fake_live);
        uint8_t *node = (uint8_t *)(fake_live + 1);
        node[FAKE_HEADER] ^= 1;
        FAKE_FAILS("stamp", fake_run.workload->close(&fake_run));
        job_free(job);
    }
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
    static const struct {
        const char *keys, *says;
    } bad[] = {
        {"workload = churn\nremote_share = 0.5\n", "threads"},
        {"workload = churn\nthreads = 2\nremote_share = 1.5\n", "remote_share"},
        {"workload = churn\nslots = 0\n", "slots"},
        {"workload = larson\nround = 0\n", "round"},
        {"workload = producer-consumer\n", "threads = 2"},
        {"workload = producer-consumer\nthreads = 3\n", "threads = 4"},
        {"workload = producer-consumer\nthreads = 2\nbatch = 0\n", "batch"},
        {"workload = skeleton\nalign = 24\n", "power of two"},
    };
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_null(read_job(bad[i].keys));
        if (strstr(complaint.text, bad[i].says) == NULL ||
            strncmp(complaint.text, "job:", 4) != 0) {
            fail_msg("%s is answered with: %s", bad[i].keys, complaint.text);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_same_seed_asks_the_same),
        cmocka_unit_test(test_threads_do_what_was_asked_and_nothing_is_left),
        cmocka_unit_test(test_the_demand_holds),
        cmocka_unit_test(test_refusals_are_survived),
        cmocka_unit_test(test_close_checks_what_is_held),
        cmocka_unit_test(test_churn_hands_over_its_share),
        cmocka_unit_test(test_churn_in_few_and_in_many_slots),
        cmocka_unit_test(test_larson_leaves_its_blocks_to_successors),
        cmocka_unit_test(test_every_free_of_a_consumer_is_remote),
        cmocka_unit_test(test_jobs_that_cannot_be),
    };
    clock_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
