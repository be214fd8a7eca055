// SPDX-License-Identifier: MIT
//
// complete_said.c - what the words that are there already say of the next one.
//
// Sections are those of the job that stands on the line, read as it would be; jobs and sections of
// `history` are those that it has. What cannot be read offers nothing, and nothing is said.

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/complete_inner.h"
#include "disk/home.h"
#include "history/history.h"
#include "job/job.h"
#include "workload/workload.h"

// Of the words that are there already: the value of an option (`name`), or the first word that is
// none and belongs to none (NULL). NULL: there is none.
static const char *complete_said(const struct complete *complete, const char *name)
{
    const struct cli_list *words = complete->words;
    for (size_t i = complete->next; i + 1 < words->count; i++) {
        const char *word = words->items[i];
        size_t length = strcspn(word, "=");
        const struct cli_option *option = complete_option(complete->command, word, length);
        bool apart = option != NULL && option->kind != CLI_FLAG && word[length] == '\0';
        if (name == NULL && option == NULL && word[0] != '-') {
            return word;
        }
        if (name != NULL && option != NULL && strcmp(option->name, name) == 0) {
            return !apart ? word + length + 1 : i + 2 < words->count ? words->items[i + 1] : NULL;
        }
        i += apart;
    }
    return NULL;
}

// Each name once; those of a sweep by the name that the file has.
void complete_job_sections(struct complete *complete)
{
    char shipped[PATH_MAX];
    struct job *job;
    const char *word = complete_said(complete, NULL);
    if (word == NULL) {
        return;
    }
    bool named = access(word, F_OK) != 0 && home_job(word, shipped, sizeof shipped) == 0;
    if (job_read(named ? shipped : word, &job, NULL) != 0) {
        return;
    }
    for (size_t i = 0; i < job->section_count; i++) {
        const struct job_section *section = &job->sections[i];
        const char *group = job_text(section, "group");
        bool again = i > 0 && strcmp(section->origin, section[-1].origin) == 0;
        bool grouped = group != NULL && *group != '\0' && strcmp(group, section->origin) != 0;
        for (size_t j = 0; j < i && grouped; j++) {
            const char *other = job_text(&job->sections[j], "group");
            grouped = other == NULL || strcmp(other, group) != 0;
        }
        if (grouped) {
            complete_offer(complete, group, "a group of sections");
        }
        if (!again) {
            complete_offer(complete, section->origin, section->workload->name);
        }
    }
    job_free(job);
}

static struct archive *complete_archive(const struct complete *complete)
{
    struct archive *archive = NULL;
    char *path = cli_history_file(complete_said(complete, "history"), NULL);
    if (path == NULL || archive_open(path, ARCHIVE_READ, &archive, NULL) != 0) {
        archive = NULL;
    }
    free(path);
    return archive;
}

void complete_history_jobs(struct complete *complete)
{
    struct archive *archive = complete_archive(complete);
    struct archive_runs runs;
    if (archive == NULL) {
        return;
    }
    if (archive_list(archive, NULL, NULL, &runs, NULL) == 0) {
        for (size_t i = 0; i < runs.count; i++) {
            size_t j = 0;
            while (strcmp(runs.items[j].job, runs.items[i].job) != 0) {
                j++;
            }
            if (j == i) {
                complete_offer(complete, runs.items[i].job, "has been run");
            }
        }
        archive_runs_fini(&runs);
    }
    archive_close(archive);
}

void complete_history_sections(struct complete *complete)
{
    struct archive *archive = complete_archive(complete);
    struct archive_serieses all;
    if (archive == NULL) {
        return;
    }
    if (archive_figures(archive, complete_said(complete, NULL), NULL, metric_find("ops_per_second"),
                        &all, NULL) == 0) {
        for (size_t i = 0; i < all.count; i++) {
            size_t j = 0;
            while (strcmp(all.items[j].section, all.items[i].section) != 0) {
                j++;
            }
            if (j == i) {
                complete_offer(complete, all.items[i].section, all.items[i].job);
            }
        }
        archive_serieses_fini(&all);
    }
    archive_close(archive);
}
