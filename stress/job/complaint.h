// SPDX-License-Identifier: MIT
//
// complaint.h - one message about bad input: what, where, and what would be right.
//
// The first complaint wins: later ones of the same call are dropped, so that a caller may keep
// going and the user still reads the cause, not its echo. A NULL complaint is allowed: the message
// is dropped.

#ifndef JOB_COMPLAINT_H
#define JOB_COMPLAINT_H

#include <stdbool.h>
#include <stddef.h>

struct complaint {
    char text[1024]; // without a newline at the end; empty: none
};

// A place in a file; columns count bytes from 1. Line 0: `file` is an option of the command line,
// and the whole place; column 0: the line as a whole.
struct complaint_place {
    const char *file;
    unsigned line;
    unsigned column;
};

void complain(struct complaint *complaint, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
// The same, beginning with the place and ": ".
void complain_at(struct complaint *complaint, const struct complaint_place *place,
                 const char *format, ...) __attribute__((format(printf, 3, 4)));

// A place for one call's arguments: FILE:LINE:COLUMN, FILE:LINE, or the option.
struct complaint_where {
    char text[800];
};
struct complaint_where complaint_where(const struct complaint_place *place);

// A quotation from the input, short enough for a message. For one call's arguments:
// complain(c, "unknown word '%s'", complaint_clip(word).text).
struct complaint_clip {
    char text[72];
};
struct complaint_clip complaint_clip(const char *text);

// Ends the driver: there is no memory for what it wants to do. One line, exit status 7; cells that
// run die with it (run/guard.h).
_Noreturn void complain_exhausted(void);

#endif
