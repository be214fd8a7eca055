// SPDX-License-Identifier: MIT
//
// report.c - what exploring says: a line a cell, and all of a failure.

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "explore/campaign.h"

#include "disk/memory.h"

enum explore_verdict report_verdict(enum player_end end)
{
    switch (end) {
    case PLAYER_PASSED:
        return EXPLORE_PASSED;
    case PLAYER_CHECK:
    case PLAYER_INVARIANT:
    case PLAYER_CORRUPTION:
        return EXPLORE_FAILED;
    default:
        return EXPLORE_STUCK;
    }
}

// ---- texts -------------------------------------------------------------------------------------

// A text that grows, and its end.
struct report_text {
    char *text;
    size_t length;
    FILE *file;
};

static void report_text_open(struct report_text *text)
{
    text->file = disk_memory(&text->text, &text->length);
    if (text->file == NULL) {
        abort();
    }
}

static char *report_text_close(struct report_text *text)
{
    if (fclose(text->file) != 0) {
        abort();
    }
    return text->text;
}

static char *report_copy(const char *text)
{
    char *copy = strdup(text);
    if (copy == NULL) {
        abort();
    }
    return copy;
}

char *report_kept(const struct campaign *campaign)
{
    struct report_text text;
    report_text_open(&text);
    operation_write_kept(&campaign->list, text.file);
    return report_text_close(&text);
}

static char *report_command(const struct campaign *campaign, const struct campaign_find *find)
{
    struct report_text text;
    char quoted[1200], strategy[48];
    plan_quote(campaign->cell->id, quoted, sizeof quoted);
    explore_strategy_write(&find->schedule, strategy, sizeof strategy);
    report_text_open(&text);
    fprintf(text.file, "%s --only %s --strategy %s --replay %" PRIu64, campaign->order->command,
            quoted, strategy, find->seed);
    if (campaign->list.kept < campaign->list.count) {
        fprintf(text.file, " --keep ");
        operation_write_kept(&campaign->list, text.file);
    }
    return report_text_close(&text);
}

void report_find(const struct campaign *campaign, const struct campaign_find *find,
                 struct explore_find *out)
{
    *out = (struct explore_find){
        .seed = find->seed,
        .digest = find->report.totals.digest,
        .end = trial_end_name(find->report.end),
        .check = report_copy(find->report.check),
        .text = report_copy(find->report.text),
        .again = report_command(campaign, find),
    };
    explore_strategy_write(&find->schedule, out->strategy, sizeof out->strategy);
}

// ---- for people --------------------------------------------------------------------------------

void report_summary(const struct campaign *campaign)
{
    const struct explore_cell *found = campaign->found;
    FILE *out = campaign->order->out;
    double schedules = found->schedules > 0 ? (double)found->schedules : 1;
    double seconds = found->seconds > 0 ? found->seconds : 1e-9;
    double cpu_seconds = found->cpu_seconds > 0 ? found->cpu_seconds : 1e-9;
    if (out == NULL) {
        return;
    }
    fprintf(out,
            "%s: %" PRIu64 " schedules of %u threads x %u operations, %" PRIu64
            " lists; %.0f points a schedule, %.0f with a choice, %.0f switches; %.2f s, %.0f a "
            "minute, %.0f of CPU time: %s\n",
            campaign->cell->id, found->schedules, found->threads, found->operations, found->lists,
            (double)found->points / schedules, (double)found->choices / schedules,
            (double)found->switches / schedules, found->seconds, 60 * schedules / seconds,
            60 * schedules / cpu_seconds,
            found->verdict == EXPLORE_PASSED ? "pass" : trial_end_name(campaign->first.report.end));
    fflush(out);
}

static void report_what(const struct campaign *campaign, const struct player_report *report,
                        FILE *out)
{
    fprintf(out, "  %s, %s: ", trial_end_name(report->end), report->check);
    for (const char *at = report->text; *at != '\0'; at++) {
        fputc(*at, out);
        if (*at == '\n' && at[1] != '\0') {
            fprintf(out, "    ");
        }
    }
    if (report->text[0] == '\0' || report->text[strlen(report->text) - 1] != '\n') {
        fputc('\n', out);
    }
    for (unsigned i = 1; i <= campaign->list.threads; i++) {
        for (size_t o = 0; o < campaign->list.count && report->at[i].index != 0; o++) {
            const struct operation *operation = &campaign->list.operations[o];
            if (operation->thread == i && operation->index == report->at[i].index) {
                char text[80];
                operation_text(operation, text, sizeof text);
                fprintf(out, "  under way: operation %u.%u, %s\n", i, operation->index, text);
            }
        }
    }
}

void report_failure(const struct campaign *campaign)
{
    const struct explore_cell *found = campaign->found;
    FILE *out = campaign->order->out;
    if (out == NULL) {
        return;
    }
    fprintf(out, "  seed %" PRIu64 ", strategy %s, schedule %" PRIu64 "\n", found->first->seed,
            found->first->strategy, found->schedules);
    report_what(campaign, &campaign->first.report, out);
    if (campaign->first.report.end == PLAYER_BROKEN) {
        fprintf(out, "  the machine refused what it takes: this schedule was not played, and none "
                     "after it\n");
    } else if (!found->same) {
        fprintf(out, "  done again it took other steps: something decides that is not the seed\n");
    }
    fprintf(out, "  again: %s\n", found->first->again);
    fflush(out);
}

static void report_proof(const struct explore_smallest *smallest, FILE *out)
{
    if (smallest->cut_short) {
        fprintf(out,
                "  cut short after %.1f s, when its time was over: %zu of the %zu left were shown "
                "to be needed, by %u schedules each; a longer --seconds goes on\n",
                smallest->seconds, smallest->needed, smallest->kept, smallest->each);
    } else if (smallest->kept > 1) {
        fprintf(out,
                "  none of the %zu left can be left out: %u schedules each; the smallest from %u "
                "failing schedule%s, %.1f s\n",
                smallest->kept, smallest->each, smallest->starts, smallest->starts > 1 ? "s" : "",
                smallest->seconds);
    }
}

void report_smallest(const struct campaign *campaign, const struct campaign_find *find)
{
    const struct explore_smallest *smallest = campaign->found->smallest;
    FILE *out = campaign->order->out;
    if (out == NULL) {
        return;
    }
    fprintf(out, "  smallest, %zu of %zu operations: %s, %s\n", smallest->kept, smallest->of,
            trial_end_name(find->report.end), find->report.check);
    operation_print(&campaign->list, out);
    report_proof(smallest, out);
    fprintf(out, "  again: %s\n", smallest->find.again);
    fflush(out);
}

enum explore_verdict report_replay(struct campaign *campaign)
{
    uint64_t seed = campaign->order->seed;
    struct mems_schedule how = campaign_how(campaign);
    char strategy[48];
    fflush(stdout);
    const struct player_report *report =
        campaign_try(campaign, &how, seed, campaign->order->quiet ? -1 : STDOUT_FILENO);
    explore_strategy_write(&how, strategy, sizeof strategy);
    printf("seed %" PRIu64 ", strategy %s: %" PRIu64 " points, %" PRIu64 " with a choice, %" PRIu64
           " switches, digest %016" PRIx64 ": %s\n",
           seed, strategy, report->totals.points, report->totals.choices, report->totals.switches,
           report->totals.digest, trial_end_name(report->end));
    if (report->end != PLAYER_PASSED) {
        report_what(campaign, report, stdout);
    }
    fflush(stdout);
    return report_verdict(report->end);
}
