// SPDX-License-Identifier: MIT
//
// archive.c - one SQLite file: opened, brought up to date, closed.
//
// 1. What is kept. `run` has every result as a whole document, known by its digest. The others are
//    drawn from the documents (figures.c), so that a trend reads none; whoever lost them could make
//    them again: `series` and `figure`, how figures went; `machine` and `place`, where runs were
//    measured (machine.c); `build`, whose malloc a target called.
// 2. Versions. PRAGMA user_version counts the steps of archive_steps that the file has been
// through;
//    PRAGMA application_id says whose it is. A new file goes through all of them, one of version n
//    through those behind n, in one transaction: so each step runs whenever a file is made. What is
//    drawn from documents is dropped and drawn again by the last step that changes its tables; the
//    steps before only make tables. A file of more steps than this program knows is a newer one's,
//    and left alone.
// 3. Many at once. Writers take their turn (BEGIN IMMEDIATE) and wait for it up to ARCHIVE_WAIT_NS;
//    a transaction is an insert of some 100 KiB. They look again after short naps of different
//    lengths: SQLite's own waits grow to 100 ms, in which whoever adds one result after the other
//    leaves nobody in. A rollback journal and not a write-ahead log: a
//    log needs memory that all processes share, which home folders on network file systems do not
//    have, and here nobody reads while much is written.
// 4. Failure. A process that is killed, or a disk that is full, in a transaction leaves a journal
//    with which the next one to open the file takes it back (synchronous=FULL). What was committed
//    stays.
// 5. If you change this: a new version is a row of archive_steps; no step changes once files exist
//    that have been through it. tests/unit/history/test_archive.c makes a file of each version;
//    tests/cli/history kills writers.

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "disk/disk.h"
#include "disk/memory.h"
#include "history/inner.h"
#include "measure/clock.h"
#include "workload/random.h"

#define ARCHIVE_ID      0x4d654d53 // "MeMS"
#define ARCHIVE_WAIT_NS UINT64_C(20000000000)
#define ARCHIVE_NAP_NS  1000000 // to five times that

static const struct archive_upgrade {
    const char *sql;
    int (*then)(const struct archive *archive, struct complaint *complaint); // or NULL
} archive_steps[] = {
    {
        "CREATE TABLE run ("
        " id INTEGER PRIMARY KEY AUTOINCREMENT,"
        " digest TEXT NOT NULL UNIQUE,"
        " job TEXT NOT NULL,"
        " started TEXT NOT NULL,"
        " seconds REAL NOT NULL,"
        " verdict TEXT NOT NULL,"
        " revision TEXT NOT NULL,"
        " host TEXT NOT NULL,"
        " document BLOB NOT NULL);"
        "CREATE INDEX run_by_job ON run (job, started, id);",
        NULL,
    },
    {
        "CREATE TABLE series ("
        " id INTEGER PRIMARY KEY,"
        " job TEXT NOT NULL,"
        " section TEXT NOT NULL,"
        " target TEXT NOT NULL,"
        " work TEXT NOT NULL,"
        " metric TEXT NOT NULL,"
        " UNIQUE (job, metric, section, target, work));"
        "CREATE TABLE figure ("
        " series INTEGER NOT NULL REFERENCES series (id),"
        " run INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,"
        " repeats INTEGER NOT NULL,"
        " median REAL NOT NULL,"
        " PRIMARY KEY (series, run)) WITHOUT ROWID;"
        "CREATE INDEX figure_by_run ON figure (run);",
        NULL, // the next step draws them
    },
    {
        "DROP TABLE figure;"
        "DROP TABLE series;"
        "ALTER TABLE run ADD COLUMN about TEXT NOT NULL DEFAULT '';"
        "CREATE TABLE machine ("
        " id INTEGER PRIMARY KEY,"
        " name TEXT NOT NULL UNIQUE,"
        " about TEXT NOT NULL);"
        "CREATE TABLE place ("
        " run INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,"
        " machine INTEGER NOT NULL REFERENCES machine (id),"
        " PRIMARY KEY (run, machine)) WITHOUT ROWID;"
        "CREATE INDEX place_by_machine ON place (machine);"
        "CREATE TABLE build ("
        " run INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,"
        " target TEXT NOT NULL,"
        " build TEXT NOT NULL,"
        " PRIMARY KEY (run, target)) WITHOUT ROWID;"
        "CREATE TABLE series ("
        " id INTEGER PRIMARY KEY,"
        " job TEXT NOT NULL,"
        " section TEXT NOT NULL,"
        " target TEXT NOT NULL,"
        " work TEXT NOT NULL,"
        " metric TEXT NOT NULL,"
        " machine INTEGER NOT NULL REFERENCES machine (id),"
        " UNIQUE (job, metric, section, target, work, machine));"
        "CREATE INDEX series_by_machine ON series (machine);"
        "CREATE TABLE figure ("
        " series INTEGER NOT NULL REFERENCES series (id),"
        " run INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,"
        " repeats INTEGER NOT NULL,"
        " median REAL NOT NULL,"
        " PRIMARY KEY (series, run)) WITHOUT ROWID;"
        "CREATE INDEX figure_by_run ON figure (run);",
        figures_draw_all,
    },
};

#define ARCHIVE_VERSION ((int)(sizeof archive_steps / sizeof archive_steps[0]))

bool archive_possible(void)
{
    return true;
}

// ---- statements ----------------------------------------------------------------------------

int archive_complain(const struct archive *archive, struct complaint *complaint)
{
    int system = sqlite3_system_errno(archive->db);
    bool told = sqlite3_errcode(archive->db) == SQLITE_CANTOPEN &&
                (system == EACCES || system == ENOENT || system == EROFS || system == ENOTDIR ||
                 system == ENOSPC || system == EMFILE);
    complain(complaint, "%s: %s%s%s", archive->path, sqlite3_errmsg(archive->db), told ? ": " : "",
             told ? strerror(system) : "");
    return EIO;
}

int archive_do(const struct archive *archive, const char *sql, struct complaint *complaint)
{
    return sqlite3_exec(archive->db, sql, NULL, NULL, NULL) == SQLITE_OK
               ? 0
               : archive_complain(archive, complaint);
}

sqlite3_stmt *archive_ask(const struct archive *archive, const char *sql,
                          struct complaint *complaint)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(archive->db, sql, -1, &statement, NULL) != SQLITE_OK) {
        archive_complain(archive, complaint);
    }
    return statement;
}

int archive_step(const struct archive *archive, sqlite3_stmt *statement,
                 struct complaint *complaint)
{
    int step = sqlite3_step(statement);
    if (step == SQLITE_ROW || step == SQLITE_DONE) {
        return step == SQLITE_ROW;
    }
    archive_complain(archive, complaint);
    return -1;
}

void archive_bind_text(sqlite3_stmt *statement, int at, const char *text)
{
    sqlite3_bind_text(statement, at, text, -1, SQLITE_TRANSIENT);
}

char *archive_text(sqlite3_stmt *statement, int column)
{
    return measured_copy((const char *)sqlite3_column_text(statement, column));
}

int archive_begin(const struct archive *archive, struct complaint *complaint)
{
    return archive_do(archive, "BEGIN IMMEDIATE", complaint);
}

int archive_end(const struct archive *archive, int error, struct complaint *complaint)
{
    if (error == 0) {
        error = archive_do(archive, "COMMIT", complaint);
    }
    if (error != 0 && !sqlite3_get_autocommit(archive->db)) {
        sqlite3_exec(archive->db, "ROLLBACK", NULL, NULL, NULL);
    }
    return error;
}

int archive_number(const struct archive *archive, const char *sql, int64_t *number,
                   struct complaint *complaint)
{
    sqlite3_stmt *statement = archive_ask(archive, sql, complaint);
    int step = statement != NULL ? archive_step(archive, statement, complaint) : -1;
    *number = step == 1 ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_finalize(statement);
    return step < 0 ? EIO : 0;
}

// ---- versions ------------------------------------------------------------------------------

// Whether it is an archive, or empty. *version: the steps it has been through.
static int archive_look(const struct archive *archive, int64_t *version,
                        struct complaint *complaint)
{
    int64_t owner = 0;
    int64_t tables = 0;
    int error = archive_number(archive, "PRAGMA user_version", version, complaint);
    if (error == 0) {
        error = archive_number(archive, "PRAGMA application_id", &owner, complaint);
    }
    if (error == 0) {
        error = archive_number(archive, "SELECT count(*) FROM sqlite_master", &tables, complaint);
    }
    if (error != 0) {
        return error;
    }
    if (owner != ARCHIVE_ID && (tables > 0 || owner != 0 || *version != 0)) {
        complain(complaint, "%s: a database, but no history of mems-stress", archive->path);
        return EINVAL;
    }
    if (*version > ARCHIVE_VERSION || *version < 0) {
        complain(complaint,
                 "%s: a history of version %lld, and this mems-stress knows %d: a newer one has to "
                 "be used with it",
                 archive->path, (long long)*version, ARCHIVE_VERSION);
        return EINVAL;
    }
    return 0;
}

static int archive_upgrade_from(const struct archive *archive, int64_t version,
                                struct complaint *complaint)
{
    char sql[96];
    int error = 0;
    for (; version < ARCHIVE_VERSION && error == 0; version++) {
        error = archive_do(archive, archive_steps[version].sql, complaint);
        if (error == 0 && archive_steps[version].then != NULL) {
            error = archive_steps[version].then(archive, complaint);
        }
    }
    if (error == 0) {
        snprintf(sql, sizeof sql, "PRAGMA application_id = %d; PRAGMA user_version = %d",
                 ARCHIVE_ID, ARCHIVE_VERSION);
        error = archive_do(archive, sql, complaint);
    }
    return error;
}

// Another process may do the same: who has its turn second finds nothing left to do.
static int archive_bring_up(const struct archive *archive, struct complaint *complaint)
{
    int64_t version;
    int error = archive_look(archive, &version, complaint);
    if (error != 0 || version == ARCHIVE_VERSION) {
        return error;
    }
    error = archive_begin(archive, complaint);
    if (error != 0) {
        return error;
    }
    error = archive_look(archive, &version, complaint);
    if (error == 0) {
        error = archive_upgrade_from(archive, version, complaint);
    }
    return archive_end(archive, error, complaint);
}

// ---- waiting for others -----------------------------------------------------------------------

// SQLite's busy handler: 0 gives up.
static int archive_wait(void *arg, int times)
{
    struct archive *archive = arg;
    uint64_t now = clock_monotonic_ns();
    if (times == 0) {
        archive->waits_ns = now;
    }
    struct timespec nap = {.tv_nsec = ARCHIVE_NAP_NS * (long)(1 + random_mix(now) % 5)};
    nanosleep(&nap, NULL);
    return now - archive->waits_ns < ARCHIVE_WAIT_NS;
}

// ---- open ----------------------------------------------------------------------------------

// As SQLite is to take it: a name that begins with a colon would be no file.
static char *archive_name(const char *path)
{
    char *name = NULL;
    size_t length;
    FILE *out = disk_memory(&name, &length);
    if (out == NULL || fprintf(out, "%s%s", *path == ':' ? "./" : "", path) < 0 ||
        fclose(out) != 0) {
        complain_exhausted();
    }
    return name;
}

static int archive_open_at(struct archive *archive, enum archive_purpose purpose,
                           struct complaint *complaint)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    flags |= purpose == ARCHIVE_ADD ? SQLITE_OPEN_CREATE : 0;
    int status = sqlite3_open_v2(archive->path, &archive->db, flags, NULL);
    if (archive->db == NULL) {
        complain_exhausted();
    }
    if (status != SQLITE_OK && purpose == ARCHIVE_READ &&
        sqlite3_system_errno(archive->db) == ENOENT) {
        complain(complaint, "%s: no history there yet", archive->path);
        return ENOENT;
    }
    if (status != SQLITE_OK) {
        return archive_complain(archive, complaint);
    }
    sqlite3_busy_handler(archive->db, archive_wait, archive);
    int error =
        archive_do(archive, "PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL", complaint);
    return error != 0 ? error : archive_bring_up(archive, complaint);
}

int archive_open(const char *path, enum archive_purpose purpose, struct archive **archive,
                 struct complaint *complaint)
{
    *archive = NULL;
    if (*path == '\0') {
        complain(complaint, "the history's file has no name");
        return EINVAL;
    }
    const char *kind = disk_not_a_file(path);
    if (kind != NULL) {
        complain(complaint, "%s: %s, and a history is a file", path, kind);
        return EINVAL;
    }
    struct archive *made = measured_zeroed(1, sizeof *made);
    made->path = archive_name(path);
    int error = archive_open_at(made, purpose, complaint);
    if (error != 0) {
        archive_close(made);
        return error;
    }
    *archive = made;
    return 0;
}

void archive_close(struct archive *archive)
{
    if (archive != NULL) {
        sqlite3_close(archive->db);
        free(archive->path);
        free(archive);
    }
}
