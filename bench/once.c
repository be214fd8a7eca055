// SPDX-License-Identifier: MIT
//
// once.c - measures one cell in this process.
//
// 1. Order. prepare, barrier, a short unmeasured round, barrier, the measured round, barrier,
//    finish. After each barrier all threads know whether any of them failed, and go the same way.
// 2. One thread runs in the process's first thread, which is then its only one: a C library that
//    saves its atomic instructions while there is a single thread may do so.
// 3. bench_measured is a symbol of its own. Under valgrind --tool=callgrind --instr-atstart=no
//    nothing but it is counted.

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "run.h"

#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#else
#define CALLGRIND_START_INSTRUMENTATION ((void)0)
#define CALLGRIND_STOP_INSTRUMENTATION  ((void)0)
#endif

#define ONCE_WARM 2000 // operations of the unmeasured round, at most

struct once {
    const struct kernel *kernel;
    enum family family;
    struct mems_space *space;
    uint64_t value, iterations;
    unsigned threads;
    pthread_barrier_t barrier;
    // Of the thread that failed first. Orders nothing: the barriers and the joins do.
    atomic_int error;
    void *shared;
    uint64_t begin[KERNEL_THREADS], end[KERNEL_THREADS];
    uint64_t cpu_begin, cpu_end;
    struct mems_engine *engine;
    struct kernel_figure figures[KERNEL_FIGURES];
};

struct once_thread {
    struct once *once;
    unsigned number;
    pthread_t id;
};

static const struct ops *const once_ops[FAMILY_COUNT] = {&ops_mems, &ops_malloc, &ops_null};

static uint64_t once_clock(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

// Waits for all; says whether to go on, and the same to all.
static bool once_meet(struct once *once, int error)
{
    int none = 0;
    if (error != 0) {
        atomic_compare_exchange_strong_explicit(&once->error, &none, error, memory_order_relaxed,
                                                memory_order_relaxed);
    }
    pthread_barrier_wait(&once->barrier);
    bool none_failed = atomic_load_explicit(&once->error, memory_order_relaxed) == 0;
    pthread_barrier_wait(&once->barrier); // nobody can fail in the next step before all have looked
    return none_failed;
}

__attribute__((noinline)) static int bench_measured(const struct once *once, struct kernel_run *run)
{
    CALLGRIND_START_INSTRUMENTATION;
    int error = once->kernel->measure[once->family](run);
    CALLGRIND_STOP_INSTRUMENTATION;
    return error;
}

static void once_rounds(struct once *once, struct kernel_run *run, int error)
{
    const struct kernel *kernel = once->kernel;
    if (!once_meet(once, error)) {
        return;
    }
    run->iterations = once->iterations < ONCE_WARM ? once->iterations : ONCE_WARM;
    if (!once_meet(once, kernel->measure[once->family](run))) {
        return;
    }
    run->iterations = once->iterations;
    if (run->thread == 0) {
        once->cpu_begin = once_clock(CLOCK_PROCESS_CPUTIME_ID);
    }
    once->begin[run->thread] = once_clock(CLOCK_MONOTONIC);
    error = bench_measured(once, run);
    once->end[run->thread] = once_clock(CLOCK_MONOTONIC);
    once_meet(once, error);
    if (run->thread == 0) {
        once->cpu_end = once_clock(CLOCK_PROCESS_CPUTIME_ID);
    }
}

static void *once_thread(void *argument)
{
    struct once_thread *thread = argument;
    struct once *once = thread->once;
    struct kernel_run run = {
        .space = once->space,
        .ops = once_ops[once->family],
        .value = once->value,
        .iterations = once->iterations,
        .thread = thread->number,
        .threads = once->threads,
        .random = 0x9e3779b97f4a7c15u + thread->number,
        .shared = &once->shared,
        .engine = once->engine,
        .figures = once->figures,
    };
    int error = once->kernel->prepare != NULL ? once->kernel->prepare(&run) : 0;
    once_rounds(once, &run, error);
    if (error == 0 && once->kernel->finish != NULL) {
        once->kernel->finish(&run);
    }
    return NULL;
}

// A thread that cannot start leaves the others at the barrier: the process ends at once.
static void once_threads(struct once *once)
{
    struct once_thread thread[KERNEL_THREADS];
    for (unsigned i = 0; i < once->threads; i++) {
        thread[i] = (struct once_thread){.once = once, .number = i};
        if (i > 0 && pthread_create(&thread[i].id, NULL, once_thread, &thread[i]) != 0) {
            printf("failed thread %u of %u cannot start\n", i + 1, once->threads);
            fflush(stdout);
            _Exit(1);
        }
    }
    once_thread(&thread[0]);
    for (unsigned i = 1; i < once->threads; i++) {
        pthread_join(thread[i].id, NULL);
    }
}

static int once_cell(const struct cell *cell, uint64_t iterations, struct answer *answer)
{
    static struct once once;
    struct mems_engine *engine = NULL;
    struct kernel_demand demand = cell->kernel->demand(cell->value);
    once.kernel = cell->kernel;
    once.family = cell->target->family;
    once.value = cell->value;
    once.iterations = iterations;
    once.threads = cell->threads;
    int error = 0;
    if (once.family == FAMILY_MEMS) {
        error = target_open(cell->target, &demand, cell->threads, &engine, answer->complaint,
                            sizeof answer->complaint);
        if (error == 0) {
            error = mems_space_open(engine, &once.space);
            once.engine = engine;
        }
        if (error != 0) {
            goto out;
        }
    }
    pthread_barrier_init(&once.barrier, NULL, once.threads);
    once_threads(&once);
    pthread_barrier_destroy(&once.barrier);
    error = atomic_load_explicit(&once.error, memory_order_relaxed);
    if (error != 0) {
        snprintf(answer->complaint, sizeof answer->complaint, "%s on %s: %s", cell->kernel->name,
                 cell->target->name,
                 once.family == FAMILY_MEMS ? mems_error_text(error) : strerror(error));
    }
    uint64_t begin = once.begin[0], end = once.end[0];
    for (unsigned i = 1; i < once.threads; i++) {
        begin = once.begin[i] < begin ? once.begin[i] : begin;
        end = once.end[i] > end ? once.end[i] : end;
    }
    answer->ns = end - begin;
    answer->cpu_ns = once.cpu_end - once.cpu_begin;
    memcpy(answer->figures, once.figures, sizeof answer->figures);
out:
    mems_engine_close(engine);
    return error;
}

static bool once_number(const char *text, uint64_t most, uint64_t *number)
{
    char *end;
    errno = 0;
    *number = strtoull(text, &end, 10);
    return errno == 0 && end != text && *end == '\0' && text[0] != '-' && *number >= 1 &&
           *number <= most;
}

static int once_parse(char **argv, struct cell *cell, struct target *target, uint64_t *iterations,
                      struct answer *answer)
{
    char *complaint = answer->complaint;
    uint64_t threads;
    cell->target = target;
    cell->kernel = kernel_find(argv[0]);
    if (cell->kernel == NULL) {
        snprintf(complaint, sizeof answer->complaint, "no kernel \"%s\"", argv[0]);
        return EINVAL;
    }
    int error = target_parse(argv[1], target, complaint, sizeof answer->complaint);
    if (error != 0) {
        return error;
    }
    if (!once_number(argv[2], UINT64_C(1) << 32, &cell->value) ||
        !once_number(argv[3], KERNEL_THREADS, &threads) ||
        !once_number(argv[4], UINT64_C(1) << 48, iterations)) {
        snprintf(complaint, sizeof answer->complaint,
                 "%s %s %s: value, threads (1..%d) and iterations are whole numbers from 1",
                 argv[2], argv[3], argv[4], KERNEL_THREADS);
        return EINVAL;
    }
    cell->threads = (unsigned)threads;
    if (threads < cell->kernel->threads_least) {
        snprintf(complaint, sizeof answer->complaint, "%s takes at least %u threads", argv[0],
                 cell->kernel->threads_least);
        return EINVAL;
    }
    if (!target_suits(target, cell->kernel)) {
        snprintf(complaint, sizeof answer->complaint, "%s cannot measure %s", argv[0], argv[1]);
        return EINVAL;
    }
    return 0;
}

int run_once(int argc, char **argv)
{
    static struct target target;
    static struct answer answer;
    struct cell cell;
    uint64_t iterations;
    if (argc != 5) {
        printf("failed --once takes KERNEL TARGET VALUE THREADS ITERATIONS\n");
        return 2;
    }
    if (once_parse(argv, &cell, &target, &iterations, &answer) != 0) {
        printf("failed %s\n", answer.complaint);
        return 2;
    }
    target_supplier(answer.supplier, sizeof answer.supplier);
    if (!target_supplied(&target, answer.supplier)) {
        printf("failed %s: malloc is answered by %s\n", target.name, answer.supplier);
        return 1;
    }
    if (once_cell(&cell, iterations, &answer) != 0) {
        printf("failed %s\n", answer.complaint);
        return 1;
    }
    printf("ok %" PRIu64 " %" PRIu64 " ", answer.ns, answer.cpu_ns);
    for (size_t i = 0; i < KERNEL_FIGURES && answer.figures[i].name[0] != '\0'; i++) {
        printf("%s=%.6g ", answer.figures[i].name, answer.figures[i].value);
    }
    printf("%s\n", answer.supplier);
    return 0;
}
