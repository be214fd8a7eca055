// SPDX-License-Identifier: MIT
//
// evil.c - small mallocs with one sin each, to prove that the driver sees it.
//
// A plain allocator (a free list a size, a lock, never gives memory back) that behaves, but for
// requests of exactly EVIL_SIZE bytes: every EVIL_EVERY-th of those sins as EVIL says. The harness
// and the C library, which ask for other sizes, are served well, so that it is the workload that
// meets the sin. EVIL_NONE is the control: it must pass.

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define EVIL_NONE       0
#define EVIL_DOUBLE     1  // hands the last block out once more
#define EVIL_OVERLAP    2  // a block that begins inside the last one
#define EVIL_MISALIGNED 3  // 8 bytes off
#define EVIL_CORRUPT    4  // changes a byte in the middle of the last block
#define EVIL_EDGE       5  // changes the first byte of the last block
#define EVIL_SHORT      6  // a block smaller than was asked for
#define EVIL_HANG       7  // never returns
#define EVIL_CRASH      8  // touches an unmapped page
#define EVIL_ABORT      9  // ends as a malloc that found its heap corrupt
#define EVIL_EXIT       10 // ends the process as if all were well
#define EVIL_REFUSE     11 // says no
#define EVIL_DIRTY      12 // calloc does not clear
#define EVIL_FORGET     13 // realloc does not copy
#define EVIL_LEAK       14 // never reuses a block (nor does any other sinner, of EVIL_SIZE)
#define EVIL_SHARED     15 // the same with memory that RLIMIT_DATA does not count
#define EVIL_OOM        16 // the same, and aborts when the system refuses memory
#define EVIL_KILL       17 // SIGKILL, as if the system's OOM killer had come
#define EVIL_BLOCKED    18 // never returns, and blocks every signal
#define EVIL_SMASH      19 // overwrites the frames of its callers, then crashes
#define EVIL_NOWHERE    20 // calls a function at address 0
#define EVIL_ORPHAN     21 // leaves a daemon behind and crashes
#define EVIL_USABLE     22 // calls 1 MiB of every block usable
#define EVIL_CREEP      23 // loses a thousand bytes in each thread's first call
#define EVIL_DRIP       24 // keeps a thousand bytes for itself, and tells nobody

#ifndef EVIL
#define EVIL EVIL_NONE
#endif
#define EVIL_SIZE  777
#define EVIL_EVERY 100
#define EVIL_KEPT  984

#define EXPORT __attribute__((visibility("default")))

struct header {
    size_t size; // asked for
    struct header *next;
} __attribute__((aligned(16)));

#define CLASSES 4096 // of 16 bytes
static struct header *lists[CLASSES];
static char *bump, *bump_end;
static int lock;
static unsigned long asked; // requests of EVIL_SIZE
static char *last;          // the last block of that size
static size_t used;         // bytes that were handed out and have not come back to a list
static __thread bool begun; // this thread has called
static volatile char *volatile nowhere = (volatile char *)16;

static void *map(size_t size)
{
    int kind = EVIL == EVIL_SHARED ? MAP_SHARED : MAP_PRIVATE;
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, kind | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED && EVIL == EVIL_OOM) {
        abort();
    }
    return memory == MAP_FAILED ? NULL : memory;
}

static void take_lock(void)
{
    while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE) != 0) {
        __builtin_ia32_pause();
    }
}

static void drop_lock(void)
{
    __atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
}

static struct header *header_of(void *block)
{
    return (struct header *)((uintptr_t)block & ~(uintptr_t)15) - 1;
}

static size_t class_of(size_t size)
{
    return (size + 15) / 16;
}

// With the lock held.
static char *get_locked(size_t size)
{
    size_t class = class_of(size);
    struct header *header = class < CLASSES ? lists[class] : NULL;
    if (header != NULL) {
        lists[class] = header->next;
    } else {
        size_t bytes = sizeof *header + class * 16;
        if ((size_t)(bump_end - bump) < bytes) {
            size_t chunk = bytes > (4u << 20) ? bytes : 4u << 20;
            bump = map(chunk);
            bump_end = bump != NULL ? bump + chunk : NULL;
            if (bump == NULL) {
                return NULL;
            }
        }
        header = (struct header *)(void *)bump;
        bump += bytes;
    }
    header->size = size;
    used += size;
    return (char *)(header + 1);
}

static __attribute__((noinline)) void spin(void)
{
    for (;;) {
        __builtin_ia32_pause();
    }
}

// What lies above this function's frame goes: return addresses, frame pointers.
static __attribute__((noinline)) void smash(void)
{
    char *frame = __builtin_frame_address(0);
    memset(frame, 0x41, 512);
    *nowhere = 1;
}

// A process of its own session, whose parent has gone.
static void leave_daemon(void)
{
    if (fork() == 0) {
        setsid();
        if (fork() == 0) {
            for (;;) {
                pause();
            }
        }
        _exit(0);
    }
}

static void keep_locked(void)
{
    char *kept = get_locked(EVIL_KEPT);
    if (kept != NULL) {
        memset(kept, 1, EVIL_KEPT);
    }
}

// The sin on the request at hand, given the block it would have got. With the lock held.
static __attribute__((noinline)) char *sin_locked(char *block)
{
    void (*volatile no_function)(void) = NULL;
    sigset_t all;
    switch (EVIL) {
    case EVIL_DOUBLE:
        return last;
    case EVIL_OVERLAP:
        return last + 64;
    case EVIL_MISALIGNED:
        return block + 8;
    case EVIL_CORRUPT:
        last[EVIL_SIZE / 2] ^= 0x20;
        return block;
    case EVIL_EDGE:
        last[0] ^= 0x20;
        return block;
    case EVIL_SHORT:
        header_of(block)->size = EVIL_SIZE - 100;
        return block;
    case EVIL_BLOCKED:
        sigfillset(&all);
        sigprocmask(SIG_SETMASK, &all, NULL);
        spin();
        return block;
    case EVIL_HANG:
        spin();
        return block;
    case EVIL_SMASH:
        smash();
        return block;
    case EVIL_NOWHERE:
        no_function();
        return block;
    case EVIL_KILL:
        kill(getpid(), SIGKILL);
        return block;
    case EVIL_ORPHAN:
        leave_daemon();
        *nowhere = 1;
        return block;
    case EVIL_CRASH:
        *nowhere = 1;
        return block;
    case EVIL_ABORT:
        abort();
    case EVIL_EXIT:
        _exit(0);
    case EVIL_REFUSE:
        return NULL;
    case EVIL_DRIP:
        keep_locked();
        used -= EVIL_KEPT;
        return block;
    default:
        return block;
    }
}

static void creep_locked(void)
{
    if (!begun) {
        begun = true;
        keep_locked();
    }
}

EXPORT void *malloc(size_t size)
{
    take_lock();
    if (EVIL == EVIL_CREEP) {
        creep_locked();
    }
    char *block = get_locked(size);
    if (size == EVIL_SIZE && block != NULL) {
        bool due = ++asked % EVIL_EVERY == 0 && last != NULL;
        char *given = due ? sin_locked(block) : block;
        last = block;
        block = given;
    }
    drop_lock();
    if (block == NULL) {
        errno = ENOMEM;
    }
    return block;
}

EXPORT void free(void *block)
{
    if (block == NULL) {
        return;
    }
    struct header *header = header_of(block);
    take_lock();
    size_t class = class_of(header->size);
    if (block == last) {
        last = NULL;
    }
    if (class < CLASSES && (EVIL == EVIL_NONE || header->size != EVIL_SIZE || EVIL == EVIL_DIRTY ||
                            EVIL == EVIL_CREEP || EVIL == EVIL_DRIP)) {
        memset(block, 0xdb, header->size);
        used -= header->size;
        header->next = lists[class];
        lists[class] = header;
    }
    drop_lock();
}

EXPORT void *calloc(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    void *block = malloc(bytes);
    if (block != NULL && (EVIL != EVIL_DIRTY || bytes != EVIL_SIZE)) {
        memset(block, 0, bytes);
    }
    return block;
}

EXPORT void *realloc(void *block, size_t size)
{
    if (block == NULL) {
        return malloc(size);
    }
    size_t old = header_of(block)->size;
    void *moved = malloc(size);
    if (moved != NULL) {
        size_t kept = old < size ? old : size;
        memcpy(moved, block, EVIL == EVIL_FORGET && old == EVIL_SIZE ? kept / 2 : kept);
        free(block);
    }
    return moved;
}

EXPORT int posix_memalign(void **block, size_t align, size_t size)
{
    // Blocks of this kind are never freed: the header could not be found.
    char *memory = map(size + align);
    *block = (void *)(((uintptr_t)memory + align) & ~(uintptr_t)(align - 1));
    return memory != NULL ? 0 : ENOMEM;
}

EXPORT void *aligned_alloc(size_t align, size_t size)
{
    void *block;
    return posix_memalign(&block, align, size) == 0 ? block : NULL;
}

EXPORT void *memalign(size_t align, size_t size)
{
    return aligned_alloc(align, size);
}

EXPORT struct mallinfo2 mallinfo2(void)
{
    take_lock();
    struct mallinfo2 info = {.uordblks = used};
    drop_lock();
    return info;
}

EXPORT size_t malloc_usable_size(void *block)
{
    if (EVIL == EVIL_USABLE) {
        return block != NULL ? 1u << 20 : 0;
    }
    return block != NULL ? header_of(block)->size : 0;
}
