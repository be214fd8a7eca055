// SPDX-License-Identifier: MIT
//
// cell.c - a cell's own process: prepare, run, drain, check, done.
//
// The first thread does all that is not the workload's work; while the workers run it watches them
// (run/course.c). SIGTERM from the driver (somebody pressed Ctrl-C) ends the measured phase early:
// the report is then complete but for `incomplete`.

#include "run/cell.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check/check.h"
#include "measure/clock.h"
#include "measure/own.h"
#include "measure/speed.h"
#include "run/account.h"
#include "run/cost.h"
#include "run/course.h"
#include "run/evidence.h"
#include "run/limit.h"
#include "run/remains.h"
#include "run/run.h"
#include "run/slope.h"
#include "run/stage.h"
#include "run/supplier.h"
#include "run/worker.h"

static volatile sig_atomic_t cell_told_to_stop;

static void cell_on_stop(int signal)
{
    (void)signal;
    cell_told_to_stop = 1;
}

uint64_t run_now_ns(void)
{
    return clock_monotonic_ns();
}

static void *cell_map(size_t bytes, int flags)
{
    own_memory(bytes);
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);
    if (memory == MAP_FAILED) {
        evidence_refuse("out of memory for the harness itself");
    }
    return memory;
}

void *run_map(size_t bytes)
{
    return cell_map(bytes, MAP_POPULATE);
}

void *run_map_lazily(size_t bytes)
{
    return cell_map(bytes, 0);
}

int run_space(struct run *run, unsigned process, void **space)
{
    if (process >= RUN_MAX_SPACES) {
        return E2BIG;
    }
    int error = 0;
    pthread_mutex_lock(&run->spaces_lock);
    if (!run->spaces[process].open) {
        error = run->target->space_open(run->instance, &run->spaces[process].space);
        run->spaces[process].open = error == 0;
    }
    *space = run->spaces[process].space;
    pthread_mutex_unlock(&run->spaces_lock);
    return error;
}

void run_space_close(struct run *run, unsigned process)
{
    pthread_mutex_lock(&run->spaces_lock);
    if (run->spaces[process].open) {
        run->spaces[process].open = false;
        run->target->space_close(run->instance, run->spaces[process].space);
    }
    pthread_mutex_unlock(&run->spaces_lock);
}

// Whether malloc is whose it should be; a cell that measured another one would be worse than none.
static void cell_prove_supplier(struct run *run)
{
    struct report_supplier *supplier = &run->stage->report.supplier;
    const char *wanted = run->stage->preload;
    char text[512];
    int error = supplier_find(supplier);
    bool libc = strcmp(target_spec_base(run->spec)->target->name, "libc") == 0;
    if (error != 0 || (*wanted != '\0' && strcmp(wanted, supplier->path) != 0) ||
        (libc && !supplier_is_libc(supplier))) {
        snprintf(text, sizeof text, "malloc is supplied by %.200s, not by %.200s",
                 error != 0 ? "nobody" : supplier->path, libc ? "the C library" : wanted);
        run_fail(NULL, &(struct run_failure){.check = "supplier", .text = text});
    }
}

static void cell_open_target(struct run *run, struct target_spec *spec, struct complaint *complaint)
{
    if (target_parse(run->stage->target, NULL, spec, complaint) != 0) {
        evidence_refuse(complaint->text);
    }
    run->spec = spec;
    run->target = spec->target;
    run->ops = spec->target->ops;
    cell_prove_supplier(run);
    if (run->target->open(spec, &run->stage->demand, &run->instance, complaint) != 0) {
        evidence_refuse(complaint->text);
    }
    run->spaces = run_map_lazily(RUN_MAX_SPACES * sizeof *run->spaces);
    pthread_mutex_init(&run->spaces_lock, NULL);
    if (run_space(run, 0, &run->space) != 0) {
        evidence_refuse("the target does not open a space");
    }
}

// What is checked of blocks. A map of places says nothing where live blocks move; there the stamps
// of level 3 find what two blocks have in common.
static unsigned cell_checks(const struct run *run)
{
    bool moves = run->target->moves != NULL && run->target->moves(run->instance);
    return (unsigned)(job_checks_of(run->section) &
                      job_checks_of_level(moves ? CHECK_WHOLE : CHECK_OVERLAP));
}

static void cell_open_workers(struct run *run)
{
    const struct job_section *section = run->section;
    uint64_t ops = job_number(section, "ops");
    bool careful = !run->ops->no_memory;
    run->workers = stage_workers(run->stage);
    run->lives = run_map(run->threads * sizeof *run->lives);
    for (unsigned i = 0; i < run->threads; i++) {
        struct worker *worker = &run->workers[i];
        worker->ops = run->ops;
        worker->space = run->space;
        worker->check = careful ? cell_checks(run) : 0;
        worker->touch = careful ? (unsigned)job_number(section, "touch") : 0;
        worker->latency_every = (uint32_t)job_number(section, "latency");
        worker->history = stage_history(run->stage, i);
        worker->run = run;
        worker->number = i;
        worker->budget = ops != 0 ? ops : UINT64_MAX;
        random_init(&worker->random, run->seed, i, 0);
        spent_init(&run->lives[i].spent);
    }
}

static void cell_prepare(struct run *run, struct stage *stage, struct target_spec *spec,
                         struct account *account)
{
    struct complaint complaint = {0};
    struct job *job;
    const char *text = stage_text(stage);
    run->stage = stage;
    run->seed = stage->seed;
    run->threads = stage->threads;
    if (job_parse(text, strlen(text), "resolved job", "/", &job, &complaint) != 0) {
        evidence_refuse(complaint.text);
    }
    run->section = &job->sections[0];
    run->workload = run->section->workload;
    // Where nothing is timed one by one the clock is read so seldom that it need not be a fast one;
    // to calibrate that takes as long as a short cell.
    bool timed = job_number(run->section, "latency") != 0;
    if (timed) {
        clock_init();
    }
    cost_measure(&stage->report.harness, timed);
    stage->report.harness_known = true;
    cell_open_target(run, spec, &complaint);
    cell_open_workers(run);
    account_open(account, run);
    if (run->workload->open(run, &complaint) != 0) {
        evidence_refuse(complaint.text);
    }
}

static bool cell_is_told_to_stop(void)
{
    return cell_told_to_stop != 0;
}

// The cell's own wish for its latencies. The report is complete by then; of a cell that was told to
// stop early it says too little.
static void cell_check_limit(struct run *run)
{
    struct complaint complaint = {0};
    struct limit limit;
    limit_read(run->section, &limit, NULL); // the plan has found it good
    if (!run->stage->report.incomplete && !limit_kept(&limit, &run->stage->report, &complaint)) {
        run_fail(NULL, &(struct run_failure){.check = "latency_limit", .text = complaint.text});
    }
}

static void cell_run(struct run *run, struct stage *stage, struct account *account)
{
    stage->report.speed_before_ns = speed_measure_ns();
    account_begin(account, run);
    run->warming = run->workload->fills || job_number(run->section, "warmup") > 0;
    remains_prepare(run);
    if (worker_start_all(run) != 0) {
        evidence_refuse("the system does not start so many threads");
    }
    account_baseline(account);
    remains_begin(run);
    stage_enter(stage, STAGE_RUN);
    worker_let_all_begin(run);
    course_run(run, account, cell_is_told_to_stop);
    worker_join_all(run);
    account_end(account, run);
    stage->report.speed_after_ns = speed_measure_ns();

    stage_enter(stage, STAGE_DRAIN);
    uint64_t drain = run_now_ns();
    run->workload->close(run);
    for (unsigned i = RUN_MAX_SPACES - 1; i > 0; i--) {
        run_space_close(run, i);
    }
    account_drained(account, run, run_now_ns() - drain, cell_is_told_to_stop);

    stage_enter(stage, STAGE_CHECK);
    remains_check(run);
    slope_check(run);
    run_space_close(run, 0);
    run->target->close(run->instance);
}

int cell_main(int argc, char **argv)
{
    static struct run run;
    static struct account account;
    struct target_spec spec;
    struct stage *stage = argc == 2 ? stage_attach(atoi(argv[1])) : NULL;
    if (stage == NULL) {
        fprintf(stderr, "mems-stress cell: for the driver's own use; see mems-stress help run\n");
        return 1;
    }
    evidence_open(stage);
    struct sigaction stop = {.sa_handler = cell_on_stop, .sa_flags = SA_RESTART};
    sigaction(SIGTERM, &stop, NULL);
    stage_enter(stage, STAGE_PREPARE);
    cell_prepare(&run, stage, &spec, &account);
    cell_run(&run, stage, &account);
    stage_enter(stage, STAGE_DONE);
    cell_check_limit(&run);
    // Without the exit handlers: what the process still holds is the workload's and the harness's.
    _exit(0);
}
