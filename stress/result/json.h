// SPDX-License-Identifier: MIT
//
// json.h - the pieces of the document: one function a noun. With libjansson only.

#ifndef RESULT_JSON_H
#define RESULT_JSON_H

#include <jansson.h>

#include "result/host.h"
#include "run/plan.h"

// Text that may not be UTF-8: then everything beyond ASCII becomes '?'.
json_t *json_of_text(const char *text);
json_t *json_of_lines(const char *text);
// A real, or null where it is not a number.
json_t *json_of_real(double real);
json_t *json_of_count(uint64_t count);

// The document as text, laid out; the caller frees it. NULL: out of memory.
char *json_print(json_t *root);

json_t *json_of_host(const struct host *host);
json_t *json_of_section(const struct plan_section *section);
json_t *json_of_cell(const struct plan *plan, const struct cell *cell);
json_t *json_of_report(const struct cell *cell);
json_t *json_of_fairness(const struct cell_report *report, unsigned threads);
json_t *json_of_system(const struct cell_report *report);
json_t *json_of_steady(const struct cell_report *report);
json_t *json_of_harness(const struct cell_report *report);
json_t *json_of_speed(const struct cell_report *report);
// Members of the objects "memory" and "fragmentation".
void json_add_memory(json_t *memory, const struct cell_report *report);
void json_add_holes(json_t *fragmentation, const struct report_fragmentation *report);
// An element for each target of each set of sections that differ in threads only.
json_t *json_of_scaling(const struct plan *plan);
json_t *json_of_evidence(const struct cell *cell);

#endif
