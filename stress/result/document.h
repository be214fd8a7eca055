// SPDX-License-Identifier: MIT
//
// document.h - the result for programs: one JSON document, "mems-stress/1".

#ifndef RESULT_DOCUMENT_H
#define RESULT_DOCUMENT_H

#include <stdio.h>

#include "result/verdict.h"
#include "result/warning.h"
#include "run/plan.h"

struct json_t;

#define DOCUMENT_SCHEMA "mems-stress/1"

// What the document says besides its cells.
struct document_head {
    int argc;
    char **argv;                // the command
    const char *text;           // the job as written; NULL: none
    const char *const *context; // KEY=VALUE of the user, NULL-terminated; NULL: none
    const char *started;        // ISO 8601, UTC
    double seconds;             // the whole run
    struct warning_scene scene;
    struct json_t *comparison; // with a baseline; NULL: none
    const char *plan_sha256;   // of the whole plan; NULL or empty: not known
    const char *resume_key;    // by what an interrupted run is known again; NULL: not known
    struct json_t *shard;      // what part of the plan this is (shard/book.h); NULL: all of it
    struct json_t *host;       // in place of the scene's, of a merged result; NULL: the scene's
    struct json_t *hosts;      // every machine that cells name; NULL: they name none
};

// Whether this build can write documents (libjansson).
bool document_possible(void);

// The whole document; for json_decref. NULL: this build has no libjansson.
struct json_t *document_make(const struct plan *plan, const struct verdict *verdict,
                             const struct document_head *head);
void document_free(struct json_t *root);

// The same as text; the caller frees it. NULL with a complaint.
char *document_text(const struct plan *plan, const struct verdict *verdict,
                    const struct document_head *head, struct complaint *complaint);

// What of it Google Benchmark's tools can read (result/google.h), likewise.
char *document_google(const struct plan *plan, const struct verdict *verdict,
                      const struct document_head *head, struct complaint *complaint);

// Any JSON laid out as a document is; takes `root` over. NULL with a complaint.
char *document_print(struct json_t *root, struct complaint *complaint);

// Writes it whole or not at all (disk/disk.h). "-" is standard output. Folders on the way are made.
// 0 or errno, with a complaint that names the path.
int document_write(const char *path, const char *text, struct complaint *complaint);

// The same up to, but without, the content: whether the path could be written. For before a run.
int document_probe(const char *path, struct complaint *complaint);

#endif
