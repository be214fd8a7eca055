// SPDX-License-Identifier: MIT
//
// test_fleet.c - a population in its steady state: the laws of workloads, and the laws of chance.
//
// The statistical tests have fixed seeds: they pass always or never. Their bounds are five standard
// errors for what is about normal (each exceeded with a chance below 6e-7 by a right program), and
// 99.999 % points of Pearson's statistic.

#include <unistd.h>

#include "population/population.h"
#include "unit/workload/laws.h"

static const struct workload *const rows[] = {&workload_fleet};

// Sizes tell the classes apart; lifetimes from 20 to 12,800 operations; half of all operations are
// births.
static const char population[] = "mems-fleet 1\n"
                                 "16 250000 10\n"
                                 "17-32 150000 30\n"
                                 "100 50000 40\n"
                                 "1000-2000 37500 150\n"
                                 "5000 12500 160\n";
#define CLASSES 5
static const double births[CLASSES] = {0.5, 0.3, 0.1, 0.075, 0.025}; // of all births
static const double living[CLASSES] = {10, 30, 40, 150, 160};
#define LIVING 390.0

static char path[] = "/tmp/mems-test-XXXXXX";
static char small[] = "/tmp/mems-test-XXXXXX";

static char job_texts[5][200];
static const char *jobs[] = {job_texts[0], job_texts[1], job_texts[2], job_texts[3], job_texts[4]};
#define JOBS (sizeof jobs / sizeof jobs[0])

static void make_file(char *name, const char *text)
{
    int file = mkstemp(name);
    FILE *out = fdopen(file, "w");
    fputs(text, out);
    fclose(out);
}

static void make_jobs(void)
{
    static const char *const keys[JOBS] = {
        "ops = 10001\n",
        "threads = 4\nops = 5000\nremote_share = 0.5\n",
        "threads = 2\nops = 3000\nremote_share = 1\nscale = 0.01\n",
        "threads = 3\nops = 1000\nscale = 3\n",
        "threads = 2\nops = 5000\n",
    };
    make_file(path, population);
    // Classes that are hardly ever there, one that never dies, more than two to the power of two.
    make_file(small, "mems-fleet 1\n1 1 0.001\n2-9 0 5\n64 3 0.7\n1Ki-3Ki 0.01 2\n40k 0.5 0.01\n");
    for (unsigned i = 0; i < JOBS; i++) {
        snprintf(job_texts[i], sizeof job_texts[i], "workload = fleet\ndistribution = %s\n%s",
                 i == 4 ? small : path, keys[i]);
    }
}

// ---- a target that watches ----------------------------------------------------------------------
//
// It sees the chain of live counts and what the theory says of it: a state is held for the time
// 1 / (births + deaths), in which the live counts' averages are those of the file.

static struct {
    bool on; // past the start
    double live[CLASSES], sum[CLASSES], time;
    uint64_t born[CLASSES], died[CLASSES];
    uint64_t ages[CLASSES]; // deaths at an age above half of their class's blocks should reach
} seen;

static unsigned class_of(size_t size)
{
    return size <= 16 ? 0 : size <= 32 ? 1 : size == 100 ? 2 : size <= 2000 ? 3 : 4;
}

// The state that the next event ends.
static void let_time_pass(void)
{
    double rate = 1;
    for (unsigned i = 0; i < CLASSES; i++) {
        rate += seen.live[i] * births[i] / living[i];
    }
    for (unsigned i = 0; i < CLASSES; i++) {
        seen.sum[i] += seen.live[i] / rate;
    }
    seen.time += 1 / rate;
}

static int watched_alloc(void *space, size_t size, size_t align, uint64_t *block)
{
    unsigned class = class_of(size);
    if (seen.on) {
        let_time_pass();
        seen.born[class]++;
    }
    seen.live[class]++;
    int error = fake_alloc(space, size, align, block);
    memcpy((char *)fake_host(*block) + 8, &seen.time, sizeof seen.time);
    return error;
}

static int watched_release(void *space, uint64_t block)
{
    unsigned class = class_of(fake_size(block));
    double born;
    if (seen.on) {
        let_time_pass();
    }
    memcpy(&born, (char *)fake_host(block) + 8, sizeof born);
    // Lifetimes are exponential: half of the blocks live longer than ln 2 times the mean.
    seen.died[class]++;
    seen.ages[class] += seen.time - born > log(2) * living[class] / births[class];
    seen.live[class]--;
    return fake_release(space, block);
}

static struct target_ops watched_ops;

static struct job *watch(const char *keys, uint64_t seed, uint64_t ops)
{
    struct job *job = open_cell(keys, seed, 0);
    memset(&seen, 0, sizeof seen);
    watched_ops = fake_ops;
    watched_ops.alloc = watched_alloc;
    watched_ops.release = watched_release;
    fake_workers[0].ops = &watched_ops;
    fake_workers[0].budget = ops;
    return job;
}

// One thread's chain: to a sanitizer a short one shows as much.
#define SHORTER (MEMS_TEST_SCALE > 4 ? 30 : MEMS_TEST_SCALE)
#define EVENTS  (3000000 / SHORTER)

static void test_the_steady_state(void **state)
{
    (void)state;
    double pearson = 0;
    struct job *job = watch(jobs[0], 21, EVENTS);
    seen.on = true; // the start is a three thousandth part of it
    fake_run.workload->work(&fake_workers[0]);
    uint64_t all = 0, deaths = 0;
    for (unsigned i = 0; i < CLASSES; i++) {
        all += seen.born[i];
        deaths += seen.died[i];
    }
    for (unsigned i = 0; i < CLASSES; i++) {
        // Of an M/M/infinity queue the average over a time T spreads by sqrt(2 n tau / T), with n
        // the mean and tau the lifetime.
        double tau = living[i] / births[i];
        double error = seen.sum[i] / seen.time - living[i];
        double spread = sqrt(2 * living[i] * tau / seen.time);
        if (fabs(error) > 5 * spread + 0.01 * living[i]) {
            fail_msg("class %u: %g too many live; the spread is %g", i, error, spread);
        }
        double expected = (double)all * births[i] + LIVING * (living[i] / LIVING - births[i]);
        pearson += ((double)seen.born[i] - expected) * ((double)seen.born[i] - expected) / expected;
        // Exponential lifetimes: a coin for each death, five spreads.
        double half = (double)seen.died[i] / 2;
        if (fabs((double)seen.ages[i] - half) > 5 * sqrt(half / 2) + 0.01 * half + living[i]) {
            fail_msg("class %u: %g of %g deaths are late", i, (double)seen.ages[i], 2 * half);
        }
    }
    assert_true(pearson < 28.5); // 4 degrees of freedom
    assert_true(fabs((double)(all - deaths) - LIVING) < 5 * sqrt(LIVING));
    fake_run.workload->close(&fake_run);
    job_free(job);
}

// The live counts are Poisson: variance = mean. At the start their sum is fixed, which is forgotten
// after 4,000 operations by the classes that live for fewer.
static void test_live_counts_are_poisson(void **state)
{
    (void)state;
    enum { MOMENTS = 600 };
    unsigned moments = MOMENTS / SHORTER;
    double sum[CLASSES] = {0}, squares[CLASSES] = {0};
    for (unsigned i = 0; i < moments; i++) {
        struct job *job = watch(jobs[0], i, 4000);
        fake_run.workload->work(&fake_workers[0]);
        for (unsigned j = 0; j < CLASSES; j++) {
            sum[j] += seen.live[j];
            squares[j] += seen.live[j] * seen.live[j];
        }
        fake_run.workload->close(&fake_run);
        job_free(job);
    }
    for (unsigned j = 0; j < 3; j++) { // those that 4,000 operations turn over
        double mean = sum[j] / moments, variance = squares[j] / moments - mean * mean;
        assert_true(fabs(mean - living[j]) < 5 * sqrt(living[j] / moments) + 0.01 * living[j]);
        double spread = living[j] * sqrt((2 + 1 / living[j]) / moments);
        assert_true(fabs(variance - living[j]) < 5 * spread);
    }
}

// At the start as many live as the file says, in its proportions, and they are counted apart.
static void test_the_start(void **state)
{
    (void)state;
    char keys[300];
    double pearson = 0;
    snprintf(keys, sizeof keys, "workload = fleet\ndistribution = %s\nscale = 30\nops = 1\n", path);
    struct job *job = watch(keys, 21, 1);
    fake_run.workload->work(&fake_workers[0]);
    uint64_t done = fake_workers[0].count[OP_ALLOC] + fake_workers[0].count[OP_FREE];
    assert_int_equal(done, 11701);
    for (unsigned i = 0; i < CLASSES; i++) {
        double expected = 30 * living[i];
        pearson += (seen.live[i] - expected) * (seen.live[i] - expected) / expected;
    }
    assert_true(pearson < 28.5); // 4 degrees of freedom
    fake_run.workload->close(&fake_run);
    assert_true(fake_figure("prefilled") == 11700);
    assert_true(fabs(fake_figure("live at the end") - 11700) <= 1);
    job_free(job);
}

// Threads share the population out, to the last block.
static void test_threads_share_the_population(void **state)
{
    (void)state;
    char keys[300];
    snprintf(keys, sizeof keys, "workload = fleet\ndistribution = %s\nthreads = 4\nops = 1\n",
             path);
    struct job *job = open_cell(keys, 3, 0);
    work(fake_run.workload);
    uint64_t all = 0;
    for (unsigned i = 0; i < 4; i++) {
        uint64_t done = fake_workers[i].count[OP_ALLOC] + fake_workers[i].count[OP_FREE] - 1;
        assert_in_range(done, 97, 98);
        all += done;
    }
    assert_int_equal(all, 390);
    fake_run.workload->close(&fake_run);
    job_free(job);
}

static void test_the_share_of_remote_frees(void **state)
{
    (void)state;
    static const double shares[] = {0, 0.25, 1};
    for (unsigned i = 0; i < 3; i++) {
        char keys[300];
        struct op_totals totals;
        snprintf(keys, sizeof keys,
                 "workload = fleet\ndistribution = %s\nthreads = 2\nops = 40000\n"
                 "remote_share = %g\n",
                 path, shares[i]);
        struct job *job = open_cell(keys, 9, CHECK_EDGES);
        work(fake_run.workload);
        op_total(fake_workers, 2, &totals);
        double frees = (double)(totals.count[OP_FREE] + totals.count[OP_FREE_REMOTE]);
        double remote = (double)totals.count[OP_FREE_REMOTE];
        assert_true(frees > 35000);
        assert_true(fabs(remote / frees - shares[i]) <= 5 * sqrt(0.25 / frees) * (i == 1));
        fake_run.workload->close(&fake_run);
        job_free(job);
    }
}

// Of classes of which hardly one lives, sometimes many do: their slots are made as they are needed,
// and every block keeps its place in the account.
static void test_classes_grow(void **state)
{
    (void)state;
    char keys[300];
    snprintf(keys, sizeof keys, "workload = fleet\ndistribution = %s\nops = 40000\nscale = 0.01\n",
             path);
    struct job *job = open_cell(keys, 4, CHECK_OVERLAP);
    fake_run.workload->work(&fake_workers[0]);
    fake_run.workload->close(&fake_run);
    assert_null(fake_live);
    job_free(job);
}

static void test_close_checks_what_is_held(void **state)
{
    (void)state;
    close_checks_what_is_held(jobs[0]);
}

static void test_jobs_that_cannot_be(void **state)
{
    (void)state;
    static char wrong[] = "/tmp/mems-test-XXXXXX";
    char in_line[200], much[200], little[200], alone[200];
    make_file(wrong, "mems-fleet 1\n8 1 0\n");
    snprintf(in_line, sizeof in_line, "workload = fleet\ndistribution = %s\n", wrong);
    snprintf(much, sizeof much,
             "workload = fleet\ndistribution = %s\nscale = 1000000\n"
             "threads = 8\n",
             path);
    snprintf(little, sizeof little, "workload = fleet\ndistribution = %s\nscale = 0.001\n", path);
    snprintf(alone, sizeof alone, "workload = fleet\ndistribution = %s\nremote_share = 1\n", path);
    const struct bad_job bad[] = {
        {"workload = fleet\n", "distribution"},
        {"workload = fleet\ndistribution = /nowhere\n", "No such file"},
        {"workload = fleet\ndistribution = /nowhere\nsize = 8\n", "size"},
        {in_line, "2:5: '0': what is born lives for a while"},
        {little, "the distribution has 390 live blocks, which makes 0.39"},
        {alone, "threads = 2 or more"},
    };
    refuse_jobs(bad, sizeof bad / sizeof bad[0]);
    struct job *job = read_job(much); // 390 million blocks
    assert_non_null(job);
    job_free(job);
    unlink(wrong);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LAWS,
        cmocka_unit_test(test_the_steady_state),
        cmocka_unit_test(test_live_counts_are_poisson),
        cmocka_unit_test(test_the_start),
        cmocka_unit_test(test_threads_share_the_population),
        cmocka_unit_test(test_the_share_of_remote_frees),
        cmocka_unit_test(test_classes_grow),
        cmocka_unit_test(test_close_checks_what_is_held),
        cmocka_unit_test(test_jobs_that_cannot_be),
    };
    clock_init();
    make_jobs();
    law_rows = rows;
    law_row_count = 1;
    law_jobs = (const char *const *)jobs;
    law_job_count = JOBS;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    unlink(small);
    return failed;
}
