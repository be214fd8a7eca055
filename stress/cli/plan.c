// SPDX-License-Identifier: MIT
//
// plan.c - mems-stress plan: a job with every value resolved, as a job file.

#include "cli/cli.h"

static const struct cli_option plan_options[] = {CLI_JOB_OPTIONS, {0}};

static int plan_main(int argc, char **argv)
{
    struct cli_job_settings settings = {.dry_run = true};
    return cli_job_main(&cli_command_plan, NULL, &settings, argc, argv);
}

const struct cli_command cli_command_plan = {
    .name = "plan",
    .form = "plan JOB.ini | --workload NAMES --target TARGET [OPTIONS]",
    .help = "print a job with every value resolved, and its cells",
    .about = "What is printed is a job: its plan is the same, byte for byte. Sweeps, includes and\n"
             "variables are gone, paths start at the root, sizes are in bytes; the cells stand in\n"
             "comments, in the order in which they run.",
    .options = plan_options,
    .inputs = true,
    .mirrored = true,
    .main = plan_main,
};
