// SPDX-License-Identifier: MIT
//
// evidence.c - what a dying cell leaves behind: written from signal handlers, without malloc.
//
// 1. The first thread to fail claims the evidence, writes it, stores its kind last and ends the
//    process. A thread that loses the claim waits for that end; a thread that fails again while it
//    writes ends by the signal's default, so that half an evidence never becomes a hang.
// 2. A hung cell is asked by a signal to each of its threads; every handler fills in one
//    evidence_trace. The driver waits a moment for them, then kills.
// 3. Backtraces come from libgcc's unwinder, called directly: libc's backtrace() would load it at
//    its first use, and allocate. Names come from dladdr, which does not allocate either.
// 4. A child that the cell forked has the handlers too, and writes to the same memory: the answer
//    to the question where it is, and where it crashed, but never the cell's own evidence. What its
//    end means is its parent's to judge (run/child.c). A lock that another thread held at the fork
//    is held forever in the child, the dynamic linker's perhaps: a trace therefore has the bare
//    addresses first, and evidence_child_answers names them should the child not come to it.

#include "run/evidence.h"

#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <unwind.h>

#include "run/run.h"

static struct stage *evidence_stage;
static pid_t evidence_home; // the cell's process; others only say where they are
static __thread struct worker *evidence_worker;
static __thread bool evidence_mine; // this thread has the claim
static __thread stack_t evidence_stack_before;

// A buffer that is filled up to its end and no further.
struct scribe {
    char *at;
    char *end; // one before the end of the buffer: room for the terminator
};

static void scribe_text(struct scribe *scribe, const char *text)
{
    while (*text != '\0' && scribe->at < scribe->end) {
        *scribe->at++ = *text++;
    }
    *scribe->at = '\0';
}

static void scribe_hex(struct scribe *scribe, uint64_t number)
{
    char digits[19] = "0x";
    unsigned count = 1;
    while (count < 16 && number >> (4 * count) != 0) {
        count++;
    }
    for (unsigned i = 0; i < count; i++) {
        digits[2 + i] = "0123456789abcdef"[number >> (4 * (count - 1 - i)) & 15];
    }
    digits[2 + count] = '\0';
    scribe_text(scribe, digits);
}

// "malloc+0x1c (/usr/lib/libx.so+0x81c)"
static void scribe_frame(struct scribe *scribe, void *frame)
{
    Dl_info info;
    uintptr_t at = (uintptr_t)frame;
    if (dladdr(frame, &info) == 0 || info.dli_fname == NULL) {
        scribe_hex(scribe, at);
    } else {
        if (info.dli_sname != NULL) {
            scribe_text(scribe, info.dli_sname);
            scribe_text(scribe, "+");
            scribe_hex(scribe, at - (uintptr_t)info.dli_saddr);
            scribe_text(scribe, " ");
        }
        scribe_text(scribe, "(");
        scribe_text(scribe, info.dli_fname);
        scribe_text(scribe, "+");
        scribe_hex(scribe, at - (uintptr_t)info.dli_fbase);
        scribe_text(scribe, ")");
    }
    scribe_text(scribe, "\n");
}

static int evidence_worker_number(void)
{
    return evidence_worker != NULL ? (int)evidence_worker->number : -1;
}

struct evidence_walk {
    struct evidence_trace *trace;
    int skip;
    uint32_t count;
};

static _Unwind_Reason_Code evidence_step(struct _Unwind_Context *context, void *argument)
{
    struct evidence_walk *walk = argument;
    if (walk->skip-- > 0) {
        return _URC_NO_REASON;
    }
    walk->trace->frames[walk->count++] = _Unwind_GetIP(context);
    return walk->count < EVIDENCE_FRAMES ? _URC_NO_REASON : _URC_END_OF_STACK;
}

static void evidence_name(struct evidence_trace *trace)
{
    struct scribe scribe = {trace->text, trace->text + sizeof trace->text - 1};
    for (uint32_t i = 0; i < trace->frame_count; i++) {
        scribe_frame(&scribe, (void *)(uintptr_t)trace->frames[i]);
    }
    __atomic_store_n(&trace->done, 1, __ATOMIC_RELEASE);
}

// The frames of this file are left out: this one, and `skip` of its callers.
static __attribute__((noinline)) void evidence_backtrace(struct evidence_trace *trace, int skip)
{
    struct evidence_walk walk = {trace, skip + 1, 0};
    trace->tid = (int32_t)syscall(SYS_gettid);
    trace->worker = evidence_worker_number();
    _Unwind_Backtrace(evidence_step, &walk);
    __atomic_store_n(&trace->frame_count, walk.count, __ATOMIC_RELEASE);
    evidence_name(trace);
}

// True: the evidence is this thread's to write.
static bool evidence_claim(void)
{
    if (__atomic_exchange_n(&evidence_stage->evidence.claimed, 1, __ATOMIC_ACQ_REL) == 0) {
        evidence_mine = true;
        evidence_stage->evidence.worker = evidence_worker_number();
        return true;
    }
    return false;
}

static _Noreturn void evidence_wait_for_end(void)
{
    for (;;) {
        pause();
    }
}

static void evidence_publish(enum evidence_kind kind)
{
    __atomic_store_n(&evidence_stage->evidence.kind, (uint32_t)kind, __ATOMIC_RELEASE);
}

// In the next free trace, while there is one.
static __attribute__((noinline)) void evidence_say_where(void)
{
    uint32_t index = __atomic_fetch_add(&evidence_stage->evidence.dumps, 1, __ATOMIC_RELAXED);
    if (index < EVIDENCE_TRACES) {
        evidence_backtrace(&evidence_stage->evidence.dump[index], 2);
    }
}

static void evidence_on_crash(int signal, siginfo_t *info, void *context)
{
    (void)context;
    struct evidence *evidence = &evidence_stage->evidence;
    struct sigaction standard = {.sa_handler = SIG_DFL};
    sigaction(signal, &standard, NULL);
    if (getpid() != evidence_home) {
        evidence_say_where();
    } else if (evidence_claim()) {
        evidence->signal = signal;
        evidence->address = signal == SIGSEGV || signal == SIGBUS ? (uintptr_t)info->si_addr : 0;
        evidence_publish(EVIDENCE_CRASH); // should the backtrace crash too, this much is known
        evidence_backtrace(&evidence->trace, 1);
    } else if (!evidence_mine) {
        evidence_wait_for_end();
    }
    // Raised again it is delivered when the handler returns, with its default action.
    syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), signal);
}

static void evidence_on_dump(int signal)
{
    (void)signal;
    int error = errno;
    evidence_say_where();
    errno = error;
}

int evidence_dump_signal(void)
{
    return SIGRTMIN + 5;
}

static void evidence_install(struct stage *stage)
{
    static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    static char stack[EVIDENCE_STACK];
    evidence_stage = stage;
    struct sigaction crash = {.sa_sigaction = evidence_on_crash,
                              .sa_flags = SA_SIGINFO | SA_ONSTACK};
    for (size_t i = 0; i < sizeof crashes / sizeof crashes[0]; i++) {
        sigaction(crashes[i], &crash, NULL);
    }
    struct sigaction dump = {.sa_handler = evidence_on_dump, .sa_flags = SA_ONSTACK | SA_RESTART};
    sigaction(evidence_dump_signal(), &dump, NULL);
    evidence_thread_begin(NULL, stack);
}

void evidence_open(struct stage *stage)
{
    evidence_home = getpid();
    evidence_install(stage);
}

void evidence_open_child(struct stage *stage)
{
    evidence_home = -1;
    evidence_install(stage);
}

void evidence_child_answers(uint32_t first, bool same_places)
{
    struct evidence *evidence = &evidence_stage->evidence;
    uint32_t taken = __atomic_load_n(&evidence->dumps, __ATOMIC_RELAXED);
    for (uint32_t i = first; i < taken && i < EVIDENCE_TRACES; i++) {
        struct evidence_trace *trace = &evidence->dump[i];
        if (__atomic_load_n(&trace->done, __ATOMIC_ACQUIRE) == 0 && same_places) {
            evidence_name(trace);
        }
    }
}

void evidence_child_note(int tid, const char *text)
{
    struct evidence *evidence = &evidence_stage->evidence;
    uint32_t index = 0;
    while (index < EVIDENCE_TRACES && evidence->dump[index].tid != tid) {
        index++;
    }
    if (index == EVIDENCE_TRACES) {
        index = __atomic_fetch_add(&evidence->dumps, 1, __ATOMIC_RELAXED);
    }
    if (index < EVIDENCE_TRACES) {
        struct evidence_trace *trace = &evidence->dump[index];
        size_t length = strnlen(trace->text, sizeof trace->text - 1);
        struct scribe scribe = {trace->text + length, trace->text + sizeof trace->text - 1};
        trace->tid = tid;
        trace->worker = -1;
        scribe_text(&scribe, text);
        scribe_text(&scribe, "\n");
        __atomic_store_n(&trace->done, 1, __ATOMIC_RELEASE);
    }
}

void evidence_thread_begin(struct worker *worker, void *stack)
{
    stack_t alternate = {.ss_sp = stack, .ss_size = EVIDENCE_STACK};
    evidence_worker = worker;
    sigaltstack(&alternate, &evidence_stack_before);
}

void evidence_thread_end(void)
{
    evidence_worker = NULL;
    sigaltstack(&evidence_stack_before, NULL);
}

static void evidence_copy(char *into, size_t size, const char *text)
{
    struct scribe scribe = {into, into + size - 1};
    scribe_text(&scribe, text);
}

_Noreturn void run_fail(struct worker *worker, const struct run_failure *failure)
{
    struct evidence *evidence = &evidence_stage->evidence;
    if (!evidence_claim()) {
        evidence_wait_for_end();
    }
    if (worker != NULL) {
        evidence->worker = (int32_t)worker->number;
    }
    evidence_copy(evidence->check, sizeof evidence->check, failure->check);
    evidence_copy(evidence->text, sizeof evidence->text, failure->text);
    evidence->block = failure->block;
    evidence->size = failure->size;
    evidence->expected = failure->expected;
    evidence->found = failure->found;
    evidence->slot = failure->slot;
    evidence->generation = failure->generation;
    evidence->owner = failure->owner;
    evidence_publish(EVIDENCE_CHECK);
    evidence_backtrace(&evidence->trace, 1);
    _exit(EVIDENCE_EXIT_CHECK);
}

_Noreturn void evidence_refuse(const char *text)
{
    if (!evidence_claim()) {
        evidence_wait_for_end();
    }
    evidence_copy(evidence_stage->evidence.text, sizeof evidence_stage->evidence.text, text);
    evidence_publish(EVIDENCE_REFUSED);
    _exit(EVIDENCE_EXIT_REFUSED);
}
