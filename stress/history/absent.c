// SPDX-License-Identifier: MIT
//
// absent.c - the room without libsqlite3, libjansson or libnettle: nothing is kept.

#include <errno.h>

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

int archive_hold(struct archive *archive, struct complaint *complaint)
{
    (void)archive;
    return absent_complain(complaint);
}

void archive_let_go(struct archive *archive)
{
    (void)archive;
}

int archive_list(struct archive *archive, const char *job, struct archive_runs *runs,
                 struct complaint *complaint)
{
    (void)archive;
    (void)job;
    *runs = (struct archive_runs){0};
    return absent_complain(complaint);
}

void archive_runs_fini(struct archive_runs *runs)
{
    (void)runs;
}

int archive_figures(struct archive *archive, const char *job, const struct metric *metric,
                    struct archive_serieses *all, struct complaint *complaint)
{
    (void)archive;
    (void)job;
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
                 struct archive_run *found, struct complaint *complaint)
{
    (void)archive;
    (void)wish;
    *found = (struct archive_run){0};
    return absent_complain(complaint);
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
