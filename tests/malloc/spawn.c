// SPDX-License-Identifier: MIT
//
// spawn.c - the other ways to a child: vfork, posix_spawn, clone with the parent's memory, clone
// behind libc's back.

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support.h"

extern char **environ;

static struct support_exchange spawn_exchange;
static atomic_bool spawn_is_over;

static void *spawn_churning(void *number)
{
    uint64_t state = (uint64_t)(uintptr_t)number;
    while (!atomic_load(&spawn_is_over)) {
        support_churn(&spawn_exchange, &state);
    }
    return NULL;
}

static void spawn_under_load(void (*once)(void), long rounds)
{
    pthread_t threads[2];
    for (uintptr_t i = 0; i < 2; i++) {
        expect(pthread_create(&threads[i], NULL, spawn_churning, (void *)(i + 1)) == 0,
               "pthread_create");
    }
    for (long i = 0; i < rounds; i++) {
        once();
        support_classes(100000, 1);
    }
    atomic_store(&spawn_is_over, true);
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
    support_drain(&spawn_exchange);
}

// What a spawned program does: this one again, as "program".
static char *spawn_arguments[] = {(char[]){"spawn"}, (char[]){"program"}, NULL};

static void spawn_program(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    support_classes((size_t)1 << 20, 5);
}

static void spawn_vfork_once(void)
{
    pid_t child = vfork();
    if (child == 0) {
        execv("/proc/self/exe", spawn_arguments);
        _exit(3);
    }
    support_reap(child, "vfork");
}

static void spawn_vfork(int argc, char **argv)
{
    spawn_under_load(spawn_vfork_once, support_argument(argc, argv, 0, 50));
}

static void spawn_posix_once(void)
{
    pid_t child = 0;
    int error = posix_spawn(&child, "/proc/self/exe", NULL, NULL, spawn_arguments, environ);
    expect(error == 0, "posix_spawn: %d", error);
    support_reap(child, "posix_spawn");
}

static void spawn_posix(int argc, char **argv)
{
    spawn_under_load(spawn_posix_once, support_argument(argc, argv, 0, 50));
}

// The child is the parent's thread for malloc: same memory, same thread pointer, and the parent
// waits.
static unsigned char *spawn_handed;

static int spawn_shared(void *block)
{
    free(block);
    support_classes((size_t)1 << 20, 6);
    spawn_handed = malloc(1000);
    if (spawn_handed != NULL) {
        support_fill(spawn_handed, 1000, 8);
    }
    return 0;
}

static void spawn_clone_once(void)
{
    const size_t stack_bytes = 256 << 10;
    char *stack = malloc(stack_bytes);
    void *block = malloc(333);
    expect(stack != NULL && block != NULL, "malloc");
    pid_t child = clone(spawn_shared, stack + stack_bytes, CLONE_VM | CLONE_VFORK | SIGCHLD, block);
    support_reap(child, "clone(CLONE_VM | CLONE_VFORK)");
    expect(spawn_handed != NULL && support_wrong(spawn_handed, 1000, 8) == 1000,
           "the child's block");
    free(spawn_handed);
    free(stack);
}

static void spawn_clone(int argc, char **argv)
{
    spawn_under_load(spawn_clone_once, support_argument(argc, argv, 0, 100));
}

// Like fork, but no handler of fork runs and libc is not told: all right for one thread.
static void spawn_raw(int argc, char **argv)
{
    long rounds = support_argument(argc, argv, 0, 50);
    uint64_t state = 5;
    for (long i = 0; i < rounds; i++) {
        support_churn(&spawn_exchange, &state);
        pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
        if (child == 0) {
            support_deadline(20);
            support_drain(&spawn_exchange);
            support_classes((size_t)4 << 20, 2);
            support_churn(&spawn_exchange, &state);
            support_drain(&spawn_exchange);
            _exit(0);
        }
        support_reap(child, "clone");
    }
    support_drain(&spawn_exchange);
}

int main(int argc, char **argv)
{
    static const struct support_case cases[] = {{"program", spawn_program}, {"vfork", spawn_vfork},
                                                {"posix", spawn_posix},     {"clone", spawn_clone},
                                                {"raw", spawn_raw},         {NULL, NULL}};
    return support_main(cases, argc, argv);
}
