// SPDX-License-Identifier: MIT
//
// plain.h - what others wrote, as a terminal may have it.

#ifndef JOB_PLAIN_H
#define JOB_PLAIN_H

#include <stddef.h>
#include <stdio.h>

// One line for one call's arguments: fprintf(out, "%s", plain_line(text).text). Cut at its end.
struct plain_line {
    char text[1024];
};
struct plain_line plain_line(const char *text);

// The text in its place, in at most `size` bytes with the NUL, at most 2048; line feeds and tabs
// stay.
void plain_make(char *text, size_t size);

// A stream whose text reaches `out` so; line feeds and tabs pass. Closed before anything else is
// written to `out`, which stays open and has the error if there was one.
FILE *plain_open(FILE *out);

#endif
