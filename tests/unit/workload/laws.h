// SPDX-License-Identifier: MIT
//
// laws.h - laws that every workload keeps, for the tests of a family of workloads.
//
// A family's test says which workloads and jobs it is about (law_rows, law_jobs) and lists LAWS
// among its tests. The laws: the same seed and job ask the target for the same; another seed for
// something else; threads do what was asked, and what close leaves behind is nothing; what was live
// at once is within the demand; a refusal loses nothing.

#ifndef TESTS_UNIT_WORKLOAD_LAWS_H
#define TESTS_UNIT_WORKLOAD_LAWS_H

#include "support/chance.h"
#include "unit/workload/fake_run.h"

static const struct workload *const *law_rows;
static size_t law_row_count;
static const char *const *law_jobs; // a section's keys but `target`
static size_t law_job_count;
// Whether worker `j` of the workload at work may end with operations left; NULL: none may.
static bool (*law_may_rest)(unsigned j);
// Whether a job asks for the same sizes with every seed; NULL: the one with "size = 64" does.
static bool (*law_is_fixed)(const char *job);
// Whether who frees a block is the schedule's choice in the workload at work; NULL: it never is.
static bool (*law_frees_vary)(void);

// The reader asks for workloads by name; trace, which wants files, is tested in its own room.
const struct workload *workload_at(size_t index)
{
    return index < law_row_count ? law_rows[index] : NULL;
}

const struct workload *workload_find(const char *name)
{
    for (size_t i = 0; i < law_row_count; i++) {
        if (strcmp(law_rows[i]->name, name) == 0) {
            return law_rows[i];
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

// Keys that no job may have, and what the complaint must say of them.
struct bad_job {
    const char *keys, *says;
};

static inline void refuse_jobs(const struct bad_job *bad, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        assert_null(read_job(bad[i].keys));
        if (strstr(complaint.text, bad[i].says) == NULL ||
            strncmp(complaint.text, "job:", 4) != 0) {
            fail_msg("%s is answered with: %s", bad[i].keys, complaint.text);
        }
    }
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
        fake_workers[i].budget =
            job_number(section, "ops") != 0 ? job_number(section, "ops") : UINT64_MAX;
        random_init(&fake_workers[i].random, seed, i, 0);
    }
    assert_int_equal(section->workload->open(&fake_run, &complaint), 0);
    return job;
}

static inline void run_job(const char *keys, uint64_t seed, unsigned check)
{
    struct job *job = open_cell(keys, seed, check);
    work(fake_run.workload);
    fake_run.workload->close(&fake_run);
    job_free(job);
}

// ---- the laws -----------------------------------------------------------------------------------

// They hold for any number of operations: in builds that are slow, for fewer.
static struct job *open_law(const char *keys, uint64_t seed, unsigned check)
{
    enum { ENOUGH = 1000 };
    struct job *job = open_cell(keys, seed, check);
    for (unsigned i = 0; i < fake_run.threads; i++) {
        uint64_t *budget = &fake_workers[i].budget;
        if (*budget != UINT64_MAX && *budget > ENOUGH) {
            *budget = ENOUGH + (*budget - ENOUGH) / MEMS_TEST_SCALE;
        }
    }
    return job;
}

static inline void run_law(const char *keys, uint64_t seed, unsigned check)
{
    struct job *job = open_law(keys, seed, check);
    work(fake_run.workload);
    fake_run.workload->close(&fake_run);
    job_free(job);
}

static void law_the_same_seed_asks_the_same(void **state)
{
    (void)state;
    for (unsigned i = 0; i < law_job_count; i++) {
        struct fake_space first[FAKE_THREADS];
        run_law(law_jobs[i], 7, 0);
        memcpy(first, fake_spaces, sizeof first);
        run_law(law_jobs[i], 7, CHECK_WHOLE);
        for (unsigned j = 0; j < FAKE_THREADS; j++) {
            assert_int_equal(first[j].asked, fake_spaces[j].asked);
            assert_int_equal(first[j].allocations, fake_spaces[j].allocations);
            bool varies = law_frees_vary != NULL && law_frees_vary();
            assert_true(varies || first[j].releases == fake_spaces[j].releases);
        }
        bool fixed = strstr(law_jobs[i], "size = 64") != NULL ||
                     (law_is_fixed != NULL && law_is_fixed(law_jobs[i]));
        run_law(law_jobs[i], 8, 0);
        assert_true(fixed || first[0].asked != fake_spaces[0].asked);
    }
}

static void law_threads_do_what_was_asked_and_nothing_is_left(void **state)
{
    (void)state;
    for (unsigned i = 0; i < law_job_count; i++) {
        struct op_totals totals;
        run_law(law_jobs[i], 3, CHECK_OVERLAP);
        op_total(fake_workers, fake_run.threads, &totals);
        assert_int_equal(totals.requested_bytes, 0);
        assert_int_equal(totals.taken_bytes, 0);
        assert_int_equal(fake_now.peak_bytes, 0);
        assert_null(fake_live);
        assert_int_equal(totals.count[OP_ALLOC],
                         totals.count[OP_FREE] + totals.count[OP_FREE_REMOTE]);
        for (unsigned j = 0; j < fake_run.threads; j++) {
            bool rests = law_may_rest != NULL && law_may_rest(j);
            assert_true(rests || fake_workers[j].budget == 0);
        }
    }
}

// A demand is a bound by chance (workload/demand.h): five spreads, of which a job sees many draws.
// Measured on all jobs of these tests: at most one run in 200 goes beyond it, for a moment.
#define LAW_DEMAND_MISSED 0.01

struct law_demand {
    const char *keys;
    uint64_t seed;
};

static bool law_keeps_demand(const char *keys, uint64_t seed)
{
    struct target_demand demand = {0};
    struct job *job = open_law(keys, seed, 0);
    assert_int_equal(fake_run.workload->demand(fake_run.section, &demand, &complaint), 0);
    work(fake_run.workload);
    fake_run.workload->close(&fake_run);
    job_free(job);
    assert_true(fake_peak.largest <= demand.largest);
    bool kept = fake_peak.peak_bytes <= demand.peak_bytes;
    for (unsigned i = 0; i < TARGET_CLASSES; i++) {
        kept = kept && fake_peak.peak_blocks[i] <= demand.peak_blocks[i];
    }
    return kept;
}

// The first look is one run.
static bool law_demand_look(const void *what, size_t tries, double beyond, unsigned look)
{
    const struct law_demand *law = what;
    size_t most = look == 0 ? 0 : chance_most(tries, LAW_DEMAND_MISSED, beyond), missed = 0;
    for (size_t i = 0; i < tries; i++) {
        missed += !law_keeps_demand(law->keys, law->seed + look + i);
    }
    if (missed > most) {
        print_message("%zu of %zu runs are beyond the demand; %zu may be: %s\n", missed, tries,
                      most, law->keys);
    }
    return missed <= most;
}

static void law_the_demand_holds(void **state)
{
    (void)state;
    uint64_t seed = test_seed();
    for (unsigned i = 0; i < law_job_count; i++) {
        const struct law_demand law = {law_jobs[i], seed};
        assert_true(chance_holds(law_demand_look, &law, 1));
    }
}

// A target that is full from the start: the workloads go through all the same.
static void law_refusals_are_survived(void **state)
{
    (void)state;
    for (unsigned i = 0; i < law_job_count; i++) {
        struct op_totals totals;
        struct job *job = open_law(law_jobs[i], 5, CHECK_OVERLAP);
        fake_spoil.alloc_error = ENOMEM;
        work(fake_run.workload);
        fake_run.workload->close(&fake_run);
        op_total(fake_workers, fake_run.threads, &totals);
        assert_int_equal(totals.operations, 0);
        assert_true(totals.refused > 0);
        job_free(job);
    }
}

// What a job holds at its end is checked before it is freed: a byte of it is spoiled, and close
// fails.
static inline void close_checks_what_is_held(const char *keys)
{
    struct job *volatile job = open_cell(keys, 5, CHECK_WHOLE);
    work(fake_run.workload);
    assert_non_null(fake_live);
    uint8_t *node = (uint8_t *)(fake_live + 1);
    node[FAKE_HEADER] ^= 1;
    FAKE_FAILS("stamp", fake_run.workload->close(&fake_run));
    job_free(job);
}

#define LAWS                                                                                       \
    cmocka_unit_test(law_the_same_seed_asks_the_same),                                             \
        cmocka_unit_test(law_threads_do_what_was_asked_and_nothing_is_left),                       \
        cmocka_unit_test(law_the_demand_holds), cmocka_unit_test(law_refusals_are_survived)

#endif
