// SPDX-License-Identifier: MIT
//
// destructors.c - the workload "destructors": threads whose key destructors allocate and free.
//
// 1. Theory. A thread ends in rounds (PTHREAD_DESTRUCTOR_ITERATIONS, 4): each calls the destructors
//    of all keys that have a value, the allocator's own among them. Whoever calls malloc or free
//    after that makes the allocator begin anew for a thread that is about to vanish, and nobody
//    destroys what it begins: a cache, or a heap, is lost for each thread (jemalloc#283, #2351,
//    snmalloc#161, glibc bug 22111).
// 2. States. Every worker starts threads, one after the other, `count` in all. A thread allocates,
//    gives a key a value and returns. Its destructor gives the key a value again in the first three
//    rounds, and allocates and frees in each; in the last one it frees `remote` blocks that the
//    worker had allocated. Nothing is left alive.
// 3. Keys that a library burnt before (more than 32) make pthread_setspecific itself allocate, and
//    be freed after the last round: `keys` of them are made first.
// 4. Failure. What is live is the same before and after, so that a resident set that has grown by
//    more than leak_limit from the end of the first sixteenth on has lost memory: leak. A step is a
//    thread.

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "measure/proc.h"
#include "workload/edge.h"
#include "workload/rows.h"

#define DESTRUCTORS_ROUNDS 4
#define DESTRUCTORS_REMOTE 4096

struct destructors {
    pthread_key_t key;
    uint64_t each;   // threads of one worker
    uint64_t ended;  // [atomic] threads, of all workers
    uint64_t before; // [atomic] resident after the first sixteenth; 0: not yet
};

// One thread, from its birth to its last round.
struct destructors_life {
    struct destructors *shared;
    struct worker *worker;
    struct random random;
    unsigned round;
    unsigned remote_count;
    struct edge_block *remote;
};

static const struct job_key destructors_keys[] = {
    {.name = "count",
     .kind = JOB_NUMBER,
     .least = 16,
     .most = 1e9,
     .standard = "3000",
     .help = "threads that come and go, of all workers together"},
    {.name = "remote",
     .kind = JOB_NUMBER,
     .least = 0,
     .most = DESTRUCTORS_REMOTE,
     .standard = "256",
     .help = "blocks of its creator that a thread frees in its last round"},
    {.name = "keys",
     .kind = JOB_NUMBER,
     .least = 0,
     .most = 512,
     .standard = "33",
     .help = "keys made first; past 31 pthread_setspecific allocates"},
    {.name = "leak_limit",
     .kind = JOB_SIZE,
     .least = 0,
     .most = 0x1p40,
     .standard = "8Mi",
     .help = "by how much the resident set may grow"},
    {.name = NULL},
};

static const char *const destructors_unused[] = {"ops", "size", "verify", "checks", "touch", NULL};

static void destructors_allocate(struct destructors_life *life)
{
    struct edge_block blocks[16];
    for (unsigned i = 0; i < 16; i++) {
        size_t size = 1 + random_below(&life->random, 1024);
        edge_alloc(life->worker, EDGE_MALLOC, size, 0, false, &blocks[i]);
    }
    for (unsigned i = 0; i < 16; i++) {
        edge_free(life->worker, &blocks[i]);
    }
}

static void destructors_round(void *value)
{
    struct destructors_life *life = value;
    life->round++;
    destructors_allocate(life);
    if (life->round < DESTRUCTORS_ROUNDS) {
        pthread_setspecific(life->shared->key, life);
        return;
    }
    for (unsigned i = 0; i < life->remote_count; i++) {
        edge_free(life->worker, &life->remote[i]);
    }
}

static void *destructors_live(void *argument)
{
    struct destructors_life *life = argument;
    destructors_allocate(life);
    pthread_setspecific(life->shared->key, life);
    return NULL;
}

static int destructors_open(struct run *run, struct complaint *complaint)
{
    struct destructors *shared = run_map(sizeof *shared);
    uint64_t keys = job_number(run->section, "keys");
    pthread_key_t burnt;
    int error = 0;
    for (uint64_t i = 0; error == 0 && i < keys; i++) {
        error = pthread_key_create(&burnt, NULL);
    }
    error = error == 0 ? pthread_key_create(&shared->key, destructors_round) : error;
    if (error != 0) {
        complain(complaint, "destructors: no more keys: %s", strerror(error));
        return error;
    }
    shared->each = (job_number(run->section, "count") + run->threads - 1) / run->threads;
    run->shared = shared;
    return 0;
}

static void destructors_thread(struct worker *worker, struct destructors_life *life)
{
    pthread_t thread;
    life->round = 0;
    for (unsigned i = 0; i < life->remote_count; i++) {
        size_t size = 16 + random_below(&worker->random, 240);
        edge_alloc(worker, EDGE_MALLOC, size, 0, false, &life->remote[i]);
    }
    random_init(&life->random, random_next(&worker->random), 0, 0);
    int error = pthread_create(&thread, NULL, destructors_live, life);
    if (error != 0) {
        child_fail(worker, RUN_HARNESS, NULL, 0, "no thread: %s", strerror(error));
    }
    pthread_join(thread, NULL);
    if (life->round != DESTRUCTORS_ROUNDS) {
        child_fail(worker, RUN_HARNESS, NULL, 0, "%u rounds of destructors", life->round);
    }
}

static void destructors_work(struct worker *worker)
{
    struct destructors *shared = worker->run->shared;
    struct destructors_life *life = run_map(sizeof *life);
    uint64_t all = shared->each * worker->run->threads;
    life->shared = shared;
    life->worker = worker;
    life->remote_count = (unsigned)job_number(worker->run->section, "remote");
    life->remote = run_map(DESTRUCTORS_REMOTE * sizeof *life->remote);
    for (uint64_t i = 0; i < shared->each && !worker_stop(worker, 0); i++) {
        uint64_t began = op_step_begin(worker);
        destructors_thread(worker, life);
        op_step_end(worker, began);
        if (__atomic_add_fetch(&shared->ended, 1, __ATOMIC_RELAXED) == all / 16) {
            __atomic_store_n(&shared->before, proc_resident(), __ATOMIC_RELAXED);
        }
    }
}

static void destructors_close(struct run *run)
{
    struct destructors *shared = run->shared;
    uint64_t limit = job_number(run->section, "leak_limit");
    uint64_t after = proc_resident();
    uint64_t growth = shared->before != 0 && after > shared->before ? after - shared->before : 0;
    run_figure(run, "growth of the resident set", "bytes", (double)growth, (double)limit);
    run_figure(run, "threads", "", (double)shared->ended, NAN);
    if (growth > limit) {
        child_fail(NULL, "leak", NULL, growth,
                   "%.1f MB more are resident after %llu threads than after a sixteenth of them, "
                   "with nothing more alive: %.1f kB a thread",
                   (double)growth / 1e6, (unsigned long long)shared->ended,
                   (double)growth / 1e3 / (double)shared->ended * 16 / 15);
    }
}

const struct workload workload_destructors = {
    .name = "destructors",
    .help = "threads whose key destructors allocate and free; the resident set must not grow",
    .class = WORKLOAD_PROCESS,
    .needs_malloc = true,
    .version = 1,
    .keys = destructors_keys,
    .unused = destructors_unused,
    .ends = true,
    .demand = edge_demand,
    .open = destructors_open,
    .work = destructors_work,
    .close = destructors_close,
};
