// SPDX-License-Identifier: MIT
//
// annotation.h - what went wrong, as GitHub Actions shows it beside the job file.

#ifndef RESULT_ANNOTATION_H
#define RESULT_ANNOTATION_H

#include <stdio.h>

#include "result/output.h"

// Prints workflow commands: an error for each section and target that went wrong (with the command
// to do it again), a warning for each warning, a notice with the verdict.
void annotation_print(FILE *out, const struct output_scene *scene);
// Only what a comparison came to; `plan`, which may be NULL, knows where its sections stand.
void annotation_findings(FILE *out, const struct findings *findings, const struct plan *plan);

#endif
