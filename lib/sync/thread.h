// SPDX-License-Identifier: MIT
//
// thread.h - which threads there are, and what must be done when one ends.
//
// A thread becomes known at its first slow step here. Known threads have a number (1.., reused
// after they ended, so that numbers stay small) and run the exit hooks when they end: through a
// pthread key, so also for threads that the library did not start. The main thread's hooks do not
// run at process exit: nothing needs them.

#ifndef SYNC_THREAD_H
#define SYNC_THREAD_H

#include <stdbool.h>
#include <stdint.h>

#define THREAD_HOOKS 8 // as many rooms may hang something on a thread's end

// This thread's number, from 1; registers the thread when it is new. 0 when registration failed
// (no memory, no pthread key): such a thread must go without a cache.
uint32_t thread_number(void);

// Runs `hook` at the end of every known thread, latest first, with LOCK_THREADS *not* held.
// Call once per room (idempotent for the same function). false when there are too many.
bool thread_at_exit(void (*hook)(void));

// Held while a list that links several threads' things changes: a thread's exit hooks and a
// space's or engine's closing exclude each other through it. Rank LOCK_THREADS.
void thread_registry_lock(void);
void thread_registry_unlock(void);

#endif
