// SPDX-License-Identifier: MIT
//
// spawn.h - starts a cell's process.

#ifndef RUN_SPAWN_H
#define RUN_SPAWN_H

#include <sys/types.h>

#include "run/plan.h"

// Makes the stage (cell->stage) and the process. `output` is a file that collects what the process
// prints. 0 or errno, with a message in the cell.
int spawn_cell(struct cell *cell, pid_t *pid, int *output);

#endif
