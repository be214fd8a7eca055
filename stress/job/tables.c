// SPDX-License-Identifier: MIT
//
// tables.c - key tables.

#include "job/tables.h"

#include <string.h>

#include "workload/workload.h"

size_t table_count(const struct job_key *table)
{
    size_t count = 0;
    while (table && table[count].name) {
        count++;
    }
    return count;
}

const struct job_key *table_find(const struct job_key *table, const char *name)
{
    for (; table && table->name; table++) {
        if (strcmp(table->name, name) == 0) {
            return table;
        }
    }
    return NULL;
}

bool table_unused(const struct workload *workload, const char *name)
{
    for (const char *const *unused = workload->unused; unused && *unused; unused++) {
        if (strcmp(*unused, name) == 0) {
            return true;
        }
    }
    return false;
}

static size_t add_names(const struct job_key *table, const char **names, size_t count)
{
    for (; table && table->name; table++) {
        if (names) {
            names[count] = table->name;
        }
        count++;
    }
    return count;
}

static size_t collect(const struct workload *only, const char **names)
{
    size_t count = add_names(job_common_keys, names, 0);
    const struct workload *workload;
    for (size_t i = 0; (workload = workload_at(i)) != NULL; i++) {
        if (!only || workload == only) {
            count = add_names(workload->keys, names, count);
        }
    }
    return count;
}

const char *const *table_names(const struct workload *workload, struct arena *arena)
{
    const char **names = arena_get(arena, (collect(workload, NULL) + 1) * sizeof *names);
    collect(workload, names);
    return names;
}

const struct job_key *job_key_find(const char *name, const struct workload **workload)
{
    const struct job_key *key = table_find(job_common_keys, name);
    const struct workload *owner = NULL;
    for (size_t i = 0; !key && (owner = workload_at(i)) != NULL; i++) {
        key = table_find(owner->keys, name);
    }
    *workload = key ? owner : NULL;
    return key;
}

const char *job_key_suggest(const char *name)
{
    struct arena arena = {0};
    const char *near = job_suggest(name, table_names(NULL, &arena));
    arena_fini(&arena);
    return near;
}
