// SPDX-License-Identifier: MIT
//
// job.c - from a job that was read to the exit status: plan, drive, judge, show, write.

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "cli/baseline.h"
#include "cli/cli.h"
#include "measure/clock.h"
#include "result/document.h"
#include "result/progress.h"
#include "result/table.h"
#include "result/verdict.h"
#include "run/drive.h"
#include "run/plan.h"

static int job_show(const struct plan *plan)
{
    for (size_t i = 0; i < plan->section_count; i++) {
        printf("%s\n", plan->sections[i].text);
    }
    printf("# %zu cells, in this order:\n", plan->cell_count);
    for (size_t i = 0; i < plan->cell_count; i++) {
        const struct cell *cell = &plan->cells[i];
        printf("# %zu: %s on %s, repeat %u, seed %llu%s\n", i + 1, cell->section->section->name,
               cell->spec->name, cell->repeat, (unsigned long long)cell->seed,
               cell->verdict == CELL_SKIPPED ? " (skipped: not here)" : "");
    }
    return VERDICT_EXIT_PASS;
}

static int job_fail(const char *what, enum verdict_exit status)
{
    fprintf(stderr, "mems-stress: %s\n", what);
    return (int)status;
}

// The result in both forms. A document that cannot be written outweighs a pass, not a failure.
static int job_report(const struct plan *plan, const struct verdict *verdict,
                      const struct cli_job_settings *settings, const struct document_head *head,
                      const struct baseline *baseline)
{
    struct complaint complaint = {0};
    bool machine = settings->json != NULL && settings->json[0] == '-' && settings->json[1] == '\0';
    if (!settings->quiet || verdict->exit != VERDICT_EXIT_PASS) {
        baseline_print(baseline, machine ? stderr : stdout);
    }
    table_print(machine ? stderr : stdout, plan, verdict, settings->quiet);
    if (settings->json == NULL) {
        return (int)verdict->exit;
    }
    char *text = document_text(plan, verdict, head, &complaint);
    int error = text == NULL ? ENOMEM : document_write(settings->json, text, &complaint);
    free(text);
    if (error != 0) {
        fprintf(stderr, "mems-stress: %s\n", complaint.text);
        return verdict->exit == VERDICT_EXIT_PASS ? VERDICT_EXIT_UNWRITTEN : (int)verdict->exit;
    }
    return (int)verdict->exit;
}

static int job_drive(struct plan *plan, const struct cli_job_settings *settings,
                     struct document_head *head, struct baseline *baseline)
{
    struct drive_view view;
    struct verdict verdict;
    char started[32];
    time_t now = time(NULL);
    uint64_t began = clock_monotonic_ns();
    strftime(started, sizeof started, "%Y-%m-%dT%H:%M:%SZ", gmtime(&now));
    progress_view(&view, settings->quiet);
    drive_plan(plan, &view);
    verdict_of(plan, drive_interrupted(), &verdict);
    baseline_judge(baseline, plan, settings->fail_inconclusive, &verdict);
    head->started = started;
    head->seconds = (double)(clock_monotonic_ns() - began) / 1e9;
    head->comparison =
        baseline->compared && settings->json != NULL ? compare_json(&baseline->comparison) : NULL;
    return job_report(plan, &verdict, settings, head, baseline);
}

int cli_run_job(const struct job *job, const char *command, const char *text,
                const struct cli_job_settings *settings, int argc, char **argv)
{
    struct complaint complaint = {0};
    struct baseline baseline;
    struct plan *plan;
    struct document_head head = {.argc = argc, .argv = argv, .text = text};
    struct plan_options options = {
        .sections = settings->sections.count > 0 ? settings->sections.items : NULL,
        .targets = settings->targets.count > 0 ? settings->targets.items : NULL,
        .seeded = settings->seed.given,
        .seed = settings->seed.value,
        .repeats = (unsigned)settings->repeats.value,
    };
    if (settings->repeats.given &&
        (settings->repeats.value == 0 || settings->repeats.value > 1000)) {
        return job_fail("--repeats: 1 .. 1000", VERDICT_EXIT_USAGE);
    }
    if (settings->json != NULL && !document_possible()) {
        return job_fail("--json: this build has no libjansson", VERDICT_EXIT_USAGE);
    }
    int status = baseline_open(settings, &baseline);
    if (status != 0) {
        return status;
    }
    int error = plan_make(job, command, &options, &plan, &complaint);
    if (error != 0) {
        baseline_close(&baseline);
        return job_fail(complaint.text,
                        error == ENOENT ? VERDICT_EXIT_NOTHING : VERDICT_EXIT_USAGE);
    }
    if (settings->dry_run) {
        status = job_show(plan);
    } else if (settings->json != NULL && document_probe(settings->json, &complaint) != 0) {
        status = job_fail(complaint.text, VERDICT_EXIT_UNWRITTEN);
    } else {
        status = job_drive(plan, settings, &head, &baseline);
    }
    plan_free(plan);
    baseline_close(&baseline);
    return status;
}
