// SPDX-License-Identifier: MIT
//
// schema.h - what the JSON documents hold, for programs: a JSON Schema (2020-12) for each kind.

#ifndef RESULT_SCHEMA_H
#define RESULT_SCHEMA_H

#include <stddef.h>

struct schema {
    const char *name;     // on the command line
    const char *document; // what the document says of itself: its member "schema"
    const char *help;     // which command writes it
    const char *text;     // the schema
};

// By index; NULL past the last.
const struct schema *schema_at(size_t index);

// By name, or by what the document says of itself; NULL: there is none.
const struct schema *schema_find(const char *name);

#endif
