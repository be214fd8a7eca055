// SPDX-License-Identifier: MIT
//
// fork_stdio.c - the workload "fork-stdio": fork while other threads use malloc and stdio.
//
// 1. Theory. fork must leave the child a heap it can use, so an allocator takes all of its locks in
//    a handler before the fork. The C library does the same with the list of open streams, after
//    the handlers of others have run. A thread in getline has its stream's lock and waits for
//    malloc's; one in fflush(NULL) has the list's lock and waits for the stream's; the forker has
//    malloc's and waits for the list's: a circle. The C library can order its own locks; a library
//    preloaded in front of it cannot, and must not block there (glibc bug 19431 was the same).
// 2. States. Workers 0 .. forkers - 1 fork, one child at a time each; the others are at work by
//    turns: getline on a stream they share (long lines, a new buffer each), fflush of all streams,
//    fprintf to another shared stream between malloc and free.
// 3. What is asked of the child: to open a stream of its own, read a line, print one, allocate,
//    free, and end with _exit. It touches no stream that others were using: what was in them at the
//    fork is in the middle of something.
// 4. Failure. A child that hangs: fork-hang. The parent that hangs in fork: no steps, the
//    watchdog's (hung), with all stacks. Only forks are steps.

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "workload/edge.h"
#include "workload/rows.h"

#define STDIO_LINES     64
#define STDIO_LOG_BYTES (1 << 20)

struct fork_stdio {
    FILE *lines; // shared by the readers
    FILE *log;   // shared by the writers
    unsigned forkers;
    unsigned forking; // [atomic] that have not ended
};

static const struct job_key fork_stdio_keys[] = {
    {.name = "forkers",
     .kind = JOB_NUMBER,
     .least = 1,
     .most = 32,
     .standard = "1",
     .help = "threads that fork"},
    {.name = "others",
     .kind = JOB_NUMBER,
     .least = 1,
     .most = 64,
     .standard = "3",
     .help = "threads at work meanwhile: getline, fflush, fprintf by turns"},
    EDGE_CHILD_TIMEOUT,
    {.name = NULL},
};

static int fork_stdio_threads(const struct job_section *section, unsigned *threads)
{
    *threads = (unsigned)(job_number(section, "forkers") + job_number(section, "others"));
    return 0;
}

// Lines of one letter each, from 1 byte to 64 KiB.
static FILE *fork_stdio_lines(void)
{
    static char line[1 << 16];
    int file = memfd_create("lines", MFD_CLOEXEC);
    FILE *stream = file >= 0 ? fdopen(file, "w+") : NULL;
    for (unsigned i = 0; stream != NULL && i < STDIO_LINES; i++) {
        size_t length = (size_t)1 << i % 17;
        memset(line, 'a' + (int)(i % 26), length);
        fwrite(line, 1, length, stream);
        putc('\n', stream);
    }
    if (stream != NULL) {
        rewind(stream);
    }
    return stream;
}

static int fork_stdio_open(struct run *run, struct complaint *complaint)
{
    struct fork_stdio *shared = run_map(sizeof *shared);
    int file = memfd_create("log", MFD_CLOEXEC);
    shared->lines = fork_stdio_lines();
    shared->log = file >= 0 ? fdopen(file, "w+") : NULL;
    if (shared->lines == NULL || shared->log == NULL) {
        complain(complaint, "fork-stdio: no stream on a memfd: %s", strerror(errno));
        return EIO;
    }
    shared->forkers = (unsigned)job_number(run->section, "forkers");
    shared->forking = shared->forkers;
    run->shared = shared;
    return 0;
}

// ---- the child ----------------------------------------------------------------------------------

static _Noreturn void fork_stdio_child(struct random random)
{
    char *line = NULL;
    size_t size = 0;
    child_doing("opening a stream after a fork");
    FILE *own = fopen("/proc/self/stat", "r");
    child_doing("reading a line after a fork");
    if (own == NULL || getline(&line, &size, own) <= 0) {
        child_fail(NULL, "stdio", NULL, 0, "a stream of the child's own cannot be read");
    }
    child_doing("closing a stream after a fork");
    fclose(own);
    child_doing("free after a fork");
    free(line);
    child_doing("malloc and free after a fork");
    for (unsigned i = 0; i < 8; i++) {
        struct edge_block block;
        edge_alloc(NULL, EDGE_MALLOC, edge_draw(&random), 0, false, &block);
        edge_free(NULL, &block);
    }
    child_end();
}

static void fork_stdio_fork(struct worker *worker, struct fork_stdio *shared)
{
    struct child_rule rule = edge_rule(worker->run, "fork-hang");
    do {
        struct child_post *post = child_post(worker->run, worker->number);
        uint64_t began = op_step_begin(worker);
        pid_t pid = child_fork(post);
        if (pid == 0) {
            fork_stdio_child(worker->random);
        }
        if (pid > 0) {
            child_wait(worker, post, pid, &rule);
        }
        op_step_end(worker, began);
        edge_pause(&worker->random);
    } while (!worker_stop(worker, 1));
    __atomic_fetch_sub(&shared->forking, 1, __ATOMIC_RELEASE);
}

// ---- the others ---------------------------------------------------------------------------------

static void fork_stdio_read(struct worker *worker, FILE *lines)
{
    char *line = NULL;
    size_t size = 0;
    ssize_t length = getline(&line, &size, lines);
    if (length <= 0) {
        rewind(lines);
    } else if (line[0] != line[length > 1 ? length - 2 : 0] || line[length - 1] != '\n') {
        child_fail(worker, "stdio", line, size, "getline gave a line that was never written");
    }
    free(line);
}

static void fork_stdio_write(struct worker *worker, FILE *log)
{
    struct edge_block block;
    edge_alloc(worker, EDGE_MALLOC, edge_draw(&worker->random), 0, false, &block);
    if (fprintf(log, "%u %p %zu\n", worker->number, (void *)block.at, block.size) < 0 ||
        ftell(log) > STDIO_LOG_BYTES) {
        rewind(log);
    }
    edge_free(worker, &block);
}

static void fork_stdio_work(struct worker *worker)
{
    struct fork_stdio *shared = worker->run->shared;
    if (worker->number < shared->forkers) {
        fork_stdio_fork(worker, shared);
        return;
    }
    unsigned role = (worker->number - shared->forkers) % 3;
    while (__atomic_load_n(&shared->forking, __ATOMIC_ACQUIRE) > 0 && !worker_stop(worker, 0)) {
        if (role == 0) {
            fork_stdio_read(worker, shared->lines);
        } else if (role == 1) {
            fflush(NULL);
        } else {
            fork_stdio_write(worker, shared->log);
        }
        edge_pause(&worker->random);
    }
}

static void fork_stdio_close(struct run *run)
{
    struct fork_stdio *shared = run->shared;
    fclose(shared->lines);
    fclose(shared->log);
}

const struct workload workload_fork_stdio = {
    .name = "fork-stdio",
    .help = "fork while other threads use malloc and streams; the child uses both",
    .class = WORKLOAD_PROCESS,
    .needs_malloc = true,
    .version = 1,
    .keys = fork_stdio_keys,
    .unused = edge_unused,
    .validate = edge_validate,
    .demand = edge_demand,
    .threads = fork_stdio_threads,
    .open = fork_stdio_open,
    .work = fork_stdio_work,
    .close = fork_stdio_close,
};
