// SPDX-License-Identifier: MIT
//
// complaint.h - one message about bad input: what, where, and what would be right.
//
// The first complaint wins: later ones of the same call are dropped, so that a caller may keep
// going and the user still reads the cause, not its echo.

#ifndef JOB_COMPLAINT_H
#define JOB_COMPLAINT_H

#include <stdbool.h>
#include <stddef.h>

struct complaint {
    char text[1024]; // without a newline at the end; empty: none
};

void complain(struct complaint *complaint, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
