// SPDX-License-Identifier: MIT
//
// find.c - the run that a comparison is to be made with: the last one, a revision's, a date's.
//
// 1. Which. Runs of the same job, from the newest back; never the result itself. "last": not after
//    it. A date: not after the date, of which a part stands for all of it (2026-11-20 for that
//    whole day, in UTC, as results have their time). A revision: as results have it, whole or its
//    beginning; or a longer name of the same commit. Where both a clean tree of it and a changed
//    one ("-dirty") were measured, the clean one is meant, unless the word says "-dirty".
// 2. Comparable. A run of other machines is left out, unless the wish says so: what differs would
//    be the machine. Preferred is the newest that has measured all that the result has, the same
//    work in every section on every target: a look at a single cell between two whole runs is no
//    baseline for the second. Next the newest that has some of it. Where there is none, the newest
//    on the machine: the comparison then says how its work differs.
// 3. What was left out on the way is counted and told: "last" that is not the last must not pass
//    for it.

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "compare/compare.h"
#include "history/inner.h"

#define FIND_DIRTY "-dirty"
#define FIND_LEAST 4 // letters of a revision

// ---- revisions -----------------------------------------------------------------------------

static size_t find_clean(const char *revision)
{
    size_t length = strlen(revision);
    size_t dirty = sizeof FIND_DIRTY - 1;
    return length > dirty && strcmp(revision + length - dirty, FIND_DIRTY) == 0 ? length - dirty
                                                                                : length;
}

// `wanted` is the beginning of a name with `length` characters, or goes on where that was cut off.
static bool find_is_name(const char *name, size_t length, const char *wanted)
{
    size_t most = strlen(wanted);
    return (most <= length && strncmp(name, wanted, most) == 0) ||
           (length >= 7 && strncmp(name, wanted, length) == 0);
}

// `wanted` is the revision, or the commit at its end where `git describe` made it of a tag.
static bool find_is_revision(const char *revision, const char *wanted)
{
    size_t clean = find_clean(revision);
    const char *described = strstr(revision, "-g");
    if (find_clean(wanted) != strlen(wanted)) { // "-dirty" is asked for
        return strcmp(revision, wanted) == 0;
    }
    size_t tag = described != NULL ? (size_t)(described + 2 - revision) : clean;
    return find_is_name(revision, clean, wanted) ||
           (tag < clean && find_is_name(revision + tag, clean - tag, wanted));
}

// ---- what a run has ------------------------------------------------------------------------

struct finding_out {
    const struct archive *archive;
    const struct archive_wish *wish;
    struct date not_after; // unless it is a revision's
    bool revision;         // the wish is one
    int64_t own;           // the run that is compared, where it is kept; else 0
    bool clean;            // only trees without changes
    sqlite3_stmt *figures; // whether a run has any of a work on a machine
    sqlite3_stmt *places;  // whether it has been on a machine
};

// The machine that the section is wanted of; NULL: any.
static const char *find_machine(const struct archive_wish *wish, size_t section)
{
    const char *given = wish->machine;
    return given == NULL ? wish->machines[section].name : *given == '\0' ? NULL : given;
}

static bool find_says(sqlite3_stmt *ask)
{
    bool is = sqlite3_step(ask) == SQLITE_ROW;
    sqlite3_reset(ask);
    return is;
}

// Whether the run has figures of one section's work on one target.
static bool find_has(const struct finding_out *out, int64_t run, const struct measured_cell *cell,
                     const char *machine)
{
    const struct measured_section *section = &out->wish->other->sections[cell->section];
    char *work = compare_work(section);
    sqlite3_bind_int64(out->figures, 1, run);
    archive_bind_text(out->figures, 2, section->name);
    archive_bind_text(out->figures, 3, cell->target);
    archive_bind_text(out->figures, 4, figures_work(work).text);
    archive_bind_text(out->figures, 5, machine);
    free(work);
    return find_says(out->figures);
}

// What the run is to the result. In the order of preference.
enum find_rank { FIND_ALL, FIND_SOME, FIND_OTHER_WORK, FIND_ELSEWHERE };

static bool find_was_there(const struct finding_out *out, int64_t run)
{
    bool there = out->wish->other->section_count == 0;
    for (size_t i = 0; i < out->wish->other->section_count && !there; i++) {
        sqlite3_bind_int64(out->places, 1, run);
        archive_bind_text(out->places, 2, find_machine(out->wish, i));
        there = find_says(out->places);
    }
    return there;
}

static enum find_rank find_rank(const struct finding_out *out, int64_t run)
{
    const struct measured *other = out->wish->other;
    size_t all = 0, here = 0, anywhere = 0;
    for (size_t i = 0; i < other->cell_count; i++) {
        const struct measured_cell *cell = &other->cells[i];
        bool planned = cell->verdict == CELL_WAITING;
        if (planned || (cell->known && cell->verdict == CELL_PASS)) {
            bool has = find_has(out, run, cell, find_machine(out->wish, cell->section));
            all++;
            here += has;
            anywhere += has || (here == 0 && find_has(out, run, cell, NULL));
        }
    }
    if (here == all) { // also where there is nothing to look for
        return all > 0 || find_was_there(out, run) ? FIND_ALL : FIND_ELSEWHERE;
    }
    if (here > 0) {
        return FIND_SOME;
    }
    return anywhere > 0 || !find_was_there(out, run) ? FIND_ELSEWHERE : FIND_OTHER_WORK;
}

// ---- the run -------------------------------------------------------------------------------

static bool find_suits(const struct finding_out *out, const struct archive_run *run)
{
    const char *own = out->wish->digest;
    if (*own != '\0' && strcmp(run->digest, own) == 0) {
        return false;
    }
    if (out->revision) {
        return find_is_revision(run->revision, out->wish->against) &&
               (!out->clean || find_clean(run->revision) == strlen(run->revision));
    }
    // Runs of one second stand in the order in which they were kept.
    int order = strcmp(run->started, out->not_after.text);
    bool later = out->own > 0 && strcmp(out->wish->against, "last") == 0 && run->id > out->own;
    return order < 0 || (order == 0 && !later);
}

// Index of the run that is meant; runs->count: none.
static size_t find_newest(const struct finding_out *out, const struct archive_runs *runs,
                          struct archive_found *found)
{
    size_t newest[FIND_ELSEWHERE];
    struct archive_found past[FIND_ELSEWHERE + 1]; // what had been left out by then
    memset(past, 0, sizeof past);
    for (size_t rank = 0; rank < FIND_ELSEWHERE; rank++) {
        newest[rank] = runs->count;
    }
    struct archive_found *left = &past[FIND_ELSEWHERE];
    for (size_t i = runs->count; i-- > 0 && newest[FIND_ALL] == runs->count;) {
        const struct archive_run *run = &runs->items[i];
        bool dated = date_is_moment(run->started);
        if (!dated || !find_suits(out, run)) {
            left->undated += !dated;
            continue;
        }
        enum find_rank rank = find_rank(out, run->id);
        if (rank < FIND_ELSEWHERE && newest[rank] == runs->count) {
            newest[rank] = i;
            past[rank] = *left;
        }
        left->elsewhere += rank == FIND_ELSEWHERE;
        left->other_work += rank == FIND_OTHER_WORK;
    }
    for (size_t rank = 0; rank < FIND_ELSEWHERE; rank++) {
        if (newest[rank] < runs->count) {
            *found = past[rank];
            return newest[rank];
        }
    }
    *found = *left;
    return runs->count;
}

bool archive_left_out(const struct archive_found *found, char *text, size_t size)
{
    const struct {
        size_t count;
        const char *why;
    } parts[] = {
        {found->elsewhere, "of other machines (--machine all takes them)"},
        {found->other_work, "of other work"},
        {found->undated, "of no date that the calendar has"},
    };
    size_t length = 0;
    text[0] = '\0';
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (parts[i].count > 0 && length < size) {
            length += (size_t)snprintf(text + length, size - length, "%s%zu %s",
                                       length > 0 ? ", " : "", parts[i].count, parts[i].why);
        }
    }
    return length > 0;
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

static void find_nothing(const struct finding_out *out, const struct archive_runs *runs,
                         const struct archive_found *left, struct complaint *complaint)
{
    const struct archive *archive = out->archive;
    const struct archive_wish *wish = out->wish;
    char why[256];
    size_t first = 0;
    while (first < runs->count && strcmp(runs->items[first].digest, wish->digest) == 0) {
        first++;
    }
    if (first == runs->count) {
        complain(complaint, "%s: no other run of the job %s", archive->path, wish->job);
    } else if (archive_left_out(left, why, sizeof why)) {
        complain(complaint, "%s: no run of the job %s that could be compared; left out: %s",
                 archive->path, wish->job, why);
    } else if (!out->revision) {
        bool last = strcmp(wish->against, "last") == 0;
        complain(complaint, "%s: no run of the job %s up to %s; the first is of %s", archive->path,
                 wish->job, last ? wish->started : wish->against, runs->items[first].started);
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
                               .about = measured_copy(from->about),
                               .started = measured_copy(from->started),
                               .verdict = measured_copy(from->verdict),
                               .revision = measured_copy(from->revision),
                               .host = measured_copy(from->host),
                               .seconds = from->seconds};
}

// What the word is. EINVAL with a complaint: nothing that could be meant.
static int find_word(struct finding_out *out, struct complaint *complaint)
{
    const struct archive_wish *wish = out->wish;
    enum date_kind kind = date_last(wish->against, &out->not_after);
    if (kind == DATE_IMPOSSIBLE) {
        complain(complaint,
                 "\"%s\": the calendar has no such day or time; one like 2026-11-20 or "
                 "2026-11-20T13:05 is wanted",
                 complaint_clip(wish->against).text);
        return EINVAL;
    }
    if (strcmp(wish->against, "last") == 0) {
        snprintf(out->not_after.text, sizeof out->not_after.text, "%.31s", wish->started);
    } else if (kind == DATE_NONE) {
        out->revision = true;
        out->clean = find_clean(wish->against) == strlen(wish->against);
    }
    if (out->revision && strlen(wish->against) < FIND_LEAST) {
        complain(complaint,
                 "\"%s\": \"last\", %d letters of a revision or more, or a date like "
                 "2026-11-20 are wanted",
                 wish->against, FIND_LEAST);
        return EINVAL;
    }
    return 0;
}

static int find_among(struct finding_out *out, const struct archive_runs *runs,
                      struct archive_found *found, struct complaint *complaint)
{
    for (size_t i = 0; i < runs->count && *out->wish->digest != '\0'; i++) {
        const struct archive_run *run = &runs->items[i];
        out->own = strcmp(run->digest, out->wish->digest) == 0 ? run->id : out->own;
    }
    size_t newest = find_newest(out, runs, found);
    if (newest == runs->count && out->revision && out->clean) {
        out->clean = false;
        newest = find_newest(out, runs, found);
    }
    if (newest == runs->count) {
        find_nothing(out, runs, found, complaint);
        return ENOENT;
    }
    if (find_is_ambiguous(out, runs, newest, complaint)) {
        return ENOENT;
    }
    find_copy(&runs->items[newest], &found->run);
    return 0;
}

int archive_find(struct archive *archive, const struct archive_wish *wish,
                 struct archive_found *found, struct complaint *complaint)
{
    struct archive_runs runs = {0};
    struct finding_out out = {.archive = archive, .wish = wish, .clean = true};
    *found = (struct archive_found){.elsewhere = 0};
    int error = find_word(&out, complaint);
    found->revision = out.revision;
    if (error != 0) {
        return error;
    }
    out.figures = archive_ask(archive,
                              "SELECT 1 FROM figure f JOIN series s ON s.id = f.series"
                              " JOIN machine m ON m.id = s.machine"
                              " WHERE f.run = ? AND s.section = ? AND s.target = ? AND"
                              " s.work = ? AND (?5 IS NULL OR m.name = ?5) LIMIT 1",
                              complaint);
    out.places = archive_ask(archive,
                             "SELECT 1 FROM place p JOIN machine m ON m.id = p.machine"
                             " WHERE p.run = ?1 AND (?2 IS NULL OR m.name = ?2) LIMIT 1",
                             complaint);
    error = out.figures == NULL || out.places == NULL
                ? EIO
                : archive_list(archive, wish->job, NULL, &runs, complaint);
    if (error == 0) {
        error = find_among(&out, &runs, found, complaint);
    }
    found->revision = out.revision;
    archive_runs_fini(&runs);
    sqlite3_finalize(out.figures);
    sqlite3_finalize(out.places);
    return error;
}
