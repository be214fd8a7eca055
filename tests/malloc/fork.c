// SPDX-License-Identifier: MIT
//
// fork.c - fork while other threads allocate, use stdio, fork themselves, and from a signal's
// handler.
//
// What is asked: fork returns, in both; a child may use malloc at once, though it inherits the
// heaps of threads that it does not have, each wherever its thread was; and a block that was live
// at the fork can be freed in the child.

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

#define FORK_BUSY     3
#define FORK_DEADLINE 20 // seconds for a child, which needs milliseconds

static struct support_exchange fork_exchange;
static atomic_bool fork_is_over;

static pthread_t fork_start(void *(*body)(void *), uintptr_t number)
{
    pthread_t thread;
    int error = pthread_create(&thread, NULL, body, (void *)number);
    expect(error == 0, "pthread_create: %d", error);
    return thread;
}

static void *fork_churning(void *number)
{
    uint64_t state = 0x9E3779B97F4A7C15u * ((uint64_t)(uintptr_t)number + 1);
    while (!atomic_load(&fork_is_over)) {
        support_churn(&fork_exchange, &state);
    }
    return NULL;
}

_Noreturn static void fork_child(unsigned seed)
{
    support_deadline(FORK_DEADLINE);
    support_drain(&fork_exchange); // blocks of threads that this process does not have
    support_classes((size_t)4 << 20, seed);
    uint64_t state = seed + 1;
    support_churn(&fork_exchange, &state);
    support_drain(&fork_exchange);
    _exit(0);
}

static void fork_once(const char *what, unsigned seed)
{
    pid_t child = fork();
    if (child == 0) {
        fork_child(seed);
    }
    support_reap(child, what);
}

static void fork_run(void *(*busy)(void *), void *(*forker)(void *), int forkers)
{
    pthread_t busy_ones[FORK_BUSY];
    pthread_t forking[2];
    for (uintptr_t i = 0; i < FORK_BUSY; i++) {
        busy_ones[i] = fork_start(busy, i);
    }
    for (int i = 0; i < forkers; i++) {
        forking[i] = fork_start(forker, (uintptr_t)i);
    }
    for (int i = 0; i < forkers; i++) {
        pthread_join(forking[i], NULL);
    }
    atomic_store(&fork_is_over, true);
    for (int i = 0; i < FORK_BUSY; i++) {
        pthread_join(busy_ones[i], NULL);
    }
    support_drain(&fork_exchange);
    support_classes((size_t)4 << 20, 1);
}

static long fork_rounds;

static void *fork_forking(void *number)
{
    for (long i = 0; i < fork_rounds; i++) {
        fork_once("fork under load", (unsigned)i + (unsigned)(uintptr_t)number);
    }
    return NULL;
}

static void fork_load(int argc, char **argv)
{
    fork_rounds = support_argument(argc, argv, 0, 100);
    fork_run(fork_churning, fork_forking, 1);
}

static void fork_two(int argc, char **argv)
{
    fork_rounds = support_argument(argc, argv, 0, 100);
    fork_run(fork_churning, fork_forking, 2);
}

// The child forks again, from a heap that is the parent's copy.
static void *fork_forking_twice(void *number)
{
    (void)number;
    for (long i = 0; i < fork_rounds; i++) {
        pid_t child = fork();
        if (child == 0) {
            support_deadline(FORK_DEADLINE);
            support_classes(1 << 16, (unsigned)i);
            pid_t grandchild = fork();
            if (grandchild == 0) {
                fork_child((unsigned)i);
            }
            support_reap(grandchild, "the child's child");
            fork_child((unsigned)i);
        }
        support_reap(child, "a child that forks");
    }
    return NULL;
}

static void fork_twice(int argc, char **argv)
{
    fork_rounds = support_argument(argc, argv, 0, 50);
    fork_run(fork_churning, fork_forking_twice, 1);
}

// A child with threads of its own.
static void *fork_forking_threads(void *number)
{
    (void)number;
    for (long i = 0; i < fork_rounds; i++) {
        pid_t child = fork();
        if (child == 0) {
            support_deadline(FORK_DEADLINE);
            atomic_store(&fork_is_over, false);
            pthread_t threads[2] = {fork_start(fork_churning, 5), fork_start(fork_churning, 6)};
            support_classes((size_t)1 << 20, (unsigned)i);
            atomic_store(&fork_is_over, true);
            pthread_join(threads[0], NULL);
            pthread_join(threads[1], NULL);
            fork_child((unsigned)i);
        }
        support_reap(child, "a child with threads");
    }
    return NULL;
}

static void fork_threads(int argc, char **argv)
{
    fork_rounds = support_argument(argc, argv, 0, 50);
    fork_run(fork_churning, fork_forking_threads, 1);
}

// ---- stdio: its locks are held while it allocates, and fork takes them
// ------------------------------------------------

static const char *fork_self;

static void *fork_stdio_busy(void *number)
{
    char *line = NULL;
    size_t capacity = 0;
    while (!atomic_load(&fork_is_over)) {
        if ((uintptr_t)number == 0) {
            fflush(NULL);
            continue;
        }
        FILE *file = fopen(fork_self, "r");
        expect(file != NULL, "fopen");
        for (int i = 0; i < 20 && getline(&line, &capacity, file) > 0; i++) {
            if (i % 5 == 0) {
                free(line);
                line = NULL;
                capacity = 0;
            }
        }
        fclose(file);
    }
    free(line);
    return NULL;
}

static void fork_stdio(int argc, char **argv)
{
    fork_self = "/proc/self/exe";
    fork_rounds = support_argument(argc, argv, 0, 100);
    fork_run(fork_stdio_busy, fork_forking, 1);
}

// ---- handler: a timer's signal in each thread that allocates, and its handler forks
// -----------------------------------

static atomic_long fork_handled;

static void fork_handler(int signal)
{
    (void)signal;
    int error = errno;
    pid_t child = fork();
    if (child == 0) {
        _exit(0);
    }
    support_reap(child, "fork in a handler");
    atomic_fetch_add(&fork_handled, 1);
    errno = error;
}

static void *fork_interrupted(void *number)
{
    timer_t timer = support_tick(SIGUSR1, 3000000 + 100000 * (long)(uintptr_t)number);
    fork_churning(number);
    timer_delete(timer);
    return NULL;
}

static void *fork_wait_for_handlers(void *nothing)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    uint64_t state = 77;
    while (atomic_load(&fork_handled) < fork_rounds) {
        support_churn(&fork_exchange, &state);
    }
    return nothing;
}

static void fork_in_handler(int argc, char **argv)
{
    fork_rounds = support_argument(argc, argv, 0, 100);
    struct sigaction action = {.sa_handler = fork_handler, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &action, NULL);
    fork_run(fork_interrupted, fork_wait_for_handlers, 1);
}

int main(int argc, char **argv)
{
    static const struct support_case cases[] = {{"load", fork_load},   {"two", fork_two},
                                                {"twice", fork_twice}, {"threads", fork_threads},
                                                {"stdio", fork_stdio}, {"handler", fork_in_handler},
                                                {NULL, NULL}};
    return support_main(cases, argc, argv);
}
