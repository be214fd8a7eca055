// SPDX-License-Identifier: MIT
//
// threads.c - what threads leave of the resident set: many that rest, and many that come and go.
//
// 1. idle THREADS RUNNING OPERATIONS. Every thread allocates and frees, at most 64 blocks of 16 to
//    1,024 bytes alive at once, and rests with none alive. All but RUNNING stay at that; these do a
//    hundred times as many operations, so that an allocator that takes back idle caches on its slow
//    paths has slow paths to do it on. Printed: the growth of the resident set, stacks included,
//    by the number of threads. With 0 operations it is what threads take by themselves.
// 2. destructors THREADS REMOTE. Threads one after the other; each allocates and frees, in its life
//    and in all four rounds of its key destructors, and in each round frees a quarter of REMOTE
//    blocks that the first thread has allocated for it. Nothing is left alive. Printed: by how much
//    the resident set has grown since a sixteenth of them have come and gone.
// 3. The resident set is read without malloc or stdio.
// 4. Failure. Whatever cannot be had (a thread, memory) is told, with exit status 1.

#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS_SLOTS  64
#define THREADS_ROUNDS 4
#define THREADS_STACK  (256 << 10)

static void threads_fail(const char *what)
{
    fprintf(stderr, "mems-threads: %s\n", what);
    exit(1);
}

// Bytes of this process that are resident.
static int64_t threads_resident(void)
{
    char text[128];
    int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t length = file >= 0 ? read(file, text, sizeof text - 1) : -1;
    if (length <= 0) {
        threads_fail("/proc/self/statm cannot be read");
    }
    close(file);
    text[length] = '\0';
    char *second = strchr(text, ' ');
    return second != NULL ? strtoll(second, NULL, 10) * sysconf(_SC_PAGESIZE) : 0;
}

static uint64_t threads_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

// A block whose first byte is written.
static void *threads_block(uint64_t random)
{
    char *block = malloc(16 + random % 1009);
    if (block == NULL) {
        threads_fail("no memory");
    }
    *block = 1;
    return block;
}

// Replaces blocks in slots at random; none is left.
static void threads_work(uint64_t seed, uint64_t operations)
{
    void *slots[THREADS_SLOTS] = {NULL};
    uint64_t state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    for (; operations > 0; operations--) {
        uint64_t random = threads_random(&state);
        void **slot = &slots[random % THREADS_SLOTS];
        free(*slot);
        *slot = threads_block(random >> 32);
    }
    for (unsigned i = 0; i < THREADS_SLOTS; i++) {
        free(slots[i]);
    }
}

static pthread_t threads_start(void *(*run)(void *), void *argument)
{
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, THREADS_STACK);
    if (pthread_create(&thread, &attributes, run, argument) != 0) {
        threads_fail("a thread cannot be started");
    }
    pthread_attr_destroy(&attributes);
    return thread;
}

// ---- idle
// ----------------------------------------------------------------------------------------

static struct {
    uint64_t running, operations;
    pthread_barrier_t rested, measured; // all threads and the first one
} idle;

static void *idle_live(void *argument)
{
    uint64_t number = (uintptr_t)argument;
    threads_work(number, idle.operations);
    pthread_barrier_wait(&idle.rested);
    if (number < idle.running) {
        threads_work(number, 100 * idle.operations);
    }
    pthread_barrier_wait(&idle.measured);
    pthread_barrier_wait(&idle.measured);
    return NULL;
}

static void idle_run(uint64_t threads, uint64_t running, uint64_t operations)
{
    pthread_t *thread = calloc(threads, sizeof *thread);
    idle.running = running;
    idle.operations = operations;
    if (thread == NULL || pthread_barrier_init(&idle.rested, NULL, (unsigned)threads + 1) != 0 ||
        pthread_barrier_init(&idle.measured, NULL, (unsigned)threads + 1) != 0) {
        threads_fail("no memory");
    }
    int64_t before = threads_resident();
    for (uint64_t i = 0; i < threads; i++) {
        thread[i] = threads_start(idle_live, (void *)(uintptr_t)i);
    }
    pthread_barrier_wait(&idle.rested);
    pthread_barrier_wait(&idle.measured);
    int64_t grown = threads_resident() - before;
    pthread_barrier_wait(&idle.measured);
    for (uint64_t i = 0; i < threads; i++) {
        pthread_join(thread[i], NULL);
    }
    free(thread);
    printf("%" PRId64 "\n", grown / (int64_t)threads);
}

// ---- destructors
// -----------------------------------------------------------------------------------

struct life {
    uint64_t seed, round, remote;
    void *blocks[]; // `remote` of them, the first thread's
};

static pthread_key_t life_key;

static void life_round(void *value)
{
    struct life *life = value;
    threads_work(life->seed + life->round, THREADS_SLOTS);
    uint64_t end = life->remote * (life->round + 1) / THREADS_ROUNDS;
    for (uint64_t i = life->remote * life->round / THREADS_ROUNDS; i < end; i++) {
        free(life->blocks[i]);
    }
    if (++life->round < THREADS_ROUNDS) {
        pthread_setspecific(life_key, life);
    }
}

static void *life_live(void *argument)
{
    struct life *life = argument;
    threads_work(life->seed, THREADS_SLOTS);
    pthread_setspecific(life_key, life);
    return NULL;
}

static void destructors_run(uint64_t threads, uint64_t remote)
{
    struct life *life = malloc(sizeof *life + remote * sizeof life->blocks[0]);
    uint64_t state = 1;
    int64_t before = 0;
    if (life == NULL || pthread_key_create(&life_key, life_round) != 0) {
        threads_fail("no memory");
    }
    for (uint64_t i = 0; i < threads; i++) {
        *life = (struct life){.seed = i, .remote = remote};
        for (uint64_t k = 0; k < remote; k++) {
            life->blocks[k] = threads_block(threads_random(&state) >> 32);
        }
        pthread_join(threads_start(life_live, life), NULL);
        if (life->round != THREADS_ROUNDS) {
            threads_fail("a key destructor was not called in every round");
        }
        if (i == threads / 16) {
            before = threads_resident();
        }
    }
    printf("%" PRId64 "\n", threads_resident() - before);
    free(life);
}

static uint64_t threads_number(const char *text, uint64_t least)
{
    char *end;
    uint64_t number = strtoull(text, &end, 10);
    if (*text == '\0' || *text == '-' || *end != '\0' || number < least || number > 1000000) {
        threads_fail("numbers are whole, threads 1 to 1000000");
    }
    return number;
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "idle") == 0) {
        idle_run(threads_number(argv[2], 1), threads_number(argv[3], 0),
                 threads_number(argv[4], 0));
    } else if (argc == 4 && strcmp(argv[1], "destructors") == 0) {
        destructors_run(threads_number(argv[2], 1), threads_number(argv[3], 0));
    } else {
        fprintf(stderr, "usage: mems-threads idle THREADS RUNNING OPERATIONS\n"
                        "       mems-threads destructors THREADS REMOTE\n");
        return 1;
    }
    return 0;
}
