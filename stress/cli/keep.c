// SPDX-License-Identifier: MIT
//
// keep.c - a run into the history.
//
// 1. Where. --history FILE, else MEMS_STRESS_HISTORY of the environment, else the place for it.
//    --no-history, or MEMS_STRESS_NO_HISTORY=1: nowhere. What the command line says of either holds
//    against the environment.
// 2. A run is what was asked for, its history is not: where it cannot be kept (no home, read-only,
//    full, somebody holds the file for long) that is one line on standard error.

#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "disk/claim.h"
#include "history/history.h"
#include "result/verdict.h"

static const char *keep_variable(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && *value != '\0' ? value : NULL;
}

// Where the run will be kept must be no output of it. That there is no place is told after the run.
static int keep_foresee(const struct cli_command *command, const struct cli_history *history)
{
    struct complaint complaint = {{0}};
    char *path = history->file != NULL ? measured_copy(history->file) : archive_place(&complaint);
    bool good = path == NULL || cli_claim(command, CLI_STORE, "the history", path);
    free(path);
    return good ? 0 : VERDICT_EXIT_USAGE;
}

int cli_history_settle(const struct cli_command *command, struct cli_history *history)
{
    const char *none = keep_variable("MEMS_STRESS_NO_HISTORY");
    if (history->file != NULL && history->none) {
        fprintf(stderr, "mems-stress %s: --history or --no-history: one of them\n", command->name);
        return VERDICT_EXIT_USAGE;
    }
    if (history->file == NULL && !history->none) {
        history->none = none != NULL && strcmp(none, "0") != 0 && strcmp(none, "no") != 0;
        history->file = keep_variable("MEMS_STRESS_HISTORY");
    }
    return history->none ? 0 : keep_foresee(command, history);
}

// Its place, as long as no output of the command goes there. NULL with a complaint.
static char *keep_claim(char *path, struct complaint *complaint)
{
    if (path != NULL &&
        claim_file(path, CLAIM_KEPT, "the history", complaint->text, sizeof complaint->text) != 0) {
        free(path);
        path = NULL;
    }
    return path;
}

char *cli_history_file(const char *given, struct complaint *complaint)
{
    given = given != NULL ? given : keep_variable("MEMS_STRESS_HISTORY");
    return keep_claim(given != NULL ? measured_copy(given) : archive_place(complaint), complaint);
}

static int keep_at(const char *path, bool own, struct json_t *document, struct complaint *complaint)
{
    struct archive *archive;
    bool added;
    int error = own ? archive_make_way(path, complaint) : 0;
    if (error == 0) {
        error = archive_open(path, ARCHIVE_ADD, &archive, complaint);
    }
    if (error == 0) {
        error = archive_add(archive, "this run", document, &added, complaint);
        archive_close(archive);
    }
    return error;
}

void cli_history_keep(const struct cli_history *history, struct json_t *document)
{
    struct complaint complaint = {{0}};
    if (archive_possible() || history->file != NULL) {
        char *path = cli_history_file(history->file, &complaint);
        if (path == NULL || keep_at(path, history->file == NULL, document, &complaint) != 0) {
            fprintf(stderr, "mems-stress: warning: the history does not have this run: %s\n",
                    complaint.text);
        }
        free(path);
    }
    document_free(document);
}
