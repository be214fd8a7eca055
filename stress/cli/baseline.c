// SPDX-License-Identifier: MIT
//
// baseline.c - run --baseline: the run's result against one that was kept, in a file or, "last", in
// the history: the newest run there of this job on this machine, as compare --against last finds
// it. It is looked for before the run, which joins the history after it.

#include "cli/baseline.h"

#include <stdlib.h>
#include <string.h>

#include "cli/against.h"
#include "cli/cli.h"

#define BASELINE_LAST "last"

_Static_assert(sizeof((struct baseline *)0)->left_out >= AGAINST_TEXT, "all that is told fits");

static int baseline_complain(const struct complaint *complaint)
{
    fprintf(stderr, "mems-stress: --baseline: %s\n", complaint->text);
    return VERDICT_EXIT_USAGE;
}

int baseline_open(const struct cli_job_settings *settings, struct baseline *baseline)
{
    struct complaint complaint = {{0}};
    memset(baseline, 0, sizeof *baseline);
    if (settings->baseline == NULL) {
        const struct cli_comparing *comparing = &settings->comparing;
        const char *idle = comparing->threshold.given     ? "--max-regression"
                           : comparing->alpha.given       ? "--alpha"
                           : comparing->metrics.count > 0 ? "--metric"
                                                          : NULL;
        if (idle != NULL) {
            fprintf(stderr, "mems-stress: %s says nothing without --baseline FILE\n", idle);
            return VERDICT_EXIT_USAGE;
        }
        return 0;
    }
    int status = cli_compare_options("run", &settings->comparing, &baseline->options);
    if (status != 0) {
        return status;
    }
    baseline->options.chosen =
        settings->targets.count > 0 || settings->only != NULL || settings->filter != NULL;
    baseline->last = strcmp(settings->baseline, BASELINE_LAST) == 0;
    int error;
    if (baseline->last) {
        baseline->history = cli_history_file(settings->history.file, &complaint);
        error = baseline->history == NULL ? 1 : 0;
    } else {
        error = measured_read(settings->baseline, &baseline->kept, &complaint);
        baseline->kept_is = error == 0;
    }
    baseline->asked = error == 0;
    return error == 0 ? 0 : baseline_complain(&complaint);
}

static int baseline_find(struct baseline *baseline, const struct plan *plan)
{
    struct complaint complaint = {{0}};
    const struct against against = {.file = baseline->history, .word = BASELINE_LAST};
    if (against_plan(&against, plan, &baseline->kept, baseline->left_out, &complaint) != 0) {
        return baseline_complain(&complaint);
    }
    baseline->kept_is = true;
    return 0;
}

int baseline_foresee(struct baseline *baseline, const struct plan *plan)
{
    struct complaint complaint = {{0}};
    struct measured planned;
    if (!baseline->asked) {
        return 0;
    }
    int status = baseline->last ? baseline_find(baseline, plan) : 0;
    if (status != 0) {
        return status;
    }
    measured_of_plan(plan, NULL, "this run", &planned);
    baseline->options.whole = plan->job; // sections that the command line left out are there
    if (compare_check(&baseline->kept, &planned, &baseline->options, &complaint) != 0) {
        measured_fini(&planned);
        return baseline_complain(&complaint);
    }
    baseline->foreseen = compare_foresee(&baseline->kept, &planned, baseline->options.judge.alpha,
                                         baseline->warning, sizeof baseline->warning);
    measured_fini(&planned);
    if (baseline->foreseen) {
        fprintf(stderr, "mems-stress: warning: --baseline: %s\n", baseline->warning);
    }
    return 0;
}

void baseline_judge(struct baseline *baseline, const struct plan *plan, const struct host *host,
                    bool fail_inconclusive, struct verdict *verdict)
{
    struct complaint complaint = {{0}};
    struct measured now;
    enum verdict_outcome outcome = VERDICT_SAME;
    if (baseline->asked) {
        measured_of_plan(plan, host, "this run", &now);
        if (compare_results(&baseline->kept, &now, &baseline->options, &baseline->comparison,
                            &complaint) == 0) {
            baseline->compared = true;
            if (baseline->foreseen) {
                compare_tell(&baseline->comparison, baseline->warning);
            }
            if (baseline->left_out[0] != '\0') {
                compare_tell(&baseline->comparison, baseline->left_out);
            }
            baseline->json = compare_json(&baseline->comparison);
            compare_findings(&baseline->comparison, &baseline->findings);
            outcome = compare_outcome(&baseline->comparison);
        } else {
            fprintf(stderr, "mems-stress: --baseline: %s\n", complaint.text);
            outcome = VERDICT_REFUSED;
        }
        measured_fini(&now);
    }
    verdict_compare(verdict, outcome, fail_inconclusive);
}

void baseline_print(const struct baseline *baseline, FILE *out)
{
    if (baseline->compared) {
        compare_print(&baseline->comparison, out);
    }
}

void baseline_close(struct baseline *baseline)
{
    if (baseline->compared) {
        compare_json_free(baseline->json);
        findings_fini(&baseline->findings);
        compare_fini(&baseline->comparison);
    }
    if (baseline->kept_is) {
        measured_fini(&baseline->kept);
    }
    free(baseline->history);
}
