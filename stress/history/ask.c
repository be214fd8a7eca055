// SPDX-License-Identifier: MIT
//
// ask.c - what an archive has: runs, machines, the figures of a metric, documents.

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "history/inner.h"

void *archive_grow(void **items, size_t count, size_t size)
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

int archive_read_runs(const struct archive *archive, sqlite3_stmt *ask, struct archive_runs *runs,
                      struct complaint *complaint)
{
    int step;
    while ((step = archive_step(archive, ask, complaint)) == 1) {
        void *items = runs->items;
        struct archive_run *run = archive_grow(&items, runs->count++, sizeof *run);
        runs->items = items;
        run->id = sqlite3_column_int64(ask, 0);
        run->digest = archive_text(ask, 1);
        run->job = archive_text(ask, 2);
        run->about = archive_text(ask, 3);
        run->started = archive_text(ask, 4);
        run->verdict = archive_text(ask, 5);
        run->revision = archive_text(ask, 6);
        run->host = archive_text(ask, 7);
        run->seconds = sqlite3_column_double(ask, 8);
    }
    sqlite3_finalize(ask);
    return step < 0 ? EIO : 0;
}

int archive_list(struct archive *archive, const char *job, const char *machine,
                 struct archive_runs *runs, struct complaint *complaint)
{
    *runs = (struct archive_runs){0};
    sqlite3_stmt *ask =
        archive_ask(archive,
                    "SELECT " ARCHIVE_RUN " FROM run r WHERE (?1 IS NULL OR r.job = ?1) AND"
                    " (?2 IS NULL OR EXISTS (SELECT 1 FROM place p JOIN machine m ON"
                    " m.id = p.machine WHERE p.run = r.id AND m.name = ?2))"
                    " ORDER BY r.started, r.id",
                    complaint);
    if (ask == NULL) {
        return EIO;
    }
    archive_bind_text(ask, 1, job);
    archive_bind_text(ask, 2, machine);
    return archive_read_runs(archive, ask, runs, complaint);
}

void archive_runs_fini(struct archive_runs *runs)
{
    for (size_t i = 0; i < runs->count; i++) {
        archive_run_fini(&runs->items[i]);
    }
    free(runs->items);
    *runs = (struct archive_runs){0};
}

// ---- machines ------------------------------------------------------------------------------

// What a damaged file has of it may be nothing.
static void ask_copy(sqlite3_stmt *ask, int column, char *text, size_t size)
{
    const char *has = (const char *)sqlite3_column_text(ask, column);
    snprintf(text, size, "%s", has != NULL ? has : "");
}

int archive_machines(struct archive *archive, const char *job, struct archive_machines *machines,
                     struct complaint *complaint)
{
    *machines = (struct archive_machines){0};
    sqlite3_stmt *ask =
        archive_ask(archive,
                    "SELECT m.name, m.about, group_concat(DISTINCT r.host), count(*)"
                    " FROM machine m JOIN place p ON p.machine = m.id JOIN run r ON r.id = p.run"
                    " WHERE ?1 IS NULL OR r.job = ?1"
                    " GROUP BY m.id ORDER BY max(r.started) DESC, max(r.id) DESC",
                    complaint);
    if (ask == NULL) {
        return EIO;
    }
    archive_bind_text(ask, 1, job);
    int step;
    while ((step = archive_step(archive, ask, complaint)) == 1) {
        void *items = machines->items;
        struct archive_machine *it = archive_grow(&items, machines->count++, sizeof *it);
        machines->items = items;
        ask_copy(ask, 0, it->machine.name, sizeof it->machine.name);
        ask_copy(ask, 1, it->machine.about, sizeof it->machine.about);
        it->hosts = archive_text(ask, 2);
        it->runs = (size_t)sqlite3_column_int64(ask, 3);
    }
    sqlite3_finalize(ask);
    return step < 0 ? EIO : 0;
}

void archive_machines_fini(struct archive_machines *machines)
{
    for (size_t i = 0; i < machines->count; i++) {
        free(machines->items[i].hosts);
    }
    free(machines->items);
    *machines = (struct archive_machines){0};
}

// Whether a list with commas has the word.
static bool ask_has_word(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (const char *at = list; *at != '\0'; at += strspn(at, ",")) {
        size_t piece = strcspn(at, ",");
        if (piece == length && strncmp(at, word, length) == 0) {
            return true;
        }
        at += piece;
    }
    return false;
}

const struct archive_machine *archive_machine_named(const struct archive_machines *machines,
                                                    const char *word, struct complaint *complaint)
{
    const struct archive_machine *found = NULL;
    char list[1024] = "";
    size_t length = 0;
    size_t count = 0;
    for (size_t i = 0; i < machines->count; i++) {
        const struct archive_machine *it = &machines->items[i];
        bool named = *word != '\0' && strncmp(it->machine.name, word, strlen(word)) == 0;
        if (named || ask_has_word(it->hosts, word)) {
            found = it;
            count++;
        }
        if (length < sizeof list) {
            length +=
                (size_t)snprintf(list + length, sizeof list - length, "%s%s (%.40s: %.80s)",
                                 i > 0 ? ", " : "", it->machine.name, it->hosts, it->machine.about);
        }
    }
    if (count == 1) {
        return found;
    }
    complain(complaint, "--machine %s: %s; there are: %s", complaint_clip(word).text,
             count == 0 ? "no such machine here" : "several machines are called so", list);
    return NULL;
}

int archive_size(struct archive *archive, uint64_t *bytes, struct complaint *complaint)
{
    int64_t pages = 0, page = 0;
    int error = archive_number(archive, "PRAGMA page_count", &pages, complaint);
    if (error == 0) {
        error = archive_number(archive, "PRAGMA page_size", &page, complaint);
    }
    *bytes = (uint64_t)(pages * page);
    return error;
}

// ---- figures -------------------------------------------------------------------------------

static struct archive_series *ask_series(struct archive_serieses *all, sqlite3_stmt *ask,
                                         const struct metric *metric)
{
    void *items = all->items;
    struct archive_series *series = archive_grow(&items, all->count++, sizeof *series);
    all->items = items;
    series->job = archive_text(ask, 1);
    series->section = archive_text(ask, 2);
    series->target = archive_text(ask, 3);
    series->work = archive_text(ask, 4);
    series->machine = archive_text(ask, 7);
    series->metric = metric;
    return series;
}

int archive_figures(struct archive *archive, const char *job, const char *machine,
                    const struct metric *metric, struct archive_serieses *all,
                    struct complaint *complaint)
{
    *all = (struct archive_serieses){0};
    sqlite3_stmt *ask =
        archive_ask(archive,
                    "SELECT s.id, s.job, s.section, s.target, s.work, f.run, f.median, m.name,"
                    " b.build FROM series s JOIN machine m ON m.id = s.machine"
                    " JOIN figure f ON f.series = s.id JOIN run r ON r.id = f.run"
                    " LEFT JOIN build b ON b.run = f.run AND b.target = s.target"
                    " WHERE s.metric = ?2 AND (?1 IS NULL OR s.job = ?1)"
                    " AND (?3 IS NULL OR m.name = ?3)"
                    " ORDER BY s.job, min(s.id) OVER (PARTITION BY s.job, s.section), s.target, "
                    "s.id, r.started, r.id",
                    complaint);
    if (ask == NULL) {
        return EIO;
    }
    archive_bind_text(ask, 1, job);
    archive_bind_text(ask, 2, metric->name);
    archive_bind_text(ask, 3, machine);
    struct archive_series *series = NULL;
    int64_t last = -1;
    int step;
    while ((step = archive_step(archive, ask, complaint)) == 1) {
        if (sqlite3_column_int64(ask, 0) != last) {
            series = ask_series(all, ask, metric);
            last = sqlite3_column_int64(ask, 0);
        }
        void *points = series->points;
        struct archive_point *point = archive_grow(&points, series->count++, sizeof *point);
        series->points = points;
        *point = (struct archive_point){sqlite3_column_int64(ask, 5), sqlite3_column_double(ask, 6),
                                        archive_text(ask, 8)};
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
        free(all->items[i].machine);
        for (size_t p = 0; p < all->items[i].count; p++) {
            free(all->items[i].points[p].build);
        }
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
