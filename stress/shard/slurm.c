// SPDX-License-Identifier: MIT
//
// slurm.c - a plan as one job array of Slurm.
//
// 1. What Slurm does. It finds nodes, starts tasks, ends and requeues them, keeps order between
// jobs.
//    Nothing of that is done here: there are two scripts, which sbatch takes and people can read,
//    change, and run by hand (`sh shards.sh 3`).
// 2. The plan lies beside the scripts with every value resolved (plan.ini), so that a node with
//    another number of CPUs, or a job that was edited since, does not make another plan.
// 3. A task is a shard: `run --shard I/N --json FILE`. It may be started any number of times: it
//    goes on from its journal (journal.c), or finds its result whole and does nothing. So --requeue
//    is right: what a node failure or a preemption has cut off costs the cell it was at. Logs are
//    appended to for the same reason.
// 4. Time. The limit is twice what the longest shard is expected to take, and ten minutes: a guess
//    that is too low loses nothing, submitting the same again goes on.
// 5. A node is a task's own (--exclusive): figures that were measured beside other work say little.
// 6. The environment that shapes a run is in the command; MEMS_STRESS_... of the submitting shell,
//    which are options of its own run (--slurm may be one of them), are left behind.
// 7. The merge is a job of its own that waits for the end of all tasks, however they ended
//    (afterany): it names what is missing.

#include "shard/slurm.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#define SLURM_SPARE_MINUTES 10

unsigned slurm_minutes(double seconds)
{
    return (unsigned)ceil(2 * seconds / 60) + SLURM_SPARE_MINUTES;
}

static void slurm_quoted(FILE *out, const char *text)
{
    char quoted[4 * 4096];
    plan_quote(text, quoted, sizeof quoted);
    fputs(quoted, out);
}

static void slurm_path(FILE *out, const struct slurm *slurm, const char *name)
{
    char path[2 * 4096];
    snprintf(path, sizeof path, "%s/%s", slurm->folder, name);
    slurm_quoted(out, path);
}

// A file name as sbatch takes it: % begins a pattern of its own, unless doubled.
static void slurm_log(FILE *out, const struct slurm *slurm, const char *name)
{
    fputs("#SBATCH --output=\"", out);
    for (const char *at = slurm->folder; *at != '\0'; at++) {
        fprintf(out, "%s%c", *at == '%' ? "%" : *at == '"' || *at == '\\' ? "\\" : "", *at);
    }
    fprintf(out, "/%s\"\n", name);
}

// A job's name has letters, digits and little else.
static void slurm_name(FILE *out, const struct slurm *slurm, const char *what)
{
    fputs("#SBATCH --job-name=mems-", out);
    for (const char *at = slurm->title; *at != '\0'; at++) {
        bool plain = isalnum((unsigned char)*at) || *at == '-' || *at == '.';
        fputc(plain ? *at : '_', out);
    }
    fprintf(out, "%s\n", what);
}

// An argument of sbatch as one of its lines: its value, behind = or a blank, in quotes where a
// blank would end it or # begin a remark.
static void slurm_line(FILE *out, const char *argument)
{
    size_t name = strcspn(argument, "= ");
    const char *value = argument + name + (argument[name] != '\0');
    fprintf(out, "#SBATCH %.*s", (int)(value - argument), argument);
    if (strpbrk(value, " \t#'\"\\") == NULL) {
        fprintf(out, "%s\n", value);
        return;
    }
    fputc('"', out);
    for (; *value != '\0'; value++) {
        fprintf(out, "%s%c", *value == '"' || *value == '\\' ? "\\" : "", *value);
    }
    fputs("\"\n", out);
}

static void slurm_forget_options(FILE *out)
{
    fprintf(out, "for name in $(env | sed -n 's/^\\(MEMS_STRESS_[A-Z_]*\\)=.*/\\1/p'); do\n"
                 "    unset \"$name\"\n"
                 "done\n");
}

void slurm_write_shards(FILE *out, const struct slurm *slurm)
{
    fprintf(out,
            "#!/bin/sh\n"
            "# The shards of a plan of mems-stress, one a task (SHA-256 %s).\n"
            "# Submitted with sbatch, again as often as need be: what is done is not done again.\n"
            "# By hand, one after the other or on machines of your own: sh shards.sh TASK\n",
            slurm->hash);
    slurm_name(out, slurm, "");
    fprintf(out, "#SBATCH --array=1-%u\n#SBATCH --requeue\n#SBATCH --open-mode=append\n",
            slurm->tasks);
    slurm_log(out, slurm, "shard-%a.log");
    fprintf(out, "#SBATCH --time=%u\n", slurm->minutes);
    if (slurm->open > 0) {
        fprintf(out, "# (a guess: %zu cell%s no runtime to end at)\n", slurm->open,
                slurm->open == 1 ? " has" : "s have");
    }
    if (!slurm->shared) {
        fprintf(out, "#SBATCH --exclusive\n");
    }
    for (const char *const *line = slurm->lines; line != NULL && *line != NULL; line++) {
        slurm_line(out, *line);
    }
    fprintf(out,
            "task=${1:-$SLURM_ARRAY_TASK_ID}\n"
            "if [ -z \"$task\" ]; then\n"
            "    echo \"usage: sh $0 TASK, from 1 to %u\" >&2\n"
            "    exit 1\n"
            "fi\n",
            slurm->tasks);
    slurm_forget_options(out);
    fprintf(out, "exec %s", slurm->environment);
    slurm_quoted(out, slurm->program);
    fprintf(out, " run ");
    slurm_path(out, slurm, "plan.ini");
    fprintf(out, " --shard \"$task/%u\" --json ", slurm->tasks);
    slurm_path(out, slurm, "shard-");
    fprintf(out, "\"$task\".json%s\n", slurm->options);
}

void slurm_write_merge(FILE *out, const struct slurm *slurm)
{
    fprintf(out,
            "#!/bin/sh\n# What the shards have measured, as one result. By hand: sh merge.sh\n");
    slurm_name(out, slurm, "-merge");
    slurm_log(out, slurm, "merge.log");
    fprintf(out, "#SBATCH --time=%d\n", SLURM_SPARE_MINUTES);
    for (const char *const *line = slurm->lines; line != NULL && *line != NULL; line++) {
        slurm_line(out, *line);
    }
    fprintf(out, "exec ");
    slurm_quoted(out, slurm->program);
    fprintf(out, " merge");
    for (unsigned i = 1; i <= slurm->tasks; i++) {
        char name[40];
        snprintf(name, sizeof name, "shard-%u.json", i);
        fprintf(out, " \\\n    ");
        slurm_path(out, slurm, name);
    }
    fprintf(out, " \\\n   %s\n", slurm->outputs);
}

bool slurm_job_number(const char *text, char *number, size_t size)
{
    size_t length = strspn(text, "0123456789");
    if (length == 0 || length >= size || strchr(";\n", text[length]) == NULL) {
        return false; // the end of the text is among the characters that strchr finds
    }
    memcpy(number, text, length);
    number[length] = '\0';
    return true;
}
