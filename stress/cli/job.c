// SPDX-License-Identifier: MIT
//
// job.c - from a job that was read to the exit status: plan, drive, judge, show, write.

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/baseline.h"
#include "cli/cli.h"
#include "cli/part.h"
#include "cli/slurm.h"
#include "job/plain.h"
#include "measure/clock.h"
#include "result/annotation.h"
#include "result/output.h"
#include "result/progress.h"
#include "result/table.h"
#include "result/verdict.h"
#include "result/wrap.h"
#include "run/drive.h"
#include "run/plan.h"

static int job_fail(const char *what, enum verdict_exit status)
{
    fprintf(stderr, "mems-stress: %s\n", what);
    return (int)status;
}

static int job_show(const struct plan *plan)
{
    char text[400];
    for (size_t i = 0; i < plan->section_count; i++) {
        if (plan_map_warning(plan, i, text, sizeof text)) {
            fprintf(stderr, "mems-stress: warning: %s\n", text);
        }
    }
    int error = plan_write(plan, stdout);
    return error == 0 ? VERDICT_EXIT_PASS : job_fail(strerror(error), VERDICT_EXIT_UNWRITTEN);
}

static int job_list(const struct plan *plan)
{
    for (size_t i = 0; i < plan->cell_count; i++) {
        printf("%s\n", plan->cells[i].id);
    }
    return VERDICT_EXIT_PASS;
}

// What is for the document must be KEY=VALUE, each key once.
static bool job_context_is_good(const struct cli_list *context, struct complaint *complaint)
{
    for (size_t i = 0; i < context->count; i++) {
        const char *item = context->items[i];
        size_t length = strcspn(item, "=");
        if (length == 0 || item[length] != '=') {
            complain(complaint, "--context %s: KEY=VALUE is wanted", item);
            return false;
        }
        for (size_t j = 0; j < i; j++) {
            if (strncmp(context->items[j], item, length + 1) == 0) {
                complain(complaint, "--context %s: the key is given twice", item);
                return false;
            }
        }
    }
    return true;
}

// The result in all its forms. One that cannot be written outweighs a pass, not a failure.
static int job_report(const struct output_scene *scene, const struct cli_job_settings *settings,
                      const struct baseline *baseline, bool *written)
{
    struct complaint complaint = {0};
    FILE *stream = output_has_stdout(&settings->outputs) ? stderr : stdout;
    FILE *out = plain_open(stream);
    wrap_settle(stream);
    if (!settings->quiet) {
        warning_each(&scene->head->scene, table_warning, out);
    }
    if (!settings->quiet || scene->verdict->exit != VERDICT_EXIT_PASS) {
        baseline_print(baseline, out);
    }
    table_print(out, scene->plan, scene->verdict, settings->quiet);
    if (settings->annotate) {
        annotation_print(out, scene);
    }
    fclose(out);
    *written = output_write(&settings->outputs, scene, &complaint) == 0;
    if (!settings->history.none && settings->shard == NULL) { // a part is no run
        cli_history_keep(&settings->history,
                         document_make(scene->plan, scene->verdict, scene->head));
    }
    if (!*written) {
        fprintf(stderr, "mems-stress: %s\n", complaint.text);
        return scene->verdict->exit == VERDICT_EXIT_PASS ? VERDICT_EXIT_UNWRITTEN
                                                         : (int)scene->verdict->exit;
    }
    return (int)scene->verdict->exit;
}

static int job_drive(struct plan *plan, const struct cli_job_settings *settings,
                     struct document_head *head, struct baseline *baseline, struct part *part)
{
    struct drive_view view;
    struct verdict verdict;
    char started[32];
    time_t now = time(NULL);
    uint64_t began = clock_monotonic_ns();
    strftime(started, sizeof started, "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
    struct host host;
    host_look(&host);
    int status = part_resume(settings, &host, plan, part);
    if (status >= 0) {
        return status;
    }
    head->scene = (struct warning_scene){
        .plan = plan,
        .host = &host,
        .silenced = settings->no_warn.count > 0 ? settings->no_warn.items : NULL,
    };
    host_tick(&head->scene.before);
    progress_view(&view, settings->quiet);
    view.abort = settings->abort;
    part_view(part, &view);
    drive_plan(plan, &view);
    host_tick(&head->scene.after);
    verdict_of(plan, drive_interrupted(), &verdict);
    if (part->deal.count > 0 && plan->cell_count == 0 && !drive_interrupted()) {
        verdict.exit = VERDICT_EXIT_PASS; // more shards than there are parts of the plan
        verdict.name = cell_verdict_name(CELL_PASS);
        fprintf(stderr, "mems-stress: no section of this plan falls to shard %u of %u\n",
                part->deal.index, part->deal.count);
    }
    baseline_judge(baseline, plan, &host, settings->fail_inconclusive, &verdict);
    head->started = started;
    head->seconds = (double)(clock_monotonic_ns() - began) / 1e9;
    head->comparison = baseline->json;
    part_head(part, plan, head);
    struct output_scene scene = {plan, &verdict, head,
                                 baseline->compared ? &baseline->findings : NULL};
    return job_report(&scene, settings, baseline, &part->written);
}

static bool job_settings_are_good(const struct cli_job_settings *settings,
                                  struct complaint *complaint)
{
    if (settings->repeats.given &&
        (settings->repeats.value == 0 || settings->repeats.value > 1000)) {
        complain(complaint, "--repeats: 1 .. 1000");
        return false;
    }
    return job_context_is_good(&settings->context, complaint) &&
           output_check(&settings->outputs, complaint) == 0 &&
           (settings->no_warn.count == 0 ||
            warning_check_codes(settings->no_warn.items, complaint) == 0);
}

// What was asked for, with the plan.
static int job_do(struct plan *plan, const struct cli_job_settings *settings,
                  struct document_head *head, struct baseline *baseline, struct part *part)
{
    struct complaint complaint = {0};
    if (settings->dry_run) {
        return job_show(plan);
    }
    if (settings->list) {
        return job_list(plan);
    }
    if (output_probe(&settings->outputs, &complaint) != 0) {
        return job_fail(complaint.text, VERDICT_EXIT_UNWRITTEN);
    }
    int status = baseline_foresee(baseline, plan);
    return status == 0 ? job_drive(plan, settings, head, baseline, part) : status;
}

// The same for all of it, for a part, or by handing it on.
static int job_plan(struct plan *plan, const struct cli_job_settings *settings,
                    struct document_head *head, struct baseline *baseline)
{
    struct part part;
    if (settings->slurm.on) {
        return cli_slurm(plan, settings);
    }
    int status = part_open(settings, plan, &part);
    status = status != 0 ? status : job_do(plan, settings, head, baseline, &part);
    part_close(&part, plan);
    return status;
}

int cli_run_job(const struct job *job, const char *command, const char *text,
                const struct cli_job_settings *settings, int argc, char **argv)
{
    struct complaint complaint = {0};
    struct baseline baseline;
    struct plan *plan;
    struct document_head head = {
        .argc = argc, .argv = argv, .text = text, .context = settings->context.items};
    struct plan_options options = {
        .sections = settings->sections.count > 0 ? settings->sections.items : NULL,
        .targets = settings->targets.count > 0 ? settings->targets.items : NULL,
        .seeded = settings->seed.given,
        .seed = settings->seed.value,
        .repeats = (unsigned)settings->repeats.value,
        .filter = settings->filter,
        .only = settings->only,
    };
    if (!job_settings_are_good(settings, &complaint)) {
        return job_fail(complaint.text, VERDICT_EXIT_USAGE);
    }
    int status = cli_slurm_check(settings);
    status = status != 0 ? status : part_check(settings);
    status = status != 0 ? status : baseline_open(settings, &baseline);
    if (status != 0) {
        return status;
    }
    int error = plan_make(job, command, &options, &plan, &complaint);
    if (error == 0) {
        status = job_plan(plan, settings, &head, &baseline);
        plan_free(plan);
    } else {
        status =
            job_fail(complaint.text, error == ENOENT ? VERDICT_EXIT_NOTHING : VERDICT_EXIT_USAGE);
    }
    baseline_close(&baseline);
    return status;
}

int cli_job_main(const struct cli_command *command,
                 int (*check)(const struct cli_job_settings *settings),
                 struct cli_job_settings *settings, int argc, char **argv)
{
    struct cli_list words = {0};
    struct cli_job made;
    int status;
    if (!cli_parse(command, argc, argv, settings, &words, &status)) {
        return status;
    }
    struct cli_history history = settings->history; // by the command line
    if ((check != NULL && check(settings) != 0) ||
        !cli_mirror(command, &cli_command_run, settings)) {
        return 1;
    }
    settings->history = history;
    status = cli_history_settle(command, &settings->history);
    if (status != 0) {
        return status;
    }
    status = cli_job_open(command, &words, settings, &made);
    if (status == 0) {
        status = cli_run_job(made.job, made.command, made.text, settings, argc, argv);
    }
    cli_job_close(&made);
    return status;
}
