// SPDX-License-Identifier: MIT
//
// account.c - from counters to a report: samples while the cell runs, sums at its end.
//
// 1. The harness keeps its own account of live bytes, so that fragmentation means the same for
//    every target. What is held is the engine's own figure where there is an engine, else how far
//    the resident set has grown since the baseline.
// 2. Samples are taken at most sample= apart, and at first closer: a 16th of the time that has gone
//    by, but not under a quarter of a millisecond. So a run of 0.2 s has some eighty of them, and a
//    long one pays for few. The last is taken after the last worker's end, before the drain.
// 3. The table of samples is bounded: when it is full every second one is dropped, and of those
//    that follow as many. The figures of fragmentation see every sample.
// 4. Reading while workers write gives each counter at about the same moment; sums of wrapping
//    per-worker counters may be a few operations apart, and are clamped at 0.

#include "run/account.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "measure/clock.h"
#include "run/stage.h"
#include "run/worker.h"

#define ACCOUNT_SHARE    16     // of the time gone by: the distance to the next sample
#define ACCOUNT_LEAST_NS 250000 // a sample costs some microseconds

static uint64_t account_clamp(uint64_t sum)
{
    return (int64_t)sum < 0 ? 0 : sum;
}

static uint64_t account_rss(const struct account *account)
{
    char text[128];
    ssize_t length = pread(account->statm, text, sizeof text - 1, 0);
    if (length <= 0) {
        return 0;
    }
    text[length] = '\0';
    char *second = strchr(text, ' ');
    return second != NULL ? strtoull(second, NULL, 10) * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

static uint64_t account_nanoseconds(struct timeval later, struct timeval earlier)
{
    int64_t us = (later.tv_sec - earlier.tv_sec) * 1000000 + (later.tv_usec - earlier.tv_usec);
    return us < 0 ? 0 : (uint64_t)us * 1000;
}

void account_open(struct account *account, struct run *run, uint64_t every_ns)
{
    memset(account, 0, sizeof *account);
    account->report = &run->stage->report;
    account->statm = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    account->kept = 1;
    account->every_ns = every_ns;
    account->report->sample_every_ns = every_ns;
    account->report->latency_every = job_number(run->section, "latency");
    account->report->timer_ns = (uint64_t)(clock_overhead_ns() + 0.5);
}

void account_begin(struct account *account, struct run *run)
{
    account->report->baseline_rss_bytes = account_rss(account);
    getrusage(RUSAGE_SELF, &account->before);
    snprintf(account->report->pinned, sizeof account->report->pinned, "%s", run->stage->pin);
}

static void account_usage(struct run *run, struct target_usage *usage)
{
    memset(usage, 0, sizeof *usage);
    run->target->usage(run->instance, usage);
}

static void account_take(struct account *account, struct run *run, struct report_sample *sample)
{
    struct target_usage usage;
    struct op_totals totals;
    memset(sample, 0, sizeof *sample);
    sample->at_ns = run_now_ns() - run->started_ns;
    op_total(run->workers, run->threads, &totals);
    sample->operations = totals.operations;
    sample->allocated_bytes = totals.allocated_bytes;
    sample->live_bytes = account_clamp(totals.requested_bytes);
    sample->taken_bytes = account_clamp(totals.taken_bytes);
    sample->rss_bytes = account_rss(account);
    account_usage(run, &usage);
    sample->holes_known = usage.known;
    sample->free_bytes = usage.free_bytes;
    sample->largest_hole = usage.largest_hole;
    uint64_t grown = sample->rss_bytes - account->report->baseline_rss_bytes;
    if (run->ops->no_memory) {
        sample->taken_bytes = 0;
    } else {
        sample->held_bytes = usage.known ? usage.held_bytes : account_clamp(grown);
    }
}

static void account_thin(struct account *account)
{
    struct cell_report *report = account->report;
    for (uint32_t i = 0; i < REPORT_SAMPLES / 2; i++) {
        report->samples[i] = report->samples[2 * i];
    }
    report->sample_count = REPORT_SAMPLES / 2;
    report->sample_every_ns *= 2;
    account->kept *= 2;
}

static void account_add(struct account *account, const struct report_sample *sample, bool keep)
{
    struct cell_report *report = account->report;
    fragmentation_add(&account->fragmentation, sample);
    if (sample->rss_bytes > report->peak_rss_bytes) {
        report->peak_rss_bytes = sample->rss_bytes;
    }
    if (account->taken++ % account->kept == 0 || keep) {
        if (report->sample_count == REPORT_SAMPLES) {
            account_thin(account);
        }
        report->samples[report->sample_count++] = *sample;
    }
}

void account_sample(struct account *account, struct run *run)
{
    struct report_sample sample;
    account_take(account, run, &sample);
    account_add(account, &sample, false);
}

uint64_t account_next(const struct account *account, const struct run *run, uint64_t now_ns)
{
    uint64_t distance = (now_ns - run->started_ns) / ACCOUNT_SHARE;
    distance = distance < ACCOUNT_LEAST_NS ? ACCOUNT_LEAST_NS : distance;
    return now_ns + (distance < account->every_ns ? distance : account->every_ns);
}

static void account_workers(struct account *account, struct run *run)
{
    struct cell_report *report = account->report;
    double sum = 0;
    double squares = 0;
    uint64_t ended = 0;
    for (unsigned kind = 0; kind < OP_KINDS; kind++) {
        histogram_init(&report->latency[kind]);
    }
    struct op_totals totals;
    op_total(run->workers, run->threads, &totals);
    memcpy(report->count, totals.count, sizeof report->count);
    report->refused = totals.refused;
    report->allocated_bytes = totals.allocated_bytes;
    report->thread_least = UINT64_MAX;
    for (unsigned i = 0; i < run->threads; i++) {
        const struct worker *worker = &run->workers[i];
        uint64_t operations = 0;
        for (unsigned kind = 0; kind < OP_KINDS; kind++) {
            operations += worker->count[kind];
            histogram_merge(&report->latency[kind], &worker->latency[kind]);
        }
        report->thread_least =
            operations < report->thread_least ? operations : report->thread_least;
        report->thread_most = operations > report->thread_most ? operations : report->thread_most;
        sum += (double)operations;
        squares += (double)operations * (double)operations;
        ended = run->lives[i].ended_ns > ended ? run->lives[i].ended_ns : ended;
    }
    report->jain = squares > 0 ? sum * sum / (run->threads * squares) : 1;
    report->wall_ns = ended - run->started_ns;
}

static void account_add_lock(struct mems_lock_stats *sum, const struct mems_lock_stats *lock)
{
    sum->acquisitions += lock->acquisitions;
    sum->contended += lock->contended;
    sum->spin_acquired += lock->spin_acquired;
    sum->waited += lock->waited;
    sum->wait_ns += lock->wait_ns;
    sum->max_wait_ns = lock->max_wait_ns > sum->max_wait_ns ? lock->max_wait_ns : sum->max_wait_ns;
    sum->max_waiting = lock->max_waiting > sum->max_waiting ? lock->max_waiting : sum->max_waiting;
    sum->owner_switches += lock->owner_switches;
    sum->hold_sample = lock->hold_sample;
    sum->hold_sampled += lock->hold_sampled;
    sum->hold_ns += lock->hold_ns;
    sum->max_hold_ns = lock->max_hold_ns > sum->max_hold_ns ? lock->max_hold_ns : sum->max_hold_ns;
    for (unsigned i = 0; i < MEMS_LOCK_BUCKETS; i++) {
        sum->wait[i] += lock->wait[i];
        sum->hold[i] += lock->hold[i];
    }
}

static void account_engine(struct run *run, struct report_engine *report)
{
    struct mems_engine *engine =
        run->target->engine != NULL ? run->target->engine(run->instance) : NULL;
    struct mems_lock_stats lock;
    if (engine == NULL) {
        return;
    }
    report->known = mems_snapshot(engine, &report->stats) == 0;
    strcpy(report->lock_sum.name, "all");
    for (size_t i = 0; mems_lock_at(engine, i, &lock) == 0; i++) {
        account_add_lock(&report->lock_sum, &lock);
        if (i < REPORT_LOCKS) {
            report->locks[report->lock_count++] = lock;
        } else {
            report->lock_more++;
        }
    }
}

void account_end(struct account *account, struct run *run)
{
    struct cell_report *report = account->report;
    struct rusage after;
    struct report_sample last;
    getrusage(RUSAGE_SELF, &after);
    account_workers(account, run);
    report->user_ns = account_nanoseconds(after.ru_utime, account->before.ru_utime);
    report->system_ns = account_nanoseconds(after.ru_stime, account->before.ru_stime);
    report->voluntary_switches = (uint64_t)(after.ru_nvcsw - account->before.ru_nvcsw);
    report->involuntary_switches = (uint64_t)(after.ru_nivcsw - account->before.ru_nivcsw);
    report->minor_faults = (uint64_t)(after.ru_minflt - account->before.ru_minflt);
    report->major_faults = (uint64_t)(after.ru_majflt - account->before.ru_majflt);
    account_take(account, run, &last);
    account_add(account, &last, true);
    report->end_rss_bytes = last.rss_bytes;
    report->live_bytes = last.live_bytes;
    report->taken_bytes = last.taken_bytes;
    account_usage(run, &report->usage);
    account_engine(run, &report->engine);
    fragmentation_report(&account->fragmentation, &report->fragmentation);
}

void account_drained(struct account *account, struct run *run, uint64_t drain_ns)
{
    struct cell_report *report = account->report;
    report->drain_ns = drain_ns;
    report->drained_rss_bytes = account_rss(account);
    account_usage(run, &report->drained);
    if (report->engine.known) {
        mems_snapshot(run->target->engine(run->instance), &report->engine.drained);
    }
    close(account->statm);
}
