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
    {"abort", CLI_FLAG, NULL, "end the run after the first cell that failed, crashed or hung",
     offsetof(struct cli_job_settings, abort)},
    {"list", CLI_FLAG, NULL, "print the names of the cells; run nothing",
     offsetof(struct cli_job_settings, list)},
    {"dry-run", CLI_FLAG, NULL, "print the plan, as mems-stress plan does; run nothing",
     offsetof(struct cli_job_settings, dry_run)},
    CLI_OUTPUT_OPTIONS,
    {"context", CLI_LIST, "KEY=VALUE", "into the result, as it is; may be given several times",
     offsetof(struct cli_job_settings, context)},
    {"baseline", CLI_INPUT, "FILE|last",
     "compare with this result, or the last comparable run of the history",
     offsetof(struct cli_job_settings, baseline)},
    CLI_COMPARING_OPTIONS(struct cli_job_settings),
    {"shard", CLI_TEXT, "I/N",
     "only shard I of N, for mems-stress merge; resumes; with --json FILE",
     offsetof(struct cli_job_settings, shard)},
    {"resume", CLI_FLAG, NULL, "go on where a run with the same plan and --json FILE was killed",
     offsetof(struct cli_job_settings, resume)},
    {"slurm", CLI_FLAG, NULL,
     "submit shards as one job array, and their merge; --dry-run: print it",
     offsetof(struct cli_job_settings, slurm.on)},
    {"slurm-tasks", CLI_NUMBER, "N", "how many shards (default: the plan's parts, at most 16)",
     offsetof(struct cli_job_settings, slurm.tasks)},
    {"slurm-folder", CLI_TEXT, "DIR", "its files; all nodes see it; made (default: JOB-HASH.slurm)",
     offsetof(struct cli_job_settings, slurm.folder)},
    {"slurm-arg", CLI_LIST, "OPTION", "one more #SBATCH line, as --partition=long; repeatable",
     offsetof(struct cli_job_settings, slurm.lines)},
    {"slurm-shared", CLI_FLAG, NULL, "tasks may share a node: for checks, not for figures",
     offsetof(struct cli_job_settings, slurm.shared)},
    {"fail-inconclusive", CLI_FLAG, NULL, "exit status 5 where a comparison or a rate is undecided",
     offsetof(struct cli_job_settings, fail_inconclusive)},
    {"quiet", CLI_FLAG, NULL, "no progress, no table: troubles and the verdict only",
     offsetof(struct cli_job_settings, quiet)},
    {"no-warn", CLI_LIST, "CODE", "silence a warning; may be given several times",
     offsetof(struct cli_job_settings, no_warn)},
    {0},
};

// What says nothing where nothing runs.
static const char *const run_only[] = {"json",
                                       "csv",
                                       "junit",
                                       "ci",
                                       "context",
                                       "baseline",
                                       "max-regression",
                                       "fail-inconclusive",
                                       "quiet",
                                       "history",
                                       "google-benchmark",
                                       NULL};

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
    return cli_job_main(&cli_command_run, run_check, &settings, argc, argv);
}

const struct cli_command cli_command_run = {
    .name = "run",
    .form = "run JOB.ini | --workload NAMES --target TARGET [OPTIONS]",
    .help = "run a job: every section on every target, checked and measured",
    .about =
        "Each cell (section x target x repeat) has a process of its own. Keys of job files:\n"
        "mems-stress list keys, mems-stress help KEY. A JOB that is no file here is one of those\n"
        "that came with mems-stress (mems-stress list jobs): run smoke. One word is enough for a "
        "first try:\n"
        "mems-stress run --workload churn --target libc --set threads=1,2,4",
    .options = run_options,
    .inputs = true,
    .mirrored = true,
    .main = run_main,
};
