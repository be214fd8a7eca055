// SPDX-License-Identifier: MIT
//
// inner.h - the parts of an archive, for each other.

#ifndef HISTORY_INNER_H
#define HISTORY_INNER_H

#include <sqlite3.h>

#include "disk/digest.h"
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

// A statement's one number; 0: it has none. 0 or EIO with a complaint.
int archive_number(const struct archive *archive, const char *sql, int64_t *number,
                   struct complaint *complaint);

// A transaction that others wait for. archive_end commits where `error` is 0, else takes all of it
// back. Both: 0 or errno with a complaint.
int archive_begin(const struct archive *archive, struct complaint *complaint);
int archive_end(const struct archive *archive, int error, struct complaint *complaint);

// What archive_read_runs reads, of `run r`.
#define ARCHIVE_RUN                                                                                \
    "r.id, r.digest, r.job, r.about, r.started, r.verdict, r.revision, r.host, r.seconds"
// All that the statement has, which goes. 0 or EIO with a complaint.
int archive_read_runs(const struct archive *archive, sqlite3_stmt *ask, struct archive_runs *runs,
                      struct complaint *complaint);

// Room for one more of `size` bytes, zeroed, behind `count` of them.
void *archive_grow(void **items, size_t count, size_t size);

// ---- documents -----------------------------------------------------------------------------

// What a document says, once it has been found to be whole (entry.c).
struct entry {
    struct json_t *document; // not owned
    struct archive_run run;  // without an id
    struct measured measured;
    struct machine *machines; // by section
};
// 0, or EINVAL with a complaint that begins with `name`; nothing is then left to finish.
int entry_read(const char *name, struct json_t *document, struct entry *entry,
               struct complaint *complaint);
void entry_fini(struct entry *entry);

// What series know a section's work by.
struct digest figures_work(const char *work);
// The document's bytes as they are kept; the caller frees them.
void *figures_pack(const struct json_t *document, size_t *size);
// Adds the document and all that is drawn from it, within a transaction. *added: it was not there.
int figures_keep(const struct archive *archive, const struct entry *entry, const void *bytes,
                 size_t size, bool *added, struct complaint *complaint);
// Draws it anew from every document that is kept.
int figures_draw_all(const struct archive *archive, struct complaint *complaint);

// ---- moments -------------------------------------------------------------------------------

struct date {
    char text[32]; // as results have it: 2026-11-20T13:05:00Z
};
enum date_kind { DATE_NONE, DATE_IMPOSSIBLE, DATE_GOOD };

// Whether it is one of the calendar, in the form of results.
bool date_is_moment(const char *text);
// The last second that a date means, of which a part stands for all of it: 2026-11-20 for that
// whole day. DATE_NONE: the text has not the form of one. DATE_IMPOSSIBLE: no calendar has it.
enum date_kind date_last(const char *text, struct date *last);
// So many days ago.
struct date date_before(uint64_t days);

// ---- bytes ---------------------------------------------------------------------------------

// A document's bytes as they are kept: smaller, where this build has libzstd. The caller frees
// them.
void *pack_bytes(const char *text, size_t size, size_t *packed);
// Whether this build can read them back: not where they are compressed and it has no libzstd.
bool pack_can_undo(const void *bytes, size_t size);
// And back, with a zero behind it. NULL with a complaint.
char *pack_undo(const void *bytes, size_t size, struct complaint *complaint);

#endif
