// SPDX-License-Identifier: MIT
//
// replay.c - mems-stress replay: a recorded program into one target or several.
//
// It is a job of one section, made in memory; everything else is run's.

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "disk/memory.h"
#include "job/complaint.h"
#include "job/job.h"
#include "run/plan.h"

struct replay_settings {
    struct cli_job_settings job;
    struct cli_number copies;
    struct cli_number verify;
};

_Static_assert(offsetof(struct replay_settings, job) == 0, "shared rows fill in what is first");

static const struct cli_option replay_options[] = {
    {"target", CLI_LIST, "TARGET", "into which; may be given several times",
     offsetof(struct replay_settings, job.targets)},
    {"copies", CLI_NUMBER, "N", "as many replays at once",
     offsetof(struct replay_settings, copies)},
    {"verify", CLI_NUMBER, "N", "how thoroughly blocks are checked, 0 .. 4",
     offsetof(struct replay_settings, verify)},
    CLI_OUTPUT_OPTIONS,
    {"seed", CLI_NUMBER, "N", "of the order of targets",
     offsetof(struct replay_settings, job.seed)},
    {"repeats", CLI_NUMBER, "N", "how often each target is measured",
     offsetof(struct replay_settings, job.repeats)},
    {"only", CLI_TEXT, "CELL", "only the cell of this name, for re-runs",
     offsetof(struct replay_settings, job.only)},
    {"no-warn", CLI_LIST, "CODE", "silence a warning; may be given several times",
     offsetof(struct replay_settings, job.no_warn)},
    {"quiet", CLI_FLAG, NULL, "no progress, no table: troubles and the verdict only",
     offsetof(struct replay_settings, job.quiet)},
    {"dry-run", CLI_FLAG, NULL, "print the plan, as mems-stress plan does; run nothing",
     offsetof(struct replay_settings, job.dry_run)},
    {0},
};

// The section and what a re-run begins with. Both are the caller's to free.
static void replay_compose(const char *path, const struct replay_settings *settings, char **text,
                           char **command)
{
    size_t length;
    char quoted[PATH_MAX + 16];
    FILE *job = disk_memory(text, &length);
    size_t command_length;
    FILE *again = disk_memory(command, &command_length);
    if (job == NULL || again == NULL) {
        complain_exhausted();
    }
    const struct cli_list trace = {.items = {path}, .count = 1};
    plan_quote(path, quoted, sizeof quoted);
    cli_job_environment(again, NULL);
    fprintf(again, "%s replay %s", cli_invocation(), quoted);
    fprintf(job, "[replay]\nworkload = trace\n");
    cli_write_value(job, "trace", &trace);
    cli_write_value(job, "target", &settings->job.targets);
    if (settings->copies.given) {
        fprintf(job, "copies = %llu\n", (unsigned long long)settings->copies.value);
        fprintf(again, " --copies %llu", (unsigned long long)settings->copies.value);
    }
    if (settings->verify.given) {
        fprintf(job, "verify = %llu\n", (unsigned long long)settings->verify.value);
        fprintf(again, " --verify %llu", (unsigned long long)settings->verify.value);
    }
    cli_job_shape(again, &settings->job);
    if (fclose(job) != 0 || fclose(again) != 0) {
        complain_exhausted();
    }
}

static int replay_main(int argc, char **argv)
{
    struct replay_settings settings = {0};
    struct cli_list words = {0};
    struct complaint complaint = {0};
    struct job *job;
    int status;
    if (!cli_parse(&cli_command_replay, argc, argv, &settings, &words, &status)) {
        return status;
    }
    status = cli_history_settle(&cli_command_replay, &settings.job.history);
    if (status != 0) {
        return status;
    }
    if (words.count != 1 || settings.job.targets.count == 0) {
        fprintf(stderr, "mems-stress replay: %s; usage: mems-stress %s\n",
                words.count != 1 ? "one trace is wanted" : "no --target", cli_command_replay.form);
        return 1;
    }
    char *path = realpath(words.items[0], NULL);
    if (path != NULL && strchr(path, '\n') != NULL) {
        fprintf(stderr, "mems-stress replay: %s: a path with a line break\n", path);
        free(path);
        return 1;
    }
    if (path == NULL) {
        fprintf(stderr, "mems-stress replay: %s: %s\n", words.items[0], strerror(errno));
        return 1;
    }
    char *text;
    char *command;
    replay_compose(path, &settings, &text, &command);
    if (job_parse(text, strlen(text), JOB_OF_REPLAY, ".", &job, &complaint) != 0) {
        fprintf(stderr, "%s\n", complaint.text);
        status = 1;
    } else {
        status = cli_run_job(job, command, text, &settings.job, argc, argv);
        job_free(job);
    }
    free(text);
    free(command);
    free(path);
    return status;
}

const struct cli_command cli_command_replay = {
    .name = "replay",
    .form = "replay TRACE --target TARGET [--target TARGET...] [OPTIONS]",
    .help = "replay a recorded program into one target or several",
    .options = replay_options,
    .inputs = true,
    .main = replay_main,
};
