// SPDX-License-Identifier: MIT
//
// table.h - runs in a terminal: the table that textbooks print, the steps with their reasons.

#ifndef LESSON_TABLE_H
#define LESSON_TABLE_H

#include <stdio.h>

#include "lesson/run.h"

// A column a reference, a row a frame: `*` behind a page whose R is set, `>` before the one that
// the hand is at; F a fault, f one that fills an empty frame.
void lesson_table(FILE *out, const struct lesson_run *run, unsigned width);
void lesson_steps(FILE *out, const struct lesson_run *run, unsigned width, bool reasons);
// "15 faults; 12 without the 3 that filled empty frames", and whether the books say so too.
void lesson_total(FILE *out, const struct lesson_run *run, unsigned width);
void lesson_verdict(FILE *out, const char *answer, const char *expected, unsigned width);
// The totals of all runs.
void lesson_sums(FILE *out, const struct lesson_run *runs, size_t count);
void lesson_head(FILE *out, const struct exercise *exercise, unsigned width);

#endif
