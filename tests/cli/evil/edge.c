// SPDX-License-Identifier: MIT
//
// edge.c - small mallocs that break at the edge of a process, one sin each, to prove that the
// process workloads see it.
//
// A plain allocator (a free list a class, a lock, never gives memory back) that does right what is
// hard there: it takes no lock at fork, and its child starts with empty lists; it refuses what
// cannot be and what the system does not give; it leaves errno alone. EDGE says what it does wrong.
// EDGE_NONE is the control: it must pass.

#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define EDGE_NONE        0
#define EDGE_FORK_LOCK   1  // takes its lock in fork's prepare handler
#define EDGE_CHILD_LOCK  2  // a lock that is held at a fork stays so in the child
#define EDGE_LEAK        3  // a cache for each thread, which nobody frees
#define EDGE_WRAP        4  // adds its header to a size without looking
#define EDGE_NO_ERRNO    5  // fails and says nothing
#define EDGE_FREE_ERRNO  6  // free changes errno
#define EDGE_MISALIGN    7  // alignments of 256 and more are not kept
#define EDGE_OOM_CRASH   8  // writes where the system gave nothing
#define EDGE_OOM_STUCK   9  // once refused, always refused
#define EDGE_EXIT_HANG   10 // waits at exit for what does not come
#define EDGE_EXIT_STATUS 11 // ends the process in its own way at exit
#define EDGE_FIRST_FREE  12 // a thread's first call must not be free
#define EDGE_FIRST_SIZE  13 // a thread's first call must not be malloc_usable_size
#define EDGE_SIGNAL      14 // gives up when a signal comes while it begins a thread
#define EDGE_SCRIBBLE    15 // changes a byte of a block now and then
#define EDGE_CHILD_CRASH 16 // a forked child crashes when it frees
#define EDGE_CHILD_HANG  17 // a forked child does not return from the handlers of fork

#ifndef EDGE
#define EDGE EDGE_NONE
#endif

#define EXPORT __attribute__((visibility("default")))

struct header {
    size_t size;   // asked for
    size_t before; // bytes between the start of the raw block and this header
};

struct raw {
    struct raw *next;
    size_t class;
};

// Raw blocks: powers of two from 64 bytes on, `raw` at the start of each.
#define CLASSES 48
#define CHUNK   ((size_t)1 << 20)

static struct raw *lists[CLASSES];
static char *bump, *bump_end;
static int lock;
static bool refused, forked;
static unsigned long mallocs;
static char *last; // a block of an odd size between 200 and 500
static __thread bool begun;
static volatile char *volatile nowhere = (volatile char *)16;

static void take_lock(void)
{
    while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE) != 0) {
        struct timespec moment = {.tv_nsec = 1000};
        nanosleep(&moment, NULL);
    }
}

static void drop_lock(void)
{
    __atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
}

static void in_child(void)
{
    forked = true;
    while (EDGE == EDGE_CHILD_HANG) {
        pause();
    }
    if (EDGE != EDGE_CHILD_LOCK) {
        memset(lists, 0, sizeof lists);
        bump = bump_end = NULL;
        drop_lock();
    }
}

static void prepare(void)
{
    if (EDGE == EDGE_FORK_LOCK) {
        take_lock();
    }
}

static void in_parent(void)
{
    if (EDGE == EDGE_FORK_LOCK) {
        drop_lock();
    }
}

__attribute__((constructor)) static void open_edge(void)
{
    pthread_atfork(prepare, in_parent, in_child);
}

__attribute__((destructor)) static void close_edge(void)
{
    if (EDGE == EDGE_EXIT_HANG) {
        for (;;) {
            pause();
        }
    }
    if (EDGE == EDGE_EXIT_STATUS) {
        _exit(0);
    }
}

static void *map(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
        refused = true;
        if (EDGE == EDGE_OOM_CRASH) {
            *nowhere = 1;
        }
        return NULL;
    }
    return memory;
}

// True when the thread may go on.
static bool begin_thread(void)
{
    if (begun) {
        return true;
    }
    begun = true;
    if (EDGE == EDGE_LEAK) {
        void *cache = map(64 << 10);
        if (cache != NULL) {
            memset(cache, 1, 64 << 10);
        }
    }
    if (EDGE == EDGE_SIGNAL) {
        struct timespec moment = {.tv_nsec = 2000000};
        return nanosleep(&moment, NULL) == 0; // errno is EINTR
    }
    return true;
}

// With the lock held.
static struct raw *raw_get(size_t bytes)
{
    size_t class = bytes <= 64 ? 6 : 64 - (size_t)__builtin_clzl(bytes - 1);
    struct raw *raw = lists[class];
    size_t size = (size_t)1 << class;
    if (raw != NULL) {
        lists[class] = raw->next;
    } else if (size >= CHUNK) {
        raw = map(size);
    } else {
        if ((size_t)(bump_end - bump) < size) {
            bump = map(CHUNK);
            bump_end = bump != NULL ? bump + CHUNK : NULL;
        }
        raw = (struct raw *)(void *)bump;
        bump += bump != NULL ? size : 0;
    }
    if (raw != NULL) {
        raw->class = class;
    }
    return raw;
}

static struct header *header_of(void *block)
{
    return (struct header *)block - 1;
}

static void scribble(char *block, size_t size)
{
    if (EDGE == EDGE_SCRIBBLE && size % 2 == 1 && size > 200 && size < 500) {
        if (++mallocs % 4 == 0 && last != NULL) {
            last[0] ^= 0x20;
        }
        last = block;
    }
}

static void *give(size_t size, size_t align)
{
    align = align < 16 ? 16 : align;
    size_t bytes = size + align + sizeof(struct header) + sizeof(struct raw);
    if (EDGE != EDGE_WRAP && size > ((size_t)1 << 46)) {
        errno = EDGE == EDGE_NO_ERRNO ? errno : ENOMEM;
        return NULL;
    }
    if (!begin_thread()) {
        return NULL;
    }
    int error = errno;
    take_lock();
    bool stuck = EDGE == EDGE_OOM_STUCK && refused;
    struct raw *raw = stuck || bytes > ((size_t)1 << 46) ? NULL : raw_get(bytes);
    char *block = NULL;
    if (raw != NULL) {
        uintptr_t first = (uintptr_t)raw + sizeof *raw + sizeof(struct header);
        uintptr_t at = (first + align - 1) & ~(uintptr_t)(align - 1);
        at += EDGE == EDGE_MISALIGN && align >= 256 ? 16 : 0;
        block = (char *)at;
        *header_of(block) = (struct header){size, at - sizeof(struct header) - (uintptr_t)raw};
        scribble(block, size);
    }
    drop_lock();
    errno = block != NULL || EDGE == EDGE_NO_ERRNO ? error : ENOMEM;
    return block;
}

EXPORT void *malloc(size_t size)
{
    return give(size, 16);
}

EXPORT void free(void *block)
{
    if (block == NULL) {
        return;
    }
    if ((EDGE == EDGE_FIRST_FREE && !begun) || (EDGE == EDGE_CHILD_CRASH && forked)) {
        *nowhere = 1;
    }
    int error = errno;
    struct header *header = header_of(block);
    struct raw *raw = (struct raw *)(void *)((char *)header - header->before);
    take_lock();
    last = (char *)block == last ? NULL : last;
    raw->next = lists[raw->class];
    lists[raw->class] = raw;
    drop_lock();
    errno = EDGE == EDGE_FREE_ERRNO ? ENOENT : error;
}

EXPORT void *calloc(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = EDGE == EDGE_NO_ERRNO ? errno : ENOMEM;
        return NULL;
    }
    void *block = malloc(bytes);
    if (block != NULL && bytes < ((size_t)1 << 46)) {
        memset(block, 0, bytes);
    }
    return block;
}

EXPORT void *realloc(void *block, size_t size)
{
    void *moved = malloc(size);
    if (block != NULL && moved != NULL) {
        size_t old = header_of(block)->size;
        memcpy(moved, block, old < size ? old : size);
        free(block);
    }
    return moved;
}

EXPORT void *memalign(size_t align, size_t size)
{
    return give(size, align);
}

EXPORT void *aligned_alloc(size_t align, size_t size)
{
    return give(size, align);
}

EXPORT int posix_memalign(void **block, size_t align, size_t size)
{
    int error = errno;
    void *given = give(size, align);
    int result = errno;
    errno = error;
    if (given == NULL) {
        return EDGE == EDGE_NO_ERRNO ? 0 : result;
    }
    *block = given;
    return 0;
}

EXPORT size_t malloc_usable_size(void *block)
{
    bool first = EDGE == EDGE_FIRST_SIZE && !begun;
    begun = true;
    return block == NULL || first ? 0 : header_of(block)->size;
}
