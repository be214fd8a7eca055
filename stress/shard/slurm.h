// SPDX-License-Identifier: MIT
//
// slurm.h - a plan as one job array of Slurm: the scripts.

#ifndef SHARD_SLURM_H
#define SHARD_SLURM_H

#include <stdbool.h>
#include <stdio.h>

#include "shard/deal.h"

// What the scripts say. Paths are absolute.
struct slurm {
    const char *program; // mems-stress
    const char *folder;  // plan.ini, the scripts, logs and results are in it
    const char *title;   // of the job
    const char *hash;    // of the plan
    unsigned tasks;
    unsigned minutes;         // after which Slurm ends a task
    size_t open;              // cells of which nobody knows how long they take
    bool shared;              // a task may share its node
    const char *const *lines; // more #SBATCH, NULL-terminated; NULL: none
    const char *environment;  // "env NAME=VALUE ... ", or ""
    const char *options;      // " --filter X ..." of run, or ""
    const char *outputs;      // " --json FILE ..." of merge
};

// How long a task may take, of which the longest is expected to take so many seconds.
unsigned slurm_minutes(double seconds);

void slurm_write_shards(FILE *out, const struct slurm *slurm);
void slurm_write_merge(FILE *out, const struct slurm *slurm);

// The job's number in what sbatch --parsable prints ("17" or "17;cluster"). False: there is none.
bool slurm_job_number(const char *text, char *number, size_t size);

#endif
