// SPDX-License-Identifier: MIT
//
// spent.h - CPU time and run-queue time of a worker, over all the threads that it has been.

#ifndef RUN_SPENT_H
#define RUN_SPENT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct spent_time {
    uint64_t cpu_ns;
    uint64_t runqueue_ns; // runnable, waiting for a CPU
    bool runqueue_known;  // the kernel keeps schedstat
};

struct spent {
    pthread_mutex_t lock;
    int tid;                 // [lock] of the thread at work; 0: none
    struct spent_time ended; // [lock] of the threads that have ended
};

void spent_init(struct spent *spent);
// The calling thread is the worker from now on, until spent_end.
void spent_begin(struct spent *spent);
void spent_end(struct spent *spent);
// Of all its threads until now. From any thread.
void spent_read(struct spent *spent, struct spent_time *time);

#endif
