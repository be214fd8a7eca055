// SPDX-License-Identifier: MIT
//
// child_trace.c - where a child's threads are, told by themselves and by the kernel.
//
// 1. A child's handlers take the place of the cell's: what a child says of itself must not become
//    the cell's own evidence. What a child's end means is its parent's to judge (run/child.c).
// 2. A lock that another thread held at the fork is held forever in the child, the dynamic linker's
//    perhaps, which the names of frames need. A trace therefore has the bare addresses first; where
//    a forked child does not come to name them, its parent does, to whom they mean the same.
// 3. The unwinder is libgcc's, called directly: libc's backtrace() would load it at its first use,
//    and allocate, in a process whose first allocation is what is tried. It takes no lock where the
//    C library has _dl_find_object (2.35 and later).
// 4. A process that the kernel does not let answer (it is stopped, its handler hangs) is described
//    from outside: the system call its threads are in, and where they sleep in the kernel.

#include "run/child_trace.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <unwind.h>

#include "measure/proc.h"
#include "run/evidence.h"
#include "run/run.h"

#define CHILD_TRACE_TICK_MS 10
#define CHILD_TRACE_WAIT_NS 1000000000u
#define CHILD_TRACE_THREADS 64

static struct stage *child_trace_stage;

// ---- in the child -------------------------------------------------------------------------------

static void child_trace_add(struct child_trace *trace, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

// snprintf neither allocates nor locks for what is printed here.
static void child_trace_add(struct child_trace *trace, const char *format, ...)
{
    size_t length = strnlen(trace->text, sizeof trace->text - 1);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(trace->text + length, sizeof trace->text - length, format, arguments);
    va_end(arguments);
}

// "malloc+0x1c (/usr/lib/libx.so+0x81c)"
static void child_trace_name(struct child_trace *trace)
{
    for (uint32_t i = 0; i < trace->frame_count; i++) {
        Dl_info info;
        uintptr_t at = (uintptr_t)trace->frames[i];
        if (dladdr((void *)at, &info) == 0 || info.dli_fname == NULL) {
            child_trace_add(trace, "%#lx\n", (unsigned long)at);
            continue;
        }
        if (info.dli_sname != NULL) {
            child_trace_add(trace, "%s+%#lx ", info.dli_sname,
                            (unsigned long)(at - (uintptr_t)info.dli_saddr));
        }
        child_trace_add(trace, "(%s+%#lx)\n", info.dli_fname,
                        (unsigned long)(at - (uintptr_t)info.dli_fbase));
    }
    __atomic_store_n(&trace->done, 1, __ATOMIC_RELEASE);
}

struct child_trace_walk {
    struct child_trace *trace;
    bool interrupted; // past the signal that asked: what came before were its handler's frames
};

static _Unwind_Reason_Code child_trace_step(struct _Unwind_Context *context, void *argument)
{
    struct child_trace_walk *walk = argument;
    struct child_trace *trace = walk->trace;
    int signalled;
    uint64_t at = _Unwind_GetIPInfo(context, &signalled);
    if (signalled && !walk->interrupted) {
        walk->interrupted = true;
        trace->frame_count = 0;
    }
    if (at == 0 || trace->frame_count == CHILD_FRAMES) {
        return _URC_END_OF_STACK;
    }
    trace->frames[trace->frame_count] = at;
    __atomic_store_n(&trace->frame_count, trace->frame_count + 1, __ATOMIC_RELEASE);
    return _URC_NO_REASON;
}

static struct child_trace *child_trace_new(struct stage *stage)
{
    uint32_t index = __atomic_fetch_add(&stage->child_trace_count, 1, __ATOMIC_RELAXED);
    return index < STAGE_CHILD_TRACES ? &stage->child_traces[index] : NULL;
}

static void child_trace_here(void)
{
    struct child_trace *trace = child_trace_new(child_trace_stage);
    if (trace != NULL) {
        trace->process = getpid();
        trace->tid = (int32_t)syscall(SYS_gettid);
        struct child_trace_walk walk = {trace, false};
        _Unwind_Backtrace(child_trace_step, &walk);
        child_trace_name(trace);
    }
}

static void child_trace_on_crash(int signal)
{
    struct sigaction standard = {.sa_handler = SIG_DFL};
    sigaction(signal, &standard, NULL);
    child_trace_here();
    // Raised again it is delivered when the handler returns, with its default action.
    syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), signal);
}

static void child_trace_on_question(int signal)
{
    int error = errno;
    (void)signal;
    child_trace_here();
    errno = error;
}

void child_trace_open(struct stage *stage)
{
    static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    struct sigaction crash = {.sa_handler = child_trace_on_crash, .sa_flags = SA_ONSTACK};
    struct sigaction question = {.sa_handler = child_trace_on_question,
                                 .sa_flags = SA_ONSTACK | SA_RESTART};
    child_trace_stage = stage;
    for (size_t i = 0; i < sizeof crashes / sizeof crashes[0]; i++) {
        sigaction(crashes[i], &crash, NULL);
    }
    sigaction(evidence_dump_signal(), &question, NULL);
}

// ---- in the parent ------------------------------------------------------------------------------

void child_trace_line(int process, int tid, const char *name, char *text, size_t size)
{
    char path[96];
    snprintf(path, sizeof path, "/proc/%d/task/%d/%s", process, tid, name);
    proc_read(path, text, size);
    text[strcspn(text, "\n")] = '\0';
}

// The threads of a process: how many, at most CHILD_TRACE_THREADS. By system calls, as opendir
// allocates, from a heap that may be as bad as the child's.
static unsigned child_trace_threads(int process, int *tids)
{
    char path[64];
    _Alignas(uint64_t) char buffer[4096];
    unsigned count = 0;
    long got;
    snprintf(path, sizeof path, "/proc/%d/task", process);
    int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    while (folder >= 0 && (got = syscall(SYS_getdents64, folder, buffer, sizeof buffer)) > 0) {
        for (long at = 0; at < got;) {
            uint16_t length; // of a linux_dirent64: behind its inode's number and offset
            memcpy(&length, buffer + at + 16, sizeof length);
            int tid = atoi(buffer + at + 19);
            if (tid > 0 && count < CHILD_TRACE_THREADS) {
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

static struct child_trace *child_trace_of(struct stage *stage, int tid)
{
    for (uint32_t i = 0; i < STAGE_CHILD_TRACES; i++) {
        if (stage->child_traces[i].tid == tid) {
            return &stage->child_traces[i];
        }
    }
    return NULL;
}

static unsigned child_trace_answers(struct stage *stage, const int *tids, unsigned count)
{
    unsigned answers = 0;
    for (unsigned i = 0; i < count; i++) {
        const struct child_trace *trace = child_trace_of(stage, tids[i]);
        answers += trace != NULL && __atomic_load_n(&trace->done, __ATOMIC_ACQUIRE) != 0;
    }
    return answers;
}

// What the kernel says of a thread, behind what it said itself.
static void child_trace_note(struct stage *stage, int process, int tid, bool same_places)
{
    char wchan[64], call[128];
    struct child_trace *trace = child_trace_of(stage, tid);
    if (trace == NULL && (trace = child_trace_new(stage)) == NULL) {
        return;
    }
    trace->process = process;
    trace->tid = tid;
    if (__atomic_load_n(&trace->done, __ATOMIC_ACQUIRE) == 0 && same_places) {
        child_trace_name(trace);
    }
    child_trace_line(process, tid, "wchan", wchan, sizeof wchan);
    child_trace_line(process, tid, "syscall", call, sizeof call);
    child_trace_add(trace, "[kernel: system call %s; sleeps in %s]\n",
                    call[0] != '\0' ? call : "unknown",
                    wchan[0] != '\0' && strcmp(wchan, "0") != 0 ? wchan : "nothing");
    __atomic_store_n(&trace->done, 1, __ATOMIC_RELEASE);
}

void child_trace_ask(struct stage *stage, int process, bool same_places)
{
    int tids[CHILD_TRACE_THREADS];
    unsigned count = child_trace_threads(process, tids);
    for (unsigned i = 0; i < count; i++) {
        syscall(SYS_tgkill, process, tids[i], evidence_dump_signal());
    }
    uint64_t until = run_now_ns() + CHILD_TRACE_WAIT_NS;
    while (child_trace_answers(stage, tids, count) < count && run_now_ns() < until) {
        poll(NULL, 0, CHILD_TRACE_TICK_MS);
    }
    for (unsigned i = 0; i < count; i++) {
        child_trace_note(stage, process, tids[i], same_places);
    }
}
