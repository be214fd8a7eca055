// SPDX-License-Identifier: MIT
//
// common.h - the front of threads that have none: those that are ending, and those without memory.
//
// Nobody runs as COMMON_SELF: everybody releases the common front's blocks as a stranger does, also
// who took them. Taking is under a lock of its own, before a depot's.

#ifndef HEAP_COMMON_H
#define HEAP_COMMON_H

#include "heap/front.h"

#define COMMON_SELF 2 // no address of a thread control block

void *common_take(unsigned class, bool *zeroed); // as front_take
void common_trim(void);                          // as front_trim
bool common_is_mine(void); // whether a signal handler has interrupted this thread in one of these
void common_reset(void);   // in a child: begun anew, and nobody holds its lock; unless that

#endif
