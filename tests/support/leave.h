// SPDX-License-Identifier: MIT
//
// leave.h - how a child made by fork ends: by _exit, without its parent's handlers. Where lib/
// counts what it executes (preset coverage), its counters are written first, which _exit alone does
// not do.

#ifndef SUPPORT_LEAVE_H
#define SUPPORT_LEAVE_H

#include <unistd.h>

#ifdef MEMS_COVERAGE
void __gcov_dump(void);
#endif

static inline _Noreturn void leave(int status)
{
#ifdef MEMS_COVERAGE
    __gcov_dump();
#endif
    _exit(status);
}

#endif
