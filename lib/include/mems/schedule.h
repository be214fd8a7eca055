// SPDX-License-Identifier: MIT
//
// schedule.h - one scheduler for every step of the engine: the control of libmems-explore.
//
// Only libmems-explore has these functions: the same engine, built so that each atomic step, lock,
// sleep, access section, grace period, thread start and thread end is a *schedule point*, at which
// the scheduler decides which thread goes on. Threads are real, and exactly one of them runs. What
// it decides follows from the seed alone: the same program under the same schedule takes the same
// steps, every time.
//
//   mems_schedule_begin(&schedule);                  this thread is thread 0
//   mems_schedule_start(work, &job, &thread);        1, 2, .. in the order of their start
//   mems_schedule_join(thread);
//   mems_schedule_end(&totals);
//
// Between begin and end every thread that uses the engine is one of these, or one that the engine
// has started itself. They wait for each other through the engine or these functions only.
//
// Weak memory is out of its reach: threads see each other's stores at once and in order.
//
// Strategies. Random: at each point one of the threads that can go on, each as likely as the
// others. PCT (Burckhardt, Kothari, Musuvathi, Nagarakatte: "A randomized scheduler with
// probabilistic guarantees of finding bugs", ASPLOS 2010): threads have random priorities, the
// highest goes on, and at depth - 1 points out of `points`, drawn beforehand, the one that runs
// falls below all others. A bug that `depth` ordered steps make happen is found by a schedule
// with a probability of at least 1 / (n k^(depth - 1)), n threads, k points in all.

#ifndef MEMS_SCHEDULE_H
#define MEMS_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define MEMS_SCHEDULE_THREADS   16 // at most, those that have ended included
#define MEMS_SCHEDULE_DEPTH_MAX 16

enum mems_schedule_strategy { MEMS_SCHEDULE_RANDOM, MEMS_SCHEDULE_PCT };

enum mems_schedule_failure {
    MEMS_SCHEDULE_DEADLOCK, // every thread waits for another one
    // every thread sleeps, and one sleeps on a word that is no longer what it fell asleep on
    MEMS_SCHEDULE_LOST_WAKE,
    MEMS_SCHEDULE_LIVELOCK, // most_points have passed
};

// One line of a trace.
struct mems_schedule_event {
    uint64_t point; // how many points there were before
    unsigned thread;
    const char *step; // "cas_acquire", "lock", "wait", "section end"
    const char *what; // the word or the name that it is about
    int64_t number;   // which of several of that name; -1: there is one
    const char *file; // where it stands in the sources; NULL: no point, a remark of the thread's
    unsigned line;
    int32_t next; // the thread that goes on instead; -1: this one
};

struct mems_schedule {
    enum mems_schedule_strategy strategy;
    unsigned depth;       // PCT: 1 .. MEMS_SCHEDULE_DEPTH_MAX
    uint64_t points;      // PCT: k, about how many points there will be; 0 counts as 1
    uint64_t seed;        // of every decision
    uint64_t most_points; // more are a livelock; 0: without bound
    // Gets every event, on the thread it is about. May be NULL.
    void (*trace)(void *arg, const struct mems_schedule_event *event);
    // Called on the thread that runs when no thread can go on, or none gets anywhere; `text` says
    // who waits for what, a line a thread. It must not return: nobody could go on.
    void (*failed)(void *arg, enum mems_schedule_failure failure, const char *text);
    void *arg;
};

// What a schedule came to. Points count while there was more than one thread.
struct mems_schedule_totals {
    uint64_t points;
    uint64_t choices;  // points at which more than one thread could go on
    uint64_t switches; // those at which another one did
    unsigned threads;  // there have been
    uint64_t digest;   // of every step and choice: another one is another schedule
};

// The calling thread becomes thread 0. EINVAL: a schedule that cannot be. EBUSY: there is one.
int mems_schedule_begin(const struct mems_schedule *schedule);
// EAGAIN: too many threads, or the system refused one.
int mems_schedule_start(void (*run)(void *arg), void *arg, unsigned *thread);
// Waits for the thread's end, what its end does to the engine included.
void mems_schedule_join(unsigned thread);
// The calling thread is thread 0, and all others have been joined.
void mems_schedule_end(struct mems_schedule_totals *totals);

// The totals so far.
void mems_schedule_look(struct mems_schedule_totals *totals);
// A schedule point of the caller's own, named by texts that stay; outside a schedule nothing.
void mems_schedule_point(const char *step, const char *what);
// A remark for the trace; no point.
void mems_schedule_note(const char *step, const char *what, int64_t number);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
