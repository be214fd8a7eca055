// SPDX-License-Identifier: MIT
//
// signals.c - the workload "signals": timers interrupt threads in their first operations.
//
// 1. Theory. A thread's cache is built in its first call. A signal in the midst of that runs a
//    handler on a thread that has half a cache, and delays the rest while others go on
//    (jemalloc#2951, #1224); a system call inside malloc comes back with EINTR.
// 2. States. A worker starts threads, one after the other. Each arms a timer of its own, which
//    signals that very thread `frequency` times a second, does its first calls, goes on for `burst`
//    operations, frees all and ends. The handler uses a page of the stack and the clock; it calls
//    no malloc, which POSIX forbids it.
// 3. Failure. As of any block; a call that fails with another errno than ENOMEM: errno. A thread
//    that hangs is the watchdog's. A step is a thread.

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "workload/edge.h"
#include "workload/rows.h"

#define SIGNALS_SLOTS 64

struct signals {
    uint32_t calls;
    uint64_t frequency;
    uint64_t burst;
};

struct signals_life {
    struct signals *shared;
    struct worker *worker;
    uint64_t seed;
};

static uint64_t signals_seen; // [atomic]

static const struct job_key signals_keys[] = {
    {.name = "frequency",
     .kind = JOB_NUMBER,
     .least = 1,
     .most = 1e5,
     .standard = "5000",
     .help = "signals a second, to each thread"},
    {.name = "burst",
     .kind = JOB_NUMBER,
     .least = 1,
     .most = 1e9,
     .standard = "4000",
     .help = "operations of each thread"},
    {.name = NULL},
};

static int signals_number(void)
{
    return SIGRTMIN + 7;
}

static void signals_on_timer(int signal)
{
    int error = errno;
    volatile char page[4096];
    struct timespec now;
    (void)signal;
    page[0] = 1;
    page[sizeof page - 1] = page[0];
    clock_gettime(CLOCK_MONOTONIC, &now);
    __atomic_fetch_add(&signals_seen, 1, __ATOMIC_RELAXED);
    errno = error;
}

// A timer for the calling thread alone. Its first signal comes at once.
static int signals_arm(uint64_t frequency, timer_t *timer)
{
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = signals_number()};
    event._sigev_un._tid = (pid_t)syscall(SYS_gettid);
    long period = (long)(1000000000 / frequency);
    struct itimerspec time = {.it_interval = {period / 1000000000, period % 1000000000},
                              .it_value.tv_nsec = 1000};
    if (timer_create(CLOCK_MONOTONIC, &event, timer) != 0) {
        return errno;
    }
    timer_settime(*timer, 0, &time, NULL);
    return 0;
}

static void *signals_live(void *argument)
{
    struct signals_life *life = argument;
    struct edge_block blocks[SIGNALS_SLOTS] = {{0}};
    struct random random;
    timer_t timer;
    random_init(&random, life->seed, 0, 0);
    int error = signals_arm(life->shared->frequency, &timer);
    if (error != 0) {
        child_fail(life->worker, RUN_HARNESS, NULL, 0, "no timer: %s", strerror(error));
    }
    for (uint64_t i = 0; i < life->shared->burst; i++) {
        struct edge_block *block = &blocks[random_below(&random, SIGNALS_SLOTS)];
        if (block->at != NULL) {
            edge_free(life->worker, block);
        } else {
            edge_alloc_any(life->worker, &random, life->shared->calls, edge_draw(&random), block);
        }
    }
    for (unsigned i = 0; i < SIGNALS_SLOTS; i++) {
        edge_free(life->worker, &blocks[i]);
    }
    timer_delete(timer);
    return NULL;
}

static int signals_open(struct run *run, struct complaint *complaint)
{
    (void)complaint;
    struct signals *shared = run_map(sizeof *shared);
    struct sigaction action = {.sa_handler = signals_on_timer, .sa_flags = SA_RESTART};
    shared->calls = edge_calls();
    shared->frequency = job_number(run->section, "frequency");
    shared->burst = job_number(run->section, "burst");
    run->shared = shared;
    sigaction(signals_number(), &action, NULL);
    return 0;
}

static void signals_work(struct worker *worker)
{
    struct signals_life life = {worker->run->shared, worker, 0};
    do {
        pthread_t thread;
        life.seed = random_next(&worker->random);
        uint64_t began = op_step_begin(worker);
        if (pthread_create(&thread, NULL, signals_live, &life) != 0) {
            child_fail(worker, RUN_HARNESS, NULL, 0, "no thread");
        }
        pthread_join(thread, NULL);
        op_step_end(worker, began);
    } while (!worker_stop(worker, 1));
}

static void signals_close(struct run *run)
{
    run_figure(run, "signals", "", (double)__atomic_load_n(&signals_seen, __ATOMIC_RELAXED), NAN);
}

const struct workload workload_signals = {
    .name = "signals",
    .help = "timers interrupt threads in their first operations",
    .class = WORKLOAD_PROCESS,
    .needs_malloc = true,
    .version = 1,
    .keys = signals_keys,
    .unused = edge_unused_sizes,
    .demand = edge_demand,
    .open = signals_open,
    .work = signals_work,
    .close = signals_close,
};
