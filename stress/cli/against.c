// SPDX-License-Identifier: MIT
//
// against.c - the run of the history that another one is to be compared with.

#include "cli/against.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/commit.h"
#include "history/history.h"
#include "result/host.h"
#include "run/plan.h"

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
    int error = archive_list(archive, NULL, NULL, &runs, complaint);
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

// The name of the machine that the user means: NULL, "" for any, or one that the history has.
static int against_machine(struct archive *archive, const struct against *against,
                           struct machine *machine, const char **name, struct complaint *complaint)
{
    struct archive_machines machines;
    *name = against->machine;
    if (against->machine == NULL || strcmp(against->machine, "all") == 0) {
        *name = against->machine == NULL ? NULL : "";
        return 0;
    }
    int error = archive_machines(archive, NULL, &machines, complaint);
    if (error == 0) {
        const struct archive_machine *named =
            archive_machine_named(&machines, against->machine, complaint);
        error = named == NULL ? EINVAL : 0;
        *machine = named != NULL ? named->machine : *machine;
        *name = machine->name;
    }
    archive_machines_fini(&machines);
    return error;
}

// The run of the wish; where no run is of a revision of that name, of the commit that git has under
// it.
static int against_find(struct archive *archive, struct archive_wish *wish,
                        struct archive_found *found, struct complaint *complaint)
{
    char commit[COMMIT_TEXT];
    const char *word = wish->against;
    int error = archive_find(archive, wish, found, complaint);
    if ((error != ENOENT && error != EINVAL) || !found->revision) {
        return error;
    }
    struct complaint first = *complaint;
    *complaint = (struct complaint){{0}}; // the first that is said stays
    if (!commit_named(word, commit)) {
        complain(complaint, "%s; nor has git a commit \"%s\" in this folder", first.text,
                 complaint_clip(word).text);
        return error;
    }
    wish->against = commit;
    error = archive_find(archive, wish, found, complaint);
    wish->against = word;
    if (error != 0) {
        first = *complaint;
        *complaint = (struct complaint){{0}};
        complain(complaint, "%s is commit %.12s: %s", complaint_clip(word).text, commit,
                 first.text);
    }
    return error;
}

// The run that is wished for, but for its machine and word, which `against` says.
static int against_wished(struct archive *archive, const struct against *against,
                          struct archive_wish *wish, struct measured *a, char *left_out,
                          struct complaint *complaint)
{
    struct machine machine = {{0}, {0}};
    struct archive_found found = {.elsewhere = 0};
    json_t *earlier = NULL;
    left_out[0] = '\0';
    wish->against = against->word;
    int error = against_machine(archive, against, &machine, &wish->machine, complaint);
    if (error == 0) {
        error = against_find(archive, wish, &found, complaint);
    }
    if (error == 0) {
        char text[AGAINST_TEXT - 80];
        error = against_kept(archive, &found.run, a, &earlier, complaint);
        if (archive_left_out(&found, text, sizeof text)) {
            snprintf(left_out, AGAINST_TEXT, "\"%.40s\": runs that were left out: %s",
                     against->word, text);
        }
    }
    json_decref(earlier);
    archive_run_fini(&found.run);
    return error;
}

// The run that is meant for the result `b` whose document is `document`.
static int against_earlier(struct archive *archive, const struct against *against, json_t *document,
                           const struct measured *b, struct measured *a, char *left_out,
                           struct complaint *complaint)
{
    struct archive_run own;
    int error = archive_identify(b->name, document, &own, complaint);
    if (error != 0) {
        return error;
    }
    struct machine *machines = archive_machines_of(document, b);
    struct archive_wish wish = {.job = own.job,
                                .digest = own.digest,
                                .started = own.started,
                                .other = b,
                                .machines = machines};
    error = against_wished(archive, against, &wish, a, left_out, complaint);
    free(machines);
    archive_run_fini(&own);
    return error;
}

int against_read(const struct against *against, const char *path, struct measured *a,
                 struct measured *b, char left_out[AGAINST_TEXT], struct complaint *complaint)
{
    struct archive *archive = NULL;
    json_t *document = NULL;
    *a = *b = (struct measured){0};
    int error = archive_open(against->file, ARCHIVE_READ, &archive, complaint);
    if (error == 0) {
        error = path != NULL ? against_given(path, b, &document, complaint)
                             : against_newest(archive, b, &document, complaint);
    }
    if (error == 0) {
        error = against_earlier(archive, against, document, b, a, left_out, complaint);
    }
    json_decref(document);
    archive_close(archive);
    if (error != 0) {
        measured_fini(a);
        measured_fini(b);
    }
    return error;
}

int against_plan(const struct against *against, const struct plan *plan, struct measured *a,
                 char left_out[AGAINST_TEXT], struct complaint *complaint)
{
    struct archive *archive;
    struct measured planned;
    struct host host;
    char now[32];
    struct tm parts;
    time_t seconds = time(NULL);
    *a = (struct measured){0};
    int error = archive_open(against->file, ARCHIVE_READ, &archive, complaint);
    if (error != 0) {
        return error;
    }
    host_look(&host);
    strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &parts));
    measured_of_plan(plan, NULL, "this run", &planned);
    struct machine *machines = measured_zeroed(planned.section_count, sizeof *machines);
    for (size_t i = 0; i < planned.section_count; i++) {
        machine_of_host(&host, &machines[i]);
    }
    char *job = archive_job_name(plan->job->title, plan->job->path, &planned);
    struct archive_wish wish = {
        .job = job, .digest = "", .started = now, .other = &planned, .machines = machines};
    error = against_wished(archive, against, &wish, a, left_out, complaint);
    free(job);
    free(machines);
    measured_fini(&planned);
    archive_close(archive);
    return error;
}

#else

int against_read(const struct against *against, const char *path, struct measured *a,
                 struct measured *b, char left_out[AGAINST_TEXT], struct complaint *complaint)
{
    struct archive *archive;
    (void)path;
    left_out[0] = '\0';
    *a = *b = (struct measured){0};
    return archive_open(against->file, ARCHIVE_READ, &archive, complaint);
}

int against_plan(const struct against *against, const struct plan *plan, struct measured *a,
                 char left_out[AGAINST_TEXT], struct complaint *complaint)
{
    struct measured none;
    (void)plan;
    return against_read(against, NULL, a, &none, left_out, complaint);
}

#endif
