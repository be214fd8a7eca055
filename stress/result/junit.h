// SPDX-License-Identifier: MIT
//
// junit.h - the pieces of the JUnit XML.

#ifndef RESULT_JUNIT_H
#define RESULT_JUNIT_H

#include <stdio.h>

#include "result/finding.h"

// Escaped; what XML cannot hold becomes '?'.
void junit_text(FILE *out, const char *text);
void junit_attribute(FILE *out, const char *name, const char *text);

// The suite "comparison": a test for each finding.
void junit_findings(FILE *out, const struct findings *findings, size_t id, const char *stamp,
                    const char *host);

#endif
