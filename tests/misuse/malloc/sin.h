// SPDX-License-Identifier: MIT
//
// sin.h - what a process is told of a misuse of malloc, before it is aborted: the texts, word by
// word.

#ifndef MISUSE_MALLOC_SIN_H
#define MISUSE_MALLOC_SIN_H

#include "support/probe.h"

#include <semaphore.h>

#define SIN_BYSTANDERS 4

// Blocks of the size on both sides of the sinner's, which live on: its slab is not given back.
static inline void *sin_block(size_t size)
{
    void *block = NULL;
    for (int i = 0; i <= SIN_BYSTANDERS; i++) {
        void *one = probe_malloc(size);
        memset(one, 0x42, size);
        block = i == SIN_BYSTANDERS / 2 ? one : block;
    }
    return block;
}

// What comes after a sin that is seen late, at the latest when the block is about to be used again.
static inline void sin_aftermath(size_t size)
{
    size_t count = size > 65536 ? 100 : 10000;
    for (size_t i = 0; i < count; i++) {
        *(volatile char *)probe_malloc(size) = 1;
    }
}

// Another thread, there and in touch with the heap before the sin: what making a thread allocates
// does not come in between, nor does anything of its own later, which could get the sinner's place.
struct sin_stranger {
    sem_t work, done;
    void (*call)(void *block);
    void *block;
};

static void *sin_stranger_life(void *argument)
{
    struct sin_stranger *stranger = argument;
    probe_free(probe_malloc(64));
    for (;;) {
        sem_post(&stranger->done);
        sem_wait(&stranger->work);
        stranger->call(stranger->block);
    }
    return NULL;
}

static inline void sin_stranger_start(struct sin_stranger *stranger)
{
    pthread_t thread;
    sem_init(&stranger->work, 0, 0);
    sem_init(&stranger->done, 0, 0);
    probe_require(pthread_create(&thread, NULL, sin_stranger_life, stranger) == 0, "no thread");
    sem_wait(&stranger->done);
}

// Does call(block) there, to its end.
static inline void sin_stranger_does(struct sin_stranger *stranger, void (*call)(void *block),
                                     void *block)
{
    stranger->call = call;
    stranger->block = block;
    sem_post(&stranger->work);
    sem_wait(&stranger->done);
}

static inline void sin_twice(const char *call, void *block, size_t usable, pid_t thread)
{
    probe_expect("mems-malloc: double %s of %p, a block of %zu bytes (thread %d)", call, block,
                 usable, thread);
}

static inline void sin_double(void *block, size_t usable, pid_t thread)
{
    sin_twice("free", block, usable, thread);
}

static inline void sin_interior(const char *call, void *inside, void *block)
{
    probe_expect("mems-malloc: %s of %p, inside a block of %zu bytes at %p (thread %d)", call,
                 inside, probe_usable(block), block, gettid());
}

static inline void sin_foreign(const char *call, void *address)
{
    probe_expect("mems-malloc: %s of %p, which is not a block of this heap (thread %d)", call,
                 address, gettid());
}

#endif
