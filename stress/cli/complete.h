// SPDX-License-Identifier: MIT
//
// complete.h - what the last word of a command line can be, for a shell that asks.

#ifndef CLI_COMPLETE_H
#define CLI_COMPLETE_H

#include <stdio.h>

#include "cli/option.h"

// The words after the program's name, the last one begun ("" where it is not). A line each: WORD,
// a tab, what it is. Lines ":files PATTERN", ":folders" and ":programs" say that the shell knows
// better.
void complete_words(const struct cli_list *words, FILE *out);

#endif
