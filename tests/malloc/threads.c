// SPDX-License-Identifier: MIT
//
// threads.c - threads that outlive main, that end late, that begin with any call.
//
// THREADS_BURN builds the same program with 33 keys gone before main: glibc keeps the values of the
// first 32 keys in the thread itself, and allocates room for those past them when one is set.

#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "support.h"

#ifdef THREADS_BURN
__attribute__((constructor(101))) static void threads_burn(void)
{
    pthread_key_t key;
    for (int i = 0; i < 33; i++) {
        expect(pthread_key_create(&key, NULL) == 0, "pthread_key_create");
    }
}
#endif

static pthread_t threads_start(void *(*body)(void *), void *argument)
{
    pthread_t thread;
    int error = pthread_create(&thread, NULL, body, argument);
    expect(error == 0, "pthread_create: %d", error);
    return thread;
}

// ---- outlive: main's thread is gone, the others go on
// -----------------------------------------------------------------

static pthread_t threads_main;
static struct support_exchange threads_exchange;

static void *threads_outliving(void *number)
{
    uint64_t state = (uint64_t)(uintptr_t)number;
    for (int i = 0; i < 200; i++) {
        support_churn(&threads_exchange, &state);
    }
    expect(pthread_join(threads_main, NULL) == 0, "main's thread");
    for (int i = 0; i < 200; i++) {
        support_churn(&threads_exchange, &state);
    }
    support_drain(&threads_exchange); // main's last blocks too
    support_classes((size_t)1 << 20, 1);
    support_ok();
    exit(0);
}

static void threads_outlive(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    threads_main = pthread_self();
    threads_start(threads_outliving, (void *)1);
    uint64_t state = 2;
    for (int i = 0; i < 200; i++) {
        support_churn(&threads_exchange, &state);
    }
    pthread_exit(NULL);
}

// ---- destructors: threads that allocate and free in all four rounds of their keys' destructors
// ------------------------

#define THREADS_FOREIGN 256
#define THREADS_RESIDUE ((size_t)1 << 20)

static pthread_key_t threads_key;

struct threads_late {
    int round;
    bool is_early;                  // allocates before its end too; else first in a destructor
    void *foreign[THREADS_FOREIGN]; // another thread's blocks
    void *own[32];
};

static void threads_destroy(void *value)
{
    struct threads_late *late = value;
    for (int i = 0; i < 32; i++) {
        free(late->own[i]);
        late->own[i] = malloc((size_t)16 << i % 10);
        expect(late->own[i] != NULL, "round %d got no block", late->round);
        memset(late->own[i], late->round, (size_t)16 << i % 10);
    }
    late->round++;
    if (late->round < PTHREAD_DESTRUCTOR_ITERATIONS) {
        expect(pthread_setspecific(threads_key, late) == 0, "pthread_setspecific");
        return;
    }
    for (int i = 0; i < THREADS_FOREIGN; i++) {
        free(late->foreign[i]);
    }
    for (int i = 0; i < 32; i++) {
        free(late->own[i]);
    }
    free(late);
}

static void *threads_late(void *value)
{
    struct threads_late *late = value;
    if (late->is_early) {
        support_classes(4096, 1);
    }
    expect(pthread_setspecific(threads_key, value) == 0, "pthread_setspecific");
    return NULL;
}

static void threads_late_one(bool is_early)
{
    struct threads_late *late = calloc(1, sizeof *late);
    expect(late != NULL, "calloc");
    late->is_early = is_early;
    for (int i = 0; i < THREADS_FOREIGN; i++) {
        late->foreign[i] = malloc((size_t)16 << i % 7);
        expect(late->foreign[i] != NULL, "malloc");
        memset(late->foreign[i], 1, (size_t)16 << i % 7);
    }
    pthread_join(threads_start(threads_late, late), NULL);
}

static void threads_destructors(int argc, char **argv)
{
    long count = support_argument(argc, argv, 0, 3000);
    // Destructors run in the order of their keys: this one's before the allocator's, or after.
    if (support_argument(argc, argv, 1, 0)) {
        free(malloc(1));
    }
    expect(pthread_key_create(&threads_key, threads_destroy) == 0, "pthread_key_create");
    for (int i = 0; i < 100; i++) {
        threads_late_one(i % 2);
    }
    size_t before = support_resident_bytes();
    for (long i = 0; i < count; i++) {
        threads_late_one(i % 2);
    }
    size_t after = support_resident_bytes();
    printf("%ld threads: %zu KiB resident before, %zu after\n", count, before >> 10, after >> 10);
    fflush(stdout);
    expect(after <= before + THREADS_RESIDUE, "%ld threads left %zu KiB", count,
           (after - before) >> 10);
}

// ---- operations: the first call of a thread is any of them
// ------------------------------------------------------------

static void *threads_first_free(void *block)
{
    free(block);
    return block;
}

static void *threads_first_free_null(void *block)
{
    free(NULL);
    free(block);
    return block;
}

static void *threads_first_realloc(void *block)
{
    block = realloc(block, 70000);
    expect(block != NULL && support_wrong(block, 100, 3) == 100, "realloc as the first call");
    free(block);
    return NULL;
}

static void *threads_first_shrink(void *block)
{
    block = realloc(block, 17);
    expect(block != NULL && support_wrong(block, 17, 3) == 17, "realloc as the first call");
    free(block);
    return NULL;
}

static void *threads_first_realloc_zero(void *block)
{
    expect(realloc(block, 0) == NULL, "realloc(p, 0) as the first call");
    return NULL;
}

static void *threads_first_usable(void *block)
{
    expect(malloc_usable_size(block) >= 100, "malloc_usable_size as the first call");
    free(block);
    return NULL;
}

static void *threads_first_calloc(void *block)
{
    unsigned char *zero = calloc(7, 13);
    expect(zero != NULL && zero[0] == 0 && zero[90] == 0, "calloc as the first call");
    free(zero);
    free(block);
    return NULL;
}

static void *threads_first_memalign(void *block)
{
    void *aligned = NULL;
    expect(posix_memalign(&aligned, 4096, 100) == 0 && (uintptr_t)aligned % 4096 == 0,
           "posix_memalign as the first");
    free(aligned);
    free(block);
    return NULL;
}

static void *threads_first_trim(void *block)
{
    malloc_trim(0);
    free(block);
    return NULL;
}

static void *threads_first_refused(void *block)
{
    volatile size_t size = SIZE_MAX;
    errno = 0;
    expect(malloc(size) == NULL && errno == ENOMEM, "malloc(SIZE_MAX) as the first call");
    free(block);
    return NULL;
}

static void threads_operations(int argc, char **argv)
{
    static void *(*const firsts[])(void *) = {threads_first_free,         threads_first_free_null,
                                              threads_first_realloc,      threads_first_shrink,
                                              threads_first_realloc_zero, threads_first_usable,
                                              threads_first_calloc,       threads_first_memalign,
                                              threads_first_trim,         threads_first_refused};
    enum { FIRSTS = sizeof firsts / sizeof *firsts };
    (void)argc;
    (void)argv;
    for (int round = 0; round < 50; round++) {
        pthread_t threads[FIRSTS];
        for (int i = 0; i < FIRSTS; i++) {
            unsigned char *block = malloc(round % 2 ? 100 : 70000);
            expect(block != NULL, "malloc");
            support_fill(block, 100, 3);
            threads[i] = threads_start(firsts[i], block);
        }
        for (int i = 0; i < FIRSTS; i++) {
            pthread_join(threads[i], NULL);
        }
    }
    support_classes((size_t)1 << 20, 2);
}

// ---- barrier: the process's first allocation, by four threads at once
// -------------------------------------------------

static pthread_barrier_t threads_barrier;

static void *threads_at_once(void *number)
{
    uint64_t state = 1 + (uint64_t)(uintptr_t)number;
    pthread_barrier_wait(&threads_barrier);
    for (int i = 0; i < 20; i++) {
        support_churn(&threads_exchange, &state);
    }
    return NULL;
}

static void threads_together(int argc, char **argv)
{
    enum { THREADS = 4 };
    pthread_t threads[THREADS];
    (void)argc;
    (void)argv;
    pthread_barrier_init(&threads_barrier, NULL, THREADS);
    for (uintptr_t i = 0; i < THREADS; i++) {
        threads[i] = threads_start(threads_at_once, (void *)i);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
    support_drain(&threads_exchange);
}

// ---- successors: threads end with blocks of their last destructor, others stand in their place
// ------------------------
//
// The first call of such a thread comes when no destructor of the allocator's will run again. Its
// thread control block, which pthread_self() names, is the next thread's, who has the same right
// to those blocks: it frees them first of all.

#define THREADS_PLACES 300
#define THREADS_LEFT   1024 // blocks, more than a slab's
#define THREADS_STACK  ((size_t)64 << 10)

struct threads_place {
    pthread_t self;
    int round;
    bool is_freed;
    void *left[THREADS_LEFT];
};

static struct threads_place threads_places[THREADS_PLACES];
static atomic_int threads_succeeded;

static void threads_leave(void *value)
{
    struct threads_place *place = value;
    if (++place->round < PTHREAD_DESTRUCTOR_ITERATIONS) {
        expect(pthread_setspecific(threads_key, place) == 0, "pthread_setspecific");
        return;
    }
    for (int i = 0; i < THREADS_LEFT; i++) {
        place->left[i] = malloc(512);
        expect(place->left[i] != NULL, "malloc");
        memset(place->left[i], i, 512);
    }
    place->self = pthread_self();
}

static void *threads_predecessor(void *value)
{
    expect(pthread_setspecific(threads_key, value) == 0, "pthread_setspecific");
    pthread_barrier_wait(&threads_barrier);
    return NULL;
}

static void *threads_successor(void *nothing)
{
    pthread_barrier_wait(&threads_barrier); // each has a place of its own
    for (int i = 0; i < THREADS_PLACES; i++) {
        struct threads_place *place = &threads_places[i];
        if (!place->is_freed && pthread_equal(place->self, pthread_self())) {
            for (int j = 0; j < THREADS_LEFT; j++) {
                free(place->left[j]);
            }
            place->is_freed = true;
            atomic_fetch_add(&threads_succeeded, 1);
            break;
        }
    }
    malloc_trim(0);
    support_classes(4096, 1);
    return nothing;
}

static void threads_all(void *(*body)(void *))
{
    static pthread_t threads[THREADS_PLACES];
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    expect(pthread_attr_setstacksize(&attributes, THREADS_STACK) == 0, "stack size");
    for (int i = 0; i < THREADS_PLACES; i++) {
        int error = pthread_create(&threads[i], &attributes, body, &threads_places[i]);
        expect(error == 0, "pthread_create: %d", error);
    }
    pthread_attr_destroy(&attributes);
    pthread_barrier_wait(&threads_barrier);
    for (int i = 0; i < THREADS_PLACES; i++) {
        pthread_join(threads[i], NULL);
    }
}

static void threads_successors(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    free(malloc(1)); // the allocator's key is before this one
    expect(pthread_key_create(&threads_key, threads_leave) == 0, "pthread_key_create");
    pthread_barrier_init(&threads_barrier, NULL, THREADS_PLACES + 1);
    threads_all(threads_predecessor);
    threads_all(threads_successor);
    printf("%d of %d places were taken again\n", atomic_load(&threads_succeeded), THREADS_PLACES);
    fflush(stdout);
    expect(atomic_load(&threads_succeeded) > THREADS_PLACES / 2, "libc keeps no stacks");
    for (int i = 0; i < THREADS_PLACES; i++) {
        for (int j = 0; j < THREADS_LEFT && !threads_places[i].is_freed; j++) {
            free(threads_places[i].left[j]);
        }
    }
    support_classes((size_t)1 << 20, 2);
}

int main(int argc, char **argv)
{
    static const struct support_case cases[] = {
        {"outlive", threads_outlive},       {"destructors", threads_destructors},
        {"operations", threads_operations}, {"barrier", threads_together},
        {"successors", threads_successors}, {NULL, NULL}};
    return support_main(cases, argc, argv);
}
