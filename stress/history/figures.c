// SPDX-License-Identifier: MIT
//
// figures.c - results into the archive: the document, and the figures that trends are made of.
//
// 1. A figure is the median of a metric over the repeats of a target in a section that can be
//    used. Its series is known by the section's work (compare_work) and by the machine too: what
//    would be refused as a comparison, or was measured elsewhere, is another series. The sections
//    of a merged result may be of several machines; each has its own.
// 2. Beside it, for people: whose malloc the target called. Of what is part of mems-stress (mems:*)
//    that is the revision of mems-stress.

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compare/compare.h"
#include "compare/statistics.h"
#include "disk/digest.h"
#include "history/inner.h"
#include "json/json.h"

#define FIGURES_OWN "mems:"

// ---- figures -------------------------------------------------------------------------------

struct digest figures_work(const char *work)
{
    struct digest digest = digest_of_bytes(work, strlen(work));
    digest.text[16] = '\0';
    return digest;
}

struct figures {
    const struct archive *archive;
    sqlite3_stmt *make; // a series
    sqlite3_stmt *add;  // a figure
    const struct entry *entry;
    int64_t run;
    const char *machine; // of the section at hand
    double *values;      // room for one of each cell
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
    const char *const texts[] = {figures->entry->run.job, section->name, target, work, metric,
                                 figures->machine};
    sqlite3_reset(figures->make);
    sqlite3_reset(figures->add);
    for (int i = 0; i < 6; i++) {
        archive_bind_text(figures->make, i + 1, texts[i]);
        archive_bind_text(figures->add, i + 1, texts[i]);
    }
    sqlite3_bind_int64(figures->add, 7, figures->run);
    sqlite3_bind_int64(figures->add, 8, (int64_t)count);
    sqlite3_bind_double(figures->add, 9, statistics_median(figures->values, count));
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
static int figures_of(struct figures *figures, struct complaint *complaint)
{
    const struct measured *measured = &figures->entry->measured;
    int error = 0;
    for (size_t s = 0; s < measured->section_count; s++) {
        char *work = compare_work(&measured->sections[s]);
        struct digest digest = figures_work(work);
        figures->machine = figures->entry->machines[s].name;
        for (size_t i = 0; i < measured->cell_count && error == 0; i++) {
            if (measured->cells[i].section == s && figures_is_first(measured, i)) {
                error = figures_of_target(figures, measured, i, digest.text, complaint);
            }
        }
        free(work);
    }
    return error;
}

static int figures_add(const struct archive *archive, const struct entry *entry, int64_t run,
                       struct complaint *complaint)
{
    struct figures figures = {
        .archive = archive,
        .make = archive_ask(archive,
                            "INSERT OR IGNORE INTO series (job, section, target, work, metric,"
                            " machine) SELECT ?, ?, ?, ?, ?, id FROM machine WHERE name = ?",
                            complaint),
        .add = archive_ask(archive,
                           "INSERT INTO figure (series, run, repeats, median)"
                           " SELECT s.id, ?7, ?8, ?9 FROM series s JOIN machine m ON"
                           " m.id = s.machine WHERE s.job = ?1 AND s.section = ?2 AND"
                           " s.target = ?3 AND s.work = ?4 AND s.metric = ?5 AND m.name = ?6",
                           complaint),
        .entry = entry,
        .run = run,
        .values = measured_zeroed(entry->measured.cell_count, sizeof(double)),
    };
    int error = figures.make != NULL && figures.add != NULL ? figures_of(&figures, complaint) : EIO;
    sqlite3_finalize(figures.make);
    sqlite3_finalize(figures.add);
    free(figures.values);
    return error;
}

// ---- around them ---------------------------------------------------------------------------

// One statement with a number and texts.
static int figures_note(const struct archive *archive, const char *sql, int64_t run,
                        const char *first, const char *second, struct complaint *complaint)
{
    sqlite3_stmt *statement = archive_ask(archive, sql, complaint);
    if (statement == NULL) {
        return EIO;
    }
    sqlite3_bind_int64(statement, 1, run);
    archive_bind_text(statement, 2, first);
    archive_bind_text(statement, 3, second);
    int step = archive_step(archive, statement, complaint);
    sqlite3_finalize(statement);
    return step < 0 ? EIO : 0;
}

static int figures_add_machine(const struct archive *archive, int64_t run,
                               const struct machine *machine, struct complaint *complaint)
{
    int error = figures_note(archive,
                             "INSERT OR IGNORE INTO machine (name, about) SELECT ?2, ?3"
                             " WHERE ?1 IS NOT NULL",
                             run, machine->name, machine->about, complaint);
    return error != 0 ? error
                      : figures_note(archive,
                                     "INSERT OR IGNORE INTO place (run, machine)"
                                     " SELECT ?1, id FROM machine WHERE name = ?2"
                                     " AND ?3 IS NOT NULL",
                                     run, machine->name, "", complaint);
}

static int figures_add_build(const struct archive *archive, int64_t run, const char *revision,
                             const struct measured_cell *cell, struct complaint *complaint)
{
    const struct measured_supplier *supplier = &cell->supplier;
    bool own = strncmp(cell->target, FIGURES_OWN, sizeof FIGURES_OWN - 1) == 0;
    const char *version = own ? revision : supplier->version;
    const char *build_id = own || supplier->build_id == NULL ? "" : supplier->build_id;
    char build[160];
    if (version == NULL || (*version == '\0' && *build_id == '\0')) {
        return 0;
    }
    snprintf(build, sizeof build, "%.120s%s%.12s", version,
             *version != '\0' && *build_id != '\0' ? ", build " : "", build_id);
    return figures_note(archive,
                        "INSERT OR IGNORE INTO build (run, target, build) VALUES (?1, ?2, ?3)", run,
                        cell->target, build, complaint);
}

// All that is drawn from a document that is kept as `run`.
static int figures_draw(const struct archive *archive, const struct entry *entry, int64_t run,
                        struct complaint *complaint)
{
    const struct measured *measured = &entry->measured;
    const char *revision = json_text(json_object_get(entry->document, "host"), "revision");
    struct machine machine;
    machine_of_document(json_object_get(entry->document, "host"), &machine);
    int error = measured->section_count > 0
                    ? 0
                    : figures_add_machine(archive, run, &machine, complaint); // every run has one
    for (size_t i = 0; i < measured->section_count && error == 0; i++) {
        error = figures_add_machine(archive, run, &entry->machines[i], complaint);
    }
    for (size_t i = 0; i < measured->cell_count && error == 0; i++) {
        error = figures_add_build(archive, run, revision, &measured->cells[i], complaint);
    }
    return error != 0 ? error : figures_add(archive, entry, run, complaint);
}

// ---- again ---------------------------------------------------------------------------------

// What cannot be read has no figures, is of no machine that is known, and stays.
static int figures_draw_lost(const struct archive *archive, int64_t run,
                             struct complaint *complaint)
{
    struct machine machine;
    machine_of_document(NULL, &machine);
    return figures_add_machine(archive, run, &machine, complaint);
}

static int figures_draw_again(const struct archive *archive, int64_t run, const char *text,
                              struct complaint *complaint)
{
    struct complaint ignored = {{0}};
    struct entry entry;
    json_t *document = text != NULL ? json_loads(text, 0, NULL) : NULL;
    if (document == NULL || entry_read(archive->path, document, &entry, &ignored) != 0) {
        json_decref(document);
        return figures_draw_lost(archive, run, complaint);
    }
    int error = figures_note(archive, "UPDATE run SET job = ?2, about = ?3 WHERE id = ?1", run,
                             entry.run.job, entry.run.about, complaint);
    if (error == 0) {
        error = figures_draw(archive, &entry, run, complaint);
    }
    entry_fini(&entry);
    json_decref(document);
    return error;
}

int figures_draw_all(const struct archive *archive, struct complaint *complaint)
{
    sqlite3_stmt *runs =
        archive_ask(archive, "SELECT id, document FROM run ORDER BY id", complaint);
    int step = -1;
    int error = 0;
    while (runs != NULL && error == 0 && (step = archive_step(archive, runs, complaint)) == 1) {
        struct complaint why = {{0}};
        const void *bytes = sqlite3_column_blob(runs, 1);
        size_t size = (size_t)sqlite3_column_bytes(runs, 1);
        if (!pack_can_undo(bytes, size)) {
            complain(complaint,
                     "%s: it is of an earlier version, with documents that are compressed; this "
                     "mems-stress was built without libzstd and cannot bring it up to date",
                     archive->path);
            error = EINVAL;
            break;
        }
        char *text = pack_undo(bytes, size, &why);
        error = figures_draw_again(archive, sqlite3_column_int64(runs, 0), text, complaint);
        free(text);
    }
    sqlite3_finalize(runs);
    return error != 0 ? error : step < 0 ? EIO : 0;
}

// ---- documents -----------------------------------------------------------------------------

static int figures_insert(const struct archive *archive, const struct archive_run *run,
                          const void *bytes, size_t size, bool *added, struct complaint *complaint)
{
    sqlite3_stmt *insert = archive_ask(
        archive,
        "INSERT OR IGNORE INTO run (digest, job, about, started, verdict, revision, host, seconds,"
        " document) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        complaint);
    if (insert == NULL) {
        return EIO;
    }
    const char *const texts[] = {run->digest,  run->job,      run->about, run->started,
                                 run->verdict, run->revision, run->host};
    for (int i = 0; i < 7; i++) {
        archive_bind_text(insert, i + 1, texts[i]);
    }
    sqlite3_bind_double(insert, 8, run->seconds);
    sqlite3_bind_blob64(insert, 9, bytes, size, SQLITE_STATIC);
    int step = archive_step(archive, insert, complaint);
    *added = sqlite3_changes(archive->db) > 0;
    sqlite3_finalize(insert);
    return step < 0 ? EIO : 0;
}

void *figures_pack(const json_t *document, size_t *size)
{
    char *text = json_print_line(document, 0);
    if (text == NULL) {
        complain_exhausted();
    }
    void *bytes = pack_bytes(text, strlen(text), size);
    free(text);
    return bytes;
}

int figures_keep(const struct archive *archive, const struct entry *entry, const void *bytes,
                 size_t size, bool *added, struct complaint *complaint)
{
    int error = figures_insert(archive, &entry->run, bytes, size, added, complaint);
    return error != 0 || !*added
               ? error
               : figures_draw(archive, entry, sqlite3_last_insert_rowid(archive->db), complaint);
}

int archive_add(struct archive *archive, const char *name, struct json_t *document, bool *added,
                struct complaint *complaint)
{
    struct entry entry;
    size_t size;
    *added = false;
    int error = entry_read(name, document, &entry, complaint);
    if (error != 0) {
        return error;
    }
    void *bytes = figures_pack(document, &size);
    error = archive_begin(archive, complaint);
    if (error == 0) {
        error = figures_keep(archive, &entry, bytes, size, added, complaint);
        error = archive_end(archive, error, complaint);
    }
    *added = *added && error == 0;
    free(bytes);
    entry_fini(&entry);
    return error;
}
