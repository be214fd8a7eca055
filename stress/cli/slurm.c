// SPDX-License-Identifier: MIT
//
// slurm.c - run --slurm: the plan and two scripts are written into a folder, and submitted.

#include "cli/slurm.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/capture.h"
#include "cli/cli.h"
#include "disk/disk.h"
#include "disk/memory.h"
#include "result/verdict.h"
#include "shard/slurm.h"

#define SLURM_TASKS 16 // unless the plan has fewer parts, or the user says otherwise

struct slurm_scene {
    struct slurm slurm;
    const struct plan *plan;
    char program[PATH_MAX];
    char folder[PATH_MAX];
    char hash[65];
    char *environment, *options, *outputs;
};

static int slurm_fail(enum verdict_exit status, const char *what, const char *why)
{
    fprintf(stderr, "mems-stress run --slurm: %s%s%s\n", what, *why != '\0' ? ": " : "", why);
    return (int)status;
}

int cli_slurm_check(const struct cli_job_settings *settings)
{
    const struct {
        const char *name;
        bool given;
    } others[] = {
        {"--shard", settings->shard != NULL}, {"--baseline", settings->baseline != NULL},
        {"--resume", settings->resume},       {"--list", settings->list},
        {"--ci", settings->annotate},
    };
    const struct cli_slurm_settings *slurm = &settings->slurm;
    if (!slurm->on) {
        bool given =
            slurm->tasks.given || slurm->folder != NULL || slurm->lines.count > 0 || slurm->shared;
        return given
                   ? slurm_fail(VERDICT_EXIT_USAGE, "--slurm-... says nothing without --slurm", "")
                   : 0;
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (others[i].given) {
            return slurm_fail(VERDICT_EXIT_USAGE, others[i].name,
                              "says nothing here: the tasks are shards of their own, and what is "
                              "merged can be compared");
        }
    }
    if (output_has_stdout(&settings->outputs)) {
        return slurm_fail(VERDICT_EXIT_USAGE, "-",
                          "the result is written by a job that runs later: a file is wanted");
    }
    if (slurm->tasks.given && (slurm->tasks.value < 1 || slurm->tasks.value > DEAL_MOST)) {
        return slurm_fail(VERDICT_EXIT_USAGE, "--slurm-tasks", "1 .. 1000");
    }
    for (size_t i = 0; i < slurm->lines.count; i++) {
        const char *argument = slurm->lines.items[i];
        if (argument[0] != '-' || strchr(argument, '\n') != NULL) {
            return slurm_fail(VERDICT_EXIT_USAGE, "--slurm-arg",
                              "one argument of sbatch is wanted, as in --slurm-arg=--time=60");
        }
    }
    if (!digest_possible() || !document_possible()) {
        return slurm_fail(VERDICT_EXIT_USAGE, "this build has no libnettle or no libjansson",
                          "shards need both");
    }
    return 0;
}

// ---- what the scripts say -----------------------------------------------------------------------

static void slurm_absolute(const char *path, char *absolute, size_t size)
{
    char here[PATH_MAX] = "";
    if (path[0] != '/' && getcwd(here, sizeof here) == NULL) {
        here[0] = '\0';
    }
    snprintf(absolute, size, "%s%s%s", path[0] != '/' ? here : "", path[0] != '/' ? "/" : "", path);
}

static void slurm_option(FILE *out, const char *name, const char *value)
{
    char quoted[4 * PATH_MAX];
    plan_quote(value, quoted, sizeof quoted);
    fprintf(out, " --%s %s", name, quoted);
}

// Of the run's options those that are not in the plan.
static char *slurm_options(const struct cli_job_settings *settings)
{
    char *text = NULL;
    size_t length;
    FILE *out = disk_memory(&text, &length);
    if (out == NULL) {
        complain_exhausted();
    }
    if (settings->filter != NULL) {
        slurm_option(out, "filter", settings->filter);
    }
    if (settings->only != NULL) {
        slurm_option(out, "only", settings->only);
    }
    for (size_t i = 0; i < settings->context.count; i++) {
        slurm_option(out, "context", settings->context.items[i]);
    }
    for (size_t i = 0; i < settings->no_warn.count; i++) {
        slurm_option(out, "no-warn", settings->no_warn.items[i]);
    }
    fprintf(out, "%s%s%s", settings->abort ? " --abort" : "", settings->quiet ? " --quiet" : "",
            settings->fail_inconclusive ? " --fail-inconclusive" : "");
    if (fclose(out) != 0) {
        complain_exhausted();
    }
    return text;
}

static char *slurm_outputs(const struct cli_job_settings *settings, const char *folder)
{
    static const char *const names[OUTPUT_FORMS] = {
        [OUTPUT_JSON] = "json",
        [OUTPUT_CSV] = "csv",
        [OUTPUT_JUNIT] = "junit",
        [OUTPUT_GOOGLE] = "google-benchmark",
    };
    char path[2 * PATH_MAX];
    char *text = NULL;
    size_t length;
    FILE *out = disk_memory(&text, &length);
    if (out == NULL) {
        complain_exhausted();
    }
    for (unsigned form = 0; form < OUTPUT_FORMS; form++) {
        if (settings->outputs.path[form] != NULL) {
            slurm_absolute(settings->outputs.path[form], path, sizeof path);
            slurm_option(out, names[form], path);
        } else if (form == OUTPUT_JSON) {
            snprintf(path, sizeof path, "%s/merged.json", folder);
            slurm_option(out, names[form], path);
        }
    }
    for (size_t i = 0; i < settings->no_warn.count; i++) {
        slurm_option(out, "no-warn", settings->no_warn.items[i]);
    }
    fprintf(out, "%s%s", settings->quiet ? " --quiet" : "",
            settings->fail_inconclusive ? " --fail-inconclusive" : "");
    if (fclose(out) != 0) {
        complain_exhausted();
    }
    return text;
}

static char *slurm_environment(void)
{
    char *text = NULL;
    size_t length;
    FILE *out = disk_memory(&text, &length);
    if (out == NULL) {
        complain_exhausted();
    }
    cli_job_environment(out, NULL); // what the job's values took of it is in the plan
    if (fclose(out) != 0) {
        complain_exhausted();
    }
    return text;
}

static int slurm_open(struct slurm_scene *scene, const struct plan *plan,
                      const struct cli_job_settings *settings)
{
    const struct cli_slurm_settings *wanted = &settings->slurm;
    unsigned units = deal_units(plan);
    unsigned tasks = units < SLURM_TASKS ? units : SLURM_TASKS;
    char name[PATH_MAX];
    struct dealt dealt;
    *scene = (struct slurm_scene){.plan = plan};
    snprintf(scene->hash, sizeof scene->hash, "%s", plan_hash(plan).text);
    ssize_t length = readlink("/proc/self/exe", scene->program, sizeof scene->program - 1);
    if (length <= 0) {
        return slurm_fail(VERDICT_EXIT_USAGE, "/proc/self/exe", strerror(errno));
    }
    snprintf(name, sizeof name, "%s-%.8s.slurm", plan->job->title, scene->hash);
    slurm_absolute(wanted->folder != NULL ? wanted->folder : name, scene->folder,
                   sizeof scene->folder);
    tasks = wanted->tasks.given ? (unsigned)wanted->tasks.value : tasks;
    deal_plan(plan, tasks, &dealt);
    double longest = 0;
    for (unsigned i = 0; i < tasks; i++) {
        longest = dealt.seconds[i] > longest ? dealt.seconds[i] : longest;
    }
    deal_fini(&dealt);
    scene->environment = slurm_environment();
    scene->options = slurm_options(settings);
    scene->outputs = slurm_outputs(settings, scene->folder);
    scene->slurm = (struct slurm){
        .program = scene->program,
        .folder = scene->folder,
        .title = plan->job->title,
        .hash = scene->hash,
        .tasks = tasks,
        .minutes = slurm_minutes(longest),
        .shared = wanted->shared,
        .lines = wanted->lines.items,
        .environment = scene->environment,
        .options = scene->options,
        .outputs = scene->outputs,
    };
    for (size_t i = 0; i < plan->cell_count; i++) {
        bool open;
        plan_cell_ns(&plan->cells[i], &open);
        scene->slurm.open += open && job_number(plan->cells[i].section->section, "ops") == 0;
    }
    return 0;
}

static void slurm_close(struct slurm_scene *scene)
{
    free(scene->environment);
    free(scene->options);
    free(scene->outputs);
}

// ---- writing ------------------------------------------------------------------------------------

static void slurm_put_plan(FILE *out, const struct slurm_scene *scene)
{
    plan_write(scene->plan, out);
}

static void slurm_put_shards(FILE *out, const struct slurm_scene *scene)
{
    slurm_write_shards(out, &scene->slurm);
}

static void slurm_put_merge(FILE *out, const struct slurm_scene *scene)
{
    slurm_write_merge(out, &scene->slurm);
}

static const struct slurm_file {
    const char *name;
    void (*put)(FILE *out, const struct slurm_scene *scene);
} slurm_files[] = {
    {"plan.ini", slurm_put_plan},
    {"shards.sh", slurm_put_shards},
    {"merge.sh", slurm_put_merge},
};

static int slurm_write_file(const struct slurm_scene *scene, const struct slurm_file *file)
{
    char path[2 * PATH_MAX];
    char *text = NULL;
    size_t length;
    struct disk_file disk;
    struct complaint complaint = {{0}};
    FILE *out = disk_memory(&text, &length);
    if (out == NULL) {
        complain_exhausted();
    }
    file->put(out, scene);
    if (fclose(out) != 0) {
        complain_exhausted();
    }
    snprintf(path, sizeof path, "%s/%s", scene->folder, file->name);
    int error = disk_open(path, &disk);
    if (error == 0) {
        error = disk_write(disk.fd, text, length);
        error = error == 0 ? disk_close(&disk) : (disk_abandon(&disk), error);
    }
    free(text);
    if (error != 0) {
        complain(&complaint, "cannot write %s", path);
        return slurm_fail(VERDICT_EXIT_UNWRITTEN, complaint.text, strerror(error));
    }
    return 0;
}

// A folder that holds results of another plan is left alone.
static int slurm_check_folder(const struct slurm_scene *scene)
{
    char path[2 * PATH_MAX];
    char *text = NULL;
    size_t size = 0;
    snprintf(path, sizeof path, "%s/plan.ini", scene->folder);
    FILE *file = fopen(path, "re");
    bool other = file != NULL &&
                 (getdelim(&text, &size, '\0', file) < 0 || strstr(text, scene->hash) == NULL);
    if (file != NULL) {
        fclose(file);
    }
    free(text);
    return other ? slurm_fail(VERDICT_EXIT_USAGE, scene->folder,
                              "it has another plan: give another --slurm-folder, or remove it")
                 : 0;
}

static int slurm_write(const struct slurm_scene *scene)
{
    int status = 0;
    if (mkdir(scene->folder, 0777) != 0 && errno != EEXIST) {
        return slurm_fail(VERDICT_EXIT_UNWRITTEN, scene->folder,
                          errno == ENOENT ? "its own folder is missing; make it first"
                                          : strerror(errno));
    }
    status = slurm_check_folder(scene);
    for (size_t i = 0; i < sizeof slurm_files / sizeof slurm_files[0] && status == 0; i++) {
        status = slurm_write_file(scene, &slurm_files[i]);
    }
    return status;
}

// ---- submitting ---------------------------------------------------------------------------------

// Runs sbatch; the job's number. 0, ENOENT: there is no sbatch; EIO: it did not take the job, and
// has said why.
static int slurm_submit(char *const arguments[], char *number, size_t size)
{
    char text[256];
    int error = capture_output(arguments, CAPTURE_SAID, text, sizeof text);
    return error != 0 ? error : slurm_job_number(text, number, size) ? 0 : EIO;
}

static int slurm_submit_script(const struct slurm_scene *scene, const char *name, const char *after,
                               char *number, size_t size)
{
    char path[2 * PATH_MAX];
    char sbatch[] = "sbatch";
    char parsable[] = "--parsable";
    char wait[80];
    snprintf(path, sizeof path, "%s/%s", scene->folder, name);
    snprintf(wait, sizeof wait, "--dependency=afterany:%s", after != NULL ? after : "");
    char *first[] = {sbatch, parsable, path, NULL};
    char *later[] = {sbatch, parsable, wait, path, NULL};
    int error = slurm_submit(after != NULL ? later : first, number, size);
    if (error == ENOENT) {
        fprintf(stderr,
                "mems-stress run --slurm: there is no sbatch here (Debian: slurm-client). The plan "
                "and\nthe scripts are written; where there is one:\n  sbatch %s\n",
                path);
    } else if (error != 0) {
        fprintf(stderr,
                "mems-stress run --slurm: sbatch did not take %s, as it says above; the script "
                "can\nbe changed and submitted by hand\n",
                path);
    }
    return error == 0 ? 0 : VERDICT_EXIT_USAGE;
}

int cli_slurm(const struct plan *plan, const struct cli_job_settings *settings)
{
    struct slurm_scene scene;
    char shards[40], merge[40];
    int status = slurm_open(&scene, plan, settings);
    if (status == 0 && settings->dry_run) {
        slurm_write_shards(stdout, &scene.slurm);
        slurm_close(&scene);
        return 0;
    }
    status = status == 0 ? slurm_write(&scene) : status;
    if (status == 0) {
        status = slurm_submit_script(&scene, "shards.sh", NULL, shards, sizeof shards);
    }
    if (status == 0) {
        printf("job %s: %u task%s, shards of plan %.12s, in %s\n", shards, scene.slurm.tasks,
               scene.slurm.tasks == 1 ? "" : "s", scene.hash, scene.folder);
        status = slurm_submit_script(&scene, "merge.sh", shards, merge, sizeof merge);
    }
    if (status == 0) {
        printf("job %s: merges them when they have ended; its log: %s/merge.log\n", merge,
               scene.folder);
    }
    slurm_close(&scene);
    return status;
}
