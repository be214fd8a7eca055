// SPDX-License-Identifier: MIT
//
// read.c - a result file is read for a comparison, strictly.
//
// 1. Forms. A file is JSON; read_forms says which kinds of document are known and how each is told
//    from the rest. Another tool's results are one row more and one function that fills in a struct
//    measured.
// 2. Strictness. What a comparison rests on must be there and of the right type: a figure that is
//    missing is no zero. Fields that it does not need are not looked at, so that a document with
//    more of them can be read. A complaint says file, place and what would be right.
// 3. Places. `at` is a path like "cells[3].metrics", made on the way down.

#include "compare/measured.h"

#include <errno.h>

#ifdef MEMS_HAVE_JANSSON

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare/read.h"
#include "job/complaint.h"
#include "job/sure.h"
#include "result/document.h"
#include "json/json.h"

int read_complain(const struct reading *reading, const char *at, const char *key,
                  const char *wanted)
{
    complain(reading->complaint, "%s: %s%s%s: %s is wanted", reading->file, at,
             *at != '\0' ? "." : "", key, wanted);
    return EINVAL;
}

int read_text(const struct reading *reading, const json_t *object, const char *at, const char *key,
              const char **text)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_string(value)) {
        return read_complain(reading, at, key, "a text");
    }
    *text = json_string_value(value);
    return 0;
}

int read_count(const struct reading *reading, const json_t *object, const char *at, const char *key,
               unsigned *count)
{
    const json_t *value = json_object_get(object, key);
    json_int_t number = json_integer_value(value);
    if (!json_is_integer(value) || number < 0 || number > INT32_MAX) {
        return read_complain(reading, at, key, "a whole number from 0 on");
    }
    *count = (unsigned)number;
    return 0;
}

static int read_values(const struct reading *reading, json_t *object, const char *at,
                       struct measured_section *section)
{
    const char *key;
    json_t *value;
    json_t *values = json_object_get(object, "values");
    if (!json_is_object(values)) {
        return read_complain(reading, at, "values", "an object");
    }
    section->values = measured_zeroed(json_object_size(values), sizeof *section->values);
    json_object_foreach(values, key, value)
    {
        if (!json_is_string(value) && !json_is_null(value)) {
            char place[128];
            snprintf(place, sizeof place, "%s.values", at);
            return read_complain(reading, place, key, "a text or null");
        }
        struct measured_value *made = &section->values[section->value_count++];
        made->key = measured_copy(key);
        made->text = measured_copy(json_string_value(value));
    }
    return 0;
}

// Older documents do not name the files.
static int read_files(const struct reading *reading, json_t *object, const char *at,
                      struct measured_section *section)
{
    const char *key;
    json_t *value;
    json_t *files = json_object_get(object, "files");
    if (files == NULL) {
        return 0;
    }
    if (!json_is_object(files)) {
        return read_complain(reading, at, "files", "an object");
    }
    section->files = measured_zeroed(json_object_size(files), sizeof *section->files);
    json_object_foreach(files, key, value)
    {
        char place[256];
        const char *path;
        const json_t *hash = json_object_get(value, "sha256");
        snprintf(place, sizeof place, "%s.files.%s", at, complaint_clip(key).text);
        int error = read_text(reading, value, place, "path", &path);
        if (error != 0) {
            return error;
        }
        if (!json_is_string(hash) && !json_is_null(hash)) {
            return read_complain(reading, place, "sha256", "a text or null");
        }
        section->files[section->file_count++] = (struct measured_file){
            measured_copy(key), measured_copy(path), measured_copy(json_string_value(hash))};
    }
    return 0;
}

static int read_section(const struct reading *reading, json_t *object, const char *at,
                        struct measured_section *section)
{
    const char *name;
    const char *workload;
    int error = read_text(reading, object, at, "name", &name);
    if (error == 0) {
        error = read_text(reading, object, at, "workload", &workload);
    }
    if (error == 0) {
        section->name = measured_copy(name);
        section->workload = measured_copy(workload);
        error = read_count(reading, object, at, "workload_version", &section->version);
    }
    if (error == 0) {
        error = read_count(reading, object, at, "threads", &section->threads);
    }
    if (error == 0) {
        error = read_values(reading, object, at, section);
    }
    return error != 0 ? error : read_files(reading, object, at, section);
}

static int read_verdict(const struct reading *reading, const json_t *object, const char *at,
                        enum cell_verdict *verdict)
{
    const char *text;
    int error = read_text(reading, object, at, "verdict", &text);
    if (error != 0) {
        return error;
    }
    for (int i = CELL_WAITING; i <= CELL_SKIPPED; i++) {
        if (strcmp(cell_verdict_name((enum cell_verdict)i), text) == 0) {
            *verdict = (enum cell_verdict)i;
            return 0;
        }
    }
    return read_complain(reading, at, "verdict", "pass, failed, crashed or the like");
}

// Metrics that this program does not know are another version's: left alone.
static int read_metrics(const struct reading *reading, const json_t *object, const char *at,
                        struct measured_cell *cell)
{
    const json_t *metrics = json_object_get(object, "metrics");
    for (size_t i = 0; i < METRIC_ALL; i++) {
        cell->metric[i] = NAN;
    }
    if (metrics == NULL) {
        return 0;
    }
    if (!json_is_object(metrics)) {
        return read_complain(reading, at, "metrics", "an object");
    }
    cell->known = true;
    for (size_t i = 0; i < METRIC_COUNT; i++) {
        const json_t *value = json_object_get(metrics, metric_table[i].name);
        if (json_is_number(value)) {
            cell->metric[i] = json_number_value(value);
        } else if (value != NULL && !json_is_null(value)) {
            char place[128];
            snprintf(place, sizeof place, "%s.metrics", at);
            return read_complain(reading, place, metric_table[i].name, "a number or null");
        }
        if (cell->metric[i] < 0) {
            char place[128];
            snprintf(place, sizeof place, "%s.metrics", at);
            return read_complain(reading, place, metric_table[i].name, "a number from 0 on");
        }
    }
    return 0;
}

static char *read_copy(const json_t *object, const char *key)
{
    return measured_copy(json_string_value(json_object_get(object, key)));
}

// What a comparison can do without.
static void read_circumstances(const json_t *object, struct measured_cell *cell)
{
    const json_t *supplier = json_object_get(object, "malloc");
    const json_t *report = json_object_get(object, "report");
    const json_t *speed = json_object_get(report, "speed");
    double before = json_number_value(json_object_get(speed, "before_ns"));
    double after = json_number_value(json_object_get(speed, "after_ns"));
    cell->supplier =
        (struct measured_supplier){read_copy(supplier, "path"), read_copy(supplier, "version"),
                                   read_copy(supplier, "build_id")};
    cell->pictured = json_array_size(json_object_get(report, "map")) > 0;
    cell->speed_ns = before > 0 && after > 0 ? (before + after) / 2 : 0;
}

// What is said of a machine; "": nothing.
static void read_fact(const json_t *host, const char *name, char *text, size_t size)
{
    const json_t *fact = json_object_get(host, name);
    text[0] = '\0';
    if (json_is_string(fact)) {
        snprintf(text, size, "%s", json_string_value(fact));
    } else if (json_is_integer(fact)) {
        snprintf(text, size, "%lld", (long long)json_integer_value(fact));
    }
}

// Of shards that were merged: what their machines say, each answer once.
static void read_facts(const json_t *hosts, const char *name, char *text, size_t size)
{
    size_t length = strlen(text);
    for (size_t i = 0; i < json_array_size(hosts); i++) {
        char more[1024], earlier[1024];
        bool said = false;
        read_fact(json_array_get(hosts, i), name, more, sizeof more);
        for (size_t j = 0; j < i && !said; j++) {
            read_fact(json_array_get(hosts, j), name, earlier, sizeof earlier);
            said = strcmp(earlier, more) == 0;
        }
        if (more[0] != '\0' && !said && length < size) {
            length += (size_t)snprintf(text + length, size - length, "%s%s",
                                       length > 0 ? " and " : "", more);
        }
    }
}

static void read_host(json_t *root, struct measured *measured)
{
    const char *key;
    json_t *value;
    const json_t *host = json_object_get(root, "host");
    for (size_t i = 0; measured_facts[i].name != NULL; i++) {
        const char *name = measured_facts[i].name;
        char text[4096];
        const json_t *hosts = json_object_get(root, "hosts");
        if (json_array_size(hosts) > 0) {
            text[0] = '\0';
            read_facts(hosts, name, text, sizeof text);
        } else {
            read_fact(host, name, text, sizeof text);
        }
        if (text[0] != '\0') {
            measured_add(&measured->facts, &measured->fact_count, name, text);
        }
    }
    json_t *settings = json_object_get(host, "allocator_settings");
    measured->settings_known = json_is_object(settings);
    json_object_foreach(settings, key, value)
    {
        measured_add(&measured->settings, &measured->setting_count, key, json_string_value(value));
    }
}

static int read_cell(const struct reading *reading, const json_t *object, const char *at,
                     const struct measured *measured, struct measured_cell *cell)
{
    const char *section;
    const char *target;
    int error = read_text(reading, object, at, "section", &section);
    if (error == 0) {
        error = read_text(reading, object, at, "target", &target);
    }
    if (error == 0) {
        error = read_count(reading, object, at, "repeat", &cell->repeat);
    }
    if (error == 0) {
        error = read_verdict(reading, object, at, &cell->verdict);
    }
    if (error == 0) {
        error = read_metrics(reading, object, at, cell);
    }
    if (error != 0) {
        return error;
    }
    cell->target = measured_copy(target);
    read_circumstances(object, cell);
    while (cell->section < measured->section_count &&
           strcmp(measured->sections[cell->section].name, section) != 0) {
        cell->section++;
    }
    if (cell->section == measured->section_count) {
        return read_complain(reading, at, "section", "the name of one of job.sections");
    }
    return 0;
}

static int read_order(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

// Sorts the names and frees them. 0, or EINVAL: one is there twice.
static int read_check_twice(const struct reading *reading, char **names, size_t count,
                            const char *what)
{
    int error = 0;
    qsort(names, count, sizeof *names, read_order);
    for (size_t i = 1; i < count && error == 0; i++) {
        if (strcmp(names[i - 1], names[i]) == 0) {
            complain(reading->complaint, "%s: %s \"%s\" is there twice: each once is wanted",
                     reading->file, what, complaint_clip(names[i]).text);
            error = EINVAL;
        }
    }
    for (size_t i = 0; i < count; i++) {
        free(names[i]);
    }
    free(names);
    return error;
}

// A cell that counts twice would be a repeat that nobody measured.
static int read_check_names(const struct reading *reading, const struct measured *measured)
{
    char **names = measured_zeroed(measured->section_count, sizeof *names);
    for (size_t i = 0; i < measured->section_count; i++) {
        names[i] = measured_copy(measured->sections[i].name);
    }
    int error = read_check_twice(reading, names, measured->section_count, "the section");
    if (error != 0) {
        return error;
    }
    names = measured_zeroed(measured->cell_count, sizeof *names);
    for (size_t i = 0; i < measured->cell_count; i++) {
        const struct measured_cell *cell = &measured->cells[i];
        names[i] = sure_print("%s/%s/%u", measured->sections[cell->section].name, cell->target,
                              cell->repeat);
    }
    return read_check_twice(reading, names, measured->cell_count, "the cell");
}

static int read_own(const struct reading *reading, json_t *root, struct measured *measured)
{
    char at[64];
    json_t *sections = json_object_get(json_object_get(root, "job"), "sections");
    json_t *cells = json_object_get(root, "cells");
    if (!json_is_array(sections)) {
        return read_complain(reading, "job", "sections", "an array");
    }
    if (!json_is_array(cells)) {
        return read_complain(reading, "", "cells", "an array");
    }
    measured_init(measured, reading->file, json_array_size(sections), json_array_size(cells));
    read_host(root, measured);
    int error = 0;
    for (size_t i = 0; i < measured->section_count && error == 0; i++) {
        snprintf(at, sizeof at, "job.sections[%zu]", i);
        error = read_section(reading, json_array_get(sections, i), at, &measured->sections[i]);
    }
    for (size_t i = 0; i < measured->cell_count && error == 0; i++) {
        snprintf(at, sizeof at, "cells[%zu]", i);
        error = read_cell(reading, json_array_get(cells, i), at, measured, &measured->cells[i]);
    }
    return error != 0 ? error : read_check_names(reading, measured);
}

static bool read_is_own(const json_t *root)
{
    const char *schema = json_string_value(json_object_get(root, "schema"));
    return schema != NULL && strcmp(schema, DOCUMENT_SCHEMA) == 0;
}

static const struct {
    bool (*is)(const json_t *root);
    int (*read)(const struct reading *reading, json_t *root, struct measured *measured);
} read_forms[] = {
    {read_is_own, read_own},
    {google_is, google_read},
};

static int read_form(const struct reading *reading, json_t *root, struct measured *measured)
{
    const json_t *schema = json_object_get(root, "schema");
    for (size_t i = 0; i < sizeof read_forms / sizeof read_forms[0]; i++) {
        if (read_forms[i].is(root)) {
            return read_forms[i].read(reading, root, measured);
        }
    }
    if (json_is_string(schema)) {
        complain(reading->complaint,
                 "%s: a document of schema \"%s\"; this mems-stress reads \"%s\"", reading->file,
                 complaint_clip(json_string_value(schema)).text, DOCUMENT_SCHEMA);
    } else {
        complain(reading->complaint,
                 "%s: no result of mems-stress, no \"schema\" (write one with: mems-stress run "
                 "JOB --json FILE), nor one of Google Benchmark, no \"benchmarks\"",
                 reading->file);
    }
    return EINVAL;
}

int measured_of_document(const char *name, struct json_t *root, struct measured *measured,
                         struct complaint *complaint)
{
    struct reading reading = {name, complaint};
    memset(measured, 0, sizeof *measured);
    int error = read_form(&reading, root, measured);
    if (error != 0) {
        measured_fini(measured);
    }
    return error;
}

int measured_load(const char *path, struct json_t **root, struct complaint *complaint)
{
    return json_read(path, root, complaint->text, sizeof complaint->text);
}

int measured_read(const char *path, struct measured *measured, struct complaint *complaint)
{
    json_t *root;
    memset(measured, 0, sizeof *measured);
    int error = measured_load(path, &root, complaint);
    if (error == 0) {
        error = measured_of_document(path, root, measured, complaint);
        json_decref(root);
    }
    return error;
}

#else

int measured_of_document(const char *name, struct json_t *root, struct measured *measured,
                         struct complaint *complaint)
{
    (void)root;
    (void)measured;
    complain(complaint, "cannot read %s: this mems-stress was built without libjansson", name);
    return ENOTSUP;
}

int measured_load(const char *path, struct json_t **root, struct complaint *complaint)
{
    return measured_of_document(path, *root, NULL, complaint);
}

int measured_read(const char *path, struct measured *measured, struct complaint *complaint)
{
    return measured_of_document(path, NULL, measured, complaint);
}

#endif
