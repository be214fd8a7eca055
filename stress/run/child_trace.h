// SPDX-License-Identifier: MIT
//
// child_trace.h - where a child's threads are, told by themselves and by the kernel.

#ifndef RUN_CHILD_TRACE_H
#define RUN_CHILD_TRACE_H

#include <stdbool.h>

#include "run/stage.h"

// In a child: from now on its crashes, and the question where it is, go to the stage's traces.
// Async-signal-safe; allocates nothing.
void child_trace_open(struct stage *stage);

// In the parent: asks every thread of a process, waits a second for the answers, and adds what the
// kernel says of those threads. `same_places`: it was forked from this process, so that addresses
// mean the same in it. Allocates nothing.
void child_trace_ask(struct stage *stage, int process, bool same_places);

// The first line of /proc/PROCESS/task/TID/NAME; empty where it cannot be read.
void child_trace_line(int process, int tid, const char *name, char *text, size_t size);

#endif
