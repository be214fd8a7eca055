// SPDX-License-Identifier: MIT
//
// evidence.c - what a dying cell leaves behind: written from signal handlers, without malloc.
//
// 1. The first thread to fail claims the evidence, writes it, stores its kind last and ends the
//    process. A thread that loses the claim waits for that end; a thread that fails again while it
//    writes ends by the signal's default, so that half an evidence never becomes a hang.
// 2. A hung cell is asked by a signal to each of its threads; every handler fills in one
//    evidence_trace. The driver waits a moment for them, then kills.
// 3. Backtraces are addresses only (run/unwind.c), stored one by one; the driver makes names of
//    them. What is known without a backtrace is published before it begins.
// 4. What ends here without evidence: SIGKILL, which has no handler, and a fault in a thread that
//    blocks its signal, which the kernel then ends as it is. The driver knows the signal, the phase
//    and every thread's history all the same.

#include "run/evidence.h"

#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "run/run.h"

static struct stage *evidence_stage;
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

static int evidence_worker_number(void)
{
    return evidence_worker != NULL ? (int)evidence_worker->number : -1;
}

static void evidence_map(void)
{
    struct evidence *evidence = &evidence_stage->evidence;
    if (__atomic_exchange_n(&evidence->mapped, 1, __ATOMIC_RELAXED) == 0) {
        unwind_maps("/proc/self/maps", evidence->maps, sizeof evidence->maps);
    }
}

// `context`: what a signal found; NULL: from the caller's caller on.
static __attribute__((noinline)) void evidence_backtrace(struct evidence_trace *trace,
                                                         const void *context)
{
    trace->tid = (int32_t)syscall(SYS_gettid);
    trace->worker = evidence_worker_number();
    evidence_map();
    if (context != NULL) {
        unwind_signal(&trace->unwind, context);
    } else {
        unwind_here(&trace->unwind, 2);
    }
    __atomic_store_n(&trace->done, 1, __ATOMIC_RELEASE);
}

// True: the evidence is this thread's to write.
static bool evidence_claim(void)
{
    if (__atomic_exchange_n(&evidence_stage->evidence.claimed, 1, __ATOMIC_ACQ_REL) == 0) {
        evidence_mine = true;
        evidence_stage->evidence.worker = evidence_worker_number();
        __atomic_store_n(&evidence_stage->evidence.process, getpid(), __ATOMIC_RELEASE);
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

static void evidence_on_crash(int signal, siginfo_t *info, void *context)
{
    struct evidence *evidence = &evidence_stage->evidence;
    struct sigaction standard = {.sa_handler = SIG_DFL};
    sigaction(signal, &standard, NULL);
    if (evidence_claim()) {
        evidence->signal = signal;
        evidence->address = signal == SIGSEGV || signal == SIGBUS ? (uintptr_t)info->si_addr : 0;
        evidence->sender = info->si_code <= 0 ? info->si_pid : 0;
        if (evidence->sender == getpid()) {
            evidence->sender = 0; // abort, raise
        }
        evidence_publish(EVIDENCE_CRASH); // should the backtrace crash too, this much is known
        evidence_backtrace(&evidence->trace, context);
    } else if (!evidence_mine) {
        evidence_wait_for_end();
    }
    // Raised again it is delivered when the handler returns, with its default action.
    syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), signal);
}

static void evidence_on_dump(int signal, siginfo_t *info, void *context)
{
    (void)signal;
    (void)info;
    uint32_t index = __atomic_fetch_add(&evidence_stage->evidence.dumps, 1, __ATOMIC_RELAXED);
    if (index < EVIDENCE_TRACES) {
        evidence_backtrace(&evidence_stage->evidence.dump[index], context);
    }
}

int evidence_dump_signal(void)
{
    return SIGRTMIN + 5;
}

void evidence_open(struct stage *stage)
{
    static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    static char stack[EVIDENCE_STACK];
    evidence_stage = stage;
    unwind_open();
    struct sigaction crash = {.sa_sigaction = evidence_on_crash,
                              .sa_flags = SA_SIGINFO | SA_ONSTACK};
    for (size_t i = 0; i < sizeof crashes / sizeof crashes[0]; i++) {
        sigaction(crashes[i], &crash, NULL);
    }
    struct sigaction dump = {.sa_sigaction = evidence_on_dump,
                             .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART};
    sigaction(evidence_dump_signal(), &dump, NULL);
    evidence_thread_begin(NULL, stack);
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
    evidence_backtrace(&evidence->trace, NULL);
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
