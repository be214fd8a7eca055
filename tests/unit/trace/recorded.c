// SPDX-License-Identifier: MIT
//
// recorded.c - a small program to be recorded. Its blocks have odd sizes, by which test_record.c
// knows them again.

#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 4
#define ROUNDS  3000

static void *volatile handed[THREADS][ROUNDS];
static pthread_barrier_t barrier;

// Each thread allocates 10001 + thread, resizes to 20001 + thread, and frees what the next one
// made.
static void *body(void *argument)
{
    size_t number = (size_t)(uintptr_t)argument;
    for (size_t i = 0; i < ROUNDS; i++) {
        char *block = malloc(10001 + number);
        block[0] = 1;
        handed[number][i] = realloc(block, 20001 + number);
        free(aligned_alloc(256, 30208));
    }
    pthread_barrier_wait(&barrier);
    for (size_t i = 0; i < ROUNDS; i++) {
        free(handed[(number + 1) % THREADS][i]);
    }
    return NULL;
}

static int threads(void)
{
    pthread_t all[THREADS];
    pthread_barrier_init(&barrier, NULL, THREADS);
    for (size_t i = 0; i < THREADS; i++) {
        pthread_create(&all[i], NULL, body, (void *)(uintptr_t)i);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(all[i], NULL);
    }
    return 7;
}

// Threads that pass the same addresses to and fro as fast as they can.
static void *exchange(void *argument)
{
    static void *volatile slots[16];
    size_t number = (size_t)(uintptr_t)argument;
    for (size_t i = 0; i < 20000; i++) {
        void **slot = (void **)(uintptr_t)&slots[(i * 7 + number) % 16];
        free(__atomic_exchange_n(slot, malloc(40001), __ATOMIC_ACQ_REL));
    }
    return NULL;
}

static int exchanges(void)
{
    pthread_t all[THREADS];
    for (size_t i = 0; i < THREADS; i++) {
        pthread_create(&all[i], NULL, exchange, (void *)(uintptr_t)i);
    }
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(all[i], NULL);
    }
    return 0;
}

static int family(void)
{
    void *block = NULL;
    free(malloc(50001));
    free(calloc(3, 50002));
    free(realloc(NULL, 50003));
    free(reallocarray(NULL, 2, 50004));
    free(posix_memalign(&block, 512, 50005) == 0 ? block : NULL);
    free(aligned_alloc(64, 50048));
    free(memalign(1024, 50007));
    free(valloc(50008));
    free(pvalloc(50009));
    block = malloc(50010);
    block = realloc(block, 0); // frees it, and gives NULL
    free(block);
    block = malloc(50011);
    void *volatile none = realloc(block, (size_t)1 << 60); // refused: the block stays
    free(none == NULL ? block : none);
    free(malloc(0));
    return block == NULL;
}

// Killed while blocks are held; more than a chunk of records before.
static int killed(void)
{
    for (size_t i = 0; i < 10000; i++) {
        void *volatile block = malloc(60001);
        if (i % 10 != 0) {
            free(block);
        }
    }
    kill(getpid(), SIGKILL);
    return 0;
}

// Closes descriptors it does not know, and leaves its directory.
static int closing(void)
{
    for (int fd = 3; fd < 1024; fd++) {
        close(fd);
    }
    for (size_t i = 0; i < 20000; i++) {
        void *volatile block = malloc(70001);
        free(block);
    }
    return 0;
}

static int forking(void)
{
    free(malloc(80001));
    pid_t child = fork();
    for (size_t i = 0; i < 10000; i++) {
        void *volatile block = malloc(child == 0 ? 80002 : 80003);
        free(block);
    }
    if (child == 0) {
        _exit(0);
    }
    waitpid(child, NULL, 0);
    return 0;
}

static int executing(const char *self)
{
    free(malloc(90001));
    pid_t child = fork();
    if (child == 0) {
        execl(self, self, "family", (char *)NULL);
        _exit(1);
    }
    waitpid(child, NULL, 0);
    return 0;
}

static int limited(void)
{
    const struct rlimit limit = {.rlim_cur = 200 * 1024, .rlim_max = 200 * 1024};
    setrlimit(RLIMIT_FSIZE, &limit);
    for (size_t i = 0; i < 50000; i++) {
        void *volatile block = malloc(35001);
        free(block);
    }
    return 3;
}

static void *short_life(void *argument)
{
    free(malloc(15001));
    return argument;
}

static int short_lives(void)
{
    for (size_t i = 0; i < 1000; i++) {
        pthread_t pair[2];
        pthread_create(&pair[0], NULL, short_life, NULL);
        pthread_create(&pair[1], NULL, short_life, NULL);
        pthread_join(pair[0], NULL);
        pthread_join(pair[1], NULL);
    }
    return 0;
}

static void on_signal(int number)
{
    (void)number;
    free(malloc(25001)); // nobody should, many do
}

static int signals(void)
{
    signal(SIGALRM, on_signal);
    pid_t self = getpid();
    pid_t child = fork();
    if (child == 0) {
        for (unsigned i = 0; i < 2000; i++) {
            kill(self, SIGALRM);
        }
        _exit(0);
    }
    // Not malloc: the handler's own call could then meet glibc's lock. It meets a loop of nothing.
    while (waitpid(child, NULL, WNOHANG) == 0) {
    }
    return 0;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "threads") == 0) {
        return threads();
    }
    if (strcmp(what, "exchanges") == 0) {
        return exchanges();
    }
    if (strcmp(what, "family") == 0) {
        return family();
    }
    if (strcmp(what, "killed") == 0) {
        return killed();
    }
    if (strcmp(what, "closing") == 0) {
        return closing();
    }
    if (strcmp(what, "forking") == 0) {
        return forking();
    }
    if (strcmp(what, "executing") == 0) {
        return executing(argv[0]);
    }
    if (strcmp(what, "limited") == 0) {
        return limited();
    }
    if (strcmp(what, "short-lives") == 0) {
        return short_lives();
    }
    return strcmp(what, "signals") == 0 ? signals() : 2;
}
