// SPDX-License-Identifier: MIT
//
// plot.h - a series of values in a line, or in a few.

#ifndef HISTORY_PLOT_H
#define HISTORY_PLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

// A value a column, and a column more before each that is marked. What has no room on the left is
// not drawn: the newest values are.
struct plot {
    const double *values;
    const bool *marked; // a change is before it
    size_t count;
    size_t width; // columns
    bool ascii;   // levels as punctuation, for terminals without block characters
};

// Four digits, and k, M, G, T for thousands.
struct plot_number {
    char text[16];
};
struct plot_number plot_number(double value);

// One line of `width` columns, without an end.
void plot_spark(FILE *out, const struct plot *plot);
// Several lines with a scale on the left, `plot->width` columns in all; below them `first` and
// `last`, what the first and the last column are.
void plot_dots(FILE *out, const struct plot *plot, const char *first, const char *last);

#endif
