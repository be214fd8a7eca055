// SPDX-License-Identifier: MIT
//
// fork_handler.c - the workload "fork-handler": fork in a signal handler that interrupts malloc.
//
// 1. Theory. POSIX had fork among the functions that a handler may call until its 2024 issue (which
//    has _Fork in its place), and programs do: to dump core from a copy, to start a debugger. An
//    allocator that takes its locks in fork's prepare handler takes one that the interrupted malloc
//    holds, and waits for itself.
// 2. What may be asked. The process has one thread: with several, the C library itself takes the
//    locks of its malloc at fork, and has the same problem (glibc bug 4737). The child does not use
//    malloc: the heap it inherits may be in the middle of an operation for good. It ends at once
//    with _exit. All that is asked is that fork returns, in both, and that the interrupted malloc
//    goes on as if nothing had happened.
// 3. States. Each worker starts a fresh process, one after the other. That allocates and frees;
//    a timer that is set anew at each expiry, 20 to 400 us away, forks `forks` times.
// 4. Failure. A process that does not end: fork-hang. A step is a fork.

#include <errno.h>
#include <signal.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "workload/edge.h"
#include "workload/rows.h"

#define HANDLER_SLOTS 256

enum { HANDLER_FORKS, HANDLER_CALLS };

static const struct job_key fork_handler_keys[] = {
    {.name = "forks",
     .kind = JOB_NUMBER,
     .least = 1,
     .most = 1e6,
     .standard = "200",
     .help = "forks of one process, in its signal handler"},
    EDGE_CHILD_TIMEOUT,
    {.name = NULL},
};

// ---- the child ----------------------------------------------------------------------------------

static struct child_post *handler_post;
static struct random handler_random;
static volatile sig_atomic_t handler_left;

static void handler_arm(void)
{
    struct itimerval time = {.it_value.tv_usec = 20 + (long)random_below(&handler_random, 380)};
    setitimer(ITIMER_REAL, &time, NULL);
}

static void handler_on_timer(int signal)
{
    int error = errno;
    (void)signal;
    child_doing("in fork, called by a signal handler");
    pid_t pid = child_fork(handler_post);
    if (pid == 0) {
        _exit(0);
    }
    child_doing("waiting for the child of a fork in a signal handler");
    while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR) {
    }
    child_doing("in malloc or free, interrupted by forks");
    child_step();
    if (--handler_left > 0) {
        handler_arm();
    }
    errno = error;
}

static void fork_handler_child(struct child_post *post)
{
    struct edge_block blocks[HANDLER_SLOTS] = {{0}};
    struct random random;
    struct sigaction action = {.sa_handler = handler_on_timer, .sa_flags = SA_RESTART};
    handler_post = post;
    handler_left = (sig_atomic_t)post->argument[HANDLER_FORKS];
    random_init(&random, post->seed, 0, 0);
    random_init(&handler_random, post->seed, 1, 0);
    sigaction(SIGALRM, &action, NULL);
    handler_arm();
    while (handler_left > 0) {
        struct edge_block *block = &blocks[random_below(&random, HANDLER_SLOTS)];
        if (block->at != NULL) {
            edge_free(NULL, block);
        } else {
            edge_alloc_any(NULL, &random, (uint32_t)post->argument[HANDLER_CALLS],
                           edge_draw(&random), block);
        }
    }
    for (unsigned i = 0; i < HANDLER_SLOTS; i++) {
        edge_free(NULL, &blocks[i]);
    }
    child_end();
}

// ---- the cell -----------------------------------------------------------------------------------

static int fork_handler_open(struct run *run, struct complaint *complaint)
{
    (void)complaint;
    uint32_t *calls = run_map(sizeof *calls);
    *calls = edge_calls();
    run->shared = calls;
    return 0;
}

static void fork_handler_work(struct worker *worker)
{
    struct run *run = worker->run;
    struct child_rule rule = edge_rule(run, "fork-hang");
    uint64_t forks = job_number(run->section, "forks");
    do {
        struct child_post *post = child_post(run, worker->number);
        post->seed = random_next(&worker->random);
        post->argument[HANDLER_FORKS] = forks < worker->budget ? forks : worker->budget;
        post->argument[HANDLER_CALLS] = *(uint32_t *)run->shared;
        child_run(worker, post, &rule);
        op_step(worker, post->steps);
    } while (!worker_stop(worker, forks));
}

static void fork_handler_close(struct run *run)
{
    (void)run;
}

const struct workload workload_fork_handler = {
    .name = "fork-handler",
    .help = "fork in a signal handler that interrupts malloc",
    .class = WORKLOAD_PROCESS,
    .needs_malloc = true,
    .version = 1,
    .keys = fork_handler_keys,
    .unused = edge_unused_sizes,
    .validate = edge_validate,
    .demand = edge_demand,
    .open = fork_handler_open,
    .work = fork_handler_work,
    .close = fork_handler_close,
    .child = fork_handler_child,
};
