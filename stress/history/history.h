// SPDX-License-Identifier: MIT
//
// history.h - what was measured before: an archive of results, and how figures went. The door of
// the room.
//
// An archive is one SQLite file. Any number of processes may open it, add to it and read it at
// once; what archive_add has returned from is kept, whoever is killed when (archive.c).

#ifndef HISTORY_HISTORY_H
#define HISTORY_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "compare/measured.h"
#include "compare/trend.h"
#include "history/machine.h"
#include "job/complaint.h"
#include "result/metric.h"

struct archive;
struct json_t;

// Whether this build has them: libsqlite3, libjansson and libnettle.
bool archive_possible(void);

// Where it is kept when nobody says so: $XDG_STATE_HOME/mems/history.db, and without that variable
// ~/.local/state/mems/history.db. The caller frees it. NULL with a complaint: there is no home.
char *archive_place(struct complaint *complaint);
// Makes the folders on the way to `path` that are missing, for this user alone. 0 or errno, with a
// complaint.
int archive_make_way(const char *path, struct complaint *complaint);

enum archive_purpose { ARCHIVE_READ, ARCHIVE_ADD }; // ADD: made where there is none

// Opens an archive and brings an older one up to date. 0, or with a complaint: ENOENT (there is
// none to read), EINVAL (it is something else, or a newer mems-stress's), EIO.
int archive_open(const char *path, enum archive_purpose purpose, struct archive **archive,
                 struct complaint *complaint);
void archive_close(struct archive *archive);

// ---- adding --------------------------------------------------------------------------------

// Keeps a result, unless it is there already (*added says so): a document is itself, however it is
// laid out. 0, or with a complaint: EINVAL (no result, or one that is not whole), EIO; nothing has
// then changed.
int archive_add(struct archive *archive, const char *name, struct json_t *document, bool *added,
                struct complaint *complaint);

// Several at once: each is checked as it is put in (0, or EINVAL with a complaint that begins with
// `name`), and then all of them are kept or, with a complaint, none. *added: those that are new.
struct archive_batch;
struct archive_batch *archive_batch_new(void);
int archive_batch_put(struct archive_batch *batch, const char *name, struct json_t *document,
                      struct complaint *complaint);
size_t archive_batch_count(const struct archive_batch *batch);
int archive_batch_add(struct archive *archive, const struct archive_batch *batch, size_t *added,
                      struct complaint *complaint);
void archive_batch_free(struct archive_batch *batch);

// ---- asking --------------------------------------------------------------------------------

struct archive_run {
    int64_t id;
    char *digest; // SHA-256 of the document
    char *job;    // its name: that of the file, without ".ini"
    char *about;  // what it did, where no file says it; else ""
    char *started;
    char *verdict;
    char *revision; // of the context, else of mems-stress
    char *host;
    double seconds;
};

struct archive_runs {
    struct archive_run *items; // oldest first
    size_t count;
};

// From one to the other, what is asked is answered from one state, whoever adds meanwhile.
int archive_hold(struct archive *archive, struct complaint *complaint);
void archive_let_go(struct archive *archive);

// Every run of the job, or of all (NULL), that has something of that machine, or of any (NULL). 0
// or EIO with a complaint.
int archive_list(struct archive *archive, const char *job, const char *machine,
                 struct archive_runs *runs, struct complaint *complaint);
void archive_runs_fini(struct archive_runs *runs);

// Where the job was run, or any (NULL).
struct archive_machines {
    struct archive_machine {
        struct machine machine;
        char *hosts; // their names, with commas
        size_t runs;
    } * items; // that of the newest run first
    size_t count;
};
int archive_machines(struct archive *archive, const char *job, struct archive_machines *machines,
                     struct complaint *complaint);
void archive_machines_fini(struct archive_machines *machines);
// The one that a word means: its name or the beginning of it, or that of a host. NULL with a
// complaint that says what there is.
const struct archive_machine *archive_machine_named(const struct archive_machines *machines,
                                                    const char *word, struct complaint *complaint);

// Bytes that the file takes, as the database counts them. 0 or EIO with a complaint.
int archive_size(struct archive *archive, uint64_t *bytes, struct complaint *complaint);

// How one figure went: of the same work, in one section on one target, on one machine.
struct archive_series {
    char *job, *section, *target;
    char *work;    // what makes it the same work, as a digest
    char *machine; // its name
    const struct metric *metric;
    struct archive_point {
        int64_t run;
        double median; // of the run's repeats
        char *build;   // whose malloc the target called; "": not known
    } * points;        // in the order of archive_list
    size_t count;
};

struct archive_serieses {
    struct archive_series *items; // by job, then in the order in which they came up
    size_t count;
};

int archive_figures(struct archive *archive, const char *job, const char *machine,
                    const struct metric *metric, struct archive_serieses *all,
                    struct complaint *complaint);
void archive_serieses_fini(struct archive_serieses *all);

// A document as text, on one line; the caller frees it. 0 or EIO with a complaint.
int archive_document(struct archive *archive, int64_t run, char **text,
                     struct complaint *complaint);

// What a comparison is looking for.
struct archive_wish {
    const char *against;            // "last", a git revision or the beginning of one, a date
    const char *job;                // of the result that is to be compared
    const char *digest;             // its own: that is not meant; "": it is in no history
    const char *started;            // when: "last" is not after it
    const struct measured *other;   // it, or what it will be
    const struct machine *machines; // of its sections
    const char *machine;            // NULL: theirs; "": any; else the name of one
};

struct archive_found {
    struct archive_run run;
    // Runs that would have been it, from newest to oldest, and were left out: of other machines
    // only; of nothing that the other did; of no date.
    size_t elsewhere, other_work, undated;
    bool revision; // the word was taken for one
};

// The run that is meant. 0, or ENOENT with a complaint that says what there is.
int archive_find(struct archive *archive, const struct archive_wish *wish,
                 struct archive_found *found, struct complaint *complaint);
// What was left out, for people; false: nothing was.
bool archive_left_out(const struct archive_found *found, char *text, size_t size);
void archive_run_fini(struct archive_run *run);

// The digest of a document, its job and its start, as an archive would have them. 0, or EINVAL
// with a complaint.
int archive_identify(const char *name, struct json_t *document, struct archive_run *run,
                     struct complaint *complaint);
// The machines of its sections; the caller frees them.
struct machine *archive_machines_of(const struct json_t *document, const struct measured *measured);
// What a history calls the job of that title and path; the caller frees it.
char *archive_job_name(const char *title, const char *path, const struct measured *measured);

// ---- making it smaller ---------------------------------------------------------------------

struct archive_prune {
    const char *job; // NULL: all
    size_t keep;     // newest runs of each job on each machine; 0: see `days`
    uint64_t days;   // runs that began earlier go
};

// The runs that would go. 0 or EIO with a complaint.
int archive_prunable(struct archive *archive, const struct archive_prune *prune,
                     struct archive_runs *runs, struct complaint *complaint);
// They go, all or none; then the file is made as small as it can be, whose failing changes nothing
// else. *gone: how many. 0 or EIO with a complaint.
int archive_prune(struct archive *archive, const struct archive_prune *prune, size_t *gone,
                  struct complaint *complaint);

#endif
