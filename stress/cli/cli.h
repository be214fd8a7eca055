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
extern const struct cli_command cli_command_compare;
extern const struct cli_command cli_command_selftest;

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
    const char *baseline; // a result to compare with; NULL: none
    struct cli_share max_regression;
    bool fail_inconclusive;
};

// `command` is what a re-run begins with, `text` the job as written.
int cli_run_job(const struct job *job, const char *command, const char *text,
                const struct cli_job_settings *settings, int argc, char **argv);

// What comparisons are asked for by these options. `metrics` and `alpha` may be NULL. 0, or an exit
// status after a message.
struct compare_options;
int cli_compare_options(const char *command, const struct cli_list *metrics,
                        const struct cli_share *threshold, const struct cli_share *alpha,
                        struct compare_options *options);

#endif
