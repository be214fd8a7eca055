// SPDX-License-Identifier: MIT
//
// child.c - processes that a workload starts: begun, judged, buried.
//
// 1. The order to die. PR_SET_PDEATHSIG is lost at fork, so that a child must give it to itself,
//    and one that hangs inside fork, in the allocator's own handlers, would never come to it. Our
//    handler is therefore registered before any library's constructor runs (.preinit_array), and
//    handlers of the child run in the order of their registration. Who forks is told by a variable
//    of the thread: forks that are not ours are left alone.
// 2. Where is it? A child that does not end is asked by the signal that the driver uses for hung
//    cells (run/evidence.c); so are the children that it has itself. Whether they answer or not,
//    the kernel says in which call each thread sleeps. Nothing here allocates: the parent's heap
//    may be as bad as the child's.
// 3. posix_spawn starts fresh processes: it runs no handlers of fork, which are another workload's
//    business.

#include "run/child.h"

#include <errno.h>
#include <fcntl.h>
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
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "run/evidence.h"

#define CHILD_TICK_MS     10
#define CHILD_DUMP_NS     1000000000u
#define CHILD_EXIT_FAILED 44
#define CHILD_THREADS     64

extern char **environ;

static struct child_post *child_self;            // in a child: its post; in the cell: NULL
static __thread struct child_post *child_forker; // set while this thread forks

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
    }
}

void child_step(void)
{
    if (child_self != NULL) {
        __atomic_fetch_add(&child_self->steps, 1, __ATOMIC_RELAXED);
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
    child_begin(post);
    evidence_open_child(stage);
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

pid_t child_start(struct run *run, struct child_post *post)
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

// The file's first line; empty where it cannot be read.
static void child_line(int pid, int tid, const char *name, char *text, size_t size)
{
    char path[96];
    snprintf(path, sizeof path, "/proc/%d/task/%d/%s", pid, tid, name);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = file >= 0 ? read(file, text, size - 1) : 0;
    text[got > 0 ? got : 0] = '\0';
    text[strcspn(text, "\n")] = '\0';
    if (file >= 0) {
        close(file);
    }
}

// The threads of a process. Returns how many, at most CHILD_THREADS.
static unsigned child_threads(int pid, int *tids)
{
    char path[64];
    _Alignas(uint64_t) char buffer[4096];
    unsigned count = 0;
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    long got;
    while (folder >= 0 && (got = syscall(SYS_getdents64, folder, buffer, sizeof buffer)) > 0) {
        for (long at = 0; at < got;) {
            uint16_t length; // of linux_dirent64: after the inode's number and the offset
            memcpy(&length, buffer + at + 16, sizeof length);
            int tid = atoi(buffer + at + 19);
            if (tid > 0 && count < CHILD_THREADS) {
                tids[count++] = tid;
            }
            at += length;
        }
    }
    if (folder >= 0) {
        close(folder);
    }
    return count;
}

static uint32_t child_answers(const struct evidence *evidence, uint32_t first)
{
    uint32_t answers = 0;
    for (uint32_t i = first; i < EVIDENCE_TRACES; i++) {
        answers += __atomic_load_n(&evidence->dump[i].done, __ATOMIC_ACQUIRE);
    }
    return answers;
}

// Asks the threads of one process where they are, and notes what the kernel says of them.
static void child_ask(struct stage *stage, int pid, bool same_places)
{
    int tids[CHILD_THREADS];
    char wchan[64], call[128], text[256];
    unsigned count = child_threads(pid, tids);
    uint32_t first = __atomic_load_n(&stage->evidence.dumps, __ATOMIC_RELAXED);
    for (unsigned i = 0; i < count; i++) {
        syscall(SYS_tgkill, pid, tids[i], evidence_dump_signal());
    }
    uint64_t until = run_now_ns() + CHILD_DUMP_NS;
    while (child_answers(&stage->evidence, first) < count && run_now_ns() < until) {
        poll(NULL, 0, CHILD_TICK_MS);
    }
    evidence_child_answers(first, same_places);
    for (unsigned i = 0; i < count; i++) {
        child_line(pid, tids[i], "wchan", wchan, sizeof wchan);
        child_line(pid, tids[i], "syscall", call, sizeof call);
        snprintf(text, sizeof text, "child %d, thread %d: system call %s, sleeps in %s", pid,
                 tids[i], call[0] != '\0' ? call : "unknown",
                 wchan[0] != '\0' && strcmp(wchan, "0") != 0 ? wchan : "none");
        evidence_child_note(tids[i], text);
    }
}

// A child that hangs: where it is, and where its own children are; then it is killed.
static void child_bury(struct stage *stage, const struct child_post *post, pid_t pid)
{
    char children[256];
    child_ask(stage, pid, post->workload[0] == '\0');
    child_line(pid, pid, "children", children, sizeof children);
    for (char *at = children, *end;; at = end) {
        long grandchild = strtol(at, &end, 10);
        if (end == at || grandchild <= 0) {
            break;
        }
        child_ask(stage, (int)grandchild, false);
        kill((pid_t)grandchild, SIGKILL);
    }
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
}

// True when it has ended, with its status.
static bool child_ended(pid_t pid, uint64_t timeout_ns, int *status)
{
    int pidfd = pidfd_open(pid, 0);
    struct pollfd wait = {.fd = pidfd, .events = POLLIN};
    uint64_t deadline = run_now_ns() + timeout_ns;
    bool ended = false;
    while (!(ended = waitpid(pid, status, WNOHANG) == pid) && run_now_ns() < deadline) {
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
    if (!child_ended(pid, rule->timeout_ns, &status)) {
        char what[80];
        snprintf(what, sizeof what, "did not end within %.3g s", (double)rule->timeout_ns / 1e9);
        child_bury(worker->run->stage, post, pid);
        child_blame(worker, post, rule->hang, what);
    }
    child_judge(worker, post, status, rule);
}
