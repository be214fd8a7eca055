// SPDX-License-Identifier: MIT
//
// json.h - the show as one JSON document, "mems-stress/show/1".
//
// Sizes and positions are in the trace's units, as everything that is shown.

#ifndef SHOW_JSON_H
#define SHOW_JSON_H

#include <stdbool.h>

#include "show/show.h"

struct show_document;

// NULL where this build writes no JSON, or out of memory.
struct show_document *show_document_open(const char *trace);
void show_document_target(struct show_document *document, const struct show *show,
                          const char *target);
// `map`: the memory is drawn after this step, else NULL.
void show_document_step(struct show_document *document, const struct show *show,
                        const struct show_step *step, const struct show_map *map);
void show_document_end(struct show_document *document, struct show *show);
// The document as it is by now, the document's own; NULL without JSON.
struct json_t;
struct json_t *show_document_root(struct show_document *document);
// A target that others have made; it is the document's now.
void show_document_add(struct show_document *document, struct json_t *target);
// The text, to be freed by the caller, or NULL.
char *show_document_text(struct show_document *document);
void show_document_close(struct show_document *document);

#endif
