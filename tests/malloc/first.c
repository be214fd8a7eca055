// SPDX-License-Identifier: MIT
//
// first.c - a program that allocates and prints from its first instruction to its last.
//
// In the order of a process's life: an IFUNC resolver (while the program is relocated: no
// constructor has run, and the loader will write the thread's initial TLS once more afterwards),
// preinit_array (before the constructors of every library, the allocator's own included), a
// constructor of the highest priority, main, 8,192 handlers of atexit, destructors. What one stage
// allocates, later ones verify and free. A static program's resolvers run before there is a thread
// pointer, where not even errno can be touched: there the stage is left out.

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "support.h"

#define FIRST_BLOCKS   64
#define FIRST_HANDLERS 8192

enum first_stage { FIRST_IFUNC, FIRST_PREINIT, FIRST_CONSTRUCTOR, FIRST_MAIN, FIRST_STAGES };

static unsigned char *first_blocks[FIRST_STAGES][FIRST_BLOCKS];
static int first_handled;

static size_t first_size(int i)
{
    return (size_t)1 << i % 14;
}

// No expect, no library call but malloc's: not everything works yet in a resolver.
static void first_allocate(enum first_stage stage)
{
    for (int i = 0; i < FIRST_BLOCKS; i++) {
        unsigned char *block = malloc(first_size(i));
        if (block != NULL) {
            block[0] = block[first_size(i) - 1] = (unsigned char)(i + (int)stage);
        }
        first_blocks[stage][i] = block;
    }
    for (int i = 0; i < FIRST_BLOCKS; i++) {
        free(malloc(first_size(i)));
    }
}

static void first_verify(enum first_stage stage, int from, int step)
{
    for (int i = from; i < FIRST_BLOCKS; i += step) {
        unsigned char *block = first_blocks[stage][i];
        expect(block != NULL, "stage %d got no block of %zu bytes", stage, first_size(i));
        expect((uintptr_t)block % 16 == 0, "stage %d: %p", stage, (void *)block);
        expect(block[0] == (unsigned char)(i + (int)stage) && block[first_size(i) - 1] == block[0],
               "stage %d: the block of %zu bytes at %p was overwritten", stage, first_size(i),
               (void *)block);
        free(block);
        first_blocks[stage][i] = NULL;
    }
}

#ifndef SUPPORT_STATIC
static int first_resolved(void)
{
    return 1;
}

// Called by the dynamic linker only, a use that not every compiler sees.
__attribute__((used)) static int (*first_resolve(void))(void)
{
    first_allocate(FIRST_IFUNC);
    return first_resolved;
}

static int first_ifunc(void) __attribute__((ifunc("first_resolve")));
#endif

static void first_preinit(void)
{
    first_allocate(FIRST_PREINIT);
    printf("preinit_array: %p\n", (void *)first_blocks[FIRST_PREINIT][0]);
}

__attribute__((section(".preinit_array"),
               used)) static void (*first_preinit_entry)(void) = first_preinit;

__attribute__((constructor(101))) static void first_constructor(void)
{
    first_allocate(FIRST_CONSTRUCTOR);
    first_verify(FIRST_PREINIT, 0, 2);
    printf("constructor: %p\n", (void *)first_blocks[FIRST_CONSTRUCTOR][0]);
}

static void first_handler(void)
{
    unsigned char *block = malloc(first_size(first_handled));
    expect(block != NULL, "handler %d of atexit got no block", first_handled);
    block[0] = 1;
    free(block);
    if (first_handled++ % 1024 == 0) {
        printf("atexit: handler %d\n", first_handled);
    }
}

// The last one of the program: of its priority the latest, after every handler of atexit.
__attribute__((destructor(101))) static void first_destructor(void)
{
    if (first_handled == 0) {
        return; // the case has failed, and said so
    }
    expect(first_handled == FIRST_HANDLERS, "%d handlers of atexit have run", first_handled);
    first_verify(FIRST_MAIN, 0, 1);
    support_classes((size_t)1 << 20, 7);
    printf("destructor: done\n");
    fflush(stdout);
    support_ok();
}

static void *first_free_all(void *nothing)
{
#ifndef SUPPORT_STATIC
    first_verify(FIRST_IFUNC, 1, 2);
#endif
    first_verify(FIRST_PREINIT, 1, 2);
    first_verify(FIRST_CONSTRUCTOR, 1, 2);
    return nothing;
}

static void first_life(int argc, char **argv)
{
    (void)argc;
    (void)argv;
#ifndef SUPPORT_STATIC
    expect(first_ifunc() == 1, "the function that was resolved");
    first_verify(FIRST_IFUNC, 0, 2);
#endif
    first_verify(FIRST_CONSTRUCTOR, 0, 2);
    pthread_t thread;
    expect(pthread_create(&thread, NULL, first_free_all, NULL) == 0, "pthread_create");
    pthread_join(thread, NULL);
    first_allocate(FIRST_MAIN);
    support_classes((size_t)1 << 20, 3);
    for (int i = 0; i < FIRST_HANDLERS; i++) {
        expect(atexit(first_handler) == 0, "atexit");
    }
}

int main(int argc, char **argv)
{
    static const struct support_case cases[] = {{"life", first_life}, {NULL, NULL}};
    return support_main(cases, argc, argv);
}
