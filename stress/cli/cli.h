// SPDX-License-Identifier: MIT
//
// cli.h - the commands of mems-stress.

#ifndef CLI_CLI_H
#define CLI_CLI_H

#include "cli/option.h"
#include "result/output.h"

int cli_main(int argc, char **argv);

// How this program was called, quoted for a shell: what a command to do it again begins with.
const char *cli_invocation(void);

// One file a command, each with one of these.
extern const struct cli_command cli_command_run;
extern const struct cli_command cli_command_replay;
extern const struct cli_command cli_command_list;
extern const struct cli_command cli_command_faults;
extern const struct cli_command cli_command_fit;

// From a job that was read to the exit status: what run and replay have in common.
struct job;
struct cli_job_settings {
    struct output_paths outputs;
    bool annotate;
    bool quiet;
    bool dry_run;
    struct cli_list no_warn; // codes of warnings
    struct cli_list sections;
    struct cli_list targets; // in place of the job's
    struct cli_number seed;
    struct cli_number repeats;
};

// `command` is what a re-run begins with, `text` the job as written.
int cli_run_job(const struct job *job, const char *command, const char *text,
                const struct cli_job_settings *settings, int argc, char **argv);

#endif
