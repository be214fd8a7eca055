// SPDX-License-Identifier: MIT
//
// measured.h - a result as comparisons see it: which sections, which cells, which figures. Made
// from a document or from a plan that has run.

#ifndef COMPARE_MEASURED_H
#define COMPARE_MEASURED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "job/complaint.h"
#include "result/metric.h"

struct measured_value {
    char *key, *text;
};

// A file that a key names.
struct measured_file {
    char *key, *path;
    char *sha256; // of its content; "": not known
};

struct measured_section {
    char *name;
    char *workload;
    unsigned version; // of the workload
    unsigned threads;
    struct measured_value *values; // of the section's keys, as written
    size_t value_count;
    struct measured_file *files;
    size_t file_count;
};

// Whose malloc a cell called; "" where it does not say so; all NULL: nobody knows.
struct measured_supplier {
    char *path, *version, *build_id;
};

struct measured_cell {
    size_t section; // index
    char *target;
    unsigned repeat;
    enum cell_verdict verdict;
    struct measured_supplier supplier;
    double speed_ns;           // that a fixed piece of work took around the cell; 0: not known
    bool pictured;             // pictures of its memory (map=) are in its figures
    bool known;                // the figures below are
    double metric[METRIC_ALL]; // NAN: nobody can know, or the document has none
};

struct measured {
    char *name; // what complaints call it: the file
    struct measured_section *sections;
    size_t section_count;
    struct measured_cell *cells; // in no order
    size_t cell_count;
    struct measured_value *facts; // of host and build, by the names of measured_facts
    size_t fact_count;
    struct measured_value *settings; // of the environment, that an allocator would read
    size_t setting_count;
    bool settings_known;
};

// What of a document's `host` is worth a note where it differs.
extern const struct measured_fact {
    const char *name;   // as in the document
    const char *called; // as people are told
} measured_facts[];     // ends with a name of NULL

// The plan's cells as they ended, or as they will be named. `name` is copied. `host` may be NULL:
// not known.
struct host;
void measured_of_plan(const struct plan *plan, const struct host *host, const char *name,
                      struct measured *measured);

// Reads a result file. 0, or an errno value with a complaint that names the file and, where its
// content is at fault, the place in it; nothing is then left to finish.
int measured_read(const char *path, struct measured *measured, struct complaint *complaint);
// The same in two steps: a file's JSON, for json_decref; and what a document says that complaints
// call `name`.
struct json_t;
int measured_load(const char *path, struct json_t **root, struct complaint *complaint);
int measured_of_document(const char *name, struct json_t *root, struct measured *measured,
                         struct complaint *complaint);

void measured_fini(struct measured *measured);

// For the two above: room for so many; memory that never fails; a copy.
void measured_init(struct measured *measured, const char *name, size_t sections, size_t cells);
void *measured_zeroed(size_t count, size_t size);
char *measured_copy(const char *text);
void measured_add(struct measured_value **values, size_t *count, const char *key, const char *text);

#endif
