// SPDX-License-Identifier: MIT
//
// run.c - mems-stress run: the cells of a job file.

#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "job/job.h"
#include "run/plan.h"

static const struct cli_option run_options[] = {
    {"section", CLI_LIST, "NAME", "only this section; may be given several times",
     offsetof(struct cli_job_settings, sections)},
    {"target", CLI_LIST, "TARGET", "instead of the job's targets; may be given several times",
     offsetof(struct cli_job_settings, targets)},
    {"json", CLI_TEXT, "FILE", "write the result as JSON; - is standard output",
     offsetof(struct cli_job_settings, outputs.path[OUTPUT_JSON])},
    {"csv", CLI_TEXT, "FILE", "write a row a cell as CSV; - is standard output",
     offsetof(struct cli_job_settings, outputs.path[OUTPUT_CSV])},
    {"junit", CLI_TEXT, "FILE", "write a test a cell as JUnit XML; - is standard output",
     offsetof(struct cli_job_settings, outputs.path[OUTPUT_JUNIT])},
    {"ci", CLI_FLAG, NULL, "also print annotations for GitHub Actions",
     offsetof(struct cli_job_settings, annotate)},
    {"seed", CLI_NUMBER, "N", "instead of the job's", offsetof(struct cli_job_settings, seed)},
    {"repeats", CLI_NUMBER, "N", "instead of the job's",
     offsetof(struct cli_job_settings, repeats)},
    {"baseline", CLI_TEXT, "FILE", "compare with this result (mems-stress compare --help)",
     offsetof(struct cli_job_settings, baseline)},
    {"max-regression", CLI_SHARE, "5%", "with --baseline: how much worse fails (default: 5%)",
     offsetof(struct cli_job_settings, max_regression)},
    {"fail-inconclusive", CLI_FLAG, NULL, "exit status 5 where a comparison or a rate is undecided",
     offsetof(struct cli_job_settings, fail_inconclusive)},
    {"quiet", CLI_FLAG, NULL, "no progress, no table: troubles and the verdict only",
     offsetof(struct cli_job_settings, quiet)},
    {"no-warn", CLI_LIST, "CODE", "silence a warning; may be given several times",
     offsetof(struct cli_job_settings, no_warn)},
    {"dry-run", CLI_FLAG, NULL, "show the resolved job and its cells; run nothing",
     offsetof(struct cli_job_settings, dry_run)},
    {0},
};

// The file as it is, for the document; NULL where it cannot be read (any more).
static char *run_slurp(const char *path)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = fopen(path, "re");
    if (file != NULL) {
        if (getdelim(&text, &size, '\0', file) < 0) {
            free(text);
            text = NULL;
        }
        fclose(file);
    }
    return text;
}

static int run_main(int argc, char **argv)
{
    struct cli_job_settings settings = {0};
    struct cli_list words = {0};
    struct complaint complaint = {0};
    struct job *job;
    int status;
    if (!cli_parse(&cli_command_run, argc, argv, &settings, &words, &status)) {
        return status;
    }
    if (words.count != 1) {
        fprintf(stderr, "mems-stress run: %s job file; usage: mems-stress %s\n",
                words.count == 0 ? "no" : "more than one", cli_command_run.form);
        return 1;
    }
    if (job_read(words.items[0], &job, &complaint) != 0) {
        fprintf(stderr, "%s\n", complaint.text);
        return 1;
    }
    char command[8800];
    char quoted[4300];
    plan_quote(words.items[0], quoted, sizeof quoted);
    snprintf(command, sizeof command, "%s run %s", cli_invocation(), quoted);
    char *text = run_slurp(words.items[0]);
    status = cli_run_job(job, command, text, &settings, argc, argv);
    free(text);
    job_free(job);
    return status;
}

const struct cli_command cli_command_run = {
    .name = "run",
    .form = "run JOB.ini [OPTIONS]",
    .help = "run a job: every section on every target, checked and measured",
    .about = "Each cell (section x target x repeat) has a process of its own. Keys of job files:\n"
             "mems-stress list keys, mems-stress help KEY.",
    .options = run_options,
    .main = run_main,
};
