// SPDX-License-Identifier: MIT
//
// manual.h - the manual pages, in roff, made from the tables that the program works by.

#ifndef CLI_MANUAL_H
#define CLI_MANUAL_H

#include <stdio.h>

// A page's name by index; NULL past the last.
const char *manual_page_at(size_t index);
// Prints the page of that name: 0, or ENOENT.
int manual_print(const char *name, FILE *out);

#endif
