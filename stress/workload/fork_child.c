// SPDX-License-Identifier: MIT
//
// fork_child.c - the workload "fork-child": a child that uses the heap it inherited.
//
// 1. Theory. At the moment of a fork other threads may be anywhere in malloc. In the child they are
//    gone; what they had locked stays locked, what they had half done stays half done, unless the
//    allocator sees to it (jemalloc#2019, gperftools#178, snmalloc#630). POSIX promises the child
//    nothing; every C library that programs run on does, and programs rely on it.
// 2. States. Workers 0 .. forkers - 1 fork at the same time; the others replace blocks in tables of
//    their own. A block is in the table from after its allocation until before its release, so that
//    what a child finds there is allocated: a thread's stores reach the child in their order, up to
//    some one of them.
// 3. The child verifies and frees every block it finds, then allocates, verifies, resizes and frees
//    one block of each size there is, twice, and ends with _exit.
// 4. Failure. A child that hangs: fork-hang; that crashes: child-crash; that finds other bytes than
//    were written: stamp. The parent that hangs in fork is the watchdog's. Only forks are steps.

#include <unistd.h>

#include "workload/edge.h"
#include "workload/rows.h"

#define FORK_CHILD_SLOTS 128

struct fork_child_table {
    struct edge_block blocks[FORK_CHILD_SLOTS]; // `at` is stored last and cleared first
};

struct fork_child {
    unsigned forkers, others;
    unsigned forking; // [atomic] that have not ended
    uint32_t calls;
    struct fork_child_table *tables; // one for each of the others
};

static const struct job_key fork_child_keys[] = {
    {.name = "forkers",
     .kind = JOB_NUMBER,
     .least = 1,
     .most = 32,
     .standard = "2",
     .help = "threads that fork"},
    {.name = "others",
     .kind = JOB_NUMBER,
     .least = 1,
     .most = 64,
     .standard = "2",
     .help = "threads that allocate and free meanwhile"},
    EDGE_CHILD_TIMEOUT,
    {.name = NULL},
};

static int fork_child_threads(const struct job_section *section, unsigned *threads)
{
    *threads = (unsigned)(job_number(section, "forkers") + job_number(section, "others"));
    return 0;
}

static int fork_child_open(struct run *run, struct complaint *complaint)
{
    (void)complaint;
    struct fork_child *shared = run_map(sizeof *shared);
    shared->forkers = (unsigned)job_number(run->section, "forkers");
    shared->others = (unsigned)job_number(run->section, "others");
    shared->forking = shared->forkers;
    shared->calls = edge_calls();
    shared->tables = run_map(shared->others * sizeof *shared->tables);
    run->shared = shared;
    return 0;
}

static void fork_child_free_inherited(const struct fork_child *shared)
{
    child_doing("freeing the blocks that it inherited");
    for (unsigned i = 0; i < shared->others; i++) {
        for (unsigned j = 0; j < FORK_CHILD_SLOTS; j++) {
            edge_free(NULL, &shared->tables[i].blocks[j]);
        }
    }
}

static _Noreturn void fork_child_live(const struct fork_child *shared, struct random random)
{
    struct edge_block blocks[EDGE_SIZES];
    fork_child_free_inherited(shared);
    for (unsigned round = 0; round < 2; round++) {
        child_doing("allocating a block of each size after a fork");
        for (unsigned i = 0; i < EDGE_SIZES; i++) {
            edge_alloc_any(NULL, &random, shared->calls, edge_size(i), &blocks[i]);
        }
        child_doing("resizing and freeing blocks after a fork");
        for (unsigned i = 0; i < EDGE_SIZES; i++) {
            if (random_below(&random, 4) == 0) {
                edge_resize(NULL, &blocks[i], edge_draw(&random));
            }
            edge_free(NULL, &blocks[i]);
        }
    }
    child_end();
}

static void fork_child_fork(struct worker *worker, struct fork_child *shared)
{
    struct child_rule rule = edge_rule(worker->run, "fork-hang");
    do {
        struct child_post *post = child_post(worker->run, worker->number);
        uint64_t began = op_step_begin(worker);
        random_next(&worker->random);
        pid_t pid = child_fork(post);
        if (pid == 0) {
            fork_child_live(shared, worker->random);
        }
        if (pid > 0) {
            child_wait(worker, post, pid, &rule);
        }
        op_step_end(worker, began);
    } while (!worker_stop(worker, 1));
    __atomic_fetch_sub(&shared->forking, 1, __ATOMIC_RELEASE);
}

static void fork_child_replace(struct worker *worker, struct fork_child *shared,
                               struct fork_child_table *table)
{
    struct edge_block *place = &table->blocks[random_below(&worker->random, FORK_CHILD_SLOTS)];
    struct edge_block block = *place;
    if (block.at != NULL) {
        __atomic_store_n(&place->at, NULL, __ATOMIC_RELEASE);
        edge_free(worker, &block);
    } else {
        edge_alloc_any(worker, &worker->random, shared->calls, edge_draw(&worker->random), &block);
        place->size = block.size;
        __atomic_store_n(&place->at, block.at, __ATOMIC_RELEASE);
    }
}

static void fork_child_work(struct worker *worker)
{
    struct fork_child *shared = worker->run->shared;
    if (worker->number < shared->forkers) {
        fork_child_fork(worker, shared);
        return;
    }
    struct fork_child_table *table = &shared->tables[worker->number - shared->forkers];
    while (__atomic_load_n(&shared->forking, __ATOMIC_ACQUIRE) > 0 && !worker_stop(worker, 0)) {
        fork_child_replace(worker, shared, table);
    }
}

static void fork_child_close(struct run *run)
{
    fork_child_free_inherited(run->shared);
}

const struct workload workload_fork_child = {
    .name = "fork-child",
    .help = "fork while other threads allocate; the child frees what it inherits and allocates",
    .class = WORKLOAD_PROCESS,
    .needs_malloc = true,
    .version = 1,
    .keys = fork_child_keys,
    .unused = edge_unused,
    .validate = edge_validate,
    .demand = edge_demand,
    .threads = fork_child_threads,
    .open = fork_child_open,
    .work = fork_child_work,
    .close = fork_child_close,
};
