// SPDX-License-Identifier: MIT
//
// fork.c - the malloc family and fork: see heap/depot_fork.c for how.

#include <pthread.h>

#include "heap/depot.h"
#include "malloc/malloc.h"

static void fork_child(void)
{
    malloc_background_forked();
    depot_thaw_child();
}

// libc runs handlers that are registered first last before a fork, and first after it: other
// libraries' handlers may allocate.
void malloc_fork_init(void)
{
    depot_fork_init();
    (void)pthread_atfork(depot_freeze, depot_thaw, fork_child);
}
