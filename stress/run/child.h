// SPDX-License-Identifier: MIT
//
// child.h - processes that a workload starts: forked ones, and fresh ones that begin at main.
//
// 1. A child has a post, in memory that it shares with the cell and the driver: what it is to do,
//    what it is doing, what it found. A worker uses the posts it owns, one child at a time each.
// 2. child_fork is fork(): the child runs on with whatever the allocator made of that. child_run's
//    is this program again (with the same LD_PRELOAD), which calls the workload's `child` before it
//    has called any malloc itself.
// 3. child_wait is the judge: a child that makes no progress for too long (it neither ends nor says
//    that it does something else), is killed by a signal, reports a failure or ends with another
//    status than expected ends the cell, with the child's stack.
// 4. No child outlives its cell: it is in the cell's process group, which the driver kills at the
//    cell's end, and dies with the thread that started it (PR_SET_PDEATHSIG): the kernel's order,
//    which needs nobody alive to give it.
// 5. Children call nothing of run/ but the functions below.

#ifndef RUN_CHILD_H
#define RUN_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "run/run.h"
#include "run/stage.h"

// A post by number, below STAGE_CHILDREN, emptied.
struct child_post *child_post(struct run *run, unsigned index);

// fork(), of the calling thread. As fork: 0 in the child, -1 and errno on failure.
pid_t child_fork(struct child_post *post);

struct child_rule {
    const char *hang;    // the check's name when it makes no progress
    uint64_t timeout_ns; // for so long
    int status;          // with which it is to end
    bool done;           // its state must have become CHILD_DONE
};
// Waits for the end; returns only when all was as it should be.
void child_wait(struct worker *worker, struct child_post *post, pid_t pid,
                const struct child_rule *rule);

// A fresh process that runs the workload's `child`, and child_wait for it. No process to be had is
// the harness's failure.
void child_run(struct worker *worker, struct child_post *post, const struct child_rule *rule);

// ---- the child's side (and, where said, anybody's) ----------------------------------------------

// Says what comes next, for the report of a hang or a crash; that is progress. Nothing to do in the
// cell itself.
// Async-signal-safe.
void child_doing(const char *text);
// One step more, which is progress; child_wait does not count them as the worker's.
void child_step(void);
// Ends the child well.
_Noreturn void child_end(void);
// Marks the work done, for a child that ends in its own way.
void child_done(void);

// A check failed. In a child: recorded, and the child ends; in the cell: run_fail. `worker` may be
// NULL. `block` and `size` may be 0.
_Noreturn void child_fail(struct worker *worker, const char *check, const void *block,
                          uint64_t size, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

// `mems-stress child FILE POST`, for the cell's own use.
int child_main(int argc, char **argv);

#endif
