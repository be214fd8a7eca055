// SPDX-License-Identifier: MIT
//
// merge.h - the results of shards joined to one. With libjansson only.

#ifndef SHARD_MERGE_H
#define SHARD_MERGE_H

#include <jansson.h>

#include "result/document.h"

struct merge_part;

// Shards of one plan, joined: a plan whose cells have been run, and what else a document says.
struct merge {
    struct merge_part *parts; // one a file
    size_t part_count;
    const json_t *book; // of the whole: of the first part
    struct job *job;    // the sections that there are
    struct job named;   // the same under the job's own name
    struct plan plan;
    char **missing; // cells that no part has done, and where they would be
    size_t missing_count;
    const char **absent; // files that are not there
    size_t absent_count;
    // for the document
    struct host host;
    json_t *hosts;
    json_t *whole; // the book without an index
    struct warning_told *told;
    size_t told_count;
    char **context;
    char *started;
    double seconds;
};

// Reads and joins the files. 0, or EINVAL or errno with a complaint: no shard, another plan,
// another build, two outcomes of one cell. What is missing is no error: it is in merge->missing,
// and files that are not there in merge->absent.
int merge_files(const char *const *paths, size_t count, struct merge *merge,
                struct complaint *complaint);
void merge_fini(struct merge *merge);

// Fills in what the document says beside its cells.
void merge_head(const struct merge *merge, struct document_head *head);

#endif
