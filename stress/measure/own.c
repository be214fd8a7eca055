// SPDX-License-Identifier: MIT
//
// own.c - the harness's own memory, which a limit on the target's must not count.
//
// The kernel counts every private writable page of the process against RLIMIT_DATA, as mapped, not
// as touched: the sparse map of check 4 alone would use up any limit. The driver sets only the soft
// limit (run/spawn.c), so that the cell may move it.

#include "measure/own.h"

#include <pthread.h>
#include <sys/resource.h>

static pthread_mutex_t own_lock = PTHREAD_MUTEX_INITIALIZER;

void own_memory(size_t bytes)
{
    struct rlimit limit;
    pthread_mutex_lock(&own_lock);
    if (getrlimit(RLIMIT_DATA, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
        rlim_t room = limit.rlim_max - limit.rlim_cur; // RLIM_INFINITY is the highest number
        limit.rlim_cur += bytes < room ? bytes : room;
        setrlimit(RLIMIT_DATA, &limit);
    }
    pthread_mutex_unlock(&own_lock);
}
