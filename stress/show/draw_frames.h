// SPDX-License-Identifier: MIT
//
// draw_frames.h - memory in frames: a grid, and the page table of each process.

#ifndef SHOW_DRAW_FRAMES_H
#define SHOW_DRAW_FRAMES_H

#include <stdio.h>

#include "show/show.h"

void draw_frames(FILE *out, const struct show *show, const struct show_map *map, unsigned width);

#endif
