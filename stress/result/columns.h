// SPDX-License-Identifier: MIT
//
// columns.h - the figures of a section, a row a target.

#ifndef RESULT_COLUMNS_H
#define RESULT_COLUMNS_H

#include <stdbool.h>
#include <stdio.h>

#include "result/summary.h"

#define COLUMNS_WIDE 100 // with fewer the table is in bands

// Header and rows, within `width` columns (but for names that are longer). `open_loop`: times are
// responses.
void columns_print(FILE *out, int width, const struct summary *summaries, size_t count,
                   bool open_loop);

// A rate and a time as people read them: three significant digits and a unit; "-": not known.
struct columns_text {
    char text[32];
};
struct columns_text columns_time(double ns);
// "4.1 of 5 Mops/s": both in the unit of the second.
struct columns_text columns_rates(double rate, double of);

#endif
