// SPDX-License-Identifier: MIT
//
// json.h - values of a document, and how it is laid out. With libjansson only.

#ifndef JSON_JSON_H
#define JSON_JSON_H

#include <jansson.h>
#include <stdint.h>

// Text that may not be UTF-8: then everything beyond ASCII becomes '?'.
json_t *json_of_text(const char *text);
json_t *json_of_lines(const char *text);
// A real, or null where it is not a number.
json_t *json_of_real(double real);
json_t *json_of_count(uint64_t count);

// A member's text; "" where it has none.
const char *json_text(const json_t *object, const char *key);

// The document as text, laid out; the caller frees it. NULL: out of memory.
char *json_print(json_t *root);
// On one line, as histories and journals keep it; `flags` of jansson's more. NULL: out of memory.
char *json_print_line(const json_t *root, size_t flags);

// The document in a file. 0, or an errno value with a sentence that names the file and, where its
// content is at fault (EINVAL), the place in it; then there is none.
int json_read(const char *path, json_t **root, char *why, size_t size);

#endif
