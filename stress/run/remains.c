// SPDX-License-Identifier: MIT
//
// remains.c - what is left of a cell when all of its blocks are freed.
//
// 1. Theory. When every block was freed an account of the heap must come out even, to the byte: a
//    block that was lost on its way back (a free by another thread, a thread's end) damages nobody
//    and shows nowhere else. Robustness calls that conservation: live + free + cached = held.
// 2. What is asked.
//      invariants    everything that the engine can check of itself (mems_check)
//      conservation  the engine's account: no block live, no byte requested, none taken
//      lost          a malloc's own figure of the bytes in use (target->in_use), which may have
//                    grown by lost_limit since before the first operation, and by what its caches
//                    may still hold of it
//      kept          the share of the peak that is still resident when decay= is over and one more
//                    block has come and gone
// 3. An allocator that was told to stop early is asked all the same, but for `kept`.
// 4. What the C library allocates for a thread and keeps with its stack when the thread has ended
//    is not lost (glibc: the vector of the modules' thread-local blocks). A worker that hands over
//    lives beside its successor, so there come to be twice as many stacks as workers: that many
//    threads have been there before the first look.

#include "run/remains.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>

#include "job/checks.h"
#include "measure/proc.h"
#include "run/stage.h"

#define REMAINS_ONE_MORE (1u << 20)

static struct {
    bool known;
    uint64_t bytes;
} remains_before;

static bool remains_in_use(struct run *run, uint64_t *bytes, uint64_t *cached)
{
    return run->target->in_use != NULL && run->target->in_use(run->instance, bytes, cached);
}

// Each waits for the next one, so all are there at once. Where the system does not start so many,
// that is told when the workers start.
static void *remains_together(void *others)
{
    pthread_t next;
    if (others != NULL &&
        pthread_create(&next, NULL, remains_together, (void *)((uintptr_t)others - 1)) == 0) {
        pthread_join(next, NULL);
    }
    return NULL;
}

void remains_prepare(struct run *run)
{
    if (job_number(run->section, "lost_limit") != 0) {
        (void)remains_together((void *)(2 * (uintptr_t)run->threads));
    }
}

void remains_begin(struct run *run)
{
    uint64_t cached;
    if (job_number(run->section, "lost_limit") != 0) {
        remains_before.known = remains_in_use(run, &remains_before.bytes, &cached);
    }
}

static void remains_invariants(struct run *run)
{
    struct complaint complaint = {0};
    if (run->target->check == NULL) {
        return;
    }
    int error = run->target->check(run->instance, &complaint);
    if (error != 0 && error != ENOTSUP) {
        run_fail(NULL, &(struct run_failure){.check = "invariants", .text = complaint.text});
    }
    run->stage->report.checked = error == 0;
}

static void remains_account(const struct run *run)
{
    const struct report_engine *engine = &run->stage->report.engine;
    const struct mems_stats *left = &engine->drained;
    if (!engine->known ||
        (left->live_blocks == 0 && left->requested_bytes == 0 && left->block_bytes == 0)) {
        return;
    }
    char text[200];
    snprintf(text, sizeof text,
             "every block was freed, yet the engine still has %" PRIu64 " live ones, %" PRIu64
             " bytes requested and %" PRIu64 " taken",
             left->live_blocks, left->requested_bytes, left->block_bytes);
    run_fail(NULL, &(struct run_failure){.check = "conservation",
                                         .text = text,
                                         .found = left->live_blocks != 0 ? left->live_blocks
                                                                         : left->block_bytes});
}

static void remains_lost(struct run *run)
{
    uint64_t limit = job_number(run->section, "lost_limit"), now = 0, cached = 0;
    if (!remains_before.known || !remains_in_use(run, &now, &cached) ||
        now <= remains_before.bytes + limit + cached) {
        return;
    }
    char text[200];
    snprintf(text, sizeof text,
             "every block was freed, yet the malloc says that %" PRIu64
             " bytes more are in use than before the first; lost_limit is %" PRIu64,
             now - remains_before.bytes, limit);
    run_fail(NULL, &(struct run_failure){.check = "lost",
                                         .text = text,
                                         .expected = limit,
                                         .found = now - remains_before.bytes});
}

// Of the allocators some give back by themselves, others when the next one comes by: one comes by.
static void remains_kept(const struct run *run)
{
    const struct cell_report *report = &run->stage->report;
    double limit = job_real(run->section, "kept_limit");
    uint64_t block, baseline = report->baseline_rss_bytes;
    if (limit >= 1 || report->incomplete || report->peak_rss_bytes <= baseline) {
        return;
    }
    if (run->ops->alloc(run->space, REMAINS_ONE_MORE, 0, &block) == 0) {
        (void)run->ops->release(run->space, block);
    }
    uint64_t now = proc_resident();
    double kept = now <= baseline
                      ? 0
                      : (double)(now - baseline) / (double)(report->peak_rss_bytes - baseline);
    if (kept <= limit) {
        return;
    }
    char text[200];
    snprintf(text, sizeof text,
             "of %.1f MiB that the blocks had made resident %.0f %% still was when decay was over "
             "and one more block had come and gone; kept_limit is %.0f %%",
             (double)(report->peak_rss_bytes - baseline) / 0x1p20, 100 * kept, 100 * limit);
    run_fail(NULL, &(struct run_failure){.check = "kept",
                                         .text = text,
                                         .expected = report->peak_rss_bytes - baseline,
                                         .found = now - baseline});
}

void remains_check(struct run *run)
{
    uint64_t checks = job_checks_of(run->section);
    if (job_checks_have(checks, JOB_CHECK_INVARIANTS)) {
        remains_invariants(run);
    }
    if (job_checks_have(checks, JOB_CHECK_CONSERVATION)) {
        remains_account(run);
    }
    remains_lost(run);
    remains_kept(run);
}
