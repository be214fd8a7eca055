// SPDX-License-Identifier: MIT
//
// restore.c - a cell's outcome read back from a document.
//
// 1. What for. A shard that was killed goes on from the cells that it had done, and a merged result
//    is made of other results. Both are shown and written by the same code as a run is, which reads
//    plans and cells; so a cell is read back into what it was.
// 2. Law. A document of restored cells is the document that they were read from, byte for byte:
//    restore(json(cell)) differs from the cell only in what no document has (addresses of frames,
//    children's posts). tests/unit/result/test_restore.c holds every field to it. Reals are written
//    with nine digits, and nine digits are what is read and written again.
// 3. Strictness. A member that is missing or of another type is an error with its place; members
//    that nobody asks for are another version's, and left alone.
// 4. If you change this: a figure that is new in json_report.c or json_measure.c is a row here.

#ifdef MEMS_HAVE_JANSSON

#include "result/restore.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "disk/memory.h"

int restore_complain(const struct restore *restore, const char *place, const char *key,
                     const char *wanted)
{
    complain(restore->complaint, "cell %s: %s%s%s: %s is wanted", restore->cell, place,
             *place != '\0' ? "." : "", key, wanted);
    return EINVAL;
}

int restore_number(const struct restore *restore, const json_t *value, const char *place,
                   const char *key, uint64_t most, uint64_t *number)
{
    double real = json_number_value(value); // beyond INT64_MAX counts are reals
    if (!json_is_number(value) || !(real >= 0) || real > 0x1p64) {
        return restore_complain(restore, place, key, "a number from 0 on");
    }
    *number = json_is_integer(value) ? (uint64_t)json_integer_value(value)
              : real < 0x1p64        ? (uint64_t)real
                                     : UINT64_MAX;
    return *number <= most ? 0 : restore_complain(restore, place, key, "a smaller number");
}

static int restore_real(const struct restore *restore, const struct restore_field *row,
                        const json_t *value, double *real)
{
    static const double unknown[] = {
        [RESTORE_REAL] = NAN, [RESTORE_SHARE] = -1, [RESTORE_RATIO] = 0};
    if (!json_is_number(value) && !json_is_null(value)) {
        return restore_complain(restore, row->place, row->key, "a number or null");
    }
    *real = json_is_null(value) ? unknown[row->kind] : json_number_value(value);
    return 0;
}

static int restore_field(const struct restore *restore, const struct restore_field *row,
                         const json_t *value, void *field)
{
    switch (row->kind) {
    case RESTORE_COUNT:
        if (json_is_null(value)) {
            *(uint64_t *)field = 0;
            return 0;
        }
        return restore_number(restore, value, row->place, row->key, UINT64_MAX, field);
    case RESTORE_REAL:
    case RESTORE_SHARE:
    case RESTORE_RATIO:
        return restore_real(restore, row, value, field);
    case RESTORE_FLAG:
        *(bool *)field = json_is_true(value);
        return json_is_boolean(value)
                   ? 0
                   : restore_complain(restore, row->place, row->key, "true or false");
    case RESTORE_TEXT:
        if (!json_is_string(value) && !json_is_null(value)) {
            return restore_complain(restore, row->place, row->key, "a text or null");
        }
        snprintf(field, row->size, "%s", json_is_string(value) ? json_string_value(value) : "");
        return 0;
    }
    return EINVAL;
}

int restore_fields(const struct restore *restore, const struct restore_field *table,
                   const json_t *object, void *into)
{
    int error = 0;
    for (; table->key != NULL && error == 0; table++) {
        const json_t *holder =
            *table->place != '\0' ? json_object_get(object, table->place) : object;
        error = restore_field(restore, table, json_object_get(holder, table->key),
                              (char *)into + table->offset);
    }
    return error;
}

#define RESTORE_ROW(kind, key, member)                                                             \
    {                                                                                              \
        "", key, kind, offsetof(struct cell, member), sizeof((struct cell *)0)->member             \
    }

static const struct restore_field restore_cell_table[] = {
    RESTORE_ROW(RESTORE_TEXT, "message", message),
    RESTORE_ROW(RESTORE_REAL, "seconds", seconds),
    RESTORE_ROW(RESTORE_COUNT, "max_rss_bytes", max_rss),
    {0},
};

#define RESTORE_SUPPLIER(key, member)                                                              \
    {                                                                                              \
        "malloc", key, RESTORE_TEXT, offsetof(struct report_supplier, member),                     \
            sizeof((struct report_supplier *)0)->member                                            \
    }

static const struct restore_field restore_supplier_table[] = {
    RESTORE_SUPPLIER("path", path),
    RESTORE_SUPPLIER("version", version),
    RESTORE_SUPPLIER("build_id", build_id),
    {0},
};

static int restore_verdict(const struct restore *restore, const json_t *object,
                           enum cell_verdict *verdict)
{
    const char *text = json_string_value(json_object_get(object, "verdict"));
    for (int i = CELL_WAITING; i <= CELL_SKIPPED && text != NULL; i++) {
        if (strcmp(cell_verdict_name((enum cell_verdict)i), text) == 0) {
            *verdict = (enum cell_verdict)i;
            return 0;
        }
    }
    return restore_complain(restore, "", "verdict", "pass, failed, crashed or the like");
}

// Lines as one text; the caller frees it.
static char *restore_lines(const json_t *lines)
{
    char *text = NULL;
    size_t size, index;
    json_t *line;
    FILE *out = disk_memory(&text, &size);
    if (out == NULL) {
        complain_exhausted();
    }
    json_array_foreach(lines, index, line)
    {
        fprintf(out, "%s\n", json_is_string(line) ? json_string_value(line) : "");
    }
    if (fclose(out) != 0) {
        complain_exhausted();
    }
    return text;
}

// What the cell's process had shared: there for every cell whose process was started.
static int restore_stage(const struct restore *restore, const json_t *object, struct cell *cell)
{
    const json_t *method = json_object_get(object, "memory_method");
    const json_t *report = json_object_get(object, "report");
    const json_t *evidence = json_object_get(object, "evidence");
    int file;
    const json_t *map = json_object_get(report, "map");
    unsigned pictures = json_is_array(map) ? 1 + (unsigned)json_array_size(map) : 0;
    int error = stage_create_pictured(cell->section->threads, "", pictures,
                                      restore_album_pieces(map), &cell->stage, &file);
    if (error != 0) {
        complain(restore->complaint, "cell %s: no memory for it: %s", restore->cell,
                 strerror(error));
        return error;
    }
    close(file);
    struct cell_report *into = &cell->stage->report;
    error = restore_fields(restore, restore_supplier_table, object, &into->supplier);
    if (json_is_string(method)) {
        snprintf(into->memory_method, sizeof into->memory_method, "%s", json_string_value(method));
    }
    if (error == 0 && report != NULL) {
        error = restore_report(restore, report, cell, into);
    }
    if (error == 0 && pictures > 0) {
        error = restore_album(restore, map, stage_album(cell->stage));
    }
    cell->phase = STAGE_DONE;
    return error == 0 && evidence != NULL ? restore_evidence(restore, evidence, cell) : error;
}

void restore_forget(struct cell *cell)
{
    stage_detach(cell->stage);
    free(cell->output);
    cell->stage = NULL;
    cell->output = NULL;
    cell->verdict = CELL_WAITING;
    cell->kept = false;
    cell->message[0] = '\0';
    cell->host[0] = '\0';
    cell->seconds = 0;
    cell->max_rss = 0;
    cell->phase = 0;
    cell->signal = 0;
    cell->status = 0;
}

int restore_cell(const json_t *object, struct cell *cell, struct complaint *complaint)
{
    struct restore restore = {cell->id, complaint};
    const json_t *output = json_object_get(object, "output");
    const json_t *host = json_object_get(object, "host");
    enum cell_verdict verdict;
    int error = restore_verdict(&restore, object, &verdict);
    if (error != 0) {
        return error;
    }
    struct cell made = *cell;
    made.stage = NULL;
    made.output = NULL;
    restore_forget(&made);
    made.verdict = verdict;
    error = restore_fields(&restore, restore_cell_table, object, &made);
    if (json_is_string(host)) {
        snprintf(made.host, sizeof made.host, "%s", json_string_value(host));
    }
    if (json_is_array(output)) {
        made.output = restore_lines(output);
    }
    if (error == 0 && json_object_get(object, "malloc") != NULL) {
        error = restore_stage(&restore, object, &made);
    }
    if (error != 0) {
        restore_forget(&made);
        return error;
    }
    restore_forget(cell);
    *cell = made;
    return 0;
}

#endif
