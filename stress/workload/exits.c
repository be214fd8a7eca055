// SPDX-License-Identifier: MIT
//
// exits.c - the workload "exits": processes that end in every way there is, with malloc at work.
//
// 1. Theory. At exit the C library calls what was registered and the libraries' destructors, one
//    after the other, while other threads go on: an allocator that takes itself down there does so
//    under their feet. What is registered with atexit may allocate, and registering allocates
//    itself, in the midst of whatever the allocator began at its own start (jemalloc#585, #916).
// 2. States. Each worker starts fresh processes, one after the other, each of which ends in the
//    next of these ways:
//      handlers   `handlers` functions by atexit, all of which allocate and free, then exit
//      busy       exit while other threads allocate
//      outlived   main ends its thread; the others go on, and the last one's end ends the process
//      quick      quick_exit with handlers of at_quick_exit, while other threads allocate
//      bare       _exit while other threads allocate
//      returned   exit with blocks of all sizes alive and freed by handlers
// 3. Failure. A process that does not end: exit-hang; by a signal: child-crash; with another status
//    than it asked for: exit-status; before its last handler has run: exit-early. A step is a
//    process.

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "workload/edge.h"
#include "workload/rows.h"

#define EXITS_THREADS 3
#define EXITS_STATUS  7

enum exits_way {
    EXITS_HANDLERS,
    EXITS_BUSY,
    EXITS_OUTLIVED,
    EXITS_QUICK,
    EXITS_BARE,
    EXITS_RETURNED,
    EXITS_WAYS,
};

enum { EXITS_ARGUMENT_WAY, EXITS_ARGUMENT_CALLS, EXITS_ARGUMENT_HANDLERS };

static const struct job_key exits_keys[] = {
    {.name = "handlers",
     .kind = JOB_NUMBER,
     .least = 1,
     .most = 1 << 20,
     .standard = "8192",
     .help = "functions given to atexit that allocate and free"},
    EDGE_CHILD_TIMEOUT,
    {.name = NULL},
};

// ---- the child ----------------------------------------------------------------------------------

static uint32_t exits_calls;
static struct random exits_random; // of the thread that exits
static unsigned exits_begun;       // [atomic] threads at work
static unsigned exits_resting;     // [atomic] nonzero: the threads are to end
static struct edge_block exits_blocks[EDGE_SIZES];

static void exits_handler(void)
{
    struct edge_block block;
    edge_alloc_any(NULL, &exits_random, exits_calls, edge_draw(&exits_random), &block);
    edge_free(NULL, &block);
    child_step();
}

static void exits_free_all(void)
{
    for (unsigned i = 0; i < EDGE_SIZES; i++) {
        edge_free(NULL, &exits_blocks[i]);
    }
}

static void *exits_thread(void *argument)
{
    struct random random;
    struct edge_block blocks[32] = {{0}};
    random_init(&random, (uintptr_t)argument, 0, 0);
    __atomic_fetch_add(&exits_begun, 1, __ATOMIC_RELEASE);
    while (__atomic_load_n(&exits_resting, __ATOMIC_ACQUIRE) == 0) {
        struct edge_block *block = &blocks[random_below(&random, 32)];
        if (block->at != NULL) {
            edge_free(NULL, block);
        } else {
            edge_alloc_any(NULL, &random, exits_calls, edge_draw(&random), block);
        }
    }
    for (unsigned i = 0; i < 32; i++) {
        edge_free(NULL, &blocks[i]);
    }
    return NULL;
}

static void exits_start_threads(uint64_t seed)
{
    for (uintptr_t i = 0; i < EXITS_THREADS; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, exits_thread, (void *)((uintptr_t)seed + i)) != 0) {
            child_fail(NULL, RUN_HARNESS, NULL, 0, "no thread");
        }
        pthread_detach(thread);
    }
    while (__atomic_load_n(&exits_begun, __ATOMIC_ACQUIRE) < EXITS_THREADS) {
        usleep(100);
    }
}

static void *exits_rest_later(void *argument)
{
    (void)argument;
    usleep(2000); // until main's thread is gone, most of the time
    __atomic_store_n(&exits_resting, 1, __ATOMIC_RELEASE);
    return NULL;
}

static void exits_register(uint64_t handlers)
{
    // Called last, as it is registered first.
    if (atexit(child_done) != 0) {
        child_fail(NULL, "atexit", NULL, 0, "atexit fails");
    }
    child_doing("registering functions with atexit");
    for (uint64_t i = 0; i < handlers; i++) {
        if (atexit(exits_handler) != 0) {
            child_fail(NULL, "atexit", NULL, 0, "atexit fails after %llu functions",
                       (unsigned long long)i);
        }
    }
}

static _Noreturn void exits_quickly(void)
{
    at_quick_exit(child_done);
    for (unsigned i = 0; i < 16; i++) {
        at_quick_exit(exits_handler);
    }
    child_doing("quick_exit while other threads allocate");
    quick_exit(EXITS_STATUS);
}

static _Noreturn void exits_outlived(void)
{
    pthread_t thread;
    child_doing("threads that outlive main");
    if (pthread_create(&thread, NULL, exits_rest_later, NULL) != 0) {
        child_fail(NULL, RUN_HARNESS, NULL, 0, "no thread");
    }
    pthread_detach(thread);
    pthread_exit(NULL);
}

static void exits_child(struct child_post *post)
{
    enum exits_way way = (enum exits_way)post->argument[EXITS_ARGUMENT_WAY];
    exits_calls = (uint32_t)post->argument[EXITS_ARGUMENT_CALLS];
    random_init(&exits_random, post->seed, 0, 0);
    if (way == EXITS_HANDLERS) {
        exits_register(post->argument[EXITS_ARGUMENT_HANDLERS]);
        child_doing("functions given to atexit");
        exit(EXITS_STATUS);
    }
    if (way == EXITS_RETURNED) {
        exits_register(1);
        atexit(exits_free_all);
        for (unsigned i = 0; i < EDGE_SIZES; i++) {
            edge_alloc_any(NULL, &exits_random, exits_calls, edge_size(i), &exits_blocks[i]);
        }
        child_doing("freeing blocks at exit");
        exit(EXITS_STATUS);
    }
    exits_start_threads(post->seed);
    switch (way) {
    case EXITS_QUICK:
        exits_quickly();
    case EXITS_BARE:
        child_done();
        _exit(EXITS_STATUS);
    case EXITS_OUTLIVED:
        exits_register(16);
        exits_outlived();
    default:
        exits_register(16);
        child_doing("exit while other threads allocate");
        exit(EXITS_STATUS);
    }
}

// ---- the cell -----------------------------------------------------------------------------------

static int exits_open(struct run *run, struct complaint *complaint)
{
    (void)complaint;
    uint32_t *calls = run_map(sizeof *calls);
    *calls = edge_calls();
    run->shared = calls;
    return 0;
}

static void exits_work(struct worker *worker)
{
    struct run *run = worker->run;
    struct child_rule rule = edge_rule(run, "exit-hang");
    unsigned way = worker->number;
    do {
        struct child_post *post = child_post(run, worker->number);
        way %= EXITS_WAYS;
        post->seed = random_next(&worker->random);
        post->argument[EXITS_ARGUMENT_WAY] = way;
        post->argument[EXITS_ARGUMENT_CALLS] = *(uint32_t *)run->shared;
        post->argument[EXITS_ARGUMENT_HANDLERS] = job_number(run->section, "handlers");
        // The end of the last thread is exit(0).
        rule.status = way == EXITS_OUTLIVED ? 0 : EXITS_STATUS;
        uint64_t began = op_step_begin(worker);
        child_run(worker, post, &rule);
        op_step_end(worker, began);
        way++;
    } while (!worker_stop(worker, 1));
}

static void exits_close(struct run *run)
{
    (void)run;
}

const struct workload workload_exits = {
    .name = "exits",
    .help = "processes that end in every way there is while malloc is at work",
    .class = WORKLOAD_PROCESS,
    .needs_malloc = true,
    .version = 1,
    .keys = exits_keys,
    .unused = edge_unused_sizes,
    .validate = edge_validate,
    .demand = edge_demand,
    .open = exits_open,
    .work = exits_work,
    .close = exits_close,
    .child = exits_child,
};
