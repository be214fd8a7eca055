// SPDX-License-Identifier: MIT
//
// cell.h - the hidden command that is a cell's process: mems-stress cell DESCRIPTOR.

#ifndef RUN_CELL_H
#define RUN_CELL_H

// The order is in the stage behind the descriptor (run/stage.h). Returns the exit status; what it
// means is in the stage.
int cell_main(int argc, char **argv);

#endif
