// SPDX-License-Identifier: MIT
//
// entry.c - what a document says of itself: checked as a whole, before anything of it is kept.
//
// 1. Checked. What comparisons rest on (compare/read.c), and what lists and trends do: a start that
//    is a moment (date.c), how long it took, a verdict that runs have, sections and cells that are
//    there once. A run's own document is right; one that was written by hand, cut off or edited on
//    its way may not be, and what is in a history is believed for years.
// 2. Its digest is SHA-256 of the JSON with sorted keys, no blanks, and reals of nine digits, which
//    is what documents are written with: the same for the result in memory, in a file, and exported
//    and imported again. Shards that are merged twice are one run, however the second merge was
//    called: of a merged result the command does not count.
// 3. Its job is called as the job's file. What was run without one (--workload, --class, replay) is
//    called for its first workload, or "replay", and the work of its sections: two runs of one
//    workload with other sizes are no more the same than two job files are.

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "compare/compare.h"
#include "disk/digest.h"
#include "disk/memory.h"
#include "history/inner.h"
#include "job/job.h"
#include "job/sure.h"
#include "result/verdict.h"
#include "json/json.h"

// ---- its job -------------------------------------------------------------------------------

char *archive_job_name(const char *title, const char *path, const struct measured *measured)
{
    char *text = NULL;
    size_t length;
    if (!job_is_adhoc(title, path) || measured->section_count == 0) {
        return measured_copy(title + strspn(title, "-"));
    }
    FILE *out = disk_memory(&text, &length);
    for (size_t i = 0; out != NULL && i < measured->section_count; i++) {
        char *work = compare_work(&measured->sections[i]);
        fprintf(out, "%s\n", work);
        free(work);
    }
    if (out == NULL || fclose(out) != 0) {
        complain_exhausted();
    }
    struct digest digest = digest_of_bytes(text, length);
    bool several = measured->section_count > 1;
    const char *first = title[0] == '-' ? measured->sections[0].workload : JOB_OF_REPLAY;
    free(text);
    return sure_print("%s%s-%.6s", first, several ? "+" : "", digest.text);
}

// What a run without a job file did.
static char *entry_about(const char *title, const char *path, const struct measured *measured)
{
    char *text = NULL;
    size_t length;
    FILE *out = disk_memory(&text, &length);
    for (size_t i = 0; out != NULL && job_is_adhoc(title, path) && i < measured->section_count;
         i++) {
        char *work = compare_work_told(&measured->sections[i]);
        size_t end = strlen(work);
        fprintf(out, "%s%.*s", i > 0 ? "; " : "", (int)(end > 0 ? end - 1 : 0), work);
        free(work);
    }
    if (out == NULL || fclose(out) != 0) {
        complain_exhausted();
    }
    return text;
}

// ---- its machines --------------------------------------------------------------------------

// Whose host object that is: the one of that name among those of a merged result.
static const json_t *entry_host(const json_t *document, const char *name)
{
    const json_t *hosts = json_object_get(document, "hosts");
    for (size_t i = 0; i < json_array_size(hosts); i++) {
        const json_t *host = json_array_get(hosts, i);
        if (*name != '\0' && strcmp(json_text(host, "name"), name) == 0) {
            return host;
        }
    }
    return json_object_get(document, "host");
}

struct machine *archive_machines_of(const struct json_t *document, const struct measured *measured)
{
    struct machine *machines = measured_zeroed(measured->section_count, sizeof *machines);
    const json_t *cells = json_object_get(document, "cells");
    for (size_t s = 0; s < measured->section_count; s++) {
        const char *name = "";
        for (size_t i = 0; i < json_array_size(cells) && *name == '\0'; i++) {
            const json_t *cell = json_array_get(cells, i);
            if (strcmp(json_text(cell, "section"), measured->sections[s].name) == 0) {
                name = json_text(cell, "host");
            }
        }
        machine_of_document(entry_host(document, name), &machines[s]);
    }
    return machines;
}

// ---- its digest ----------------------------------------------------------------------------

static char *entry_digest(json_t *document)
{
    bool merged = json_array_size(json_object_get(document, "hosts")) > 0;
    json_t *counted = merged ? json_copy(document) : json_incref(document);
    if (merged) {
        json_object_del(counted, "command");
    }
    char *text = json_print_line(counted, JSON_SORT_KEYS);
    if (text == NULL) {
        complain_exhausted();
    }
    char *digest = measured_copy(digest_of_bytes(text, strlen(text)).text);
    free(text);
    json_decref(counted);
    return digest;
}

// ---- checks --------------------------------------------------------------------------------

static int entry_wants(const char *name, const char *what, const char *said, const char *wanted,
                       struct complaint *complaint)
{
    if (*said != '\0') {
        complain(complaint, "%s: %s is \"%s\": %s is wanted", name, what, complaint_clip(said).text,
                 wanted);
    } else {
        complain(complaint, "%s: %s: %s is wanted", name, what, wanted);
    }
    return EINVAL;
}

static bool entry_is_verdict(const char *text)
{
    static const char *const more[] = {"regressed", "inconclusive", "not comparable"};
    bool known = false;
    for (int i = CELL_WAITING; i <= CELL_SKIPPED; i++) {
        known |= strcmp(text, cell_verdict_name((enum cell_verdict)i)) == 0;
    }
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++) {
        known |= strcmp(text, more[i]) == 0;
    }
    return known;
}

static int entry_check_head(const char *name, const json_t *document, struct complaint *complaint)
{
    const json_t *job = json_object_get(document, "job");
    const json_t *seconds = json_object_get(document, "seconds");
    const char *started = json_text(document, "started");
    const char *verdict = json_text(document, "verdict");
    if (!json_is_object(document)) {
        return entry_wants(name, "this", "", "a result of mems-stress, an object,", complaint);
    }
    if (!date_is_moment(started)) {
        return entry_wants(name, "\"started\"", started,
                           "a moment of the calendar in UTC, like \"2026-11-20T13:05:00Z\",",
                           complaint);
    }
    if (*json_text(job, "title") == '\0') {
        return entry_wants(name, "\"job.title\"", "", "the text that mems-stress run writes",
                           complaint);
    }
    if (!json_is_number(seconds) || !(json_number_value(seconds) >= 0)) {
        return entry_wants(name, "\"seconds\"", json_text(document, "seconds"),
                           "a number from 0 on", complaint);
    }
    if (!entry_is_verdict(verdict)) {
        return entry_wants(name, "\"verdict\"", verdict, "pass, failed, crashed or the like",
                           complaint);
    }
    if (!json_is_object(json_object_get(document, "host"))) {
        return entry_wants(name, "\"host\"", "", "an object that tells of the machine", complaint);
    }
    return 0;
}

// ---- all of it -----------------------------------------------------------------------------

static const char *entry_revision(const json_t *document)
{
    const char *given = json_text(json_object_get(document, "context"), "revision");
    return *given != '\0' ? given : json_text(json_object_get(document, "host"), "revision");
}

int entry_read(const char *name, json_t *document, struct entry *entry, struct complaint *complaint)
{
    *entry = (struct entry){.document = document};
    int error = entry_check_head(name, document, complaint);
    if (error == 0) {
        error = measured_of_document(name, document, &entry->measured, complaint);
    }
    if (error != 0) {
        return error;
    }
    const json_t *job = json_object_get(document, "job");
    const char *title = json_text(job, "title");
    const char *path = json_text(job, "path");
    entry->machines = archive_machines_of(document, &entry->measured);
    entry->run = (struct archive_run){
        .digest = entry_digest(document),
        .job = archive_job_name(title, path, &entry->measured),
        .about = entry_about(title, path, &entry->measured),
        .started = measured_copy(json_text(document, "started")),
        .verdict = measured_copy(json_text(document, "verdict")),
        .revision = measured_copy(entry_revision(document)),
        .host = measured_copy(json_text(json_object_get(document, "host"), "name")),
        .seconds = json_number_value(json_object_get(document, "seconds")),
    };
    return 0;
}

void entry_fini(struct entry *entry)
{
    archive_run_fini(&entry->run);
    measured_fini(&entry->measured);
    free(entry->machines);
    *entry = (struct entry){0};
}

int archive_identify(const char *name, struct json_t *document, struct archive_run *run,
                     struct complaint *complaint)
{
    struct entry entry;
    *run = (struct archive_run){0};
    int error = entry_read(name, document, &entry, complaint);
    if (error == 0) {
        *run = entry.run;
        entry.run = (struct archive_run){0};
        entry_fini(&entry);
    }
    return error;
}

void archive_run_fini(struct archive_run *run)
{
    free(run->digest);
    free(run->job);
    free(run->about);
    free(run->started);
    free(run->verdict);
    free(run->revision);
    free(run->host);
    *run = (struct archive_run){0};
}
