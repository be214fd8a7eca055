// SPDX-License-Identifier: MIT
//
// fork.c - fork while other threads allocate, use stdio, fork themselves; from a signal's handler,
// and there inside another fork; hundreds of times, each child forking the next.
//
// What is asked: fork returns, in both; a child may use malloc at once, though it inherits the
// heaps of threads that it does not have, each wherever its thread was; and a block that was live
// at the fork can be freed in the child.

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
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

// ---- nested: a signal comes while a fork is under way, and its handler forks
// ------------------------------------------
//
// Both processes return from the handler into the outer fork: the inner one's child has never
// called it, and finishes it all the same, with a child of its own where it had not been made yet.

enum fork_phase { FORK_NOWHERE, FORK_PREPARE, FORK_PARENT, FORK_CHILD };

static volatile sig_atomic_t fork_raise_in; // enum fork_phase
static volatile sig_atomic_t fork_is_inner; // this is a child that a handler made

static void fork_nest(int signal)
{
    (void)signal;
    int error = errno;
    pid_t child = fork();
    if (child == 0) {
        support_deadline(FORK_DEADLINE);
        fork_is_inner = 1;
    } else {
        support_reap(child, "the child that returns from a handler");
    }
    errno = error;
}

static void fork_reached(enum fork_phase phase)
{
    if (fork_raise_in == (sig_atomic_t)phase) {
        fork_raise_in = FORK_NOWHERE;
        raise(SIGUSR1);
    }
}

static void fork_prepared(void)
{
    fork_reached(FORK_PREPARE);
}

static void fork_in_parent(void)
{
    fork_reached(FORK_PARENT);
}

static void fork_in_child(void)
{
    fork_reached(FORK_CHILD);
}

static void fork_catch(void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigaction(SIGUSR1, &action, NULL);
}

// What every process does after such a fork: it allocates, and forks as if nothing had been.
static void fork_go_on(unsigned seed)
{
    support_classes((size_t)1 << 20, seed);
    fork_once("a fork after the nested ones", seed);
    fork_once("one more", seed + 1);
    if (fork_is_inner) {
        _exit(0);
    }
}

static void fork_nested_once(enum fork_phase phase)
{
    unsigned char *block = malloc(70000);
    expect(block != NULL, "malloc");
    support_fill(block, 70000, 7);
    fork_raise_in = (sig_atomic_t)phase;
    pid_t child = fork();
    bool is_mine = !(fork_is_inner && phase == FORK_PARENT); // else it is the one's before
    if (child != 0 && is_mine) {
        support_reap(child, "the outer fork's child");
    }
    bool is_reached = phase == FORK_PREPARE || (phase == FORK_CHILD) == (child == 0);
    expect((fork_raise_in == FORK_NOWHERE) == is_reached, "phase %d of fork", (int)phase);
    fork_raise_in = FORK_NOWHERE;
    expect(support_wrong(block, 70000, 7) == 70000, "the block of before");
    free(block);
    fork_go_on(phase);
    if (child == 0) {
        fork_child(phase);
    }
}

static void fork_nested(int argc, char **argv)
{
    support_classes(1 << 16, 1);
    if (argc > 0 && strcmp(argv[0], "after") == 0) {
        pthread_atfork(fork_prepared, fork_in_parent, fork_in_child);
    }
    fork_catch(fork_nest);
    for (int round = 0; round < 5; round++) {
        fork_nested_once(FORK_PREPARE);
        fork_nested_once(FORK_PARENT);
        fork_nested_once(FORK_CHILD);
    }
}

// ---- timed: the same at any moment of a fork, by a timer that goes off once in each round
// ------------------------------

static volatile sig_atomic_t fork_is_under_way;
static long fork_hits; // [main's thread]

static void fork_timed_nest(int signal)
{
    fork_hits += fork_is_under_way;
    fork_nest(signal);
}

static void *fork_forking_timed(void *nothing)
{
    uint64_t state = 4711;
    timer_t timer = support_timer(SIGUSR1);
    while (fork_hits < fork_rounds) {
        support_set(timer, 1 + (long)(support_random(&state) % 500000), 0);
        fork_is_under_way = 1;
        pid_t child = fork();
        fork_is_under_way = 0;
        if (child == 0) {
            fork_child((unsigned)fork_hits);
        }
        // In a handler's child that was made after it `child` is somebody else's.
        int status = 0;
        pid_t reaped;
        do {
            reaped = waitpid(child, &status, 0);
        } while (reaped < 0 && errno == EINTR);
        expect(fork_is_inner || reaped == child, "waitpid");
        expect(status == 0, "the outer fork's child %d ended with status %x", (int)child,
               (unsigned)status);
        uint64_t churn = state;
        support_churn(&fork_exchange, &churn);
        if (fork_is_inner) {
            fork_go_on((unsigned)fork_hits);
        }
    }
    timer_delete(timer);
    return nothing;
}

static void fork_timed(int argc, char **argv)
{
    fork_rounds = support_argument(argc, argv, 0, 30);
    fork_catch(fork_timed_nest);
    fork_forking_timed(NULL);
    support_drain(&fork_exchange);
    support_classes((size_t)4 << 20, 1);
}

// ---- generations: a child of a child, hundreds of times, each with a block that was made during
// the fork
// ------------------------------------------------------------------------------------------------------

#define FORK_GENERATIONS ((size_t)300)
#define FORK_HEIRLOOM    ((size_t)200000)

static unsigned char *fork_heirlooms[FORK_GENERATIONS];
static size_t fork_generation;
static bool fork_is_inherited;

static unsigned char *fork_heirloom(size_t seed)
{
    unsigned char *block = malloc(FORK_HEIRLOOM);
    expect(block != NULL, "generation %zu: malloc", fork_generation);
    support_fill(block, 100, (unsigned)seed);
    support_fill(block + FORK_HEIRLOOM - 100, 100, (unsigned)seed);
    return block;
}

static void fork_heirloom_end(unsigned char *block, size_t seed)
{
    bool is_whole = support_wrong(block, 100, (unsigned)seed) == 100 &&
                    support_wrong(block + FORK_HEIRLOOM - 100, 100, (unsigned)seed) == 100;
    expect(is_whole, "generation %zu: block %zu was overwritten", fork_generation, seed);
    free(block);
}

// All that has been left is freed among new blocks.
static void fork_inherit(void)
{
    enum { NEW = 40 };
    unsigned char *blocks[NEW];
    for (size_t i = 0; i < NEW / 2; i++) {
        blocks[i] = fork_heirloom(1000 + i);
    }
    for (size_t i = 0; i < FORK_GENERATIONS; i++) {
        fork_heirloom_end(fork_heirlooms[i], i);
    }
    for (size_t i = NEW / 2; i < NEW; i++) {
        blocks[i] = fork_heirloom(1000 + i);
    }
    for (size_t i = 0; i < NEW; i++) {
        fork_heirloom_end(blocks[i], 1000 + i);
    }
}

// A block stays for the last generation, and free memory on both sides of it.
static void fork_bequeath(void)
{
    if (fork_generation < FORK_GENERATIONS) {
        unsigned char *before = fork_heirloom(0);
        fork_heirlooms[fork_generation] = fork_heirloom(fork_generation);
        unsigned char *after = fork_heirloom(0);
        fork_heirloom_end(before, 0);
        fork_heirloom_end(after, 0);
    } else if (!fork_is_inherited) {
        fork_is_inherited = true;
        fork_inherit();
    }
}

// More of them than a byte can number. None waits for the next, they would be hundreds of
// processes: the last one tells.
static void fork_generations(int argc, char **argv)
{
    int said[2];
    char word = 0;
    (void)argc;
    (void)argv;
    support_classes(1 << 16, 1); // the allocator's own handlers are there
    expect(pipe(said) == 0, "pipe");
    while (fork_generation < FORK_GENERATIONS) {
        pid_t child = fork();
        expect(child >= 0, "generation %zu: fork", fork_generation);
        if (child != 0 && fork_generation != 0) {
            _exit(0);
        }
        if (child != 0) {
            close(said[1]);
            expect(read(said[0], &word, 1) == 1, "a generation has died before the last");
            support_reap(child, "the first generation");
            return;
        }
        support_deadline(FORK_DEADLINE);
        fork_generation++;
    }
    fork_once("the fork of the last generation", 1);
    support_classes((size_t)4 << 20, 2);
    expect(write(said[1], "", 1) == 1, "write");
    _exit(0);
}

// Handlers registered before the allocator's own run their prepare after its.
__attribute__((constructor(101))) static void fork_constructor(int argc, char **argv)
{
    const char *wanted = argc > 1 ? argv[1] : "";
    if (strcmp(wanted, "nested") == 0 && argc > 2 && strcmp(argv[2], "before") == 0) {
        pthread_atfork(fork_prepared, fork_in_parent, fork_in_child);
    } else if (strcmp(wanted, "generations") == 0) {
        pthread_atfork(fork_bequeath, NULL, NULL);
    }
}

int main(int argc, char **argv)
{
    static const struct support_case cases[] = {{"load", fork_load},
                                                {"two", fork_two},
                                                {"twice", fork_twice},
                                                {"threads", fork_threads},
                                                {"stdio", fork_stdio},
                                                {"handler", fork_in_handler},
                                                {"nested", fork_nested},
                                                {"timed", fork_timed},
                                                {"generations", fork_generations},
                                                {NULL, NULL}};
    return support_main(cases, argc, argv);
}
