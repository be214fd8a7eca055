// SPDX-License-Identifier: MIT
//
// wrap.h - lines for people that fit their columns.

#ifndef RESULT_WRAP_H
#define RESULT_WRAP_H

#include <stdio.h>

#define WRAP_WIDTH 100

// Ends a line that has `at` columns (0: it is empty, and begins behind `indent` blanks) with the
// words of `text`, a blank before each; what does not fit goes on below, behind `indent` blanks. A
// word that is longer itself is not cut. Blanks between words become one.
void wrap_words(FILE *out, int at, int indent, const char *text);
// The same for lines of another width than WRAP_WIDTH.
void wrap_words_in(FILE *out, int width, int at, int indent, const char *text);

#endif
