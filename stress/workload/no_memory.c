// SPDX-License-Identifier: MIT
//
// no_memory.c - the workload "no-memory": the system gives nothing more, and then it does again.
//
// 1. Theory. An allocator needs memory for itself: when that fails, code runs which has seldom run
//    before. At a process's first allocation nothing is there yet to fall back on; four of eleven
//    allocators abort or crash there.
// 2. States. Each worker starts fresh processes, one after the other, each with the next of four
//    ways: RLIMIT_AS at what is mapped already (so that the address space is full) or RLIMIT_DATA
//    at one page (so that no private one comes; 0 is no limit to Linux), each before the first
//    allocation, and after a while of work with a second thread that has not allocated yet. The
//    process asks for blocks of all sizes until nothing comes, frees, asks again; then the limit is
//    lifted, and all must be as ever.
// 3. The stack is used to some depth before: it is memory too.
// 4. Failure. NULL with another errno than ENOMEM: errno; no block after the limit was lifted:
//    refused; child-crash, child-hang; and as of any block. A step is a process.

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "measure/proc.h"
#include "workload/edge.h"
#include "workload/rows.h"

#define NO_MEMORY_BLOCKS   4096
#define NO_MEMORY_REFUSALS 64

enum no_memory_way { NO_MEMORY_DATA_FIRST, NO_MEMORY_SPACE_FIRST, NO_MEMORY_DATA, NO_MEMORY_SPACE };
#define NO_MEMORY_WAYS 4

enum { NO_MEMORY_WAY, NO_MEMORY_CALLS, NO_MEMORY_REFUSED };

static const struct job_key no_memory_keys[] = {
    EDGE_CHILD_TIMEOUT,
    {.name = NULL},
};

// ---- the child ----------------------------------------------------------------------------------

static struct edge_block no_memory_blocks[NO_MEMORY_BLOCKS];
static unsigned no_memory_stage; // [atomic] 1: the other thread may begin; 2: it has ended

// Not inline: of its caller's frame it would use what lies above all later calls.
__attribute__((noinline)) static void no_memory_use_stack(void)
{
    volatile char stack[256 << 10];
    for (size_t i = 0; i < sizeof stack; i += 4096) {
        stack[i] = 1;
    }
}

// Until the system has said no often enough. Returns how often.
static uint64_t no_memory_exhaust(struct random *random, uint32_t calls)
{
    uint64_t refused = 0;
    for (unsigned i = 0; i < NO_MEMORY_BLOCKS && refused < NO_MEMORY_REFUSALS; i++) {
        enum edge_call call = (enum edge_call)random_below(random, EDGE_VALLOC);
        size_t size = i % 8 == 7 ? (size_t)1 << (20 + random_below(random, 7))
                                 : edge_size((unsigned)random_below(random, EDGE_SIZES));
        size = call == EDGE_ALIGNED_ALLOC ? (size + 63) & ~(size_t)63 : size;
        call = (calls >> call & 1) != 0 ? call : EDGE_MALLOC;
        refused += !edge_alloc(NULL, call, size, 64, true, &no_memory_blocks[i]);
        struct edge_block *old = &no_memory_blocks[random_below(random, i + 1)];
        if (i % 5 == 4) {
            edge_free(NULL, old);
        }
    }
    if (refused == 0) {
        child_fail(NULL, RUN_HARNESS, NULL, 0, "the limit does not hold: nothing was refused");
    }
    return refused;
}

static void no_memory_free(void)
{
    for (unsigned i = 0; i < NO_MEMORY_BLOCKS; i++) {
        edge_free(NULL, &no_memory_blocks[i]);
    }
}

static void no_memory_work(struct random *random, uint32_t calls)
{
    for (unsigned i = 0; i < EDGE_SIZES; i++) {
        edge_alloc_any(NULL, random, calls, edge_size(i), &no_memory_blocks[i]);
    }
    no_memory_free();
}

// Its first call finds nothing.
static void *no_memory_thread(void *argument)
{
    struct edge_block block;
    (void)argument;
    while (__atomic_load_n(&no_memory_stage, __ATOMIC_ACQUIRE) == 0) {
        sched_yield();
    }
    for (unsigned i = 0; i < 16; i++) {
        if (edge_alloc(NULL, EDGE_MALLOC, edge_size(i * 5), 0, true, &block)) {
            edge_free(NULL, &block);
        }
    }
    __atomic_store_n(&no_memory_stage, 2, __ATOMIC_RELEASE);
    return NULL;
}

static void no_memory_child(struct child_post *post)
{
    enum no_memory_way way = (enum no_memory_way)post->argument[NO_MEMORY_WAY];
    uint32_t calls = (uint32_t)post->argument[NO_MEMORY_CALLS];
    bool first = way == NO_MEMORY_DATA_FIRST || way == NO_MEMORY_SPACE_FIRST;
    bool space = way == NO_MEMORY_SPACE || way == NO_MEMORY_SPACE_FIRST;
    struct rlimit before, now;
    struct random random;
    pthread_t thread;
    random_init(&random, post->seed, 0, 0);
    no_memory_use_stack();
    if (!first) {
        no_memory_work(&random, calls);
        if (pthread_create(&thread, NULL, no_memory_thread, NULL) != 0) {
            child_fail(NULL, RUN_HARNESS, NULL, 0, "no thread");
        }
    }
    getrlimit(space ? RLIMIT_AS : RLIMIT_DATA, &before);
    now = before;
    now.rlim_cur = space ? proc_mapped() : 4096;
    if (setrlimit(space ? RLIMIT_AS : RLIMIT_DATA, &now) != 0) {
        child_fail(NULL, RUN_HARNESS, NULL, 0, "no limit: %s", strerrordesc_np(errno));
    }
    child_doing(first ? "its first allocations, with no memory" : "allocating with no memory");
    post->argument[NO_MEMORY_REFUSED] = no_memory_exhaust(&random, calls);
    if (!first) {
        child_doing("a thread's first allocation, with no memory");
        __atomic_store_n(&no_memory_stage, 1, __ATOMIC_RELEASE);
        pthread_join(thread, NULL);
    }
    child_doing("freeing with no memory");
    no_memory_free();
    no_memory_exhaust(&random, calls);
    setrlimit(space ? RLIMIT_AS : RLIMIT_DATA, &before);
    child_doing("allocating when memory was back");
    no_memory_free();
    no_memory_work(&random, calls);
    child_end();
}

// ---- the cell -----------------------------------------------------------------------------------

struct no_memory {
    uint32_t calls;
    uint64_t refused; // [atomic] by the children's target, all together
};

static int no_memory_open(struct run *run, struct complaint *complaint)
{
    (void)complaint;
    struct no_memory *shared = run_map(sizeof *shared);
    shared->calls = edge_calls();
    run->shared = shared;
    return 0;
}

static void no_memory_workload(struct worker *worker)
{
    struct no_memory *shared = worker->run->shared;
    struct child_rule rule = edge_rule(worker->run, "child-hang");
    unsigned way = worker->number;
    do {
        struct child_post *post = child_post(worker->run, worker->number);
        post->seed = random_next(&worker->random);
        post->argument[NO_MEMORY_WAY] = way++ % NO_MEMORY_WAYS;
        post->argument[NO_MEMORY_CALLS] = shared->calls;
        uint64_t began = op_step_begin(worker);
        child_run(worker, post, &rule);
        op_step_end(worker, began);
        __atomic_fetch_add(&shared->refused, post->argument[NO_MEMORY_REFUSED], __ATOMIC_RELAXED);
    } while (!worker_stop(worker, 1));
}

static void no_memory_close(struct run *run)
{
    struct no_memory *shared = run->shared;
    run_figure(run, "refused in children", "", (double)shared->refused, NAN);
}

const struct workload workload_no_memory = {
    .name = "no-memory",
    .help = "processes with no memory left, from the first allocation on, and then with some again",
    .class = WORKLOAD_PROCESS,
    .needs_malloc = true,
    .version = 1,
    .keys = no_memory_keys,
    .unused = edge_unused_sizes,
    .validate = edge_validate,
    .demand = edge_demand,
    .open = no_memory_open,
    .work = no_memory_workload,
    .close = no_memory_close,
    .child = no_memory_child,
};
