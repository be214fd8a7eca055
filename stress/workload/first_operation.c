// SPDX-License-Identifier: MIT
//
// first_operation.c - the workload "first-operation": every call as the first of a thread, and of a
// process.
//
// 1. Theory. What an allocator needs for a thread is made at its first call, which is expected to
//    be malloc; one whose first call is free, realloc or malloc_usable_size finds nothing there
//    (mimalloc#1034, jemalloc#2251, hardened_malloc#220). What it needs for the process is made
//    once, and several threads may come first at once (jemalloc#1317).
// 2. States. A worker repeats: 16 threads, one after the other, each with another first call, on a
//    block that the worker allocated; then a fresh process with one thread that does the same in
//    its main; then a fresh process with `together` threads that wait for each other and begin in
//    one moment, with calls in random order.
// 3. A fresh process comes to its main without having called malloc: this program's own main does
//    nothing before, and is linked to no library that would. (What the dynamic linker and the
//    allocator's own constructors do, they do.)
// 4. Failure. As of any block: refused, alignment, calloc, stamp, resize, usable-size; child-crash,
//    child-hang. A step is a thread or a process.

#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "workload/edge.h"
#include "workload/rows.h"

#define FIRST_TOGETHER 16

enum first_call {
    FIRST_FREE,
    FIRST_RESIZE,
    FIRST_USABLE_SIZE,
    FIRST_FREE_NULL,
    FIRST_USABLE_SIZE_NULL,
    FIRST_FREE_LARGE,
    FIRST_ALLOCATE, // and on: edge_call, small, then large
    FIRST_CALLS = FIRST_ALLOCATE + 2 * EDGE_VALLOC,
};

enum { FIRST_ARGUMENT_CALL, FIRST_ARGUMENT_CALLS, FIRST_ARGUMENT_THREADS };

static const struct job_key first_operation_keys[] = {
    {.name = "together",
     .kind = JOB_NUMBER,
     .least = 1,
     .most = FIRST_TOGETHER,
     .standard = "4",
     .help = "threads of a fresh process that begin in one moment"},
    EDGE_CHILD_TIMEOUT,
    {.name = NULL},
};

// ---- a first call, wherever ---------------------------------------------------------------------

static void first_usable_size(struct worker *worker, const struct edge_block *block)
{
    size_t usable = malloc_usable_size(block->at);
    if (usable < block->size) {
        child_fail(worker, "usable-size", block->at, block->size,
                   "malloc_usable_size says %zu of a block of %zu bytes", usable, block->size);
    }
}

// `block` is somebody else's; with none, the calls that need one get NULL.
static void first_do(struct worker *worker, unsigned call, uint32_t calls, struct edge_block *block)
{
    struct edge_block own;
    bool asks = (calls >> EDGE_USABLE_SIZE & 1) != 0;
    if (call >= FIRST_ALLOCATE) {
        enum edge_call how = (enum edge_call)((call - FIRST_ALLOCATE) % EDGE_VALLOC);
        size_t size = call - FIRST_ALLOCATE < EDGE_VALLOC ? 64 : 3 << 20;
        how = (calls >> how & 1) != 0 ? how : EDGE_MALLOC;
        edge_alloc(worker, how, size, 64, false, &own);
        edge_free(worker, &own);
    } else if (call == FIRST_RESIZE && block->at != NULL) {
        edge_resize(worker, block, block->size * 3);
    } else if (call == FIRST_USABLE_SIZE && asks && block->at != NULL) {
        first_usable_size(worker, block);
    } else if (call == FIRST_USABLE_SIZE_NULL && asks && malloc_usable_size(NULL) != 0) {
        child_fail(worker, "usable-size", NULL, 0, "malloc_usable_size(NULL) is not 0");
    } else if (call == FIRST_FREE_NULL) {
        free(NULL);
    } else {
        edge_free(worker, block);
    }
}

// A few more of every kind: the first call may have left something behind.
static void first_go_on(struct worker *worker, struct random *random, uint32_t calls)
{
    struct edge_block blocks[16];
    for (unsigned i = 0; i < 16; i++) {
        edge_alloc_any(worker, random, calls, edge_draw(random), &blocks[i]);
    }
    for (unsigned i = 0; i < 16; i++) {
        edge_free(worker, &blocks[i]);
    }
}

static const char *first_name(unsigned call)
{
    static const char *const names[FIRST_ALLOCATE] = {
        "free", "realloc", "malloc_usable_size", "free(NULL)", "malloc_usable_size(NULL)", "free"};
    return call < FIRST_ALLOCATE
               ? names[call]
               : edge_call_name((enum edge_call)((call - FIRST_ALLOCATE) % EDGE_VALLOC));
}

// ---- the child ----------------------------------------------------------------------------------

struct first_thread {
    unsigned call;
    uint32_t calls;
    uint64_t seed;
    struct edge_block block;
};

static unsigned first_waiting; // [atomic] threads that have not come yet

static void *first_together(void *argument)
{
    struct first_thread *thread = argument;
    struct random random;
    random_init(&random, thread->seed, 0, 0);
    __atomic_fetch_sub(&first_waiting, 1, __ATOMIC_ACQ_REL);
    while (__atomic_load_n(&first_waiting, __ATOMIC_ACQUIRE) > 0) {
        sched_yield();
    }
    first_do(NULL, thread->call, thread->calls, &thread->block);
    first_go_on(NULL, &random, thread->calls);
    edge_free(NULL, &thread->block);
    return NULL;
}

static void first_begin_together(unsigned count, uint64_t seed, uint32_t calls)
{
    struct first_thread lives[FIRST_TOGETHER];
    pthread_t threads[FIRST_TOGETHER];
    first_waiting = count;
    child_doing("several threads' first calls at once");
    for (unsigned i = 0; i < count; i++) {
        unsigned call = (unsigned)((seed >> (5 * i % 40)) % FIRST_CALLS);
        lives[i] = (struct first_thread){.call = call, .calls = calls, .seed = seed + i};
        if (pthread_create(&threads[i], NULL, first_together, &lives[i]) != 0) {
            child_fail(NULL, RUN_HARNESS, NULL, 0, "no thread");
        }
    }
    for (unsigned i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
    }
}

static void first_operation_child(struct child_post *post)
{
    struct edge_block none = {0};
    struct random random;
    uint32_t calls = (uint32_t)post->argument[FIRST_ARGUMENT_CALLS];
    unsigned call = (unsigned)post->argument[FIRST_ARGUMENT_CALL];
    random_init(&random, post->seed, 0, 0);
    if (post->argument[FIRST_ARGUMENT_THREADS] > 0) {
        first_begin_together((unsigned)post->argument[FIRST_ARGUMENT_THREADS], post->seed, calls);
    } else {
        child_doing(first_name(call));
        first_do(NULL, call, calls, &none);
    }
    child_doing("malloc and free after the first call");
    first_go_on(NULL, &random, calls);
    child_end();
}

// ---- the cell -----------------------------------------------------------------------------------

struct first_guest {
    struct worker *worker;
    struct first_thread life;
};

static void *first_alone(void *argument)
{
    struct first_guest *guest = argument;
    struct random random;
    random_init(&random, guest->life.seed, 0, 0);
    first_do(guest->worker, guest->life.call, guest->life.calls, &guest->life.block);
    first_go_on(guest->worker, &random, guest->life.calls);
    return NULL;
}

static void first_thread_step(struct worker *worker, unsigned call, uint32_t calls)
{
    pthread_t thread;
    struct first_guest guest = {worker, {.call = call, .calls = calls}};
    size_t size = call == FIRST_FREE_LARGE ? 1 << 20 : 16 + random_below(&worker->random, 2000);
    guest.life.seed = random_next(&worker->random);
    edge_alloc(worker, EDGE_MALLOC, size, 0, false, &guest.life.block);
    uint64_t began = op_step_begin(worker);
    if (pthread_create(&thread, NULL, first_alone, &guest) != 0) {
        child_fail(worker, RUN_HARNESS, NULL, 0, "no thread");
    }
    pthread_join(thread, NULL);
    op_step_end(worker, began);
    edge_free(worker, &guest.life.block);
}

static void first_process_step(struct worker *worker, unsigned call, uint32_t calls,
                               unsigned threads)
{
    struct child_rule rule = edge_rule(worker->run, "child-hang");
    struct child_post *post = child_post(worker->run, worker->number);
    post->seed = random_next(&worker->random);
    post->argument[FIRST_ARGUMENT_CALL] = call;
    post->argument[FIRST_ARGUMENT_CALLS] = calls;
    post->argument[FIRST_ARGUMENT_THREADS] = threads;
    child_run(worker, post, &rule);
    op_step(worker, 1);
}

static int first_operation_open(struct run *run, struct complaint *complaint)
{
    (void)complaint;
    uint32_t *calls = run_map(sizeof *calls);
    *calls = edge_calls();
    run->shared = calls;
    return 0;
}

static void first_operation_work(struct worker *worker)
{
    uint32_t calls = *(uint32_t *)worker->run->shared;
    unsigned together = (unsigned)job_number(worker->run->section, "together");
    unsigned call = (unsigned)random_below(&worker->random, FIRST_CALLS);
    uint64_t done;
    do {
        for (done = 0; done < 16 && done < worker->budget; done++) {
            first_thread_step(worker, (call + (unsigned)done) % FIRST_CALLS, calls);
        }
        if (done < worker->budget) {
            first_process_step(worker, call, calls, 0);
            done++;
        }
        if (done < worker->budget) {
            first_process_step(worker, call, calls, together);
            done++;
        }
        call = (call + 1) % FIRST_CALLS;
    } while (!worker_stop(worker, done));
}

static void first_operation_close(struct run *run)
{
    (void)run;
}

const struct workload workload_first_operation = {
    .name = "first-operation",
    .help = "every call as the first one of a thread, and of a fresh process",
    .class = WORKLOAD_PROCESS,
    .needs_malloc = true,
    .version = 1,
    .keys = first_operation_keys,
    .unused = edge_unused_sizes,
    .validate = edge_validate,
    .demand = edge_demand,
    .open = first_operation_open,
    .work = first_operation_work,
    .close = first_operation_close,
    .child = first_operation_child,
};
