// SPDX-License-Identifier: MIT
//
// source.c - where a command's job comes from: a file, a shipped job, or workloads named on the
// command line.

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "disk/home.h"
#include "disk/memory.h"
#include "job/complaint.h"
#include "job/job.h"
#include "job/sure.h"
#include "result/host.h"
#include "run/plan.h"
#include "workload/workload.h"

#define SOURCE_NAMES 256

// Workloads, each once, in the order in which they are named.
struct source_names {
    const struct workload *workloads[SOURCE_NAMES];
    size_t count;
};

static void *source_checked(void *memory)
{
    if (memory == NULL) {
        complain_exhausted();
    }
    return memory;
}

// The file as it is, for the document; NULL where it cannot be read (any more).
static char *source_slurp(const char *path)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = fopen(path, "re");
    if (file != NULL) {
        if (getdelim(&text, &size, '\0', file) < 0) {
            free(text);
            text = NULL;
        }
        fclose(file);
    }
    return text;
}

static void source_add(struct source_names *names, const struct workload *workload)
{
    for (size_t i = 0; i < names->count; i++) {
        if (names->workloads[i] == workload) {
            return;
        }
    }
    if (names->count < SOURCE_NAMES) {
        names->workloads[names->count++] = workload;
    }
}

static int source_unknown(const struct cli_command *command, const char *option, const char *name,
                          const char *const *known)
{
    const char *near = job_suggest(name, known);
    fprintf(stderr, "mems-stress %s: --%s %s: no such %s%s%s%s\n", command->name, option, name,
            option,
            near != NULL ? "; did you mean \"" : "; `mems-stress list workloads` prints them",
            near != NULL ? near : "", near != NULL ? "\"?" : "");
    return 1;
}

// One name of --workload.
static int source_workload(const struct cli_command *command, const char *name,
                           struct source_names *names)
{
    const struct workload *workload = workload_find(name);
    const char *known[SOURCE_NAMES + 1] = {NULL};
    if (workload != NULL) {
        source_add(names, workload);
        return 0;
    }
    for (size_t i = 0; i < SOURCE_NAMES && workload_at(i) != NULL; i++) {
        known[i] = workload_at(i)->name;
    }
    return source_unknown(command, "workload", name, known);
}

static int source_class(const struct cli_command *command, const char *name,
                        struct source_names *names)
{
    const struct workload *workload;
    const char *known[WORKLOAD_CLASSES + 1] = {NULL};
    size_t before = names->count;
    bool found = false;
    for (unsigned class = 0; class < WORKLOAD_CLASSES; class ++) {
        known[class] = workload_class_name((enum workload_class) class);
        found |= strcmp(known[class], name) == 0;
    }
    if (!found) {
        return source_unknown(command, "class", name, known);
    }
    for (size_t i = 0; (workload = workload_at(i)) != NULL; i++) {
        if (strcmp(workload_class_name(workload->class), name) == 0) {
            source_add(names, workload);
        }
    }
    if (names->count == before) {
        fprintf(stderr, "mems-stress %s: --class %s: it adds no workload\n", command->name, name);
        return 1;
    }
    return 0;
}

// Everything that --workload and --class name.
static int source_names(const struct cli_command *command, const struct cli_job_settings *settings,
                        struct source_names *names)
{
    int status = 0;
    for (size_t i = 0; i < settings->workloads.count && status == 0; i++) {
        char *rest = source_checked(strdup(settings->workloads.items[i]));
        char *whole = rest;
        while (rest != NULL && status == 0) {
            status = source_workload(command, strsep(&rest, ","), names);
        }
        free(whole);
    }
    for (size_t i = 0; i < settings->classes.count && status == 0; i++) {
        status = source_class(command, settings->classes.items[i], names);
    }
    return status;
}

// The job that the names come to. Targets are given again when it is planned; the key is there so
// that the text is a whole job.
static char *source_compose(const struct cli_job_settings *settings,
                            const struct source_names *names)
{
    char *text = NULL;
    size_t length;
    FILE *job = source_checked(disk_memory(&text, &length));
    fputs("[global]\n", job);
    cli_write_value(job, "target", &settings->targets);
    for (size_t i = 0; i < names->count; i++) {
        fprintf(job, "\n[%s]\nworkload = %s\n", names->workloads[i]->name,
                names->workloads[i]->name);
    }
    if (fclose(job) != 0) {
        complain_exhausted();
    }
    return text;
}

void cli_write_value(FILE *job, const char *key, const struct cli_list *words)
{
    fprintf(job, "%s = \"", key);
    for (size_t i = 0; i < words->count; i++) {
        fputs(i == 0 ? "" : ", ", job);
        for (const char *at = words->items[i]; *at != '\0'; at++) {
            if (*at == '"' || *at == '$') {
                fputc(*at, job);
            }
            fputc(*at, job);
        }
    }
    fputs("\"\n", job);
}

static void source_option(FILE *command, const char *name, const char *value)
{
    size_t size = strlen(value) * 4 + 8;
    char *quoted = source_checked(malloc(size));
    plan_quote(value, quoted, size);
    fprintf(command, " --%s %s", name, quoted);
    free(quoted);
}

static void source_options(FILE *command, const char *name, const struct cli_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        source_option(command, name, list->items[i]);
    }
}

void cli_job_shape(FILE *command, const struct cli_job_settings *settings)
{
    source_options(command, "set", &settings->set);
    source_options(command, "target", &settings->targets);
    if (settings->seed.given) {
        fprintf(command, " --seed %llu", (unsigned long long)settings->seed.value);
    }
    if (settings->repeats.given) {
        fprintf(command, " --repeats %llu", (unsigned long long)settings->repeats.value);
    }
}

void cli_job_sources(FILE *command, const struct cli_job_settings *settings)
{
    source_options(command, "workload", &settings->workloads);
    source_options(command, "class", &settings->classes);
}

static bool source_is_carried(const char *setting)
{
    static const char elsewhere[] = "LD_PRELOAD="; // a target's own
    return strncmp(setting, elsewhere, sizeof elsewhere - 1) != 0;
}

static bool source_is_variable(const struct job *job, const char *setting)
{
    const char *name;
    size_t length = strcspn(setting, "=");
    for (size_t i = 0; job != NULL && (name = job_variable_at(job, i)) != NULL; i++) {
        if (strlen(name) == length && strncmp(name, setting, length) == 0) {
            return true;
        }
    }
    return false;
}

static void source_assign(FILE *command, bool *first, const char *setting)
{
    size_t size = strlen(setting) * 4 + 8;
    char *quoted = source_checked(malloc(size));
    plan_quote(setting, quoted, size);
    fprintf(command, "%s%s ", *first ? "env " : "", quoted);
    *first = false;
    free(quoted);
}

void cli_job_environment(FILE *command, const struct job *job)
{
    bool first = true;
    const char *text;
    for (size_t i = 0; job != NULL && (text = job_variable_at(job, i)) != NULL; i++) {
        const char *value = getenv(text);
        char *setting = sure_print("%s=%s", text, value != NULL ? value : "");
        source_assign(command, &first, setting);
        free(setting);
    }
    for (size_t i = 0; (text = host_setting_at(i)) != NULL; i++) {
        if (source_is_carried(text) && !source_is_variable(job, text)) {
            source_assign(command, &first, text);
        }
    }
}

// What a re-run begins with.
static char *source_command(const struct job *job, const struct cli_list *words,
                            const struct cli_job_settings *settings)
{
    char *text = NULL;
    size_t length;
    FILE *command = source_checked(disk_memory(&text, &length));
    cli_job_environment(command, job);
    fprintf(command, "%s run", cli_invocation());
    if (words->count > 0) {
        size_t size = strlen(words->items[0]) * 4 + 8;
        char *quoted = source_checked(malloc(size));
        plan_quote(words->items[0], quoted, size);
        fprintf(command, " %s", quoted);
        free(quoted);
    }
    cli_job_sources(command, settings);
    cli_job_shape(command, settings);
    if (fclose(command) != 0) {
        complain_exhausted();
    }
    return text;
}

static int source_named(const struct cli_command *command, const struct cli_job_settings *settings,
                        struct cli_job *made, struct complaint *complaint)
{
    struct source_names names = {.count = 0};
    int status = source_names(command, settings, &names);
    if (status != 0) {
        return status;
    }
    if (settings->targets.count == 0) {
        fprintf(stderr, "mems-stress %s: no --target; write for instance --target libc\n",
                command->name);
        return 1;
    }
    made->text = source_compose(settings, &names);
    if (job_parse_set(made->text, strlen(made->text), JOB_OF_OPTIONS, ".",
                      settings->set.count > 0 ? settings->set.items : NULL, &made->job,
                      complaint) != 0) {
        fprintf(stderr, "%s\n", complaint->text);
        return 1;
    }
    return 0;
}

#define SOURCE_JOBS 256

struct source_jobs {
    char *words[SOURCE_JOBS + 1];
    size_t count;
};

static void source_add_job(void *arg, const char *word, const char *path)
{
    struct source_jobs *jobs = arg;
    (void)path;
    if (jobs->count < SOURCE_JOBS) {
        jobs->words[jobs->count++] = source_checked(strdup(word));
    }
}

// A word that is neither a file nor a shipped job, where a shipped one is near.
static void source_suggest_job(const char *word)
{
    struct source_jobs jobs = {.count = 0};
    const char *names[SOURCE_JOBS + 1] = {NULL};
    home_each_job(source_add_job, &jobs);
    memcpy(names, jobs.words, sizeof names);
    const char *near = job_suggest(word, names);
    if (near != NULL) {
        fprintf(stderr,
                "a job that came with mems-stress is called \"%s\" (mems-stress list jobs)\n",
                near);
    }
    for (size_t i = 0; i < jobs.count; i++) {
        free(jobs.words[i]);
    }
}

// The job of a file; of a shipped job's name where there is no such file.
static int source_file(const char *word, const struct cli_job_settings *settings,
                       struct cli_job *made, struct complaint *complaint)
{
    char shipped[PATH_MAX];
    bool there = access(word, F_OK) == 0;
    const char *path = !there && home_job(word, shipped, sizeof shipped) == 0 ? shipped : word;
    if (job_read_set(path, settings->set.count > 0 ? settings->set.items : NULL, &made->job,
                     complaint) != 0) {
        fprintf(stderr, "%s\n", complaint->text);
        if (!there && path == word) {
            source_suggest_job(word);
        }
        return 1;
    }
    made->text = source_slurp(path);
    return 0;
}

int cli_job_open(const struct cli_command *command, const struct cli_list *words,
                 const struct cli_job_settings *settings, struct cli_job *made)
{
    struct complaint complaint = {0};
    bool named = settings->workloads.count + settings->classes.count > 0;
    *made = (struct cli_job){0};
    if (words->count + named != 1) {
        fprintf(stderr, "mems-stress %s: %s; usage: mems-stress %s\n", command->name,
                words->count == 0  ? "no job file"
                : words->count > 1 ? "more than one job file"
                                   : "a job file and workloads: one of them is wanted",
                command->form);
        return 1;
    }
    if (named) {
        int status = source_named(command, settings, made, &complaint);
        made->command = status == 0 ? source_command(made->job, words, settings) : NULL;
        return status;
    }
    int status = source_file(words->items[0], settings, made, &complaint);
    made->command = status == 0 ? source_command(made->job, words, settings) : NULL;
    return status;
}

void cli_job_close(struct cli_job *made)
{
    job_free(made->job);
    free(made->text);
    free(made->command);
}
