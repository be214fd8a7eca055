// SPDX-License-Identifier: MIT
//
// evidence.h - what a dying cell leaves behind: written from signal handlers, without malloc.

#ifndef RUN_EVIDENCE_H
#define RUN_EVIDENCE_H

#include "run/stage.h"

struct worker;

// Exit statuses of a cell's process; what they mean is in the evidence.
enum { EVIDENCE_EXIT_CHECK = 42, EVIDENCE_EXIT_REFUSED = 43 };

// Signal with which the driver asks every thread of a hung cell where it is.
int evidence_dump_signal(void);

// Installs the handlers; `stage` is where to write. Called once, first of all.
void evidence_open(struct stage *stage);
// Tells which worker this thread is, and gives it a stack for handlers (`stack` of EVIDENCE_STACK
// bytes, mapped by the caller). From evidence_thread_end on it may serve another thread. The two
// are called in pairs: a sanitizer's runtime wants its own handlers' stack back at a thread's end.
#define EVIDENCE_STACK (64 << 10)
void evidence_thread_begin(struct worker *worker, void *stack);
void evidence_thread_end(void);

// The cell cannot begin (target or workload do not open): says why and ends the process.
_Noreturn void evidence_refuse(const char *text);

#endif
