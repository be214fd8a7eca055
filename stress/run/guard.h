// SPDX-License-Identifier: MIT
//
// guard.h - no process of a cell outlives the cell, nor the driver.

#ifndef RUN_GUARD_H
#define RUN_GUARD_H

#include <stdbool.h>
#include <sys/types.h>

// Starts the guard, if it does not run. 0 or errno.
int guard_open(void);
// "NAME=VALUE": every process of a cell has it in its environment.
const char *guard_mark(void);
// Ends what is left of a cell: its process group, and whoever has the mark. The cell's own process
// may be dead already but must not have been waited for: as long as it is there, no stranger can
// have its number.
void guard_sweep(pid_t cell);
// Ends the guard, after a last sweep of its own.
void guard_close(void);

#endif
