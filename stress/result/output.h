// SPDX-License-Identifier: MIT
//
// output.h - the forms a result can take, each in a file of its own: JSON, CSV, JUnit XML, and JSON
// as Google Benchmark has it.

#ifndef RESULT_OUTPUT_H
#define RESULT_OUTPUT_H

#include <stdbool.h>

#include "result/document.h"
#include "result/finding.h"

enum output_form { OUTPUT_JSON, OUTPUT_CSV, OUTPUT_JUNIT, OUTPUT_GOOGLE, OUTPUT_FORMS };

// Where each form goes: a path, "-" (standard output), NULL (nowhere). A form has the same option
// in every command: --json, --csv, --junit, --google-benchmark.
struct output_paths {
    const char *path[OUTPUT_FORMS];
};

// What results are made of.
struct output_scene {
    const struct plan *plan;
    const struct verdict *verdict;
    const struct document_head *head;
    const struct findings *findings; // of a comparison with a baseline; NULL: none
};

// Whether one of them has standard output for itself: everything else then goes to standard error.
bool output_has_stdout(const struct output_paths *paths);

// For before a run: a form that this build cannot make (EINVAL), a path that cannot be written (its
// errno). 0, or that with a complaint. That each has a place of its own is seen to where options
// are read (disk/claim.h).
int output_check(const struct output_paths *paths, struct complaint *complaint);
int output_probe(const struct output_paths *paths, struct complaint *complaint);

// Writes every form, each whole or not at all; one that cannot be written does not keep the others
// from being written. 0, or the first one's errno with a complaint.
int output_write(const struct output_paths *paths, const struct output_scene *scene,
                 struct complaint *complaint);

// The forms as text; the caller frees it. NULL: out of memory.
char *output_csv(const struct output_scene *scene);
char *output_junit(const struct output_scene *scene);
// Of a comparison alone; `stamp` is ISO 8601.
char *output_junit_findings(const struct findings *findings, const char *stamp, const char *host);

#endif
