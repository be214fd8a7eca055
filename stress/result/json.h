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
json_t *json_of_evidence(const struct cell *cell);

#endif
