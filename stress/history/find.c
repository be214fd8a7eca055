// SPDX-License-Identifier: MIT
//
// find.c - the run that a comparison is to be made with: the last one, a revision's, a date's.
//
// 1. Which. Runs of the same job, from the newest back; never the result itself. "last": not after
//    it. A date: not after the date, of which a part stands for all of it (2026-11-20 for that
//    whole day, in UTC, as results have their time). A revision: as results have it, whole or its
//    beginning; or a longer name of the same commit. Where both a clean tree of it and a changed
//    one ("-dirty") were measured, the clean one is meant, unless the word says "-dirty".
// 2. Preferred. The newest that has measured all that the result has, the same work in every
//    section on every target: a look at a single cell between two whole runs is no baseline for
//    the second. Where there is none, the newest: the comparison tells what is missing.

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compare/compare.h"
#include "disk/digest.h"
#include "history/inner.h"

#define FIND_DIRTY "-dirty"
#define FIND_LEAST 4 // letters of a revision

// ---- dates ---------------------------------------------------------------------------------

// The last second that the date means, in the form results have. False: it is no date.
static bool find_date(const char *text, char *last, size_t size)
{
    static const char form[] = "dddd-dd-ddTdd:dd:ddZ";
    static const char full[] = "0000-00-00T23:59:59Z";
    size_t length = strlen(text);
    if (length > 0 && text[length - 1] == 'Z' && length < sizeof form - 1) {
        length--; // 2026-11-20T13:05Z
    }
    bool whole = length == 10 || length == 13 || length == 16 || length == 19 || length == 20;
    if (!whole || size < sizeof form) {
        return false;
    }
    for (size_t i = 0; i < length; i++) {
        bool digit = form[i] == 'd' && isdigit((unsigned char)text[i]);
        if (!digit && text[i] != form[i] && !(i == 10 && text[i] == ' ')) {
            return false;
        }
    }
    memcpy(last, full, sizeof full);
    memcpy(last, text, length);
    last[10] = 'T';
    return true;
}

// ---- revisions -----------------------------------------------------------------------------

static size_t find_clean(const char *revision)
{
    size_t length = strlen(revision);
    size_t dirty = sizeof FIND_DIRTY - 1;
    return length > dirty && strcmp(revision + length - dirty, FIND_DIRTY) == 0 ? length - dirty
                                                                                : length;
}

// `wanted` is a revision's beginning, or its end is that of `git describe`, or it goes on where the
// recorded one was cut off.
static bool find_is_revision(const char *revision, const char *wanted)
{
    size_t length = strlen(wanted);
    size_t clean = find_clean(revision);
    const char *described = strstr(revision, "-g");
    if (find_clean(wanted) != length) { // "-dirty" is asked for
        return strcmp(revision, wanted) == 0;
    }
    return (length <= clean && strncmp(revision, wanted, length) == 0) ||
           (clean >= 7 && strncmp(revision, wanted, clean) == 0) ||
           (described != NULL && strncmp(described + 2, wanted, length) == 0);
}

// ---- the same work -------------------------------------------------------------------------

// Whether the run has figures of one section's work on one target.
static bool find_has(sqlite3_stmt *ask, int64_t run, const struct measured_section *section,
                     const char *target)
{
    char *work = compare_work(section);
    struct digest digest = digest_of_bytes(work, strlen(work));
    digest.text[16] = '\0';
    free(work);
    sqlite3_reset(ask);
    sqlite3_bind_int64(ask, 1, run);
    archive_bind_text(ask, 2, section->name);
    archive_bind_text(ask, 3, target);
    archive_bind_text(ask, 4, digest.text);
    return sqlite3_step(ask) == SQLITE_ROW;
}

static bool find_has_all(sqlite3_stmt *ask, int64_t run, const struct measured *other)
{
    bool all = true;
    for (size_t i = 0; i < other->cell_count && all; i++) {
        const struct measured_cell *cell = &other->cells[i];
        bool counts = cell->known && cell->verdict == CELL_PASS;
        all = !counts || find_has(ask, run, &other->sections[cell->section], cell->target);
    }
    return all;
}

// ---- the run -------------------------------------------------------------------------------

struct finding_out {
    const struct archive_wish *wish;
    const char *not_after; // NULL: any time
    bool revision;         // the wish is one
    bool clean;            // only trees without changes
};

static bool find_suits(const struct finding_out *out, const struct archive_run *run)
{
    if (strcmp(run->digest, out->wish->digest) == 0) {
        return false;
    }
    if (out->revision) {
        return find_is_revision(run->revision, out->wish->against) &&
               (!out->clean || find_clean(run->revision) == strlen(run->revision));
    }
    return strcmp(run->started, out->not_after) <= 0;
}

// Index of the run that is meant; runs->count: none.
static size_t find_newest(struct archive *archive, const struct finding_out *out,
                          const struct archive_runs *runs, struct complaint *complaint)
{
    size_t newest = runs->count;
    sqlite3_stmt *ask = archive_ask(archive,
                                    "SELECT 1 FROM figure f JOIN series s ON s.id = f.series"
                                    " WHERE f.run = ? AND s.section = ? AND s.target = ? AND"
                                    " s.work = ? LIMIT 1",
                                    complaint);
    for (size_t i = runs->count; i-- > 0 && ask != NULL;) {
        if (!find_suits(out, &runs->items[i])) {
            continue;
        }
        newest = newest == runs->count ? i : newest;
        if (find_has_all(ask, runs->items[i].id, out->wish->other)) {
            newest = i;
            break;
        }
    }
    sqlite3_finalize(ask);
    return newest;
}

// The commits that a revision's beginning means, where it is more than one.
static bool find_is_ambiguous(const struct finding_out *out, const struct archive_runs *runs,
                              size_t found, struct complaint *complaint)
{
    const char *first = runs->items[found].revision;
    for (size_t i = 0; i < runs->count && out->revision; i++) {
        const char *revision = runs->items[i].revision;
        size_t clean = find_clean(revision);
        if (find_suits(out, &runs->items[i]) &&
            (clean != find_clean(first) || strncmp(first, revision, clean) != 0)) {
            complain(complaint, "revision %s: %s or %s? A longer part of it is wanted",
                     out->wish->against, first, revision);
            return true;
        }
    }
    return false;
}

static void find_nothing(const struct archive *archive, const struct finding_out *out,
                         const struct archive_runs *runs, struct complaint *complaint)
{
    const struct archive_wish *wish = out->wish;
    size_t first = 0;
    while (first < runs->count && strcmp(runs->items[first].digest, wish->digest) == 0) {
        first++;
    }
    if (first == runs->count) {
        complain(complaint, "%s: no other run of the job %s", archive->path, wish->job);
    } else if (!out->revision) {
        bool last = out->not_after == wish->started;
        complain(complaint, "%s: no run of the job %s up to %s; the first is of %s", archive->path,
                 wish->job, last ? out->not_after : wish->against, runs->items[first].started);
    } else {
        complain(complaint,
                 "%s: no run of the job %s at revision %s (nor is that \"last\", or a date like "
                 "2026-11-20); mems-stress history %s lists those that are there",
                 archive->path, wish->job, complaint_clip(wish->against).text, wish->job);
    }
}

static void find_copy(const struct archive_run *from, struct archive_run *to)
{
    *to = (struct archive_run){.id = from->id,
                               .digest = measured_copy(from->digest),
                               .job = measured_copy(from->job),
                               .started = measured_copy(from->started),
                               .verdict = measured_copy(from->verdict),
                               .revision = measured_copy(from->revision),
                               .host = measured_copy(from->host),
                               .seconds = from->seconds};
}

int archive_find(struct archive *archive, const struct archive_wish *wish,
                 struct archive_run *found, struct complaint *complaint)
{
    char date[32];
    struct archive_runs runs;
    struct finding_out out = {.wish = wish, .not_after = wish->started, .clean = true};
    if (find_date(wish->against, date, sizeof date)) {
        out.not_after = date;
    } else if (strcmp(wish->against, "last") != 0) {
        out.revision = true;
        out.clean = find_clean(wish->against) == strlen(wish->against);
    }
    if (out.revision && strlen(wish->against) < FIND_LEAST) {
        complain(complaint,
                 "\"%s\": \"last\", %d letters of a revision or more, or a date like "
                 "2026-11-20 are wanted",
                 wish->against, FIND_LEAST);
        return EINVAL;
    }
    int error = archive_list(archive, wish->job, &runs, complaint);
    if (error != 0) {
        return error;
    }
    size_t newest = find_newest(archive, &out, &runs, complaint);
    if (newest == runs.count && out.revision && out.clean) {
        out.clean = false;
        newest = find_newest(archive, &out, &runs, complaint);
    }
    if (newest == runs.count) {
        find_nothing(archive, &out, &runs, complaint);
        error = ENOENT;
    } else if (find_is_ambiguous(&out, &runs, newest, complaint)) {
        error = ENOENT;
    } else {
        find_copy(&runs.items[newest], found);
    }
    archive_runs_fini(&runs);
    return error;
}
