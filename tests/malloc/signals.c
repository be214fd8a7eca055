// SPDX-License-Identifier: MIT
//
// signals.c - timers' signals, 1 to 10 kHz a thread, into malloc: into threads' first calls above
// all.
//
// The handler allocates nothing, as POSIX says. It changes errno and puts it back, and it was
// installed without SA_RESTART: whatever call of the kernel malloc is in ends with EINTR.

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "support.h"

static atomic_long signals_handled;
static struct support_exchange signals_exchange;
static bool signals_have_stacks;

static void signals_handler(int signal)
{
    (void)signal;
    int error = errno;
    char byte;
    ssize_t nothing = read(-1, &byte, 1); // sets errno
    (void)nothing;
    atomic_fetch_add_explicit(&signals_handled, 1, memory_order_relaxed);
    errno = error;
}

// The calls of a thread, errno watched in each.
static void signals_work(uint64_t seed)
{
    uint64_t state = seed;
    for (int i = 0; i < 10; i++) {
        size_t size = (size_t)1 << support_random(&state) % 21;
        errno = 4711;
        unsigned char *block = malloc(size);
        expect(block != NULL, "malloc(%zu)", size);
        support_fill(block, size < 512 ? size : 512, (unsigned)i);
        block = realloc(block, size * 2);
        expect(block != NULL, "realloc to %zu", size * 2);
        expect(support_wrong(block, size < 512 ? size : 512, (unsigned)i) ==
                   (size < 512 ? size : 512),
               "%zu", size);
        errno = 4711;
        free(block);
        expect(errno == 4711, "free of %zu bytes set errno", size * 2);
        support_churn(&signals_exchange, &state);
    }
}

static void *signals_thread(void *number)
{
    // The stack is from malloc, which makes that the thread's first call, unless there is none.
    stack_t stack = {.ss_size = 65536};
    long period_ns = 100000 * (1 + (long)(uintptr_t)number % 10);
    timer_t timer = NULL;
    if (signals_have_stacks) {
        stack.ss_sp = malloc(stack.ss_size);
        expect(stack.ss_sp != NULL && sigaltstack(&stack, NULL) == 0, "sigaltstack");
    }
    timer = support_tick(SIGUSR1, period_ns);
    signals_work(1 + (uint64_t)(uintptr_t)number);
    timer_delete(timer);
    if (signals_have_stacks) {
        stack_t none = {.ss_flags = SS_DISABLE};
        expect(sigaltstack(&none, NULL) == 0, "sigaltstack");
        free(stack.ss_sp);
    }
    return NULL;
}

static void signals_run(long count, int flags)
{
    struct sigaction action = {.sa_handler = signals_handler, .sa_flags = flags};
    sigaction(SIGUSR1, &action, NULL);
    for (long number = 0; number < count; number += 4) {
        pthread_t threads[4];
        for (int i = 0; i < 4; i++) {
            int error = pthread_create(&threads[i], NULL, signals_thread, (void *)(number + i));
            expect(error == 0, "pthread_create: %d", error);
        }
        for (int i = 0; i < 4; i++) {
            pthread_join(threads[i], NULL);
        }
    }
    expect(atomic_load(&signals_handled) > 0, "no signal came in %ld threads", count);
    support_drain(&signals_exchange);
    support_classes((size_t)1 << 20, 1);
}

static void signals_threads(int argc, char **argv)
{
    signals_run(support_argument(argc, argv, 0, 400), 0);
}

static void signals_stacks(int argc, char **argv)
{
    signals_have_stacks = true;
    signals_run(support_argument(argc, argv, 0, 400), SA_ONSTACK);
}

int main(int argc, char **argv)
{
    static const struct support_case cases[] = {
        {"threads", signals_threads}, {"stacks", signals_stacks}, {NULL, NULL}};
    return support_main(cases, argc, argv);
}
