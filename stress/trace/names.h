// SPDX-License-Identifier: MIT
//
// names.h - (number, name) -> number, for names in a text that stays where it is.

#ifndef TRACE_NAMES_H
#define TRACE_NAMES_H

#include <stddef.h>
#include <stdint.h>

#define TRACE_NAME_NONE UINT32_MAX

struct trace_name {
    const char *at; // NULL: empty
    size_t length;
    uint32_t within;
    uint32_t value;
};

struct trace_names {          // zeroed at first
    struct trace_name *table; // open addressing, at most half full
    size_t size;              // a power of two, or 0
    size_t count;
};

void trace_names_fini(struct trace_names *names);
uint32_t trace_names_find(const struct trace_names *names, uint32_t within, const char *at,
                          size_t length);
// The name must not be there yet. 0 or ENOMEM.
int trace_names_add(struct trace_names *names, uint32_t within, const char *at, size_t length,
                    uint32_t value);

#endif
