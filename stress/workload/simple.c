// SPDX-License-Identifier: MIT
//
// simple.c - small blocks of one kind, a few at once: what malloc and free cost when nothing else
// is asked of them.
//
// 1. Theory (glibc's bench-malloc-simple). A round allocates n blocks, frees the first half of them
//    in the order of their allocation, and the rest in reverse order. n is 25, 100, 400 and 1,600
//    in turn: what fits a thread cache, and what does not.
// 2. Three places. Many an allocator treats the main thread, or a process with one thread, apart:
//      main alone   in the process's first thread, before it has ever had a second one
//      main of two  in the first thread while a second one lives (and sleeps)
//      thread       in a worker: the cell's operations and rate are these
//    Each gives a figure for each n, in nanoseconds an operation, checks and the harness included
//    (`null` says what those are).
// 3. The first two are done before the cell's clock starts, by a worker struct that is in no sum:
//    its operations are not among the cell's.
// 4. The figures are times of whole bouts. So a bout that begins in the warm-up is not in them, and
//    there is no open loop: its waiting would be.
// 5. Determinism: everything depends on the seed alone.

#include <errno.h>
#include <math.h>
#include <semaphore.h>
#include <stdio.h>

#include "run/run.h"
#include "workload/demand.h"
#include "workload/rows.h"

#define SIMPLE_COUNTS 4u
#define SIMPLE_BLOCKS 1600u // allocated between two looks at the clock

static const char *const simple_unused[] = {"rate", "arrival", NULL};

static const uint64_t simple_counts[SIMPLE_COUNTS] = {25, 100, 400, SIMPLE_BLOCKS};

// Time and operations by count.
struct simple_time {
    uint64_t ns[SIMPLE_COUNTS], operations[SIMPLE_COUNTS];
};

struct simple {
    const struct distribution *sizes;
    uint64_t counts[SIMPLE_COUNTS];
    unsigned count_count;
    uint64_t most;        // of counts
    struct slot **places; // by worker
    struct worker main;
    struct simple_time time; // [own] worker 0's
};

static const struct job_key simple_keys[] = {
    {JOB_SIZE_KEY, .standard = "16", .help = "bytes of a block; the classics are 16, 32 and 64"},
    {.name = "live",
     .kind = JOB_NUMBER,
     .least = 0,
     .most = 100000,
     .values = "0 .. 100k, where 0 is 25, 100, 400 and 1600 in turn",
     .standard = "0",
     .help = "blocks that are live at once"},
    {.name = "main_rounds",
     .kind = JOB_NUMBER,
     .least = 0,
     .most = 1000000,
     .values = "0 .. 1M, where 0 leaves these figures out",
     .standard = "20",
     .help = "how often 1,600 blocks of each count are done in the main thread first"},
    {.name = NULL},
};

static uint64_t simple_most(const struct job_section *section)
{
    uint64_t live = job_number(section, "live");
    return live != 0 ? live : SIMPLE_BLOCKS;
}

static int simple_demand(const struct job_section *section, struct target_demand *demand,
                         struct complaint *complaint)
{
    (void)complaint;
    demand_add(demand, job_value(section, "size")->distribution,
               (double)job_number(section, "threads") * (double)simple_most(section));
    return 0;
}

static void simple_release(struct worker *worker, struct slot *slot)
{
    if (slot->size > 0) {
        op_free(worker, slot);
    }
}

static void simple_round(struct worker *worker, const struct simple *simple, struct slot *slots,
                         uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        op_alloc(worker, &slots[i], distribution_draw(simple->sizes, random_next(&worker->random)),
                 0);
    }
    for (uint64_t i = 0; i < count / 2; i++) {
        simple_release(worker, &slots[i]);
    }
    for (uint64_t i = count; i > count / 2; i--) {
        simple_release(worker, &slots[i - 1]);
    }
}

// Rounds of the `at`-th count: SIMPLE_BLOCKS blocks or one round, within the budget. Returns how
// many operations that was.
static uint64_t simple_bout(struct worker *worker, const struct simple *simple, unsigned at,
                            struct simple_time *time)
{
    struct slot *slots = simple->places[worker->number];
    uint64_t done = 0;
    bool counts = !__atomic_load_n(&worker->run->warming, __ATOMIC_RELAXED);
    uint64_t began = run_now_ns();
    do {
        uint64_t left = worker->budget - done;
        uint64_t count = left / 2 < simple->counts[at] ? left / 2 + left % 2 : simple->counts[at];
        simple_round(worker, simple, slots, count);
        done += 2 * count;
    } while (done < 2 * SIMPLE_BLOCKS && done < worker->budget);
    if (counts) {
        time->ns[at] += run_now_ns() - began;
        time->operations[at] += done;
    }
    return done;
}

static void simple_figures(struct run *run, const struct simple *simple, const char *place,
                           const struct simple_time *time)
{
    for (unsigned i = 0; i < simple->count_count; i++) {
        char name[40];
        if (time->operations[i] > 0) {
            snprintf(name, sizeof name, "%s, %llu live", place,
                     (unsigned long long)simple->counts[i]);
            run_figure(run, name, "ns/op", (double)time->ns[i] / (double)time->operations[i], NAN);
        }
    }
}

// ---- the main thread ----------------------------------------------------------------------------

static void simple_in_main(struct run *run, struct simple *simple, const char *place)
{
    struct simple_time time = {0};
    uint64_t rounds = job_number(run->section, "main_rounds");
    for (uint64_t i = 0; i < rounds; i++) {
        for (unsigned at = 0; at < simple->count_count; at++) {
            simple_bout(&simple->main, simple, at, &time);
        }
    }
    simple_figures(run, simple, place, &time);
}

static void *simple_sleep(void *argument)
{
    while (sem_wait(argument) != 0) {
    }
    return NULL;
}

// 0, or why there is no second thread.
static int simple_measure_main(struct run *run, struct simple *simple)
{
    pthread_t second;
    sem_t end;
    simple->main = run->workers[0];
    simple->main.budget = UINT64_MAX;
    simple->main.latency_every = 0; // the histograms are worker 0's
    random_init(&simple->main.random, run->seed, 0, UINT64_MAX);
    simple_in_main(run, simple, "main alone");
    sem_init(&end, 0, 0);
    int error = pthread_create(&second, NULL, simple_sleep, &end);
    if (error == 0) {
        simple_in_main(run, simple, "main of two");
        sem_post(&end);
        pthread_join(second, NULL);
    }
    sem_destroy(&end);
    return error;
}

// ---- the workers --------------------------------------------------------------------------------

static int simple_open(struct run *run, struct complaint *complaint)
{
    struct simple *simple = run_map(sizeof *simple);
    uint64_t live = job_number(run->section, "live");
    simple->sizes = job_value(run->section, "size")->distribution;
    simple->most = simple_most(run->section);
    simple->count_count = live != 0 ? 1 : SIMPLE_COUNTS;
    for (unsigned i = 0; i < simple->count_count; i++) {
        simple->counts[i] = live != 0 ? live : simple_counts[i];
    }
    simple->places = run_map(run->threads * sizeof *simple->places);
    for (unsigned i = 0; i < run->threads; i++) {
        simple->places[i] = run_map(simple->most * sizeof(struct slot));
        for (uint64_t j = 0; j < simple->most; j++) {
            simple->places[i][j].id = (uint32_t)(i * simple->most + j);
        }
    }
    run->shared = simple;
    int error = job_number(run->section, "main_rounds") > 0 ? simple_measure_main(run, simple) : 0;
    if (error != 0) {
        complain(complaint, "the system does not start a second thread");
    }
    return error;
}

static void simple_work(struct worker *worker)
{
    struct simple *simple = worker->run->shared;
    struct simple_time time = {0};
    unsigned at = 0;
    uint64_t done;
    do {
        done = simple_bout(worker, simple, at, &time);
        at = at + 1 < simple->count_count ? at + 1 : 0;
    } while (!worker_stop(worker, done));
    if (worker->number == 0) {
        simple->time = time;
    }
}

static void simple_close(struct run *run)
{
    struct simple *simple = run->shared;
    simple_figures(run, simple, "thread", &simple->time);
}

const struct workload workload_simple = {
    .name = "simple",
    .help = "n blocks of one size, half freed in order, half in reverse; main thread and others",
    .class = WORKLOAD_MICRO,
    .version = 1,
    .keys = simple_keys,
    .unused = simple_unused,
    .demand = simple_demand,
    .open = simple_open,
    .work = simple_work,
    .close = simple_close,
};
