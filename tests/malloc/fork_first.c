// SPDX-License-Identifier: MIT
//
// fork_first.c - fork in a process's first allocation, and handlers of fork that allocate.
//
// The constructor runs before main, and acts by the name of the case: what comes first in the
// process's life is the point here. Handlers registered before the allocator's own run their
// prepare after its, and their child and parent before its: the most awkward order there is.

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "support.h"

static struct support_exchange fork_first_exchange;
static int fork_first_prepared, fork_first_followed;
static void *fork_first_kept[32];

static void fork_first_prepare(void)
{
    for (int i = 0; i < 32; i++) {
        fork_first_kept[i] = malloc((size_t)32 << i % 12);
        expect(fork_first_kept[i] != NULL, "a prepare handler got no block");
    }
    fork_first_kept[0] = realloc(fork_first_kept[0], 100000);
    expect(fork_first_kept[0] != NULL, "a prepare handler's realloc");
    free(fork_first_kept[31]);
    fork_first_kept[31] = NULL;
    fork_first_prepared++;
}

static void fork_first_follow(void)
{
    for (int i = 0; i < 32; i++) {
        free(fork_first_kept[i]);
    }
    support_classes(100000, 4);
    fork_first_followed++;
}

static void fork_first_once(const char *what)
{
    pid_t child = fork();
    if (child == 0) {
        support_deadline(20);
        support_drain(&fork_first_exchange);
        support_classes((size_t)1 << 20, 1);
        _exit(0);
    }
    support_reap(child, what);
    support_classes((size_t)1 << 20, 2);
}

static void fork_first_register(void)
{
    expect(pthread_atfork(fork_first_prepare, fork_first_follow, fork_first_follow) == 0,
           "pthread_atfork");
}

__attribute__((constructor(101))) static void fork_first_constructor(int argc, char **argv)
{
    const char *wanted = argc > 1 ? argv[1] : "";
    if (strcmp(wanted, "constructor") == 0) {
        fork_first_once("fork in a constructor, before anything is allocated");
    } else if (strcmp(wanted, "handler") == 0) {
        fork_first_register();
        fork_first_once("the first allocation is a prepare handler's");
    } else if (strcmp(wanted, "before") == 0) {
        fork_first_register();
    }
}

static void *fork_first_churning(void *over)
{
    uint64_t state = 99;
    while (!__atomic_load_n((int *)over, __ATOMIC_RELAXED)) {
        support_churn(&fork_first_exchange, &state);
    }
    return NULL;
}

// Under load, with the handlers that there are.
static void fork_first_load(void)
{
    int over = 0;
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        expect(pthread_create(&threads[i], NULL, fork_first_churning, &over) == 0,
               "pthread_create");
    }
    for (int i = 0; i < 30; i++) {
        fork_first_once("fork with handlers that allocate");
    }
    __atomic_store_n(&over, 1, __ATOMIC_RELAXED);
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
    }
    support_drain(&fork_first_exchange);
}

static void fork_first_plain(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    fork_first_load();
}

static void fork_first_handlers(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    fork_first_load();
    expect(fork_first_prepared >= 30 && fork_first_followed == fork_first_prepared,
           "%d prepared, %d followed", fork_first_prepared, fork_first_followed);
}

static void fork_first_after(int argc, char **argv)
{
    free(malloc(100));
    fork_first_register();
    fork_first_handlers(argc, argv);
}

int main(int argc, char **argv)
{
    static const struct support_case cases[] = {{"constructor", fork_first_plain},
                                                {"handler", fork_first_handlers},
                                                {"before", fork_first_handlers},
                                                {"after", fork_first_after},
                                                {NULL, NULL}};
    return support_main(cases, argc, argv);
}
