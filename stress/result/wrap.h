// SPDX-License-Identifier: MIT
//
// wrap.h - lines for people that fit 100 columns, or as many as there are.

#ifndef RESULT_WRAP_H
#define RESULT_WRAP_H

#include <stdio.h>

#define WRAP_WIDTH 100

// Ends a line that has `at` columns (0: it is empty, and begins behind `indent` blanks) with the
// words of `text`, a blank before each; what does not fit goes on below, behind `indent` blanks. A
// word that is longer itself is not cut. Blanks between words become one.
void wrap_words(FILE *out, int at, int indent, const char *text);
// The same within `width` columns.
void wrap_within(FILE *out, int width, int at, int indent, const char *text);
// The columns of the terminal that the stream is, within WRAP_LEAST and 1000; 80 where it is none.
// COLUMNS in the environment, a number above 0, holds against both.
int wrap_terminal(FILE *out);
// What tables and wrap_words have: WRAP_WIDTH, or what wrap_settle found.
int wrap_width(void);
// From now on that is what `out` has where it is a terminal, or COLUMNS says, but WRAP_WIDTH at
// most.
void wrap_settle(FILE *out);

#define WRAP_LEAST 40

#endif
