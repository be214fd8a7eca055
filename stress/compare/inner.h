// SPDX-License-Identifier: MIT
//
// inner.h - the parts of a comparison, for each other: notes, what fits, what differs, families.

#ifndef COMPARE_INNER_H
#define COMPARE_INNER_H

#include "compare/compare.h"

// `section` and `target` may be NULL: the note is of the whole.
void compare_note(struct comparison *comparison, const char *section, const char *target,
                  enum compare_kind kind, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

// Whether the sections are the same work; else a note says what is not.
bool compare_fits(struct comparison *comparison, const struct measured_section *a,
                  const struct measured_section *b);

// Notes of what else differs between two results: host, build, environment, whose malloc.
void compare_circumstances(struct comparison *comparison, const struct measured *a,
                           const struct measured *b);

// Holm's correction in each metric's rows, the verdicts, and a second look at those that the
// machine's speed may have made.
void compare_judge(struct comparison *comparison);

#endif
