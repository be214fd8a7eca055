// SPDX-License-Identifier: MIT
//
// trace.c - a recorded program, in order, with the order between threads kept where a block
// changes hands.
//
// 1. Theory. Each recorded thread is a worker; trace_steps.h says what it does and what it waits
//    for. All waits point to operations that stand earlier in the trace, so that no wait is in a
//    circle: the thread whose next operation stands first in the trace never waits.
// 2. Copies. A copy is the whole program once more, with slots and progress of its own; the steps
//    are shared. Copies of a program with several processes have spaces of their own.
// 3. Passes. One, or with runtime= one after another until the time is over. Between two passes of
//    a copy its threads wait for each other: a pass ends with every slot empty, and counts of
//    progress go on from where they were.
// 4. Refusals. A block that was refused leaves its slot empty, and what comes later for it is
//    skipped.
// 5. Ordering. A publication releases what its thread did to slots before [R:trace-progress], and
//    the thread that waits for it acquires that [A:trace-progress]; likewise the last thread to
//    arrive between passes [R:trace-pass] and those that go on [A:trace-pass].

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "run/run.h"
#include "trace/account.h"
#include "workload/ring.h"
#include "workload/rows.h"
#include "workload/trace_steps.h"

#define TRACE_BATCH       256u  // steps between two looks at the clock's order to stop
#define TRACE_MAX_THREADS 1024u // as the key threads

struct trace_progress {
    uint64_t published; // [atomic] by its thread
} __attribute__((aligned(128)));

struct trace_copy {
    struct slot *slots;
    struct trace_progress *progress; // by thread
    uint64_t arrived;                // [atomic] threads that ended a pass, over all passes
    unsigned number;
};

struct trace_shared {
    struct trace_steps steps;
    struct trace_copy *copies;
    unsigned copy_count;
    bool timed; // passes until the time is over
};

// ---- the job ------------------------------------------------------------------------------------

static const struct job_key trace_keys[] = {
    {.name = "trace",
     .kind = JOB_PATH,
     .values = "a file of `mems-stress record`, or one in the text form",
     .help = "the recorded program"},
    {.name = "copies",
     .kind = JOB_NUMBER,
     .least = 1,
     .most = 1024,
     .values = "1 .. 1024, as long as copies times recorded threads is at most 1024",
     .standard = "1",
     .help = "how many of the program run at once, each with its own threads"},
    {.name = NULL},
};

static const char *const trace_unused[] = {"ops", "threads", "size", NULL};

// The trace read last: what is asked of a section is asked several times.
static struct {
    char *path;
    struct trace *trace;
    struct trace_account account; // at its end
} trace_last;

static int trace_load(const char *path, struct complaint *complaint)
{
    if (trace_last.path != NULL && strcmp(trace_last.path, path) == 0) {
        return 0;
    }
    free(trace_last.path);
    trace_free(trace_last.trace);
    trace_account_fini(&trace_last.account);
    memset(&trace_last, 0, sizeof(trace_last));
    int error = trace_read(path, &trace_last.trace, complaint);
    for (size_t i = 0; error == 0 && i < trace_last.trace->op_count; i++) {
        trace_account_add(&trace_last.account, &trace_last.trace->ops[i]);
    }
    trace_last.path = error == 0 ? strdup(path) : NULL;
    return error;
}

static int trace_validate(const struct job_section *section, struct complaint *complaint)
{
    struct complaint why = {""};
    int error = trace_load(job_text(section, "trace"), &why);
    if (error != 0) {
        // The job's line names the file already; what follows may be a line in it.
        size_t length = strlen(job_text(section, "trace"));
        bool named = strncmp(why.text, job_text(section, "trace"), length) == 0;
        const char *said = named ? why.text + length + strspn(why.text + length, ": ") : why.text;
        job_complain(section, "trace", complaint, "%s", said);
        return error;
    }
    uint64_t copies = job_number(section, "copies");
    if (trace_last.account.peak_blocks == 0) {
        job_complain(section, "trace", complaint, "the trace allocates nothing");
        return EINVAL;
    }
    if (trace_last.trace->thread_count * copies > TRACE_MAX_THREADS) {
        job_complain(section, "copies", complaint,
                     "the trace has %u threads, and at most %u can run in all",
                     trace_last.trace->thread_count, TRACE_MAX_THREADS);
        return EINVAL;
    }
    if (trace_last.trace->process_count * copies >= RUN_MAX_SPACES) {
        job_complain(section, "copies", complaint,
                     "the trace has %zu processes, and fewer than %u are possible in all",
                     trace_last.trace->process_count, RUN_MAX_SPACES);
        return EINVAL;
    }
    return 0;
}

static int trace_demand(const struct job_section *section, struct target_demand *demand,
                        struct complaint *complaint)
{
    int error = trace_load(job_text(section, "trace"), complaint);
    if (error != 0) {
        return error;
    }
    const struct trace_account *account = &trace_last.account;
    uint64_t copies = job_number(section, "copies");
    // Requests of 0 bytes are replayed as 1.
    demand->peak_bytes = (account->peak_bytes + account->peak_class[0]) * copies;
    demand->largest = account->largest > 0 ? account->largest : 1;
    for (unsigned i = 0; i < TRACE_CLASSES && i < TARGET_CLASSES; i++) {
        demand->peak_blocks[i] = account->peak_class[i] * copies;
    }
    return 0;
}

static int trace_threads(const struct job_section *section, unsigned *threads)
{
    struct complaint complaint = {""};
    int error = trace_load(job_text(section, "trace"), &complaint);
    if (error == 0) {
        *threads = trace_last.trace->thread_count * (unsigned)job_number(section, "copies");
    }
    return error;
}

// ---- the cell -----------------------------------------------------------------------------------

static void trace_copy_open(const struct trace_shared *shared, unsigned number)
{
    struct trace_copy *copy = &shared->copies[number];
    const struct trace_steps *steps = &shared->steps;
    copy->number = number;
    copy->slots = run_map(steps->slot_count * sizeof(*copy->slots));
    copy->progress = run_map(steps->thread_count * sizeof(*copy->progress));
    for (uint32_t i = 0; i < steps->slot_count; i++) {
        copy->slots[i].id = number * steps->slot_count + i;
    }
}

static int trace_open(struct run *run, struct complaint *complaint)
{
    struct trace_shared *shared = run_map(sizeof(*shared));
    int error = trace_load(job_text(run->section, "trace"), complaint);
    if (error == 0 && trace_steps_make(trace_last.trace, &shared->steps) != 0) {
        complain(complaint, "not enough memory to replay the trace");
        error = ENOMEM;
    }
    if (error != 0) {
        return error;
    }
    trace_free(trace_last.trace);
    trace_last.trace = NULL;
    shared->timed = job_number(run->section, "runtime") > 0;
    shared->copy_count = (unsigned)job_number(run->section, "copies");
    shared->copies = run_map(shared->copy_count * sizeof(*shared->copies));
    for (unsigned i = 0; i < shared->copy_count; i++) {
        trace_copy_open(shared, i);
    }
    run->shared = shared;
    return 0;
}

// Waits until *count has reached `wanted`. False: the cell is to end.
static bool trace_await(struct worker *worker, const uint64_t *count, uint64_t wanted)
{
    unsigned turns = 0;
    while (__atomic_load_n(count, __ATOMIC_ACQUIRE) < wanted) { // [A:trace-progress] [A:trace-pass]
        if (worker_stop(worker, 0)) {
            return false;
        }
        ring_pause(&turns);
    }
    return true;
}

// A trace of one process uses the run's own space; several have 1, 2, ..
static void trace_enter(struct worker *worker, const struct trace_shared *shared,
                        const struct trace_copy *copy, uint32_t process)
{
    if (shared->steps.process_count < 2) {
        return;
    }
    unsigned number = 1 + copy->number * shared->steps.process_count + process;
    int error = run_space(worker->run, number, &worker->space);
    if (error != 0) {
        run_fail(worker, &(struct run_failure){.check = "space",
                                               .text = "the target opens no space for a process",
                                               .found = (uint64_t)error});
    }
}

// A step on the block that is in the slot.
static void trace_do_block(struct worker *worker, struct slot *slot, const struct trace_step *step)
{
    switch (step->kind) {
    case STEP_FREE:
        op_free(worker, slot);
        break;
    case STEP_RESIZE:
        op_resize(worker, slot, step->size);
        break;
    default:
        if (step->size < slot->size) { // a resize before it may have been refused
            op_touch(worker, slot, step->size, step->kind == STEP_WRITE);
        }
        break;
    }
}

static void trace_do_alloc(struct worker *worker, struct slot *slot, const struct trace_step *step)
{
    if (step->kind == STEP_ALLOC_ZEROED) {
        op_alloc_zeroed(worker, slot, step->size);
    } else {
        size_t align = step->align_log2 != 0 ? (size_t)1 << step->align_log2 : 0;
        op_alloc(worker, slot, step->size, align);
    }
}

// One pass of one thread. False: the cell is to end.
static bool trace_pass(struct worker *worker, const struct trace_shared *shared,
                       struct trace_copy *copy, uint32_t thread, uint64_t pass)
{
    const struct trace_step *step = shared->steps.threads[thread];
    struct trace_progress *own = &copy->progress[thread];
    uint64_t published = pass * shared->steps.published[thread];
    for (unsigned left = TRACE_BATCH;; step++) {
        struct slot *slot = &copy->slots[step->slot];
        if (step->kind <= STEP_ALLOC_ZEROED) {
            trace_do_alloc(worker, slot, step);
        } else if (step->kind <= STEP_WRITE) {
            if (slot->size > 0) { // else it was refused
                trace_do_block(worker, slot, step);
            }
        } else if (step->kind == STEP_WAIT) {
            uint64_t wanted = pass * shared->steps.published[step->thread] + step->size;
            if (!trace_await(worker, &copy->progress[step->thread].published, wanted)) {
                return false;
            }
        } else if (step->kind == STEP_PUBLISH) {
            published++;
            __atomic_store_n(&own->published, published, __ATOMIC_RELEASE); // [R:trace-progress]
        } else if (step->kind == STEP_SPACE) {
            trace_enter(worker, shared, copy, step->slot);
        } else {
            return true;
        }
        if (--left == 0) {
            left = TRACE_BATCH;
            if (worker_stop(worker, 0)) {
                return false;
            }
        }
    }
}

static void trace_work(struct worker *worker)
{
    struct trace_shared *shared = worker->run->shared;
    uint32_t threads = shared->steps.thread_count, thread = worker->number % threads;
    struct trace_copy *copy = &shared->copies[worker->number / threads];
    trace_enter(worker, shared, copy, 0);
    for (uint64_t pass = 0; trace_pass(worker, shared, copy, thread, pass) && shared->timed;
         pass++) {
        __atomic_fetch_add(&copy->arrived, 1, __ATOMIC_ACQ_REL); // [R:trace-pass]
        // A pass may be too short for a look at the clock of its own.
        if (worker_stop(worker, 0) || !trace_await(worker, &copy->arrived, (pass + 1) * threads)) {
            return;
        }
    }
}

// A cell that was stopped within a pass leaves blocks. Those of several processes go with their
// spaces.
static void trace_close(struct run *run)
{
    struct trace_shared *shared = run->shared;
    for (unsigned i = 0; shared->steps.process_count < 2 && i < shared->copy_count; i++) {
        for (uint32_t j = 0; j < shared->steps.slot_count; j++) {
            if (shared->copies[i].slots[j].size > 0) {
                op_free(&run->workers[0], &shared->copies[i].slots[j]);
            }
        }
    }
}

const struct workload workload_trace = {
    .name = "trace",
    .help = "a recorded program, or one written by hand, replayed",
    .class = WORKLOAD_REPLAY,
    .version = 1,
    .keys = trace_keys,
    .unused = trace_unused,
    .ends = true,
    .validate = trace_validate,
    .demand = trace_demand,
    .threads = trace_threads,
    .open = trace_open,
    .work = trace_work,
    .close = trace_close,
};
