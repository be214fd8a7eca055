// SPDX-License-Identifier: MIT
//
// ask.c - what an archive has: runs, the figures of a metric, documents.

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "history/inner.h"

// Room for one more of `size` bytes, zeroed.
static void *ask_grow(void **items, size_t count, size_t size)
{
    if ((count & (count - 1)) == 0) { // 0, 1, 2, 4 ...: full
        *items = realloc(*items, (count > 0 ? 2 * count : 1) * size);
        if (*items == NULL) {
            complain_exhausted();
        }
    }
    return memset((char *)*items + count * size, 0, size);
}

int archive_hold(struct archive *archive, struct complaint *complaint)
{
    return archive_do(archive, "BEGIN", complaint);
}

void archive_let_go(struct archive *archive)
{
    sqlite3_exec(archive->db, "COMMIT", NULL, NULL, NULL);
}

// ---- runs ----------------------------------------------------------------------------------

int archive_list(struct archive *archive, const char *job, struct archive_runs *runs,
                 struct complaint *complaint)
{
    *runs = (struct archive_runs){0};
    sqlite3_stmt *ask = archive_ask(archive,
                                    "SELECT id, digest, job, started, verdict, revision, host,"
                                    " seconds FROM run WHERE ?1 IS NULL OR job = ?1"
                                    " ORDER BY started, id",
                                    complaint);
    if (ask == NULL) {
        return EIO;
    }
    archive_bind_text(ask, 1, job);
    int step;
    while ((step = archive_step(archive, ask, complaint)) == 1) {
        void *items = runs->items;
        struct archive_run *run = ask_grow(&items, runs->count++, sizeof *run);
        runs->items = items;
        run->id = sqlite3_column_int64(ask, 0);
        run->digest = archive_text(ask, 1);
        run->job = archive_text(ask, 2);
        run->started = archive_text(ask, 3);
        run->verdict = archive_text(ask, 4);
        run->revision = archive_text(ask, 5);
        run->host = archive_text(ask, 6);
        run->seconds = sqlite3_column_double(ask, 7);
    }
    sqlite3_finalize(ask);
    return step < 0 ? EIO : 0;
}

void archive_runs_fini(struct archive_runs *runs)
{
    for (size_t i = 0; i < runs->count; i++) {
        archive_run_fini(&runs->items[i]);
    }
    free(runs->items);
    *runs = (struct archive_runs){0};
}

// ---- figures -------------------------------------------------------------------------------

static struct archive_series *ask_series(struct archive_serieses *all, sqlite3_stmt *ask,
                                         const struct metric *metric)
{
    void *items = all->items;
    struct archive_series *series = ask_grow(&items, all->count++, sizeof *series);
    all->items = items;
    series->job = archive_text(ask, 1);
    series->section = archive_text(ask, 2);
    series->target = archive_text(ask, 3);
    series->work = archive_text(ask, 4);
    series->metric = metric;
    return series;
}

int archive_figures(struct archive *archive, const char *job, const struct metric *metric,
                    struct archive_serieses *all, struct complaint *complaint)
{
    *all = (struct archive_serieses){0};
    sqlite3_stmt *ask =
        archive_ask(archive,
                    "SELECT s.id, s.job, s.section, s.target, s.work, f.run, f.median FROM series s"
                    " JOIN figure f ON f.series = s.id JOIN run r ON r.id = f.run"
                    " WHERE s.metric = ?2 AND (?1 IS NULL OR s.job = ?1)"
                    " ORDER BY s.job, min(s.id) OVER (PARTITION BY s.job, s.section), s.target, "
                    "s.id, r.started, r.id",
                    complaint);
    if (ask == NULL) {
        return EIO;
    }
    archive_bind_text(ask, 1, job);
    archive_bind_text(ask, 2, metric->name);
    struct archive_series *series = NULL;
    int64_t last = -1;
    int step;
    while ((step = archive_step(archive, ask, complaint)) == 1) {
        if (sqlite3_column_int64(ask, 0) != last) {
            series = ask_series(all, ask, metric);
            last = sqlite3_column_int64(ask, 0);
        }
        void *points = series->points;
        struct archive_point *point = ask_grow(&points, series->count++, sizeof *point);
        series->points = points;
        *point =
            (struct archive_point){sqlite3_column_int64(ask, 5), sqlite3_column_double(ask, 6)};
    }
    sqlite3_finalize(ask);
    return step < 0 ? EIO : 0;
}

void archive_serieses_fini(struct archive_serieses *all)
{
    for (size_t i = 0; i < all->count; i++) {
        free(all->items[i].job);
        free(all->items[i].section);
        free(all->items[i].target);
        free(all->items[i].work);
        free(all->items[i].points);
    }
    free(all->items);
    *all = (struct archive_serieses){0};
}

// ---- documents -----------------------------------------------------------------------------

int archive_document(struct archive *archive, int64_t run, char **text, struct complaint *complaint)
{
    *text = NULL;
    sqlite3_stmt *ask = archive_ask(archive, "SELECT document FROM run WHERE id = ?", complaint);
    if (ask == NULL) {
        return EIO;
    }
    sqlite3_bind_int64(ask, 1, run);
    int step = archive_step(archive, ask, complaint);
    if (step == 0) {
        complain(complaint, "%s: no run %lld", archive->path, (long long)run);
    } else if (step == 1) {
        *text =
            pack_undo(sqlite3_column_blob(ask, 0), (size_t)sqlite3_column_bytes(ask, 0), complaint);
    }
    sqlite3_finalize(ask);
    return *text != NULL ? 0 : EIO;
}
