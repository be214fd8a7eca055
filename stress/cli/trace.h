// SPDX-License-Identifier: MIT
//
// trace.h - what the commands record and trace share.

#ifndef CLI_TRACE_H
#define CLI_TRACE_H

#include <stdio.h>

#include "cli/option.h"
#include "trace/account.h"

extern const struct cli_command cli_command_trace_show; // a part of cli_command_trace
int cli_trace_show(int argc, char **argv);

// Operations, threads, peaks, remote frees: a few lines, indented.
void trace_summary_print(FILE *out, const struct trace_account *account);

#endif
