// SPDX-License-Identifier: MIT
//
// run.c - mems-stress run: the cells of a job.

#include "cli/cli.h"

static const struct cli_option run_options[] = {
    CLI_JOB_OPTIONS,
    {"filter", CLI_TEXT, "REGEX", "only cells whose name SECTION/TARGET/REPEAT matches",
     offsetof(struct cli_job_settings, filter)},
    {"only", CLI_TEXT, "CELL", "only the cell of this name",
     offsetof(struct cli_job_settings, only)},
    {"list", CLI_FLAG, NULL, "print the names of the cells; run nothing",
     offsetof(struct cli_job_settings, list)},
    {"dry-run", CLI_FLAG, NULL, "print the plan, as mems-stress plan does; run nothing",
     offsetof(struct cli_job_settings, dry_run)},
    {"json", CLI_TEXT, "FILE", "write the result as JSON; - is standard output",
     offsetof(struct cli_job_settings, outputs.path[OUTPUT_JSON])},
    {"csv", CLI_TEXT, "FILE", "write a row a cell as CSV; - is standard output",
     offsetof(struct cli_job_settings, outputs.path[OUTPUT_CSV])},
    {"junit", CLI_TEXT, "FILE", "write a test a cell as JUnit XML; - is standard output",
     offsetof(struct cli_job_settings, outputs.path[OUTPUT_JUNIT])},
    {"ci", CLI_FLAG, NULL, "also print annotations for GitHub Actions",
     offsetof(struct cli_job_settings, annotate)},
    {"context", CLI_LIST, "KEY=VALUE", "into the result, as it is; may be given several times",
     offsetof(struct cli_job_settings, context)},
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
    {0},
};

// What says nothing where nothing runs.
static const char *const run_only[] = {"json",    "csv",      "junit",          "ci",
                                       "context", "baseline", "max-regression", "fail-inconclusive",
                                       "quiet",   NULL};

// The command line alone is judged: the environment may say for every run what one has no use for.
static int run_check(const struct cli_job_settings *settings)
{
    const char *shown = settings->list ? "list" : settings->dry_run ? "dry-run" : NULL;
    if (settings->list && settings->dry_run) {
        fprintf(stderr, "mems-stress run: --list or --dry-run: one of them\n");
        return 1;
    }
    for (size_t i = 0; shown != NULL && run_only[i] != NULL; i++) {
        if (cli_given(&cli_command_run, run_only[i], settings)) {
            fprintf(stderr, "mems-stress run: --%s says nothing with --%s, which runs nothing\n",
                    run_only[i], shown);
            return 1;
        }
    }
    return 0;
}

static int run_main(int argc, char **argv)
{
    struct cli_job_settings settings = {0};
    struct cli_list words = {0};
    struct cli_job made;
    int status;
    if (!cli_parse(&cli_command_run, argc, argv, &settings, &words, &status)) {
        return status;
    }
    if (run_check(&settings) != 0 || !cli_mirror(&cli_command_run, &cli_command_run, &settings)) {
        return 1;
    }
    status = cli_job_open(&cli_command_run, &words, &settings, &made);
    if (status == 0) {
        status = cli_run_job(made.job, made.command, made.text, &settings, argc, argv);
    }
    cli_job_close(&made);
    return status;
}

const struct cli_command cli_command_run = {
    .name = "run",
    .form = "run JOB.ini | --workload NAMES --target TARGET [OPTIONS]",
    .help = "run a job: every section on every target, checked and measured",
    .about = "Each cell (section x target x repeat) has a process of its own. Keys of job files:\n"
             "mems-stress list keys, mems-stress help KEY. One word is enough for a first try:\n"
             "mems-stress run --workload churn --target libc --set threads=1,2,4",
    .options = run_options,
    .mirrored = true,
    .main = run_main,
};
