// SPDX-License-Identifier: MIT
//
// draw.h - steps, maps and the side-by-side table, in a terminal.

#ifndef SHOW_DRAW_H
#define SHOW_DRAW_H

#include <stdio.h>

#include "show/show.h"

#define DRAW_LEAST_WIDTH 40
#define DRAW_MOST_WIDTH  1000

void draw_head(FILE *out, const struct show *show, const struct target_spec *spec, unsigned width);
// What came of it, and below it why, in lines of `width` columns.
void draw_step(FILE *out, const struct show *show, const struct show_step *step, unsigned width);
// The memory now. `width` is the terminal's, within the limits above.
void draw_map(FILE *out, struct show *show, unsigned width);

struct draw_row {
    const char *target;
    struct show_summary summary;
    uint64_t unit;
};
void draw_table(FILE *out, const struct draw_row *rows, size_t count);

#endif
