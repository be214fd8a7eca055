// SPDX-License-Identifier: MIT
//
// prune.c - runs that go, so that a history does not grow for ever.
//
// 1. Which. All but the newest so many of each job on each machine: a job that is run once a month
//    keeps its trend beside one that is run at each push. Or those that began so many days ago. A
//    run of shards that were of several machines stays while one of them counts it.
// 2. How. Runs, and what is drawn from them, go in one transaction: whoever is killed when, all of
//    them are there or none is. Then VACUUM writes the file anew without the pages that nothing is
//    in any more, in a transaction of its own: it needs room for the file twice, and where there is
//    none the file stays as large as it was and is used up again.

#include <errno.h>

#include "history/inner.h"

// ?1 the job, ?2 how many are kept, ?3 what is not earlier than stays.
#define PRUNE_IDS                                                                                  \
    "SELECT run FROM (SELECT r.id AS run, r.started AS started, row_number() OVER"                 \
    " (PARTITION BY r.job, p.machine ORDER BY r.started DESC, r.id DESC) AS place"                 \
    " FROM run r LEFT JOIN place p ON p.run = r.id WHERE ?1 IS NULL OR r.job = ?1)"                \
    " GROUP BY run HAVING (?2 > 0 AND min(place) > ?2) OR (?2 = 0 AND max(started) < ?3)"

static sqlite3_stmt *prune_ask(const struct archive *archive, const struct archive_prune *prune,
                               const char *sql, struct complaint *complaint)
{
    sqlite3_stmt *statement = archive_ask(archive, sql, complaint);
    if (statement != NULL) {
        archive_bind_text(statement, 1, prune->job);
        sqlite3_bind_int64(statement, 2, (int64_t)prune->keep);
        archive_bind_text(statement, 3, date_before(prune->days).text);
    }
    return statement;
}

int archive_prunable(struct archive *archive, const struct archive_prune *prune,
                     struct archive_runs *runs, struct complaint *complaint)
{
    *runs = (struct archive_runs){0};
    sqlite3_stmt *ask = prune_ask(archive, prune,
                                  "SELECT " ARCHIVE_RUN " FROM run r WHERE r.id IN (" PRUNE_IDS
                                  ") ORDER BY r.started, r.id",
                                  complaint);
    return ask == NULL ? EIO : archive_read_runs(archive, ask, runs, complaint);
}

static int prune_delete(const struct archive *archive, const struct archive_prune *prune,
                        size_t *gone, struct complaint *complaint)
{
    sqlite3_stmt *statement =
        prune_ask(archive, prune, "DELETE FROM run WHERE id IN (" PRUNE_IDS ")", complaint);
    int step = statement != NULL ? archive_step(archive, statement, complaint) : -1;
    *gone = (size_t)sqlite3_changes(archive->db); // not those that go with them
    sqlite3_finalize(statement);
    if (step < 0) {
        return EIO;
    }
    return archive_do(archive,
                      "DELETE FROM series WHERE id NOT IN (SELECT series FROM figure);"
                      "DELETE FROM machine WHERE id NOT IN (SELECT machine FROM place) AND"
                      " id NOT IN (SELECT machine FROM series)",
                      complaint);
}

int archive_prune(struct archive *archive, const struct archive_prune *prune, size_t *gone,
                  struct complaint *complaint)
{
    *gone = 0;
    int error = archive_begin(archive, complaint);
    if (error == 0) {
        error = prune_delete(archive, prune, gone, complaint);
        error = archive_end(archive, error, complaint);
    }
    if (error != 0) {
        *gone = 0;
        return error;
    }
    return archive_do(archive, "VACUUM", complaint);
}
