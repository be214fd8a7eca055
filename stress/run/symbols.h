// SPDX-License-Identifier: MIT
//
// symbols.h - addresses of a process that has ended become names.

#ifndef RUN_SYMBOLS_H
#define RUN_SYMBOLS_H

#include <sys/types.h>

#include "run/stage.h"

// Whether this build reads symbol tables and line numbers (libdw). Without, a frame is an object
// and an offset in it.
bool symbols_possible(void);

// Fills in the text of every trace of the evidence: a line a frame,
// "function+0x1c (/path/object+0x81c) file.c:123".
void symbols_resolve(struct evidence *evidence);

// Looks at a thread from outside, stopped for that moment: for one that does not answer signals.
// Its frames go into `unwind`. False: it cannot be looked at.
bool symbols_look(pid_t process, pid_t thread, struct unwind *unwind);

#endif
