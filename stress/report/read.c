// SPDX-License-Identifier: MIT
//
// read.c - a document is read for a page: known by its schema, and whole where views lean on it.

#include "report/report.h"

#include <errno.h>

#ifdef MEMS_HAVE_JANSSON

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "result/document.h"
#include "json/json.h"

#define READ_SHOW "mems-stress/show/1"

// What a document must have for its view to stand on.
static const struct read_need {
    const char *schema;
    const char *path; // members, by dots
    json_type type;
    const char *wanted;
} read_needs[] = {
    {DOCUMENT_SCHEMA, "verdict", JSON_STRING, "a text"},
    {DOCUMENT_SCHEMA, "started", JSON_STRING, "a text"},
    {DOCUMENT_SCHEMA, "warnings", JSON_ARRAY, "an array"},
    {DOCUMENT_SCHEMA, "host", JSON_OBJECT, "an object"},
    {DOCUMENT_SCHEMA, "job.title", JSON_STRING, "a text"},
    {DOCUMENT_SCHEMA, "job.sections", JSON_ARRAY, "an array"},
    {DOCUMENT_SCHEMA, "cells", JSON_ARRAY, "an array"},
    {DOCUMENT_SCHEMA, "scaling", JSON_ARRAY, "an array"},
    {READ_SHOW, "trace", JSON_STRING, "a text"},
    {READ_SHOW, "targets", JSON_ARRAY, "an array"},
};

static const struct read_member {
    const char *array; // of a result
    const char *name;  // of each of its elements
    json_type type;
    const char *wanted;
} read_members[] = {
    {"job.sections", "name", JSON_STRING, "a text"},
    {"job.sections", "workload", JSON_STRING, "a text"},
    {"job.sections", "threads", JSON_INTEGER, "a whole number"},
    {"job.sections", "values", JSON_OBJECT, "an object"},
    {"cells", "id", JSON_STRING, "a text"},
    {"cells", "section", JSON_STRING, "a text"},
    {"cells", "target", JSON_STRING, "a text"},
    {"cells", "repeat", JSON_INTEGER, "a whole number"},
    {"cells", "verdict", JSON_STRING, "a text"},
    {"cells", "message", JSON_STRING, "a text"},
    {"cells", "again", JSON_STRING, "a text"},
};

static const json_t *read_at(const json_t *root, const char *path)
{
    char name[64];
    for (size_t length; *path != '\0'; path += length + (path[length] == '.')) {
        length = strcspn(path, ".");
        snprintf(name, sizeof name, "%.*s", (int)length, path);
        root = json_object_get(root, name);
    }
    return root;
}

static bool read_is(const json_t *value, json_type type)
{
    return value != NULL && json_typeof(value) == type;
}

static int read_check_members(const char *file, const json_t *root, struct complaint *complaint)
{
    for (size_t i = 0; i < sizeof read_members / sizeof read_members[0]; i++) {
        const struct read_member *member = &read_members[i];
        const json_t *array = read_at(root, member->array);
        for (size_t n = 0; n < json_array_size(array); n++) {
            const json_t *element = json_array_get(array, n);
            if (!read_is(json_object_get(element, member->name), member->type)) {
                complain(complaint, "%s: %s[%zu].%s: %s is wanted", file, member->array, n,
                         member->name, member->wanted);
                return EINVAL;
            }
        }
    }
    return 0;
}

// Arrays of a cell's report that views go through together: all as long as the first.
static const struct read_column {
    const char *array, *first, *name;
    bool must; // be there, where the first is
} read_columns[] = {
    {"report.samples", "at_ns", "live_bytes", true},
    {"report.samples", "at_ns", "taken_bytes", true},
    {"report.samples", "at_ns", "held_bytes", true},
    {"report.samples", "at_ns", "rss_bytes", true},
    {"report.samples", "at_ns", "free_bytes", false},
    {"report.samples", "at_ns", "largest_hole_bytes", false},
    {"report.samples", "at_ns", "holes", false},
    {"report.samples", "at_ns", "live_blocks", false},
    {"report.memory.decay", "after_ns", "rss_bytes", true},
};

static int read_check_columns(const char *file, size_t n, const json_t *cell,
                              struct complaint *complaint)
{
    for (size_t i = 0; i < sizeof read_columns / sizeof read_columns[0]; i++) {
        const struct read_column *row = &read_columns[i];
        const json_t *of = read_at(cell, row->array);
        const json_t *first = json_object_get(of, row->first);
        const json_t *column = json_object_get(of, row->name);
        bool absent = column == NULL || json_is_null(column);
        if (of == NULL || json_is_null(of) || (absent && !row->must)) {
            continue;
        }
        if (!json_is_array(first)) {
            complain(complaint, "%s: cells[%zu].%s.%s: an array is wanted", file, n, row->array,
                     row->first);
            return EINVAL;
        }
        if (!json_is_array(column) || json_array_size(column) != json_array_size(first)) {
            complain(complaint, "%s: cells[%zu].%s.%s: an array as long as %s is wanted", file, n,
                     row->array, row->name, row->first);
            return EINVAL;
        }
    }
    return 0;
}

// What a picture of memory must have.
static const struct read_picture {
    const char *name;
    json_type type;
    const char *wanted;
} read_pictures[] = {
    {"operations", JSON_INTEGER, "a whole number"},
    {"at_ns", JSON_INTEGER, "a whole number"},
    {"memory_bytes", JSON_INTEGER, "a whole number"},
    {"pieces", JSON_ARRAY, "an array"},
};

static int read_check_map(const char *file, size_t n, const json_t *cell,
                          struct complaint *complaint)
{
    const json_t *map = read_at(cell, "report.map");
    for (size_t i = 0; i < json_array_size(map); i++) {
        for (size_t row = 0; row < sizeof read_pictures / sizeof read_pictures[0]; row++) {
            const struct read_picture *member = &read_pictures[row];
            if (!read_is(json_object_get(json_array_get(map, i), member->name), member->type)) {
                complain(complaint, "%s: cells[%zu].report.map[%zu].%s: %s is wanted", file, n, i,
                         member->name, member->wanted);
                return EINVAL;
            }
        }
    }
    return 0;
}

// Of a part of a plan: cells are three numbers, the first two say which section and target.
static bool read_is_cell(const json_t *cell, const json_t *sections)
{
    json_int_t section = json_integer_value(json_array_get(cell, 0));
    json_int_t target = json_integer_value(json_array_get(cell, 1));
    const json_t *targets =
        section >= 0 ? json_object_get(json_array_get(sections, (size_t)section), "targets") : NULL;
    return target >= 0 && json_is_string(json_array_get(targets, (size_t)target)) &&
           json_is_integer(json_array_get(cell, 2));
}

static int read_check_shard(const char *file, const json_t *shard, struct complaint *complaint)
{
    const json_t *sections = json_object_get(shard, "sections");
    const json_t *cells = json_object_get(shard, "cells");
    bool right = json_is_integer(json_object_get(shard, "index")) &&
                 json_is_integer(json_object_get(shard, "count")) && json_is_array(sections) &&
                 json_is_array(cells);
    for (size_t i = 0; i < json_array_size(sections) && right; i++) {
        const json_t *section = json_array_get(sections, i);
        right = json_is_string(json_object_get(section, "name")) &&
                json_is_integer(json_object_get(section, "shard"));
    }
    for (size_t i = 0; i < json_array_size(cells) && right; i++) {
        right = read_is_cell(json_array_get(cells, i), sections);
    }
    if (shard != NULL && !right) {
        complain(complaint, "%s: shard: what run --shard writes of the whole plan is wanted", file);
        return EINVAL;
    }
    return 0;
}

static int read_check_result(const char *file, const json_t *root, struct complaint *complaint)
{
    const json_t *cells = json_object_get(root, "cells");
    int error = read_check_members(file, root, complaint);
    error = error != 0 ? error : read_check_shard(file, json_object_get(root, "shard"), complaint);
    for (size_t n = 0; n < json_array_size(cells) && error == 0; n++) {
        const json_t *cell = json_array_get(cells, n);
        error = read_check_columns(file, n, cell, complaint);
        error = error != 0 ? error : read_check_map(file, n, cell, complaint);
    }
    return error;
}

static int read_check(const char *file, const json_t *root, struct complaint *complaint)
{
    const char *schema = json_string_value(json_object_get(root, "schema"));
    bool known = false;
    if (schema == NULL) {
        complain(complaint,
                 "%s: no document of mems-stress: no \"schema\" (write one with: mems-stress run "
                 "JOB --json FILE)",
                 file);
        return EINVAL;
    }
    for (size_t i = 0; i < sizeof read_needs / sizeof read_needs[0]; i++) {
        const struct read_need *need = &read_needs[i];
        if (strcmp(need->schema, schema) != 0) {
            continue;
        }
        known = true;
        if (!read_is(read_at(root, need->path), need->type)) {
            complain(complaint, "%s: %s: %s is wanted", file, need->path, need->wanted);
            return EINVAL;
        }
    }
    if (!known) {
        complain(complaint,
                 "%s: a document of schema \"%s\"; a page shows \"" DOCUMENT_SCHEMA
                 "\" (run --json) and \"" READ_SHOW "\" (trace show --json)",
                 file, complaint_clip(schema).text);
        return EINVAL;
    }
    return strcmp(schema, DOCUMENT_SCHEMA) == 0 ? read_check_result(file, root, complaint) : 0;
}

int report_read(const char *path, struct json_t **root, struct complaint *complaint)
{
    json_t *read;
    int error = json_read(path, &read, complaint->text, sizeof complaint->text);
    if (error == 0) {
        error = read_check(path, read, complaint);
    }
    if (error != 0) {
        json_decref(read);
        return error;
    }
    *root = read;
    return 0;
}

bool report_is_result(const struct json_t *root)
{
    const char *schema = json_string_value(json_object_get(root, "schema"));
    return schema != NULL && strcmp(schema, DOCUMENT_SCHEMA) == 0;
}

void report_free(struct json_t *root)
{
    json_decref(root);
}

#else

int report_read(const char *path, struct json_t **root, struct complaint *complaint)
{
    (void)root;
    complain(complaint, "cannot read %s: this mems-stress was built without libjansson", path);
    return ENOTSUP;
}

bool report_is_result(const struct json_t *root)
{
    (void)root;
    return false;
}

void report_free(struct json_t *root)
{
    (void)root;
}

#endif
