// SPDX-License-Identifier: MIT
//
// schema.c - the schemas as they lie beside this file, taken into the program by the build.
//
// 1. Open and closed. The schemas let readers meet members they do not know: a later mems-stress
//    may write more. The tests close every object first, so that nothing this one writes is left
//    out of them.
// 2. If you change this: a new figure of a document goes into its schema, with type and unit; one
//    that may be unknown is null there, never left out. What is sometimes not there at all is not
//    "required". A change that readers would notice is a new version: a new file and a new row.

#include "result/schema.h"

#include <string.h>

#include "mems_schemas.h" // made by the build

static const struct schema schema_table[] = {
    {"result", "mems-stress/1", "run, replay", mems_stress_1},
    {"comparison", "mems-stress-comparison/1", "compare; in a result, run --baseline",
     mems_stress_comparison_1},
    {"selftest", "mems-stress-selftest/1", "selftest", mems_stress_selftest_1},
    {"faults", "mems-stress/faults/1", "faults", mems_stress_faults_1},
    {"show", "mems-stress/show/1", "trace show", mems_stress_show_1},
    {"explore", "mems-stress/explore/1", "explore", mems_stress_explore_1},
    {"history", "mems-stress-history/1", "history", mems_stress_history_1},
};

#define SCHEMA_COUNT (sizeof schema_table / sizeof schema_table[0])

const struct schema *schema_at(size_t index)
{
    return index < SCHEMA_COUNT ? &schema_table[index] : NULL;
}

const struct schema *schema_find(const char *name)
{
    for (size_t i = 0; i < SCHEMA_COUNT; i++) {
        if (strcmp(schema_table[i].name, name) == 0 ||
            strcmp(schema_table[i].document, name) == 0) {
            return &schema_table[i];
        }
    }
    return NULL;
}
