// SPDX-License-Identifier: MIT
//
// chart.h - how figures went: for a terminal, and for programs.

#ifndef HISTORY_CHART_H
#define HISTORY_CHART_H

#include "history/history.h"

struct chart_options {
    const char *section, *target; // only those; NULL: all
    bool plots;                   // a plot of each, instead of a line
    bool ascii;                   // no block characters
    size_t runs;                  // that are listed at most: the newest
    int width;                    // columns, at most CHART_WIDTH; from WRAP_LEAST
    struct change_options change;
};

// One series, as far as it is shown.
struct chart {
    const struct archive_series *series;
    const struct archive_point *points; // the newest CHANGE_MOST
    size_t count;
    double values[CHANGE_MOST];
    bool marked[CHANGE_MOST]; // a change is before it
    size_t older;             // figures of other work before these
    struct trend trend;
};

struct charts {
    struct chart *items; // one for each section and target that is wanted
    size_t count;
};

// Of each section and target the series that is the newest, with what it did.
void chart_find(const struct archive_runs *runs, const struct archive_serieses *all,
                const struct chart_options *options, struct charts *charts);
void chart_fini(struct charts *charts);

#define CHART_WIDTH 80

// The runs of a job on a machine, the newest last. All of these are as wide as they are told; with
// fewer columns than CHART_WIDTH a run, a job and a target have two lines each.
void chart_list(FILE *out, const struct archive_runs *runs, const struct archive_machine *machine,
                const struct chart_options *options);
// How its figures of one metric went.
void chart_print(FILE *out, const struct archive_runs *runs, const struct charts *charts,
                 const struct chart_options *options);
// A line a job, where there are several.
void chart_jobs(FILE *out, int width, const struct archive_runs *runs);

// The run of an id; runs->count: it is not among them.
size_t chart_index(const struct archive_runs *runs, int64_t run);

// Adds the machine's runs and their charts to a document. With libjansson only.
struct json_t;
struct json_t *chart_document(const char *job);
void chart_document_add_runs(struct json_t *document, const struct archive_machine *machine,
                             const struct archive_runs *runs);
void chart_document_add(struct json_t *document, const struct archive_machine *machine,
                        const struct charts *charts);

#endif
