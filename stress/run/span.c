// SPDX-License-Identifier: MIT
//
// span.c - the figures of a cell between two moments.
//
// 1. Counters only grow and belong to their writers; nobody may set them back. So the measured
//    phase is a difference: the counters are read when it begins and when it ends. The two readings
//    take no lock and stop nobody; a counter may be a few operations ahead of another.
// 2. What is not a counter (peaks, figures of fragmentation) is gathered from the samples since the
//    span's beginning.
// 3. Fairness. Jain's index (Jain, Chiu, Hawe 1984) is (sum x)^2 / (n sum x^2): 1 when all threads
//    do the same, 1/n when one does everything. CV is the standard deviation (of all threads, not
//    of a sample of them) over the mean; Jain = 1 / (1 + CV^2).
// 4. Off-CPU is a worker's time less its CPU time: waiting for locks, for memory, for a CPU; in an
//    open loop for its next operation too.
// 5. An engine's locks are counted since the span began, but for their maxima and the size of the
//    largest crowd, which are of the engine's whole life.

#include "run/span.h"

#include <math.h>
#include <string.h>

#include "run/worker.h"
#include "workload/pace.h"

size_t span_bytes(unsigned threads)
{
    return threads * sizeof(struct span_worker);
}

static uint64_t span_read(const uint64_t *counter)
{
    return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

static void span_workers(struct span *span, struct run *run)
{
    span->operations = span->allocated_bytes = 0;
    for (unsigned i = 0; i < run->threads; i++) {
        const struct worker *worker = &run->workers[i];
        struct span_worker *at = &span->worker[i];
        for (unsigned kind = 0; kind < OP_KINDS; kind++) {
            at->count[kind] = span_read(&worker->count[kind]);
            span->operations += at->count[kind];
        }
        at->refused = span_read(&worker->refused);
        at->allocated_bytes = span_read(&worker->allocated_bytes);
        span->allocated_bytes += at->allocated_bytes;
        at->begun = worker->pace != NULL ? span_read(&worker->pace->begun) : 0;
        at->late = worker->pace != NULL ? span_read(&worker->pace->late) : 0;
        spent_read(&run->lives[i].spent, &at->spent);
    }
}

static void span_add_lock(struct mems_lock_stats *sum, const struct mems_lock_stats *lock)
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

// Takes what was counted before off again.
static void span_lock_since(struct mems_lock_stats *lock, const struct mems_lock_stats *before)
{
    lock->acquisitions -= before->acquisitions;
    lock->contended -= before->contended;
    lock->spin_acquired -= before->spin_acquired;
    lock->waited -= before->waited;
    lock->wait_ns -= before->wait_ns;
    lock->owner_switches -= before->owner_switches;
    lock->hold_sampled -= before->hold_sampled;
    lock->hold_ns -= before->hold_ns;
    for (unsigned i = 0; i < MEMS_LOCK_BUCKETS; i++) {
        lock->wait[i] -= before->wait[i];
        lock->hold[i] -= before->hold[i];
    }
}

static void span_take_locks(struct span_locks *locks, struct run *run)
{
    struct mems_lock_stats lock;
    locks->count = 0;
    memset(&locks->sum, 0, sizeof locks->sum);
    strcpy(locks->sum.name, "all");
    struct mems_engine *engine =
        run->target->engine != NULL ? run->target->engine(run->instance) : NULL;
    if (engine == NULL) {
        return;
    }
    for (size_t i = 0; mems_lock_at(engine, i, &lock) == 0; i++) {
        span_add_lock(&locks->sum, &lock);
        if (i < REPORT_LOCKS) {
            locks->lock[locks->count] = lock;
        }
        locks->count++;
    }
}

void span_begin(struct span *span, struct run *run, const struct futex_counter *futex,
                uint64_t at_ns)
{
    span->at_ns = at_ns;
    span_workers(span, run);
    span_take_locks(&span->locks, run);
    getrusage(RUSAGE_SELF, &span->usage);
    span->futex_known = futex != NULL && futex_read(futex, &span->futex_waits);
    span->fragmentation = (struct fragmentation){0};
    span->peak_rss_bytes = span->peak_pss_bytes = span->peak_huge_bytes = 0;
}

static void span_raise(uint64_t *peak, uint64_t value)
{
    *peak = value > *peak ? value : *peak;
}

void span_sample(struct span *span, const struct report_sample *sample)
{
    fragmentation_add(&span->fragmentation, sample);
    span_raise(&span->peak_rss_bytes, sample->rss_bytes);
    span_raise(&span->peak_pss_bytes, sample->pss_bytes);
    span_raise(&span->peak_huge_bytes, sample->huge_bytes);
}

void span_fairness(struct cell_report *report, unsigned threads)
{
    double sum = 0;
    double squares = 0;
    report->thread_least = UINT64_MAX;
    report->thread_most = 0;
    for (unsigned i = 0; i < threads; i++) {
        uint64_t operations = report->thread_operations[i];
        report->thread_least =
            operations < report->thread_least ? operations : report->thread_least;
        span_raise(&report->thread_most, operations);
        sum += (double)operations;
        squares += (double)operations * (double)operations;
    }
    double mean = sum / threads;
    double variance = squares / threads - mean * mean;
    report->jain = squares > 0 ? sum * sum / (threads * squares) : 1;
    report->thread_cv = mean > 0 ? sqrt(variance > 0 ? variance : 0) / mean : 0;
}

static void span_report_worker(const struct span_worker *from, const struct span_worker *to,
                               uint64_t time_ns, unsigned number, struct cell_report *report)
{
    uint64_t cpu_ns = to->spent.cpu_ns - from->spent.cpu_ns;
    uint64_t operations = 0;
    for (unsigned kind = 0; kind < OP_KINDS; kind++) {
        report->count[kind] += to->count[kind] - from->count[kind];
        operations += to->count[kind] - from->count[kind];
    }
    if (number < REPORT_THREADS) {
        report->thread_operations[number] = operations;
    }
    report->refused += to->refused - from->refused;
    report->allocated_bytes += to->allocated_bytes - from->allocated_bytes;
    // Counters are read one after the other while the worker runs on; of what it began all but one
    // operation are done.
    uint64_t begun = to->begun - from->begun;
    uint64_t late = to->late - from->late;
    uint64_t most = operations + (to->refused - from->refused) + 1;
    begun = begun < most ? begun : most;
    report->begun += begun;
    report->late += late < begun ? late : begun;
    report->worker_ns += time_ns;
    report->offcpu_ns += time_ns > cpu_ns ? time_ns - cpu_ns : 0;
    report->runqueue_ns += to->spent.runqueue_ns - from->spent.runqueue_ns;
    report->runqueue_known |= to->spent.runqueue_known;
}

static uint64_t span_nanoseconds(struct timeval later, struct timeval earlier)
{
    int64_t us = (later.tv_sec - earlier.tv_sec) * 1000000 + (later.tv_usec - earlier.tv_usec);
    return us < 0 ? 0 : (uint64_t)us * 1000;
}

static void span_report_system(const struct span *from, const struct span *to,
                               struct cell_report *report)
{
    const struct rusage *before = &from->usage;
    const struct rusage *after = &to->usage;
    report->user_ns = span_nanoseconds(after->ru_utime, before->ru_utime);
    report->system_ns = span_nanoseconds(after->ru_stime, before->ru_stime);
    report->voluntary_switches = (uint64_t)(after->ru_nvcsw - before->ru_nvcsw);
    report->involuntary_switches = (uint64_t)(after->ru_nivcsw - before->ru_nivcsw);
    report->minor_faults = (uint64_t)(after->ru_minflt - before->ru_minflt);
    report->major_faults = (uint64_t)(after->ru_majflt - before->ru_majflt);
    report->futex_known = from->futex_known && to->futex_known;
    report->futex_waits = report->futex_known ? to->futex_waits - from->futex_waits : 0;
}

static void span_report_locks(const struct span_locks *from, const struct span_locks *to,
                              struct report_engine *report)
{
    report->lock_sum = to->sum;
    span_lock_since(&report->lock_sum, &from->sum);
    report->lock_count = to->count < REPORT_LOCKS ? to->count : REPORT_LOCKS;
    report->lock_more = to->count - report->lock_count;
    for (uint32_t i = 0; i < report->lock_count; i++) {
        report->locks[i] = to->lock[i];
        // Locks keep their places; those that are new come behind.
        if (i < from->count && strcmp(from->lock[i].name, to->lock[i].name) == 0) {
            span_lock_since(&report->locks[i], &from->lock[i]);
        }
    }
}

void span_report(const struct span *from, const struct span *to, const struct run *run,
                 uint64_t to_ns, struct cell_report *report)
{
    for (unsigned i = 0; i < run->threads; i++) {
        uint64_t ended = worker_ended_ns(&run->lives[i]);
        uint64_t until = ended != 0 && ended < to_ns ? ended : to_ns;
        uint64_t time_ns = until > from->at_ns ? until - from->at_ns : 0;
        span_report_worker(&from->worker[i], &to->worker[i], time_ns, i, report);
    }
    report->wall_ns = to_ns > from->at_ns ? to_ns - from->at_ns : 0;
    span_fairness(report, run->threads < REPORT_THREADS ? run->threads : REPORT_THREADS);
    span_report_system(from, to, report);
    span_report_locks(&from->locks, &to->locks, &report->engine);
    fragmentation_report(&from->fragmentation, &report->fragmentation);
    report->peak_rss_bytes = from->peak_rss_bytes;
    report->peak_pss_bytes = from->peak_pss_bytes;
    report->peak_huge_bytes = from->peak_huge_bytes;
}
