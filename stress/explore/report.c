// SPDX-License-Identifier: MIT
//
// report.c - what exploring says: a line a cell, and all of a failure.

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "explore/campaign.h"

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

void report_summary(const struct campaign *campaign)
{
    double schedules = campaign->schedules > 0 ? (double)campaign->schedules : 1;
    double seconds = campaign->seconds > 0 ? campaign->seconds : 1e-9;
    printf("%s: %" PRIu64 " schedules of %u threads x %u operations, %" PRIu64
           " lists; %.0f points a schedule, %.0f with a choice, %.0f switches; %.2f s, %.0f a "
           "minute: %s\n",
           campaign->cell->id, campaign->schedules, campaign->shape.threads,
           campaign->shape.operations, campaign->lists, (double)campaign->total_points / schedules,
           (double)campaign->total_choices / schedules,
           (double)campaign->total_switches / schedules, seconds, 60 * schedules / seconds,
           campaign->failed ? trial_end_name(campaign->first.end) : "pass");
    fflush(stdout);
}

static void report_strategy(const struct campaign *campaign)
{
    const struct mems_schedule *schedule = &campaign->trial.setup.schedule;
    if (schedule->strategy == MEMS_SCHEDULE_PCT) {
        printf("pct:%u:%" PRIu64, schedule->depth, schedule->points);
    } else {
        printf("random");
    }
}

static void report_what(const struct campaign *campaign, const struct player_report *report)
{
    printf("  %s, %s: ", trial_end_name(report->end), report->check);
    for (const char *at = report->text; *at != '\0'; at++) {
        putchar(*at);
        if (*at == '\n' && at[1] != '\0') {
            printf("    ");
        }
    }
    if (report->text[0] != '\0' && report->text[strlen(report->text) - 1] != '\n') {
        putchar('\n');
    }
    for (unsigned i = 1; i <= campaign->list.threads; i++) {
        for (size_t o = 0; o < campaign->list.count && report->at[i].index != 0; o++) {
            const struct operation *operation = &campaign->list.operations[o];
            if (operation->thread == i && operation->index == report->at[i].index) {
                char text[80];
                operation_text(operation, text, sizeof text);
                printf("  under way: operation %u.%u, %s\n", i, operation->index, text);
            }
        }
    }
}

static void report_command(const struct campaign *campaign, uint64_t seed)
{
    char quoted[1200];
    plan_quote(campaign->cell->id, quoted, sizeof quoted);
    printf("%s --only %s --strategy ", campaign->order->command, quoted);
    report_strategy(campaign);
    printf(" --replay %" PRIu64, seed);
    if (campaign->list.kept < campaign->list.count) {
        printf(" --keep ");
        operation_write_kept(&campaign->list, stdout);
    }
    printf("\n");
}

void report_failure(const struct campaign *campaign, bool same)
{
    printf("  seed %" PRIu64 ", strategy ", campaign->seed);
    report_strategy(campaign);
    printf(", schedule %" PRIu64 "\n", campaign->schedules);
    report_what(campaign, &campaign->first);
    if (!same) {
        printf("  done again it took other steps: something decides that is not the seed\n");
    }
    printf("  again: ");
    report_command(campaign, campaign->seed);
    fflush(stdout);
}

void report_smallest(const struct campaign *campaign, uint64_t seed,
                     const struct player_report *report)
{
    printf("  smallest, %zu of %zu operations: %s, %s\n", campaign->list.kept, campaign->list.count,
           trial_end_name(report->end), report->check);
    operation_print(&campaign->list, stdout);
    printf("  again: ");
    report_command(campaign, seed);
    fflush(stdout);
}

enum explore_verdict report_replay(struct campaign *campaign)
{
    uint64_t seed = campaign->order->seed;
    fflush(stdout);
    const struct player_report *report =
        campaign_try(campaign, seed, campaign->order->quiet ? -1 : STDOUT_FILENO);
    printf("seed %" PRIu64 ", strategy ", seed);
    report_strategy(campaign);
    printf(": %" PRIu64 " points, %" PRIu64 " with a choice, %" PRIu64
           " switches, digest %016" PRIx64 ": %s\n",
           report->totals.points, report->totals.choices, report->totals.switches,
           report->totals.digest, trial_end_name(report->end));
    if (report->end != PLAYER_PASSED) {
        report_what(campaign, report);
    }
    fflush(stdout);
    return report_verdict(report->end);
}
