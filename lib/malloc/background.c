// SPDX-License-Identifier: MIT
//
// background.c - a thread that gives memory back when nobody else comes by.
//
// 1. Why. Free memory goes back to the OS when a thread comes to the depot and the decay is over
//    (heap/depot.c). In a process that is wholly idle none comes. With background=1 a helper looks
//    twice a decay, also at what idle threads sit on (heap/idle.c).
// 2. When it starts. A thread that is out of the way in line starts it, with no lock of ours held:
//    starting a thread allocates. Not before this library's constructors have run: libc may not be
//    able to start threads. In a child of a fork there is no helper; it gets its own in the same
//    way. Whoever takes the wish starts the helper; where the OS refuses, there is none.
// 3. It has every signal blocked, allocates nothing and ends with the process.

#include "heap/depot.h"
#include "heap/idle.h"
#include "malloc/malloc.h"
#include "os/os.h"
#include "sync/atomic.h"

#define LEAST_NS UINT64_C(10000000)

uint32_t malloc_background_due;

static bool wanted, allowed; // [ro] when threads run
static struct os_thread helper;

static void help(void *unused)
{
    (void)unused;
    uint32_t word = 0; // nobody wakes it
    uint64_t pause_ns = depot_settings.decay_ms * 1000000 / 2;
    for (;;) {
        os_wait(&word, 0, pause_ns < LEAST_NS ? LEAST_NS : pause_ns);
        (void)idle_purge(false);
        (void)depot_purge(false);
    }
}

static void due_if_may(void)
{
    store_relaxed(&malloc_background_due, wanted && allowed);
}

void malloc_background_want(void)
{
    wanted = true;
    due_if_may();
}

void malloc_background_allow(void)
{
    allowed = true;
    due_if_may();
}

void malloc_background_forked(void)
{
    due_if_may();
}

void malloc_background_start(void)
{
    uint32_t due = 1;
    if (cas_acquire(&malloc_background_due, &due, 0)) {
        (void)os_thread_start(&helper, help, NULL);
    }
}
