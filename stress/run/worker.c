// SPDX-License-Identifier: MIT
//
// worker.c - the threads of a cell: started together, continued by successors, waited for.
//
// 1. A worker is a struct, not a thread: worker_hand_over lets a new thread go on with it. The old
//    thread marks itself (worker_handed_over) and returns from the body; only a thread that returns
//    unmarked ends the worker.
// 2. A successor joins its predecessor before its body begins. Everything that the old thread's
//    exit does to an allocator's cache has then happened, and the worker's fields are its own.
// 3. The cell's first thread sleeps on worker_ended until run->running is 0.
// 4. Where a workload fills, workers that are ready sleep on worker_released until the last one is,
//    and the first thread has begun the measured phase. So a budget of operations is spent by all
//    of them on the same footing, and a job does the same operations each time.

#include "run/worker.h"

#include <errno.h>
#include <time.h>

#include "measure/own.h"
#include "run/evidence.h"
#include "run/stage.h"

static pthread_mutex_t worker_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t worker_ended = PTHREAD_COND_INITIALIZER;
static pthread_cond_t worker_released = PTHREAD_COND_INITIALIZER;
static __thread bool worker_handed_over;

// With the lock.
static void worker_note_ready(struct run *run, struct worker_life *life)
{
    if (!life->ready && run->filling > 0) {
        life->ready = true;
        if (--run->filling == 0) {
            pthread_cond_signal(&worker_ended);
        }
    }
}

static void worker_end(struct run *run, struct worker_life *life)
{
    __atomic_store_n(&life->ended_ns, run_now_ns(), __ATOMIC_RELAXED);
    pthread_mutex_lock(&worker_lock);
    worker_note_ready(run, life);
    if (--run->running == 0) {
        pthread_cond_signal(&worker_ended);
    }
    pthread_mutex_unlock(&worker_lock);
}

// Where the job asks for it. A CPU that was there when the job was planned may be gone.
static void worker_pin(struct worker *worker)
{
    struct stage *stage = worker->run->stage;
    int error = pin_thread(stage->pin, worker->number);
    if (error != 0) {
        run_fail(worker, &(struct run_failure){.check = RUN_HARNESS,
                                               .text = "a thread cannot be pinned to its CPU "
                                                       "(errno in `found`)",
                                               .found = (uint64_t)error});
    }
}

static void *worker_live(void *argument)
{
    struct worker_life *life = argument;
    struct worker *worker = life->worker;
    struct run *run = worker->run;
    evidence_thread_begin(worker, life->stacks[life->generations & 1]);
    worker_pin(worker);
    if (life->has_predecessor) {
        pthread_join(life->predecessor, NULL);
        life->has_predecessor = false;
        life->thread = pthread_self();
    } else {
        life->thread = pthread_self();
        pthread_barrier_wait(&run->start); // all are here
        pthread_barrier_wait(&run->start); // all begin
    }
    spent_begin(&life->spent);
    life->body(worker);
    spent_end(&life->spent);
    if (!worker_handed_over) {
        worker_end(run, life);
    }
    evidence_thread_end();
    return NULL;
}

int worker_hand_over(struct worker *worker, void (*body)(struct worker *worker))
{
    struct worker_life *life = &worker->run->lives[worker->number];
    struct worker_life before = *life;
    life->predecessor = life->thread;
    life->has_predecessor = true;
    life->body = body;
    life->generations++;
    pthread_t successor;
    int error = pthread_create(&successor, NULL, worker_live, life);
    if (error != 0) {
        *life = before;
        return error;
    }
    worker_handed_over = true;
    return 0;
}

void worker_ready(struct worker *worker)
{
    struct run *run = worker->run;
    pthread_mutex_lock(&worker_lock);
    worker_note_ready(run, &run->lives[worker->number]);
    while (run->ready_ns == 0) {
        pthread_cond_wait(&worker_released, &worker_lock);
    }
    pthread_mutex_unlock(&worker_lock);
    op_measured(worker);
}

bool worker_all_ready(struct run *run)
{
    pthread_mutex_lock(&worker_lock);
    bool ready = run->filling == 0;
    pthread_mutex_unlock(&worker_lock);
    return ready;
}

void worker_release(struct run *run)
{
    pthread_mutex_lock(&worker_lock);
    if (run->ready_ns == 0) {
        __atomic_store_n(&run->ready_ns, run_now_ns(), __ATOMIC_RELAXED);
        pthread_cond_broadcast(&worker_released);
    }
    pthread_mutex_unlock(&worker_lock);
}

bool worker_stop(struct worker *worker, uint64_t done)
{
    if (worker->budget != UINT64_MAX && !__atomic_load_n(&worker->run->warming, __ATOMIC_RELAXED)) {
        worker->budget -= done < worker->budget ? done : worker->budget;
        if (worker->budget == 0) {
            return true;
        }
    }
    return __atomic_load_n(&worker->run->stop, __ATOMIC_RELAXED);
}

// Stacks are private memory: one a worker, and one more while a successor takes over.
static void worker_own_stacks(unsigned threads)
{
    pthread_attr_t attributes;
    size_t size = 0;
    if (pthread_attr_init(&attributes) == 0) {
        pthread_attr_getstacksize(&attributes, &size);
        pthread_attr_destroy(&attributes);
    }
    own_memory(2 * size * threads);
}

int worker_start_all(struct run *run)
{
    worker_own_stacks(run->threads);
    run->running = run->threads;
    run->filling = run->workload->fills ? run->threads : 0;
    pthread_barrier_init(&run->start, NULL, run->threads + 1);
    for (unsigned i = 0; i < run->threads; i++) {
        struct worker_life *life = &run->lives[i];
        char *stacks = run_map_lazily(2 * (size_t)EVIDENCE_STACK);
        life->worker = &run->workers[i];
        life->body = run->workload->work;
        life->stacks[0] = stacks;
        life->stacks[1] = stacks + EVIDENCE_STACK;
        pthread_t thread;
        int error = pthread_create(&thread, NULL, worker_live, life);
        if (error != 0) {
            return error;
        }
    }
    pthread_barrier_wait(&run->start);
    return 0;
}

void worker_let_all_begin(struct run *run)
{
    run->started_ns = run_now_ns();
    run->ready_ns = run->workload->fills ? 0 : run->started_ns;
    pthread_barrier_wait(&run->start);
}

bool worker_wait(struct run *run, uint64_t deadline_ns)
{
    struct timespec deadline = {.tv_sec = (time_t)(deadline_ns / 1000000000),
                                .tv_nsec = (long)(deadline_ns % 1000000000)};
    int error = 0;
    pthread_mutex_lock(&worker_lock);
    while (run->running > 0 && error != ETIMEDOUT && (run->filling > 0 || run->ready_ns != 0)) {
        error = pthread_cond_clockwait(&worker_ended, &worker_lock, CLOCK_MONOTONIC, &deadline);
    }
    bool ended = run->running == 0;
    pthread_mutex_unlock(&worker_lock);
    return ended;
}

void worker_join_all(struct run *run)
{
    for (unsigned i = 0; i < run->threads; i++) {
        pthread_join(run->lives[i].thread, NULL);
    }
}
