// SPDX-License-Identifier: MIT
//
// against.c - compare --against: a result, or the newest run, and the run of the history before it.

#include "cli/against.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "history/history.h"

#ifdef MEMS_HAVE_JANSSON

#include <jansson.h>

// What a comparison calls a run of the history.
static void against_name(const struct archive_run *run, char *name, size_t size)
{
    snprintf(name, size, "run %lld of the history: %s, %s, revision %s", (long long)run->id,
             run->job, run->started, *run->revision != '\0' ? run->revision : "unknown");
}

static int against_kept(struct archive *archive, const struct archive_run *run,
                        struct measured *measured, json_t **document, struct complaint *complaint)
{
    char name[512];
    char *text;
    int error = archive_document(archive, run->id, &text, complaint);
    if (error != 0) {
        return error;
    }
    against_name(run, name, sizeof name);
    *document = json_loads(text, 0, NULL);
    free(text);
    if (*document == NULL) {
        complain(complaint, "%s: the document is damaged", name);
        return EIO;
    }
    return measured_of_document(name, *document, measured, complaint);
}

// The newest run of all.
static int against_newest(struct archive *archive, struct measured *measured, json_t **document,
                          struct complaint *complaint)
{
    struct archive_runs runs;
    int error = archive_list(archive, NULL, &runs, complaint);
    if (error == 0 && runs.count == 0) {
        complain(complaint, "the history is empty");
        error = ENOENT;
    }
    if (error == 0) {
        error = against_kept(archive, &runs.items[runs.count - 1], measured, document, complaint);
    }
    archive_runs_fini(&runs);
    return error;
}

static int against_given(const char *path, struct measured *measured, json_t **document,
                         struct complaint *complaint)
{
    int error = measured_load(path, document, complaint);
    return error != 0 ? error : measured_of_document(path, *document, measured, complaint);
}

// The run that `against` means, for the result `b` whose document is `document`.
static int against_earlier(struct archive *archive, const char *against, const char *name,
                           json_t *document, const struct measured *b, struct measured *a,
                           struct complaint *complaint)
{
    struct archive_run own;
    struct archive_run found = {0};
    json_t *earlier = NULL;
    int error = archive_identify(name, document, &own, complaint);
    if (error != 0) {
        return error;
    }
    const struct archive_wish wish = {against, own.job, own.digest, own.started, b};
    error = archive_find(archive, &wish, &found, complaint);
    if (error == 0) {
        error = against_kept(archive, &found, a, &earlier, complaint);
    }
    json_decref(earlier);
    archive_run_fini(&found);
    archive_run_fini(&own);
    return error;
}

int against_read(const char *file, const char *against, const char *path, struct measured *a,
                 struct measured *b, struct complaint *complaint)
{
    struct archive *archive = NULL;
    json_t *document = NULL;
    *a = *b = (struct measured){0};
    int error = archive_open(file, ARCHIVE_READ, &archive, complaint);
    if (error == 0) {
        error = path != NULL ? against_given(path, b, &document, complaint)
                             : against_newest(archive, b, &document, complaint);
    }
    if (error == 0) {
        error = against_earlier(archive, against, b->name, document, b, a, complaint);
    }
    json_decref(document);
    archive_close(archive);
    if (error != 0) {
        measured_fini(a);
        measured_fini(b);
    }
    return error;
}

#else

int against_read(const char *file, const char *against, const char *path, struct measured *a,
                 struct measured *b, struct complaint *complaint)
{
    struct archive *archive;
    (void)against;
    (void)path;
    *a = *b = (struct measured){0};
    return archive_open(file, ARCHIVE_READ, &archive, complaint);
}

#endif
