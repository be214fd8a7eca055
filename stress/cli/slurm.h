// SPDX-License-Identifier: MIT
//
// slurm.h - run --slurm: a plan handed to Slurm.

#ifndef CLI_SLURM_H
#define CLI_SLURM_H

#include "run/plan.h"

struct cli_job_settings;

// Judges --slurm and its own options. 0, or an exit status after a message.
int cli_slurm_check(const struct cli_job_settings *settings);
// Writes the plan and the scripts and submits them; with --dry-run prints the script. The exit
// status.
int cli_slurm(const struct plan *plan, const struct cli_job_settings *settings);

#endif
