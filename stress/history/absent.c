// SPDX-License-Identifier: MIT
//
// absent.c - the room without libsqlite3, libjansson or libnettle: nothing is kept.

#include <errno.h>

#include "history/chart.h"
#include "history/history.h"

bool archive_possible(void)
{
    return false;
}

static int absent_complain(struct complaint *complaint)
{
    complain(complaint, "this mems-stress was built without libsqlite3, libjansson or libnettle, "
                        "and keeps no history");
    return ENOTSUP;
}

int archive_open(const char *path, enum archive_purpose purpose, struct archive **archive,
                 struct complaint *complaint)
{
    (void)path;
    (void)purpose;
    *archive = NULL;
    return absent_complain(complaint);
}

void archive_close(struct archive *archive)
{
    (void)archive;
}

int archive_add(struct archive *archive, const char *name, struct json_t *document, bool *added,
                struct complaint *complaint)
{
    (void)archive;
    (void)name;
    (void)document;
    *added = false;
    return absent_complain(complaint);
}

struct archive_batch *archive_batch_new(void)
{
    return NULL;
}

int archive_batch_put(struct archive_batch *batch, const char *name, struct json_t *document,
                      struct complaint *complaint)
{
    (void)batch;
    (void)name;
    (void)document;
    return absent_complain(complaint);
}

size_t archive_batch_count(const struct archive_batch *batch)
{
    (void)batch;
    return 0;
}

int archive_batch_add(struct archive *archive, const struct archive_batch *batch, size_t *added,
                      struct complaint *complaint)
{
    (void)archive;
    (void)batch;
    *added = 0;
    return absent_complain(complaint);
}

void archive_batch_free(struct archive_batch *batch)
{
    (void)batch;
}

int archive_hold(struct archive *archive, struct complaint *complaint)
{
    (void)archive;
    return absent_complain(complaint);
}

void archive_let_go(struct archive *archive)
{
    (void)archive;
}

int archive_list(struct archive *archive, const char *job, const char *machine,
                 struct archive_runs *runs, struct complaint *complaint)
{
    (void)archive;
    (void)job;
    (void)machine;
    *runs = (struct archive_runs){0};
    return absent_complain(complaint);
}

void archive_runs_fini(struct archive_runs *runs)
{
    (void)runs;
}

int archive_machines(struct archive *archive, const char *job, struct archive_machines *machines,
                     struct complaint *complaint)
{
    (void)archive;
    (void)job;
    *machines = (struct archive_machines){0};
    return absent_complain(complaint);
}

void archive_machines_fini(struct archive_machines *machines)
{
    (void)machines;
}

const struct archive_machine *archive_machine_named(const struct archive_machines *machines,
                                                    const char *word, struct complaint *complaint)
{
    (void)machines;
    (void)word;
    absent_complain(complaint);
    return NULL;
}

int archive_size(struct archive *archive, uint64_t *bytes, struct complaint *complaint)
{
    (void)archive;
    *bytes = 0;
    return absent_complain(complaint);
}

int archive_figures(struct archive *archive, const char *job, const char *machine,
                    const struct metric *metric, struct archive_serieses *all,
                    struct complaint *complaint)
{
    (void)archive;
    (void)job;
    (void)machine;
    (void)metric;
    *all = (struct archive_serieses){0};
    return absent_complain(complaint);
}

void archive_serieses_fini(struct archive_serieses *all)
{
    (void)all;
}

int archive_document(struct archive *archive, int64_t run, char **text, struct complaint *complaint)
{
    (void)archive;
    (void)run;
    *text = NULL;
    return absent_complain(complaint);
}

int archive_find(struct archive *archive, const struct archive_wish *wish,
                 struct archive_found *found, struct complaint *complaint)
{
    (void)archive;
    (void)wish;
    *found = (struct archive_found){.elsewhere = 0};
    return absent_complain(complaint);
}

bool archive_left_out(const struct archive_found *found, char *text, size_t size)
{
    (void)found;
    (void)size;
    text[0] = '\0';
    return false;
}

void archive_run_fini(struct archive_run *run)
{
    (void)run;
}

int archive_identify(const char *name, struct json_t *document, struct archive_run *run,
                     struct complaint *complaint)
{
    (void)name;
    (void)document;
    *run = (struct archive_run){0};
    return absent_complain(complaint);
}

struct machine *archive_machines_of(const struct json_t *document, const struct measured *measured)
{
    (void)document;
    (void)measured;
    return NULL;
}

char *archive_job_name(const char *title, const char *path, const struct measured *measured)
{
    (void)path;
    (void)measured;
    return measured_copy(title);
}

void machine_of_host(const struct host *host, struct machine *machine)
{
    (void)host;
    *machine = (struct machine){{0}, {0}};
}

void machine_of_document(const struct json_t *host, struct machine *machine)
{
    (void)host;
    *machine = (struct machine){{0}, {0}};
}

int archive_prunable(struct archive *archive, const struct archive_prune *prune,
                     struct archive_runs *runs, struct complaint *complaint)
{
    (void)archive;
    (void)prune;
    *runs = (struct archive_runs){0};
    return absent_complain(complaint);
}

int archive_prune(struct archive *archive, const struct archive_prune *prune, size_t *gone,
                  struct complaint *complaint)
{
    (void)archive;
    (void)prune;
    *gone = 0;
    return absent_complain(complaint);
}

struct json_t *chart_document(const char *job)
{
    (void)job;
    return NULL;
}

void chart_document_add_runs(struct json_t *document, const struct archive_machine *machine,
                             const struct archive_runs *runs)
{
    (void)document;
    (void)machine;
    (void)runs;
}

void chart_document_add(struct json_t *document, const struct archive_machine *machine,
                        const struct charts *charts)
{
    (void)document;
    (void)machine;
    (void)charts;
}
