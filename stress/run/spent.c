// SPDX-License-Identifier: MIT
//
// spent.c - CPU time and run-queue time of a worker, over all the threads that it has been.
//
// The kernel keeps both by thread: the CPU clock of a thread id, and schedstat in its folder of
// /proc (time on a CPU, time runnable but waiting for one, slices). A thread adds its own to the
// worker's account when it ends; until then whoever asks reads it from outside. The lock is taken
// at a thread's beginning and end and by the sampler, never by an operation.

#include "run/spent.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "measure/proc.h"

// The CPU clock of one thread, as the kernel numbers clocks: the complement of the id over three
// bits, of which 4 says "of a thread" and 2 "as the scheduler counts" (clock_getcpuclockid(3) has
// the same for processes).
static clockid_t spent_clock(int tid)
{
    return (clockid_t)(~(unsigned)tid << 3 | 6u);
}

static bool spent_runqueue(int tid, uint64_t *ns)
{
    char path[64];
    char text[128];
    snprintf(path, sizeof path, "/proc/self/task/%d/schedstat", tid);
    if (proc_read(path, text, sizeof text) == 0) {
        return false;
    }
    char *second;
    strtoull(text, &second, 10);
    *ns = strtoull(second, NULL, 10);
    return true;
}

static void spent_of_thread(int tid, struct spent_time *time)
{
    struct timespec cpu = {0};
    *time = (struct spent_time){0};
    clock_gettime(spent_clock(tid), &cpu);
    time->cpu_ns = (uint64_t)cpu.tv_sec * 1000000000u + (uint64_t)cpu.tv_nsec;
    time->runqueue_known = spent_runqueue(tid, &time->runqueue_ns);
}

static void spent_add(struct spent_time *sum, const struct spent_time *time)
{
    sum->cpu_ns += time->cpu_ns;
    sum->runqueue_ns += time->runqueue_ns;
    sum->runqueue_known |= time->runqueue_known;
}

void spent_init(struct spent *spent)
{
    pthread_mutex_init(&spent->lock, NULL);
    spent->tid = 0;
    spent->ended = (struct spent_time){0};
}

void spent_begin(struct spent *spent)
{
    pthread_mutex_lock(&spent->lock);
    spent->tid = gettid();
    pthread_mutex_unlock(&spent->lock);
}

void spent_end(struct spent *spent)
{
    struct spent_time time;
    pthread_mutex_lock(&spent->lock);
    spent_of_thread(spent->tid, &time);
    spent_add(&spent->ended, &time);
    spent->tid = 0;
    pthread_mutex_unlock(&spent->lock);
}

void spent_read(struct spent *spent, struct spent_time *time)
{
    pthread_mutex_lock(&spent->lock);
    *time = spent->ended;
    if (spent->tid != 0) {
        struct spent_time running;
        spent_of_thread(spent->tid, &running);
        spent_add(time, &running);
    }
    pthread_mutex_unlock(&spent->lock);
}
