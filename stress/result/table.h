// SPDX-License-Identifier: MIT
//
// table.h - the result for people: a table a section, what went wrong, the verdict.

#ifndef RESULT_TABLE_H
#define RESULT_TABLE_H

#include <stdio.h>

#include "result/verdict.h"
#include "run/plan.h"

// At most wrap_width() columns wide (but for names and messages that are longer themselves).
// `brief`: only troubles and the verdict.
void table_print(FILE *out, const struct plan *plan, const struct verdict *verdict, bool brief);
// One line a warning. `arg` is a FILE: a warning_teller.
void table_warning(void *arg, const char *code, const char *text);

// What each column says.
void table_describe(FILE *out);

#endif
