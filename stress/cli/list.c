// SPDX-License-Identifier: MIT
//
// list.c - mems-stress list: what there is to choose from. All of it comes from the tables.
//
// A row is a name and what is said of it, which goes on below itself where the terminal ends: names
// alone stand at the left.

#include <ctype.h>
#include <errno.h>
#include <mems/engine.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "disk/home.h"
#include "job/checks.h"
#include "job/job.h"
#include "job/sure.h"
#include "job/tables.h"
#include "lesson/exercise.h"
#include "result/wrap.h"
#include "target/target.h"
#include "workload/workload.h"

#define LIST_SENTENCE 40 // columns before a full stop or a question mark ends what is said of a job

// A name behind `indent` blanks, what is said of it from `column` on.
__attribute__((format(printf, 4, 5))) static void list_row(int indent, int column, const char *name,
                                                           const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = sure_print_list(format, arguments);
    va_end(arguments);
    int at = printf("%*s%-*s", indent, "", column - indent - 1, name);
    wrap_within(stdout, wrap_terminal(stdout), at, column, text);
    free(text);
}

static void list_head(const char *text)
{
    wrap_within(stdout, wrap_terminal(stdout), 0, 0, text);
}

static bool list_workloads(void)
{
    const struct workload *workload;
    list_head("Workloads (workload=, or run --workload NAME) by class (run --class CLASS):");
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
            list_row(4, 23, workload->name, "%s%s", workload->help,
                     workload->needs_malloc ? " [libc, preload:]" : "");
        }
    }
    return true;
}

static bool list_targets(void)
{
    const struct target *target;
    list_head("Targets (target=; a '?' in front: skipped where it is missing):");
    for (size_t i = 0; (target = target_at(i)) != NULL; i++) {
        list_row(2, 31, target->form, "%s", target->help);
    }
    return true;
}

static void list_key_table(const struct job_key *key)
{
    struct job_key_words words;
    for (; key != NULL && key->name != NULL; key++) {
        job_key_words(key, &words);
        bool given = key->standard != NULL && key->standard[0] != '\0';
        list_row(2, 17, key->name, "%s (%s%s)", key->help, given ? "default " : "", words.standard);
    }
}

static bool list_keys(void)
{
    const struct workload *workload;
    list_head("Keys of job files (more on each: mems-stress help KEY):");
    printf("every section\n");
    list_key_table(job_common_keys);
    for (size_t i = 0; (workload = workload_at(i)) != NULL; i++) {
        if (workload->keys != NULL && workload->keys->name != NULL) {
            printf("workload %s\n", workload->name);
            list_key_table(workload->keys);
        }
    }
    return true;
}

static bool list_checks(void)
{
    list_head("Checks (checks=) and the least verify= that makes them:");
    for (unsigned i = 0; i < JOB_CHECK_COUNT; i++) {
        const struct job_check_row *check = &job_checks[i];
        if (check->level != 0) {
            list_row(2, 17, check->name, "verify %u: %s", check->level, check->help);
        } else {
            list_row(2, 17, check->name, "at the end: %s", check->help);
        }
    }
    return true;
}

static void list_options(const char *policy)
{
    const struct mems_option *option;
    for (size_t i = 0; (option = mems_option_at(policy, i)) != NULL; i++) {
        list_row(4, 21, option->name, "%s [%s; default %s]", option->help, option->values,
                 option->standard[0] != '\0' ? option->standard : "none");
    }
}

static bool list_policies(void)
{
    const struct mems_policy_row *policy;
    list_head("Policies of mems:POLICY(key=value,...) and their options:");
    for (size_t i = 0; (policy = mems_policy_at(i)) != NULL; i++) {
        list_row(2, 19, policy->name, "%s", policy->help);
        list_options(policy->name);
    }
    printf("  every policy\n");
    list_options(NULL);
    return true;
}

// What the first sentence of the file says of it. arg: a bool, whether all files could be read.
static void list_job(void *arg, const char *word, const char *path)
{
    char text[600] = "", line[200];
    size_t length = 0;
    bool ended = false;
    bool *whole = arg;
    FILE *file = fopen(path, "re");
    while (!ended && file != NULL && fgets(line, sizeof line, file) != NULL && line[0] == '#') {
        const char *said = line + strspn(line, "# \n");
        ended = *said == '\0';
        for (; *said != '\0' && !ended && length + 2 < sizeof text; said++) {
            text[length++] = *said == '\n' ? ' ' : *said;
            ended = strchr(".?", *said) != NULL && isspace(said[1]) && length >= LIST_SENTENCE;
        }
    }
    if (file == NULL || ferror(file)) {
        snprintf(text, sizeof text, "(cannot be read: %s)", strerror(errno));
        fprintf(stderr, "mems-stress list: %s: %s\n", path, strerror(errno));
        *whole = false;
    }
    if (file != NULL) {
        fclose(file);
    }
    list_row(2, 31, word, "%s", text);
}

static bool list_jobs(void)
{
    bool whole = true;
    list_head("Jobs that came with mems-stress (run NAME, where there is no file of that name):");
    int error = home_each_job(list_job, &whole);
    if (error != 0 && error != ENOENT) {
        fprintf(stderr, "mems-stress list: the folder of jobs cannot be read: %s\n",
                strerror(error));
        return false;
    }
    return whole;
}

static bool list_exercises(void)
{
    const struct exercise *exercise;
    list_head("Exercises, with the textbooks' answers (mems-stress trace show NAME):");
    for (size_t i = 0; (exercise = exercise_at(i)) != NULL; i++) {
        list_row(2, 19, exercise->name, "%s", exercise->title);
    }
    return true;
}

static const struct {
    const char *name;
    bool (*list)(void); // false: not all of it could be read
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
    bool whole = true;
    int status;
    if (!cli_parse(&cli_command_list, argc, argv, NULL, &words, &status)) {
        return status;
    }
    for (size_t i = 0; i < LIST_TOPICS && words.count == 0; i++) {
        printf("%s", i > 0 ? "\n" : "");
        whole &= list_topics[i].list();
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
        whole &= list_topics[i].list();
    }
    return whole ? 0 : 1;
}

const struct cli_command cli_command_list = {
    .name = "list",
    .form = "list [workloads] [targets] [policies] [keys] [checks] [jobs] [exercises]",
    .help = "what there is to choose from",
    .options = list_command_options,
    .main = list_main,
};
