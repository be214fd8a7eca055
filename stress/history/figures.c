// SPDX-License-Identifier: MIT
//
// figures.c - results into the archive: the document, and the figures that trends are made of.
//
// 1. One result, one document. Its digest is SHA-256 of the JSON with sorted keys, no blanks, and
//    reals of nine digits, which is what documents are written with: the same for the result in
//    memory, in a file, and exported and imported again.
// 2. A figure is the median of a metric over the repeats of a target in a section that can be
//    used. Its series is known by the section's work too (compare_work): what would be refused as a
//    comparison is another series.

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compare/compare.h"
#include "compare/statistics.h"
#include "disk/digest.h"
#include "history/inner.h"

#define FIGURES_FORM (JSON_COMPACT | JSON_REAL_PRECISION(9))

// ---- whose ---------------------------------------------------------------------------------

static const char *figures_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

// A run without a job file is named for the option that stands in for one.
static const char *figures_job(const json_t *job)
{
    const char *title = figures_text(job, "title");
    return title + strspn(title, "-");
}

static const char *figures_revision(const json_t *document)
{
    const char *given = figures_text(json_object_get(document, "context"), "revision");
    return *given != '\0' ? given : figures_text(json_object_get(document, "host"), "revision");
}

int archive_identify(const char *name, struct json_t *document, struct archive_run *run,
                     struct complaint *complaint)
{
    *run = (struct archive_run){0};
    const json_t *job = json_object_get(document, "job");
    const char *started = figures_text(document, "started");
    if (*figures_job(job) == '\0' || *started == '\0') {
        complain(complaint,
                 "%s: a history keeps results of mems-stress run and replay: %s is "
                 "wanted",
                 name, *started == '\0' ? "the text \"started\"" : "the text \"job.title\"");
        return EINVAL;
    }
    char *text = json_dumps(document, FIGURES_FORM | JSON_SORT_KEYS);
    if (text == NULL) {
        complain_exhausted();
    }
    run->digest = measured_copy(digest_of_bytes(text, strlen(text)).text);
    free(text);
    run->job = measured_copy(figures_job(job));
    run->started = measured_copy(started);
    run->verdict = measured_copy(figures_text(document, "verdict"));
    run->revision = measured_copy(figures_revision(document));
    run->host = measured_copy(figures_text(json_object_get(document, "host"), "name"));
    run->seconds = json_number_value(json_object_get(document, "seconds"));
    return 0;
}

void archive_run_fini(struct archive_run *run)
{
    free(run->digest);
    free(run->job);
    free(run->started);
    free(run->verdict);
    free(run->revision);
    free(run->host);
    *run = (struct archive_run){0};
}

// ---- figures -------------------------------------------------------------------------------

struct figures {
    const struct archive *archive;
    sqlite3_stmt *make; // a series
    sqlite3_stmt *add;  // a figure
    const char *job;
    int64_t run;
    double *values; // room for one of each cell
};

static bool figures_is_used(const struct measured_cell *cell)
{
    return cell->known && (cell->verdict == CELL_PASS || cell->verdict == CELL_UNSTEADY);
}

// The series, made where it is new, and its figure.
static int figures_put(const struct figures *figures, const struct measured_section *section,
                       const char *target, const char *work, const char *metric, size_t count,
                       struct complaint *complaint)
{
    const char *const texts[] = {figures->job, section->name, target, work, metric};
    sqlite3_reset(figures->make);
    sqlite3_reset(figures->add);
    for (int i = 0; i < 5; i++) {
        archive_bind_text(figures->make, i + 1, texts[i]);
        archive_bind_text(figures->add, i + 1, texts[i]);
    }
    sqlite3_bind_int64(figures->add, 6, figures->run);
    sqlite3_bind_int64(figures->add, 7, (int64_t)count);
    sqlite3_bind_double(figures->add, 8, statistics_median(figures->values, count));
    return archive_step(figures->archive, figures->make, complaint) < 0 ||
                   archive_step(figures->archive, figures->add, complaint) < 0
               ? EIO
               : 0;
}

// Every metric of the target that cell `first` is the first of.
static int figures_of_target(const struct figures *figures, const struct measured *measured,
                             size_t first, const char *work, struct complaint *complaint)
{
    const struct measured_cell *cells = measured->cells;
    const struct measured_section *section = &measured->sections[cells[first].section];
    int error = 0;
    for (size_t m = 0; m < METRIC_COUNT && error == 0; m++) {
        size_t count = 0;
        for (size_t i = first; i < measured->cell_count; i++) {
            if (cells[i].section == cells[first].section && figures_is_used(&cells[i]) &&
                strcmp(cells[i].target, cells[first].target) == 0 && !isnan(cells[i].metric[m])) {
                figures->values[count++] = cells[i].metric[m];
            }
        }
        if (count > 0) {
            error = figures_put(figures, section, cells[first].target, work, metric_table[m].name,
                                count, complaint);
        }
    }
    return error;
}

static bool figures_is_first(const struct measured *measured, size_t cell)
{
    const struct measured_cell *cells = measured->cells;
    for (size_t i = 0; i < cell; i++) {
        if (cells[i].section == cells[cell].section &&
            strcmp(cells[i].target, cells[cell].target) == 0) {
            return false;
        }
    }
    return true;
}

// In the job's order of sections, which trends keep.
static int figures_of(const struct figures *figures, const struct measured *measured,
                      struct complaint *complaint)
{
    int error = 0;
    for (size_t s = 0; s < measured->section_count; s++) {
        char *work = compare_work(&measured->sections[s]);
        struct digest digest = digest_of_bytes(work, strlen(work));
        digest.text[16] = '\0';
        for (size_t i = 0; i < measured->cell_count && error == 0; i++) {
            if (measured->cells[i].section == s && figures_is_first(measured, i)) {
                error = figures_of_target(figures, measured, i, digest.text, complaint);
            }
        }
        free(work);
    }
    return error;
}

int archive_add_figures(const struct archive *archive, int64_t run, const char *name,
                        struct json_t *document, struct complaint *complaint)
{
    struct measured measured;
    int error = measured_of_document(name, document, &measured, complaint);
    if (error != 0) {
        return error;
    }
    struct figures figures = {
        .archive = archive,
        .make = archive_ask(archive,
                            "INSERT OR IGNORE INTO series (job, section, target, work, metric)"
                            " VALUES (?, ?, ?, ?, ?)",
                            complaint),
        .add = archive_ask(archive,
                           "INSERT INTO figure (series, run, repeats, median)"
                           " SELECT id, ?6, ?7, ?8 FROM series WHERE job = ?1 AND section = ?2"
                           " AND target = ?3 AND work = ?4 AND metric = ?5",
                           complaint),
        .job = figures_job(json_object_get(document, "job")),
        .run = run,
        .values = measured_zeroed(measured.cell_count, sizeof(double)),
    };
    error = figures.make != NULL && figures.add != NULL ? figures_of(&figures, &measured, complaint)
                                                        : EIO;
    sqlite3_finalize(figures.make);
    sqlite3_finalize(figures.add);
    free(figures.values);
    measured_fini(&measured);
    return error;
}

// What cannot be read has no figures, and stays.
int archive_add_all_figures(const struct archive *archive, struct complaint *complaint)
{
    sqlite3_stmt *runs = archive_ask(archive, "SELECT id, document FROM run", complaint);
    int step = -1;
    int error = 0;
    while (runs != NULL && error == 0 && (step = archive_step(archive, runs, complaint)) == 1) {
        struct complaint ignored = {{0}};
        char *text = pack_undo(sqlite3_column_blob(runs, 1), (size_t)sqlite3_column_bytes(runs, 1),
                               &ignored);
        json_t *document = text != NULL ? json_loads(text, 0, NULL) : NULL;
        if (document != NULL) {
            error = archive_add_figures(archive, sqlite3_column_int64(runs, 0), archive->path,
                                        document, complaint);
            error = error == EINVAL ? 0 : error;
        }
        json_decref(document);
        free(text);
    }
    sqlite3_finalize(runs);
    return error != 0 ? error : step < 0 ? EIO : 0;
}

// ---- documents -----------------------------------------------------------------------------

static int figures_insert(const struct archive *archive, const struct archive_run *run,
                          const json_t *document, bool *added, struct complaint *complaint)
{
    sqlite3_stmt *insert = archive_ask(
        archive,
        "INSERT OR IGNORE INTO run (digest, job, started, verdict, revision, host, seconds,"
        " document) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        complaint);
    if (insert == NULL) {
        return EIO;
    }
    size_t size;
    char *text = json_dumps(document, FIGURES_FORM);
    if (text == NULL) {
        complain_exhausted();
    }
    void *bytes = pack_bytes(text, strlen(text), &size);
    free(text);
    const char *const texts[] = {run->digest,  run->job,      run->started,
                                 run->verdict, run->revision, run->host};
    for (int i = 0; i < 6; i++) {
        archive_bind_text(insert, i + 1, texts[i]);
    }
    sqlite3_bind_double(insert, 7, run->seconds);
    sqlite3_bind_blob64(insert, 8, bytes, size, free);
    int step = archive_step(archive, insert, complaint);
    *added = sqlite3_changes(archive->db) > 0;
    sqlite3_finalize(insert);
    return step < 0 ? EIO : 0;
}

int archive_add(struct archive *archive, const char *name, struct json_t *document, bool *added,
                struct complaint *complaint)
{
    struct archive_run run;
    *added = false;
    int error = archive_identify(name, document, &run, complaint);
    if (error == 0) {
        error = archive_begin(archive, complaint);
    }
    if (error == 0) {
        error = figures_insert(archive, &run, document, added, complaint);
        if (error == 0 && *added) {
            error = archive_add_figures(archive, sqlite3_last_insert_rowid(archive->db), name,
                                        document, complaint);
        }
        error = archive_end(archive, error, complaint);
    }
    *added = *added && error == 0;
    archive_run_fini(&run);
    return error;
}
