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

#include "compare/change.h"
#include "compare/measured.h"
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
// laid out. 0, or with a complaint: EINVAL (no result), EIO; nothing has then changed.
int archive_add(struct archive *archive, const char *name, struct json_t *document, bool *added,
                struct complaint *complaint);

// ---- asking --------------------------------------------------------------------------------

struct archive_run {
    int64_t id;
    char *digest; // SHA-256 of the document
    char *job;    // its name: that of the file, without ".ini"
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

// Every run of the job, or of all (NULL). 0 or EIO with a complaint.
int archive_list(struct archive *archive, const char *job, struct archive_runs *runs,
                 struct complaint *complaint);
void archive_runs_fini(struct archive_runs *runs);

// How one figure went: of the same work, in one section on one target.
struct archive_series {
    char *job, *section, *target;
    char *work; // what makes it the same work, as a digest
    const struct metric *metric;
    struct archive_point {
        int64_t run;
        double median; // of the run's repeats
    } * points;        // in the order of archive_list
    size_t count;
};

struct archive_serieses {
    struct archive_series *items; // by job, then in the order in which they came up
    size_t count;
};

int archive_figures(struct archive *archive, const char *job, const struct metric *metric,
                    struct archive_serieses *all, struct complaint *complaint);
void archive_serieses_fini(struct archive_serieses *all);

// A document as text, on one line; the caller frees it. 0 or EIO with a complaint.
int archive_document(struct archive *archive, int64_t run, char **text,
                     struct complaint *complaint);

// What a comparison is looking for.
struct archive_wish {
    const char *against;          // "last", a git revision or the beginning of one, a date
    const char *job;              // of the result that is to be compared
    const char *digest;           // its own: that is not meant
    const char *started;          // when: "last" is not after it
    const struct measured *other; // it: a run that has all of its work is preferred
};

// The run that is meant. 0, or ENOENT with a complaint that says what there is.
int archive_find(struct archive *archive, const struct archive_wish *wish,
                 struct archive_run *found, struct complaint *complaint);
void archive_run_fini(struct archive_run *run);

// The digest of a document, its job and its start, as an archive would have them. 0, or EINVAL
// with a complaint.
int archive_identify(const char *name, struct json_t *document, struct archive_run *run,
                     struct complaint *complaint);

// ---- how it went ---------------------------------------------------------------------------

struct chart_options {
    const char *section, *target; // only those; NULL: all
    bool plots;                   // a plot of each, instead of a line
    bool ascii;                   // no block characters
    size_t runs;                  // that are listed at most: the newest
    struct change_options change;
};

// The runs of a job, its newest last.
void chart_list(FILE *out, const struct archive_runs *runs, const struct chart_options *options);
// How its figures of one metric went, from one state of the archive; 80 columns wide. False, and
// nothing is printed: there are none of such a section and target.
bool chart_print(FILE *out, const struct archive_runs *runs, const struct archive_serieses *all,
                 const struct chart_options *options);
// A line a job, where there are several.
void chart_jobs(FILE *out, const struct archive_runs *runs);

#endif
