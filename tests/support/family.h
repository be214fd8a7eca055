// SPDX-License-Identifier: MIT
//
// family.h - the malloc family of lib/malloc under names of its own, in a program that keeps its
// malloc; and what tests of the heap look for in it.

#ifndef SUPPORT_FAMILY_H
#define SUPPORT_FAMILY_H

#include "support/leave.h"
#include "support/test.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "heap/check.h"
#include "heap/depot.h"

void *family_malloc(size_t size);
void family_free(void *block);
void *family_calloc(size_t count, size_t size);
void *family_realloc(void *block, size_t size);
void *family_reallocarray(void *block, size_t count, size_t size);
int family_posix_memalign(void **block, size_t align, size_t size);
void *family_aligned_alloc(size_t align, size_t size);
void *family_memalign(size_t align, size_t size);
size_t family_malloc_usable_size(void *block);
void family_free_sized(void *block, size_t size);
void family_free_aligned_sized(void *block, size_t align, size_t size);

// In any thread, also in a child made by fork.
#define family_require(condition, ...)                                                             \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #condition);                        \
            fprintf(stderr, __VA_ARGS__);                                                          \
            fputc('\n', stderr);                                                                   \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

// What run(arg) returns in a child made by fork. An assertion that fails there ends it.
static inline int family_in_child(int (*run)(void *arg), void *arg)
{
    int status = -1;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        setenv("CMOCKA_TEST_ABORT", "1", 1);
        leave(run(arg));
    }
    family_require(child > 0 && waitpid(child, &status, 0) == child, "no child");
    family_require(WIFEXITED(status), "a child ended by signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

// What a thread's end does with a slab that has blocks in use.
static inline void family_orphan(struct granule *slab)
{
    struct list slabs;
    list_init(&slabs);
    list_push_back(&slabs, &slab->ring);
    depot_orphans_put(&slabs);
}

// This thread's front, made when it has none yet; NULL: it cannot have one.
static inline struct front *family_front(void)
{
    family_free(family_malloc(1));
    return front_here != &front_none ? front_here : NULL;
}

// The heap and this thread's front hold together. No other thread is inside the heap.
static inline void family_checked(void)
{
    const char *broken = heap_check(front_here != &front_none ? front_here : NULL);
    family_require(broken == NULL, "%s is broken", broken);
}

// Slabs that both depots have cut.
static inline uint64_t family_slabs(void)
{
    uint64_t slabs = 0;
    for (unsigned class = 0; class < SLAB_CLASSES; class ++) {
        slabs += depots[0].slabs[class] + depots[1].slabs[class];
    }
    return slabs;
}

// A block's bytes say whose it is: the first eight and the last are drawn from a seed.
static inline void family_stamp(void *block, size_t size, uint64_t seed)
{
    uint8_t *bytes = block;
    for (size_t i = 0; i < size && i < 8; i++) {
        bytes[i] = (uint8_t)(seed >> 8 * i);
        bytes[size - 1 - i] = (uint8_t)(seed >> 8 * i);
    }
}

static inline bool family_stamped(const void *block, size_t size, uint64_t seed)
{
    uint8_t bytes[16], expected[16] = {0};
    size_t edge = size < 8 ? size : 8;
    memcpy(bytes, block, edge);
    memcpy(bytes + edge, (const uint8_t *)block + size - edge, edge);
    if (size >= 16) {
        family_stamp(expected, 16, seed);
        return memcmp(bytes, expected, 16) == 0;
    }
    family_stamp(expected, size, seed);
    return memcmp(bytes, expected, edge) == 0;
}

#endif
