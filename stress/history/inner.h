// SPDX-License-Identifier: MIT
//
// inner.h - the parts of an archive, for each other.

#ifndef HISTORY_INNER_H
#define HISTORY_INNER_H

#include <sqlite3.h>

#include "history/history.h"

struct archive {
    sqlite3 *db;
    char *path;
    uint64_t waits_ns; // since when it waits for others: archive_wait
};

// EIO, with what the database says of its last call.
int archive_complain(const struct archive *archive, struct complaint *complaint);

// One statement without answers. 0 or EIO with a complaint.
int archive_do(const struct archive *archive, const char *sql, struct complaint *complaint);

// A statement for archive_step and sqlite3_finalize. NULL with a complaint.
sqlite3_stmt *archive_ask(const struct archive *archive, const char *sql,
                          struct complaint *complaint);
// Its next row: 1. None left: 0. -1 with a complaint.
int archive_step(const struct archive *archive, sqlite3_stmt *statement,
                 struct complaint *complaint);
void archive_bind_text(sqlite3_stmt *statement, int at, const char *text);
// A column's text; the caller frees it.
char *archive_text(sqlite3_stmt *statement, int column);

// A transaction that others wait for. archive_end commits where `error` is 0, else takes all of it
// back. Both: 0 or errno with a complaint.
int archive_begin(const struct archive *archive, struct complaint *complaint);
int archive_end(const struct archive *archive, int error, struct complaint *complaint);

// Adds the figures of a document that is kept as `run`. 0 or errno with a complaint.
int archive_add_figures(const struct archive *archive, int64_t run, const char *name,
                        struct json_t *document, struct complaint *complaint);
// The same of every document that is kept.
int archive_add_all_figures(const struct archive *archive, struct complaint *complaint);

// A document's bytes as they are kept: smaller, where this build has libzstd. The caller frees
// them.
void *pack_bytes(const char *text, size_t size, size_t *packed);
// And back, with a zero behind it. NULL with a complaint.
char *pack_undo(const void *bytes, size_t size, struct complaint *complaint);

#endif
