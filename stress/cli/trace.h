// SPDX-License-Identifier: MIT
//
// trace.h - the commands record and trace, and what both print.

#ifndef CLI_TRACE_H
#define CLI_TRACE_H

#include <stdio.h>

#include "trace/account.h"

int cli_record(int argc, char **argv);
int cli_trace(int argc, char **argv);
int cli_trace_show(int argc, char **argv); // argv[0] is "show"

// Operations, threads, peaks, remote frees: a few lines, indented.
void trace_summary_print(FILE *out, const struct trace_account *account);

#endif
