// SPDX-License-Identifier: MIT
//
// list.c - mems-stress list: what there is to choose from. All of it comes from the tables.

#include <mems/engine.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "disk/home.h"
#include "job/checks.h"
#include "job/job.h"
#include "lesson/exercise.h"
#include "target/target.h"
#include "workload/workload.h"

static void list_workloads(void)
{
    const struct workload *workload;
    printf("Workloads (workload=, or run --workload NAME) by class (run --class CLASS):\n");
    for (unsigned class = 0; class < WORKLOAD_CLASSES; class ++) {
        bool first = true;
        for (size_t i = 0; (workload = workload_at(i)) != NULL; i++) {
            if (workload->class != (enum workload_class) class) {
                continue;
            }
            if (first) {
                printf("  %s\n", workload_class_name(workload->class));
            }
            first = false;
            printf("    %-18s %s%s\n", workload->name, workload->help,
                   workload->needs_malloc ? " [libc, preload:]" : "");
        }
    }
}

static void list_targets(void)
{
    const struct target *target;
    printf("Targets (target=; a '?' in front: skipped where it is missing):\n");
    for (size_t i = 0; (target = target_at(i)) != NULL; i++) {
        printf("  %-28s %s\n", target->form, target->help);
    }
}

static void list_keys(void)
{
    printf("Keys of job files (more on each: mems-stress help KEY):\n");
    job_list_keys(stdout);
}

static void list_checks(void)
{
    printf("Checks (checks=) and the least verify= that makes them:\n");
    job_list_checks(stdout);
}

static void list_options(const char *policy)
{
    const struct mems_option *option;
    for (size_t i = 0; (option = mems_option_at(policy, i)) != NULL; i++) {
        printf("    %-16s %s [%s; default %s]\n", option->name, option->help, option->values,
               option->standard);
    }
}

static void list_policies(void)
{
    const struct mems_policy_row *policy;
    printf("Policies of mems:POLICY(key=value,...) and their options:\n");
    for (size_t i = 0; (policy = mems_policy_at(i)) != NULL; i++) {
        printf("  %-12s %s\n", policy->name, policy->help);
        list_options(policy->name);
    }
    printf("  every policy\n");
    list_options(NULL);
}

// What the first line of the file says of it.
static void list_job(void *arg, const char *word, const char *path)
{
    char line[160] = "";
    FILE *file = fopen(path, "re");
    (void)arg;
    if (file != NULL) {
        if (fgets(line, sizeof line, file) == NULL) {
            line[0] = '\0';
        }
        fclose(file);
    }
    line[strcspn(line, "\n")] = '\0';
    printf("  %-28s %s\n", word, line + strspn(line, "# "));
}

static void list_jobs(void)
{
    printf("Jobs that came with mems-stress (run NAME, where there is no file of that name):\n");
    home_each_job(list_job, NULL);
}

static void list_exercises(void)
{
    const struct exercise *exercise;
    printf("Exercises, with the textbooks' answers (mems-stress trace show NAME):\n");
    for (size_t i = 0; (exercise = exercise_at(i)) != NULL; i++) {
        printf("  %-16s %s\n", exercise->name, exercise->title);
    }
}

static const struct {
    const char *name;
    void (*list)(void);
} list_topics[] = {
    {"workloads", list_workloads}, {"targets", list_targets}, {"policies", list_policies},
    {"keys", list_keys},           {"checks", list_checks},   {"jobs", list_jobs},
    {"exercises", list_exercises},
};

#define LIST_TOPICS (sizeof list_topics / sizeof list_topics[0])

static const struct cli_option list_command_options[] = {{0}};

static int list_main(int argc, char **argv)
{
    struct cli_list words = {0};
    int status;
    if (!cli_parse(&cli_command_list, argc, argv, NULL, &words, &status)) {
        return status;
    }
    for (size_t i = 0; i < LIST_TOPICS && words.count == 0; i++) {
        printf("%s", i > 0 ? "\n" : "");
        list_topics[i].list();
    }
    for (size_t w = 0; w < words.count; w++) {
        size_t i = 0;
        while (i < LIST_TOPICS && strcmp(list_topics[i].name, words.items[w]) != 0) {
            i++;
        }
        if (i == LIST_TOPICS) {
            fprintf(
                stderr,
                "mems-stress list: no topic \"%s\"; workloads, targets, policies, keys, checks, "
                "jobs, exercises\n",
                words.items[w]);
            return 1;
        }
        list_topics[i].list();
    }
    return 0;
}

const struct cli_command cli_command_list = {
    .name = "list",
    .form = "list [workloads] [targets] [policies] [keys] [checks] [jobs] [exercises]",
    .help = "what there is to choose from",
    .options = list_command_options,
    .main = list_main,
};
