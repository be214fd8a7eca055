// SPDX-License-Identifier: MIT
//
// made.h - results of mems-stress, made by hand, and a folder for an archive of them.

#ifndef UNIT_HISTORY_MADE_H
#define UNIT_HISTORY_MADE_H

#include <jansson.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "history/history.h"
#include "support/test.h"

// A run of `job` with two targets, three repeats each, and rates about `rate`.
struct made {
    const char *job, *started, *revision, *size;
    double rate;
    const char *verdict; // of all cells; NULL: pass
    const char *only;    // a target; NULL: both
    const char *cpu;     // of its machine; NULL: it tells nothing
    const char *version; // of the malloc that was called; NULL: not known
};

static inline json_t *made_cell(const struct made *made, const char *target, int repeat)
{
    return json_pack("{s:s, s:s, s:i, s:s, s:{s:f, s:f}, s:{s:s?}}", "section", "small", "target",
                     target, "repeat", repeat, "verdict",
                     made->verdict != NULL ? made->verdict : "pass", "metrics", "ops_per_second",
                     made->rate + repeat, "rss_peak_bytes", 4e6, "malloc", "version",
                     made->version);
}

static inline json_t *made_document(const struct made *made)
{
    json_t *cells = json_array();
    for (int repeat = 0; repeat < 3; repeat++) {
        for (int t = 0; t < 2; t++) {
            const char *target = t == 0 ? "libc" : "mems:slab";
            if (made->only == NULL || strcmp(made->only, target) == 0) {
                json_array_append_new(cells, made_cell(made, target, repeat));
            }
        }
    }
    json_t *document = json_pack(
        "{s:s, s:s, s:f, s:s, s:{s:s, s:s}, s:{s:s, s:[{s:s, s:s, s:i, s:i, s:{s:s, s:s}}]}, s:o}",
        "schema", "mems-stress/1", "started", made->started, "seconds", 1.0 / 3, "verdict", "pass",
        "host", "name", "here", "revision",
        made->revision != NULL ? made->revision : "0123456789ab", "job", "title", made->job,
        "sections", "name", "small", "workload", "churn", "workload_version", 2, "threads", 2,
        "values", "size", made->size != NULL ? made->size : "16-64", "seed", made->started, "cells",
        cells);
    assert_non_null(document);
    if (made->cpu != NULL) {
        json_t *host = json_object_get(document, "host");
        json_object_set_new(host, "cpu", json_string(made->cpu));
        json_object_set_new(host, "cores", json_integer(4));
        json_object_set_new(host, "memory_bytes", json_integer(8200000000));
        json_object_set_new(host, "kernel", json_string("Linux 6.1.0-18-amd64 x86_64"));
    }
    return document;
}

struct made_place {
    char folder[40];
    char path[64];
};

static inline void made_place(struct made_place *place)
{
    bool memory = access("/dev/shm", W_OK) == 0; // where syncing takes no time
    snprintf(place->folder, sizeof place->folder, "%s/mems-history-XXXXXX",
             memory ? "/dev/shm" : "/tmp");
    assert_non_null(mkdtemp(place->folder));
    snprintf(place->path, sizeof place->path, "%s/h.db", place->folder);
}

static inline void made_gone(const struct made_place *place)
{
    unlink(place->path);
    assert_int_equal(rmdir(place->folder), 0); // nothing is left beside it
}

static inline struct archive *made_open(const char *path, enum archive_purpose purpose)
{
    struct archive *archive;
    struct complaint complaint = {{0}};
    if (archive_open(path, purpose, &archive, &complaint) != 0) {
        fail_msg("%s", complaint.text);
    }
    return archive;
}

// Whether it was new.
static inline bool made_add(struct archive *archive, const struct made *made)
{
    struct complaint complaint = {{0}};
    bool added;
    json_t *document = made_document(made);
    if (archive_add(archive, "made", document, &added, &complaint) != 0) {
        fail_msg("%s", complaint.text);
    }
    json_decref(document);
    return added;
}

// What SQLite itself answers.
static inline void expect_answer(const char *path, const char *sql, const char *answer)
{
    sqlite3 *db;
    sqlite3_stmt *ask;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &ask, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(ask), SQLITE_ROW);
    assert_string_equal((const char *)sqlite3_column_text(ask, 0), answer);
    sqlite3_finalize(ask);
    sqlite3_close(db);
}

#endif
