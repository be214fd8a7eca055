// SPDX-License-Identifier: MIT
//
// child.c - processes that a workload starts: begun, judged, buried.
//
// 1. The order to die. PR_SET_PDEATHSIG is lost at fork, so that a child must give it to itself,
//    and one that hangs inside fork, in the allocator's own handlers, would never come to it. Our
//    handler is therefore registered before any library's constructor runs (.preinit_array), and
//    handlers of the child run in the order of their registration. Who forks is told by a variable
//    of the thread: forks that are not ours are left alone.
// 2. Where is it? A child that does not end is asked by a signal, and so are the children that it
//    has itself (run/child_trace.c). Nothing here allocates: the parent's heap may be as bad as the
//    child's.
// 3. posix_spawn starts fresh processes: it runs no handlers of fork, which are another workload's
//    business.

#include "run/child.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run/child_trace.h"

#define CHILD_TICK_MS     10
#define CHILD_EXIT_FAILED 44
#define CHILD_STACK       (64 << 10)

extern char **environ;

static struct child_post *child_self;            // in a child: its post; in the cell: NULL
static __thread struct child_post *child_forker; // set while this thread forks
static struct stage *child_stage;

// ---- the child's side ---------------------------------------------------------------------------

static void child_copy(char *into, size_t size, const char *text)
{
    size_t length = strlen(text);
    length = length < size ? length : size - 1;
    memcpy(into, text, length);
    into[length] = '\0';
}

static void child_begin(struct child_post *post)
{
    child_self = post;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != post->parent) {
        _exit(127); // the parent died before the order was given
    }
    child_trace_open(child_stage);
}

#if !defined(MEMS_SANITIZED)
static void child_after_fork(void)
{
    if (child_forker != NULL) {
        child_begin(child_forker);
        child_doing("returning from fork, in handlers of fork");
    }
}

static void child_register(void)
{
    pthread_atfork(NULL, NULL, child_after_fork);
}

__attribute__((section(".preinit_array"),
               used)) static void (*child_preinit)(void) = child_register;
#endif

void child_doing(const char *text)
{
    if (child_self != NULL) {
        child_copy(child_self->doing, sizeof child_self->doing, text);
        __atomic_fetch_add(&child_self->progress, 1, __ATOMIC_RELAXED);
    }
}

void child_step(void)
{
    if (child_self != NULL) {
        __atomic_fetch_add(&child_self->steps, 1, __ATOMIC_RELAXED);
        __atomic_fetch_add(&child_self->progress, 1, __ATOMIC_RELAXED);
    }
}

void child_done(void)
{
    __atomic_store_n(&child_self->state, CHILD_DONE, __ATOMIC_RELEASE);
}

_Noreturn void child_end(void)
{
    child_done();
    _exit(0);
}

_Noreturn void child_fail(struct worker *worker, const char *check, const void *block,
                          uint64_t size, const char *format, ...)
{
    char text[400];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (child_self == NULL) {
        run_fail(worker,
                 &(struct run_failure){
                     .check = check, .text = text, .block = (uintptr_t)block, .size = size});
    }
    child_copy(child_self->check, sizeof child_self->check, check);
    child_copy(child_self->text, sizeof child_self->text, text);
    child_self->block = (uintptr_t)block;
    child_self->size = size;
    __atomic_store_n(&child_self->state, CHILD_FAILED, __ATOMIC_RELEASE);
    _exit(CHILD_EXIT_FAILED);
}

int child_main(int argc, char **argv)
{
    struct stage *stage = argc == 3 ? stage_attach(atoi(argv[1])) : NULL;
    unsigned index = argc == 3 ? (unsigned)atoi(argv[2]) : STAGE_CHILDREN;
    if (stage == NULL || index >= STAGE_CHILDREN) {
        fprintf(stderr, "mems-stress child: for a cell's own use; see mems-stress help run\n");
        return 1;
    }
    struct child_post *post = &stage->children[index];
    static char stack[CHILD_STACK];
    child_stage = stage;
    child_begin(post);
    sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL);
    const struct workload *workload = workload_find(post->workload);
    if (workload == NULL || workload->child == NULL) {
        return 1;
    }
    __atomic_store_n(&post->state, CHILD_AT_WORK, __ATOMIC_RELEASE);
    workload->child(post);
    return 0;
}

// ---- the parent's -------------------------------------------------------------------------------

struct child_post *child_post(struct run *run, unsigned index)
{
    struct child_post *post = &run->stage->children[index];
    __atomic_store_n(&child_stage, run->stage, __ATOMIC_RELAXED);
    memset(post, 0, sizeof *post);
    return post;
}

pid_t child_fork(struct child_post *post)
{
    post->parent = getpid();
    __atomic_store_n(&post->state, CHILD_BORN, __ATOMIC_RELEASE);
    child_forker = post;
    pid_t pid = fork();
    if (pid == 0) {
        child_begin(post);
        __atomic_store_n(&post->state, CHILD_AT_WORK, __ATOMIC_RELEASE);
    }
    child_forker = NULL;
    return pid;
}

// A child that hangs: where it is, and where its own children are; then it is killed.
static void child_bury(struct stage *stage, const struct child_post *post, pid_t pid)
{
    char children[256];
    child_trace_ask(stage, pid, post->workload[0] == '\0');
    child_trace_line(pid, pid, "children", children, sizeof children);
    for (char *at = children, *end;; at = end) {
        long grandchild = strtol(at, &end, 10);
        if (end == at || grandchild <= 0) {
            break;
        }
        child_trace_ask(stage, (int)grandchild, false);
        kill((pid_t)grandchild, SIGKILL);
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

// True when it has ended, with its status; false when it hangs.
static bool child_ended(struct stage *stage, const struct child_post *post, pid_t pid,
                        uint64_t timeout_ns, int *status)
{
    int pidfd = pidfd_open(pid, 0);
    struct pollfd wait = {.fd = pidfd, .events = POLLIN};
    uint64_t seen = 0, progressed_ns = run_now_ns();
    bool ended = false;
    while (!(ended = waitpid(pid, status, WNOHANG) == pid)) {
        uint64_t progress = __atomic_load_n(&post->progress, __ATOMIC_RELAXED);
        uint64_t now = run_now_ns();
        if (progress != seen) { // the watchdog's business, too
            __atomic_fetch_add(&stage->ticks, 1, __ATOMIC_RELAXED);
            progressed_ns = now;
            seen = progress;
        }
        if (now - progressed_ns > timeout_ns) {
            break;
        }
        poll(&wait, pidfd >= 0 ? 1 : 0, CHILD_TICK_MS);
    }
    if (pidfd >= 0) {
        close(pidfd);
    }
    return ended;
}

static _Noreturn void child_blame(struct worker *worker, const struct child_post *post,
                                  const char *check, const char *what)
{
    char text[400];
    snprintf(text, sizeof text, "a child %s while %s, after %llu of its steps", what,
             post->doing[0] != '\0' ? post->doing : "at work",
             (unsigned long long)__atomic_load_n(&post->steps, __ATOMIC_RELAXED));
    run_fail(worker, &(struct run_failure){.check = check, .text = text});
}

static void child_judge(struct worker *worker, const struct child_post *post, int status,
                        const struct child_rule *rule)
{
    char what[80];
    uint32_t state = __atomic_load_n(&post->state, __ATOMIC_ACQUIRE);
    if (state == CHILD_FAILED) {
        run_fail(worker, &(struct run_failure){.check = post->check,
                                               .text = post->text,
                                               .block = post->block,
                                               .size = post->size});
    }
    if (WIFSIGNALED(status)) {
        const char *name = sigabbrev_np(WTERMSIG(status));
        snprintf(what, sizeof what, "was killed by SIG%s", name != NULL ? name : "?");
        child_blame(worker, post, "child-crash", what);
    }
    if (WEXITSTATUS(status) != rule->status) {
        snprintf(what, sizeof what, "ended with status %d in place of %d", WEXITSTATUS(status),
                 rule->status);
        child_blame(worker, post, "exit-status", what);
    }
    if (rule->done && state != CHILD_DONE) {
        child_blame(worker, post, "exit-early", "ended before its work was done,");
    }
}

void child_wait(struct worker *worker, struct child_post *post, pid_t pid,
                const struct child_rule *rule)
{
    int status = 0;
    if (!child_ended(worker->run->stage, post, pid, rule->timeout_ns, &status)) {
        char what[80];
        snprintf(what, sizeof what, "made no progress for %.3g s", (double)rule->timeout_ns / 1e9);
        child_bury(worker->run->stage, post, pid);
        child_blame(worker, post, rule->hang, what);
    }
    child_judge(worker, post, status, rule);
}

// -1 and errno on failure.
static pid_t child_start(struct run *run, struct child_post *post)
{
    char program[] = "mems-stress", command[] = "child", file[16], number[16];
    char *arguments[] = {program, command, file, number, NULL};
    snprintf(file, sizeof file, "%d", run->stage->file);
    snprintf(number, sizeof number, "%d", (int)(post - run->stage->children));
    child_copy(post->workload, sizeof post->workload, run->workload->name);
    child_copy(post->doing, sizeof post->doing, "starting, before main");
    post->parent = getpid();
    __atomic_store_n(&post->state, CHILD_BORN, __ATOMIC_RELEASE);
    pid_t pid;
    int error = posix_spawn(&pid, "/proc/self/exe", NULL, NULL, arguments, environ);
    errno = error;
    return error == 0 ? pid : -1;
}

void child_run(struct worker *worker, struct child_post *post, const struct child_rule *rule)
{
    pid_t pid = child_start(worker->run, post);
    if (pid < 0) {
        child_fail(worker, RUN_HARNESS, NULL, 0, "no process: %s", strerror(errno));
    }
    child_wait(worker, post, pid, rule);
}
