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
// 5. The measured phase is what lies between two moments (run/span.c) and between two changes of
//    the histograms (run/curves.c). It begins with the barrier or, after a warm-up, when the
//    sampler says so; it ends with the last worker, or when the sampler says so: in an open loop,
//    where what is left of a batch is no longer paced, and with a steady state, where the figures
//    are those of the last window. For that window the beginnings of its parts are kept in a ring.
// 6. Memory. Everything is mapped before the first operation, in one piece (account_bytes), and
//    every page of it and of the report is touched before the baseline is taken, which is when all
//    threads are there and none has begun: what the resident set grows by after that is the
//    target's and the workload's.

#include "run/account.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "check/check.h"
#include "job/checks.h"
#include "measure/clock.h"
#include "measure/proc.h"
#include "run/code.h"
#include "run/decay.h"
#include "run/stage.h"
#include "run/worker.h"
#include "workload/pace.h"

#define ACCOUNT_SHARE    16     // of the time gone by: the distance to the next sample
#define ACCOUNT_LEAST_NS 250000 // a sample costs some microseconds
#define ACCOUNT_PAGE     4096
#define ACCOUNT_NAP_NS   20000000

static uint64_t account_clamp(uint64_t sum)
{
    return (int64_t)sum < 0 ? 0 : sum;
}

static size_t account_round(size_t bytes)
{
    return (bytes + 127) & ~(size_t)127;
}

static struct curves_shape account_shape(const struct job_section *section, unsigned threads)
{
    bool response = job_number(section, "rate") > 0;
    bool steady = *job_text(section, "steady") != '\0';
    return (struct curves_shape){
        .threads = threads,
        .response = response,
        .afresh =
            response || steady || section->workload->fills || job_number(section, "warmup") > 0,
        .steady = steady,
    };
}

static unsigned account_spans(const struct curves_shape *shape)
{
    return shape->steady ? STEADY_PARTS + 1 : 1;
}

size_t account_bytes(const struct job_section *section, unsigned threads)
{
    struct curves_shape shape = account_shape(section, threads);
    unsigned spans = account_spans(&shape);
    return account_round(curves_bytes(&shape)) + account_round(spans * sizeof(struct span)) +
           (spans + 1) * account_round(span_bytes(threads)) +
           (shape.response ? account_round(threads * sizeof(struct pace)) : 0);
}

static void account_tick(void *arg)
{
    stage_tick(arg);
}

// Open loop: every worker gets its own plan of intended starts.
static void account_open_paces(struct run *run, struct pace *paces)
{
    enum pace_arrival arrival = (enum pace_arrival)job_number(run->section, "arrival");
    for (unsigned i = 0; i < run->threads; i++) {
        struct pace *pace = &paces[i];
        pace_init(pace, job_number(run->section, "rate"), arrival, run->seed, i, run->threads);
        pace->origin_ns = &run->ready_ns;
        pace->stop = &run->stop;
        pace->tick = account_tick;
        pace->arg = run->stage;
        run->workers[i].pace = pace;
    }
    prctl(PR_SET_TIMERSLACK, 1000UL); // threads inherit it: sleeps end when they should
}

static void account_note_bytes(struct cell_report *report, const struct run *run)
{
    size_t each = sizeof(struct history) + sizeof(struct worker) +
                  account_bytes(run->section, run->threads + 1) -
                  account_bytes(run->section, run->threads);
    report->metrics_bytes = run->stage->bytes + account_bytes(run->section, run->threads);
    report->metrics_thread_bytes = each;
}

static void account_open_album(struct account *account, struct run *run)
{
    struct picture_album *pictures = stage_album(run->stage);
    struct mems_engine *engine = pictures != NULL ? run->target->engine(run->instance) : NULL;
    if (engine == NULL) {
        return;
    }
    uint64_t operations = job_number(run->section, "ops") * run->threads;
    account->album = run_map(sizeof *account->album);
    album_init(account->album, pictures, engine, run->workers, run->threads, operations);
    for (unsigned i = 0; i < run->threads; i++) {
        run->workers[i].album = account->album;
    }
}

void account_open(struct account *account, struct run *run)
{
    struct curves_shape shape = account_shape(run->section, run->threads);
    char *memory = run_map(account_bytes(run->section, run->threads));
    memset(account, 0, sizeof *account);
    account->memory = memory;
    account->report = &run->stage->report;
    account->kept = 1;
    account->every_ns = job_number(run->section, "sample");
    account->spans = account_spans(&shape);
    steady_read(run->section, &account->rule, NULL); // the plan has found it good
    rollup_open(&account->rollup);
    curves_init(&account->curves, &shape, memory);
    memory += account_round(curves_bytes(&shape));
    account->span = (struct span *)(void *)memory;
    memory += account_round(account->spans * sizeof(struct span));
    for (unsigned i = 0; i <= account->spans; i++) {
        struct span *span = i < account->spans ? &account->span[i] : &account->stop;
        span->worker = (struct span_worker *)(void *)memory;
        memory += account_round(span_bytes(run->threads));
    }
    if (shape.response) {
        account_open_paces(run, (struct pace *)(void *)memory);
    }
    for (unsigned i = 0; i < run->threads; i++) {
        run->workers[i].latency = curves_of(&account->curves, i);
    }
    account->report->sample_every_ns = account->every_ns;
    account->report->latency_every = job_number(run->section, "latency");
    account->report->timer_ns = (uint64_t)(clock_overhead_ns() + 0.5);
    account_open_album(account, run);
    account_note_bytes(account->report, run);
}

static void account_origin(struct account *account, struct run *run, uint64_t at_ns)
{
    account->origin_ns = at_ns;
    account->span[0].at_ns = at_ns;
    account->origin_operations = account->span[0].operations;
    account->origin_allocated_bytes = account->span[0].allocated_bytes;
    account->report->warmup_ns = at_ns - run->started_ns;
    account->report->warmup_operations = account->origin_operations;
}

// Writes to every page without changing anything.
static void account_touch(void *memory, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += ACCOUNT_PAGE / 2) {
        volatile char *byte = (char *)memory + at;
        *byte = *byte;
    }
}

void account_begin(struct account *account, struct run *run)
{
    struct stage *stage = run->stage;
    code_populate();
    account_touch(account->memory, account_bytes(run->section, run->threads));
    account_touch(&stage->report, sizeof stage->report);
    account_touch((char *)stage + stage->history_offset, stage->bytes - stage->history_offset);
    struct cell_report *report = account->report;
    account->map = job_number(run->section, "rss_slope") != 0;
    futex_open(&account->futex);
    memcpy(report->futex_why, account->futex.why, sizeof report->futex_why);
    snprintf(report->pinned, sizeof report->pinned, "%s", stage->pin);
    for (unsigned i = 0; i < run->threads * account->curves.kinds; i++) {
        histogram_clear(&account->curves.set[0][i]); // of what the workload's open has done
    }
    span_begin(&account->span[0], run, &account->futex, 0);
    bool drawn = account->album != NULL;
    if (drawn && !run->workload->fills && job_number(run->section, "warmup") == 0) {
        album_begin(account->album, account->span[0].operations, run_now_ns());
    }
}

void account_baseline(struct account *account)
{
    account->report->baseline_rss_bytes = proc_resident();
}

void account_started(struct account *account, struct run *run)
{
    account_origin(account, run, run->started_ns);
    if (account->album != NULL) {
        album_origin(account->album, run->started_ns);
    }
}

// What begins is counted from before its histograms are, what ends until after (account_stop), so
// that no operation is timed that was not counted, however long this thread is kept in between.
void account_warmed(struct account *account, struct run *run)
{
    uint64_t now = run_now_ns();
    span_begin(&account->span[0], run, &account->futex, now);
    curves_turn(&account->curves, run->workers, false);
    __atomic_store_n(&run->warming, false, __ATOMIC_RELAXED);
    account_origin(account, run, now);
    if (account->album != NULL) {
        album_begin(account->album, account->origin_operations, now);
    }
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
    sample->at_ns = run_now_ns() - account->origin_ns;
    op_total(run->workers, run->threads, &totals);
    sample->operations = totals.operations - account->origin_operations;
    sample->allocated_bytes = totals.allocated_bytes - account->origin_allocated_bytes;
    sample->live_bytes = account_clamp(totals.requested_bytes);
    sample->taken_bytes = account_clamp(totals.taken_bytes);
    sample->map_bytes = account->map ? check_resident() : 0;
    sample->rss_bytes = proc_resident();
    account_usage(run, &usage);
    sample->holes_known = usage.known;
    sample->free_bytes = usage.free_bytes;
    sample->holes = usage.holes;
    sample->live_blocks = usage.live_blocks;
    sample->largest_hole = usage.largest_hole;
    uint64_t grown = sample->rss_bytes - account->report->baseline_rss_bytes;
    if (run->ops->no_memory) {
        sample->taken_bytes = 0;
    } else {
        sample->held_bytes = usage.known ? usage.held_bytes : account_clamp(grown);
    }
}

static void account_detail(struct report_sample *sample, const struct rollup_detail *detail)
{
    sample->pss_bytes = detail->pss_bytes;
    sample->huge_bytes = detail->huge_bytes;
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

// The number of the oldest part that is kept.
static unsigned account_oldest(const struct account *account)
{
    return account->part < account->spans ? 0 : account->part - (account->spans - 1);
}

static struct span *account_span(const struct account *account, unsigned part)
{
    return &account->span[part % account->spans];
}

static void account_add(struct account *account, const struct report_sample *sample, bool keep)
{
    struct cell_report *report = account->report;
    for (unsigned i = account_oldest(account); i <= account->part; i++) {
        span_sample(account_span(account, i), sample);
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
    struct rollup_detail detail;
    uint64_t began = run_now_ns();
    account_take(account, run, &sample);
    if (rollup_look_try(&account->rollup, run_now_ns(), &detail)) {
        account_detail(&sample, &detail);
        account->report->detail_count++;
    }
    account_add(account, &sample, false);
    account->report->sample_cost_ns += run_now_ns() - began;
}

uint64_t account_next(const struct account *account, uint64_t now_ns)
{
    uint64_t distance = (now_ns - account->origin_ns) / ACCOUNT_SHARE;
    distance = distance < ACCOUNT_LEAST_NS ? ACCOUNT_LEAST_NS : distance;
    return now_ns + (distance < account->every_ns ? distance : account->every_ns);
}

double account_part(struct account *account, struct run *run)
{
    const struct span *before = account_span(account, account->part);
    struct span *now = account_span(account, account->part + 1);
    uint64_t at_ns = run_now_ns();
    uint64_t operations = before->operations; // the ring may be of one
    uint64_t length = at_ns - before->at_ns;
    span_begin(now, run, &account->futex, at_ns);
    curves_turn(&account->curves, run->workers, true);
    now->fragmentation.until_ns = at_ns - account->origin_ns;
    account->part++;
    return length > 0 ? (double)(now->operations - operations) * 1e9 / (double)length : 0;
}

void account_stop(struct account *account, struct run *run)
{
    if (account->end == NULL) {
        account_sample(account, run);
        curves_turn(&account->curves, run->workers, true);
        span_begin(&account->stop, run, &account->futex, run_now_ns());
        account->end = &account->stop;
    }
}

void account_stop_with_part(struct account *account)
{
    if (account->end == NULL) {
        account->end = account_span(account, account->part);
    }
}

static uint64_t account_workers_end(const struct run *run)
{
    uint64_t end = 0;
    for (unsigned i = 0; i < run->threads; i++) {
        uint64_t ended = worker_ended_ns(&run->lives[i]);
        end = ended > end ? ended : end;
    }
    return end;
}

// Of workers that were still at work when the end was told; who has spent its budget misses
// nothing.
static void account_missed(struct run *run, uint64_t end_ns, struct cell_report *report)
{
    for (unsigned i = 0; i < run->threads; i++) {
        const struct worker *worker = &run->workers[i];
        if (worker->pace != NULL && worker_ended_ns(&run->lives[i]) > end_ns &&
            end_ns > run->ready_ns) {
            uint64_t missed = pace_missed(worker->pace, end_ns - run->ready_ns);
            report->missed += missed < worker->budget ? missed : worker->budget;
        }
    }
}

// What was measured, from the oldest part that is kept to the end.
static void account_measured(struct account *account, struct run *run)
{
    unsigned oldest = account_oldest(account);
    bool stopped = account->end != NULL;
    uint64_t to_ns = stopped ? account->end->at_ns : account_workers_end(run);
    if (!stopped) {
        span_begin(&account->stop, run, &account->futex, to_ns);
        account->end = &account->stop;
    }
    span_report(account_span(account, oldest), account->end, run, to_ns, account->report);
    if (stopped) {
        account_missed(run, to_ns, account->report);
    }
    curves_report(&account->curves, oldest, !stopped, account->report->latency,
                  account->report->response);
}

static int account_hole(const struct mems_extent *extent, void *arg)
{
    if (extent->piece == MEMS_PIECE_HOLE) {
        fragmentation_hole(arg, extent->size);
    }
    return 0;
}

// What lies idle inside the blocks; of fixed partitions, where it is the price of the policy, a
// figure of its own.
static void account_waste(struct run *run, struct cell_report *report)
{
    const struct mems_stats *stats = &report->engine.stats;
    if (!report->engine.known || stats->live_blocks == 0) {
        return;
    }
    double waste =
        (double)(stats->block_bytes - stats->requested_bytes) / (double)stats->live_blocks;
    report->fragmentation.waste_per_block = waste;
    if (strcmp(target_spec_base(run->spec)->argument, "fixed") == 0) {
        run_figure(run, "waste a partition", "bytes", waste, NAN);
    }
}

static void account_engine(struct run *run, struct cell_report *report)
{
    struct mems_engine *engine =
        run->target->engine != NULL ? run->target->engine(run->instance) : NULL;
    struct fragmentation_holes holes = {0};
    report->fragmentation.waste_per_block = -1;
    if (engine == NULL) {
        fragmentation_holes_report(NULL, &report->fragmentation);
        return;
    }
    report->engine.known = mems_snapshot(engine, &report->engine.stats) == 0;
    account_waste(run, report);
    bool known = mems_walk(engine, account_hole, &holes) == 0;
    fragmentation_holes_report(known ? &holes : NULL, &report->fragmentation);
}

// Whether all of the live bytes have been touched: every page of a block, or blocks that are no
// longer than one.
static bool account_all_touched(const struct run *run)
{
    enum { TOUCH_NONE, TOUCH_FIRST, TOUCH_ENDS, TOUCH_PAGE }; // the rows of the key touch
    uint64_t touch = job_number(run->section, "touch");
    uint64_t checks = job_checks_of(run->section);
    bool ends = job_checks_have(checks, JOB_CHECK_STAMP);
    bool short_ones = run->stage->demand.largest <= ACCOUNT_PAGE;
    return touch >= TOUCH_PAGE || (ends && job_checks_have(checks, JOB_CHECK_WHOLE)) ||
           (short_ones && (touch >= TOUCH_FIRST || ends));
}

// Nothing is known of it where less is resident than lives: a part is swapped out, or stands on
// pages that the process had before.
static double account_overhead(const struct run *run, const struct report_sample *last)
{
    if (run->ops->no_memory || last->live_bytes == 0 || !account_all_touched(run)) {
        return NAN;
    }
    double live = (double)last->live_bytes;
    double more = (double)last->rss_bytes - (double)run->stage->report.baseline_rss_bytes - live;
    return more >= 0 ? more / live : NAN;
}

static void account_native(void *arg, const char *name, double value)
{
    struct cell_report *report = arg;
    if (report->native_count < REPORT_NATIVE) {
        struct report_native *native = &report->native[report->native_count++];
        size_t length = strnlen(name, sizeof native->name - 1);
        memcpy(native->name, name, length);
        native->name[length] = '\0';
        native->value = value;
    }
}

void account_end(struct account *account, struct run *run)
{
    struct cell_report *report = account->report;
    struct report_sample last;
    struct rollup_detail detail;
    account_take(account, run, &last);
    if (rollup_look(&account->rollup, &detail)) {
        account_detail(&last, &detail);
        report->detail_count++;
    }
    if (account->end == NULL) {
        account_add(account, &last, true);
    }
    account_measured(account, run);
    report->end_rss_bytes = last.rss_bytes;
    report->live_bytes = last.live_bytes;
    report->taken_bytes = last.taken_bytes;
    report->fragmentation.rss_overhead = account_overhead(run, &last);
    account_usage(run, &report->usage);
    account_engine(run, report);
    if (run->target->native != NULL) {
        run->target->native(run->instance, account_native, report);
    }
    futex_close(&account->futex);
    if (account->album != NULL) {
        album_end(account->album);
    }
}

// Asleep until then, unless somebody wants an end. The driver sees that it is on purpose.
static bool account_sleep(struct run *run, uint64_t until_ns, bool (*told)(void))
{
    while (!told()) {
        uint64_t now = run_now_ns();
        if (now >= until_ns) {
            return true;
        }
        uint64_t nap = until_ns - now < ACCOUNT_NAP_NS ? until_ns - now : ACCOUNT_NAP_NS;
        struct timespec time = {.tv_sec = 0, .tv_nsec = (long)nap};
        nanosleep(&time, NULL);
        stage_tick(run->stage);
    }
    return false;
}

static void account_decay(struct account *account, struct run *run, bool (*told)(void))
{
    struct cell_report *report = account->report;
    uint64_t whole = job_number(run->section, "decay");
    uint64_t began = run_now_ns();
    for (unsigned i = 0; i < REPORT_DECAY && whole > 0; i++) {
        struct rollup_detail detail;
        uint64_t at = decay_at_ns(i, whole);
        if (at == UINT64_MAX || !account_sleep(run, began + at, told)) {
            break;
        }
        report->decay[i].after_ns = run_now_ns() - began;
        report->decay[i].rss_bytes =
            rollup_look(&account->rollup, &detail) ? detail.rss_bytes : proc_resident();
        report->decay_count = i + 1;
    }
}

void account_drained(struct account *account, struct run *run, uint64_t drain_ns,
                     bool (*told)(void))
{
    struct cell_report *report = account->report;
    report->drain_ns = drain_ns;
    report->drained_rss_bytes = proc_resident();
    account_decay(account, run, told);
    report->incomplete |= told();
    account_usage(run, &report->drained);
    if (report->engine.known) {
        mems_snapshot(run->target->engine(run->instance), &report->engine.drained);
    }
    rollup_close(&account->rollup);
}
