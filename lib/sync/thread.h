// SPDX-License-Identifier: MIT
//
// thread.h - which threads there are, and what must be done when one ends.
//
// A thread becomes known at its first slow step here. Known threads have a number (1.., reused
// after they ended, so that numbers stay small) and run the exit hooks when they end: through a
// pthread key, so also for threads that the library did not start. The main thread's hooks do not
// run at process exit: nothing needs them.
//
// A thread that has run its hooks, or that could not be registered, is without a number from then
// on: it must leave nothing behind that a hook would have to clear away. (thread.c has the why.)

#ifndef SYNC_THREAD_H
#define SYNC_THREAD_H

#include <stdbool.h>
#include <stdint.h>

// Who is running, where a number is too dear: a word that no other thread of this process has while
// this one lives (the address of its thread control block), never 0.
static inline uint64_t thread_self(void)
{
    uint64_t self;
    __asm__("movq %%fs:0, %0" : "=r"(self));
    return self;
}

#define THREAD_HOOKS 8 // as many rooms may hang something on a thread's end
// Threads known at one time, so that a number fits 16 bits. Further ones go without a number.
#define THREAD_COUNT 65535

// This thread's number, from 1; registers the thread when it is new. 0: it has none (see above), or
// its registration is under way further up the stack (pthread may call calloc): such a thread must
// go without a cache. A new thread's call takes LOCK_THREADS.
uint32_t thread_number(void);

// Runs `hook` at the end of every known thread, latest first, with LOCK_THREADS *not* held and the
// thread's number still valid. Call once per room (idempotent for the same function); takes
// LOCK_THREADS. false when there are too many.
bool thread_at_exit(void (*hook)(void));

// Whether this thread is running its exit hooks, in which LOCK_THREADS may be held: no time to wait
// for other threads.
bool thread_ending(void);

// Held while a list that links several threads' things changes: a thread's exit hooks and a
// space's or engine's closing exclude each other through it. Rank LOCK_THREADS.
void thread_registry_lock(void);
void thread_registry_unlock(void);

#endif
