// SPDX-License-Identifier: MIT
//
// history_prune.c - mems-stress history prune: runs that go.

#include <stdlib.h>

#include "cli/history.h"
#include "job/plain.h"
#include "result/verdict.h"

#define PRUNE_NAMED 20 // runs that are listed

static void prune_list(const struct archive_runs *runs)
{
    for (size_t i = 0; i < runs->count && i < PRUNE_NAMED; i++) {
        const struct archive_run *run = &runs->items[i];
        printf("  %5lld  %-20.20s  %-9.9s  %.38s\n", (long long)run->id,
               plain_line(run->started).text, plain_line(run->host).text,
               plain_line(run->job).text);
    }
    if (runs->count > PRUNE_NAMED) {
        printf("  and %zu more\n", runs->count - PRUNE_NAMED);
    }
}

static int prune_dry(struct archive *archive, const struct archive_prune *prune,
                     struct complaint *complaint)
{
    struct archive_runs runs;
    int error = archive_prunable(archive, prune, &runs, complaint);
    if (error == 0) {
        printf("%zu run%s would go%s\n", runs.count, runs.count == 1 ? "" : "s",
               runs.count > 0 ? ", the oldest first:" : "");
        prune_list(&runs);
    }
    archive_runs_fini(&runs);
    return error;
}

static int prune_do(struct archive *archive, const struct archive_prune *prune,
                    struct complaint *complaint)
{
    size_t gone;
    uint64_t before = 0, after = 0;
    int error = archive_size(archive, &before, complaint);
    if (error == 0) {
        error = archive_prune(archive, prune, &gone, complaint);
        if (error != 0 && gone > 0) {
            printf("%zu run%s gone; the file is as large as it was\n", gone,
                   gone == 1 ? " is" : "s are");
        }
    }
    if (error == 0) {
        error = archive_size(archive, &after, complaint);
    }
    if (error == 0) {
        printf("%zu run%s gone; %.1f MiB, now %.1f MiB\n", gone, gone == 1 ? " is" : "s are",
               (double)before / 0x1p20, (double)after / 0x1p20);
    }
    return error;
}

int history_prune(const struct cli_list *words, const struct history_settings *settings)
{
    struct complaint complaint = {{0}};
    struct archive *archive;
    if (words->count > 2) {
        return history_complain("prune: one job at most", VERDICT_EXIT_USAGE);
    }
    if (settings->keep.given == settings->days.given ||
        (settings->keep.given && settings->keep.value == 0)) {
        return history_complain("prune: --keep N (1 or more) or --older-than DAYS: one of them is "
                                "wanted",
                                VERDICT_EXIT_USAGE);
    }
    int status = history_open(settings, ARCHIVE_READ, &archive);
    if (status != 0) {
        return status;
    }
    char *job = words->count > 1 ? history_job(words->items[1]) : NULL;
    const struct archive_prune prune = {
        .job = job, .keep = (size_t)settings->keep.value, .days = settings->days.value};
    int error = settings->dry_run ? prune_dry(archive, &prune, &complaint)
                                  : prune_do(archive, &prune, &complaint);
    status = error != 0 ? history_complain(complaint.text, history_status(error)) : 0;
    archive_close(archive);
    free(job);
    return status;
}
