// SPDX-License-Identifier: MIT
//
// names.c - (number, name) -> number.

#include "trace/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "trace/binary.h"

static size_t slot_of(const struct trace_names *names, uint32_t within, const char *at,
                      size_t length)
{
    uint64_t hash = trace_hash(trace_hash(TRACE_HASH_START, &within, sizeof(within)), at, length);
    size_t slot = (size_t)(hash ^ hash >> 32) & (names->size - 1);
    while (names->table[slot].at != NULL) {
        const struct trace_name *name = &names->table[slot];
        if (name->within == within && name->length == length && memcmp(name->at, at, length) == 0) {
            break;
        }
        slot = (slot + 1) & (names->size - 1);
    }
    return slot;
}

void trace_names_fini(struct trace_names *names)
{
    free(names->table);
    memset(names, 0, sizeof(*names));
}

uint32_t trace_names_find(const struct trace_names *names, uint32_t within, const char *at,
                          size_t length)
{
    if (names->size == 0) {
        return TRACE_NAME_NONE;
    }
    const struct trace_name *name = &names->table[slot_of(names, within, at, length)];
    return name->at != NULL ? name->value : TRACE_NAME_NONE;
}

int trace_names_add(struct trace_names *names, uint32_t within, const char *at, size_t length,
                    uint32_t value)
{
    if (names->count * 2 >= names->size) {
        struct trace_names grown = {.size = names->size == 0 ? 64 : names->size * 2};
        grown.table = calloc(grown.size, sizeof(*grown.table));
        if (grown.table == NULL) {
            return ENOMEM;
        }
        for (size_t i = 0; i < names->size; i++) {
            const struct trace_name *name = &names->table[i];
            if (name->at != NULL) {
                grown.table[slot_of(&grown, name->within, name->at, name->length)] = *name;
            }
        }
        grown.count = names->count;
        free(names->table);
        *names = grown;
    }
    names->table[slot_of(names, within, at, length)] =
        (struct trace_name){.at = at, .length = length, .within = within, .value = value};
    names->count++;
    return 0;
}
