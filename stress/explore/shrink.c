// SPDX-License-Identifier: MIT
//
// shrink.c - leaves out operations until none can be left out.
//
// Theory: delta debugging (Zeller, Hildebrandt, "Simplifying and isolating failure-inducing input",
// IEEE TSE 2002): halves are left out, then quarters, .. then single operations; whenever what is
// left still fails, it is what is gone on with. A shorter list has other schedules under the same
// seed, so a candidate is tried under the seed that failed last and then under others of its list,
// at most SHRINK_TRIES in all, and no more than ten times as many as the last failure took to find.
// Fails alike: the same kind of end; another check of the same bug is as good. What was not begun
// when it failed had no part in it, and goes first: the schedule stays the same step by step. At
// the end no single operation can be left out, as far as so many schedules can tell.

#include <stdlib.h>
#include <string.h>

#include "explore/campaign.h"

static bool fails_alike(const struct campaign *campaign, const struct player_report *report)
{
    return report->end == campaign->first.end;
}

// Leaves out what had no part in the schedule of the report.
static void drop_idle(struct campaign *campaign, const struct player_report *report)
{
    struct operation_list *list = &campaign->list;
    for (size_t i = 0; i < list->count; i++) {
        struct operation *operation = &list->operations[i];
        list->kept -= operation->kept && !report->begun[i];
        operation->kept = operation->kept && report->begun[i];
    }
}

// Whether what is kept fails under a schedule: *seed becomes that one's. *tries: how many schedules
// are looked at, and what is known of that afterwards.
static bool shrink_fails(struct campaign *campaign, uint64_t *seed, struct player_report *report,
                         unsigned *tries)
{
    uint64_t list = *seed & ~(CAMPAIGN_SCHEDULES - 1), first = *seed & (CAMPAIGN_SCHEDULES - 1);
    for (unsigned i = 0; i < *tries; i++) {
        uint64_t candidate = list | ((first + i) & (CAMPAIGN_SCHEDULES - 1));
        const struct player_report *found = campaign_try(campaign, candidate, -1);
        if (fails_alike(campaign, found)) {
            unsigned enough = 10 * i + SHRINK_TRIES_LEAST;
            *seed = candidate;
            *report = *found;
            *tries = enough < SHRINK_TRIES ? enough : SHRINK_TRIES;
            drop_idle(campaign, report);
            return true;
        }
    }
    return false;
}

// Leaves out the kept operations from the `first`th on, `count` of them. Which they were: `out`.
static size_t leave_out(struct operation_list *list, size_t first, size_t count, size_t *out)
{
    size_t at = 0, left_out = 0;
    for (size_t i = 0; i < list->count && left_out < count; i++) {
        struct operation *operation = &list->operations[i];
        if (operation->kept && at++ >= first) {
            operation->kept = false;
            out[left_out++] = i;
        }
    }
    list->kept -= left_out;
    return left_out;
}

static void put_back(const struct operation_list *list, const size_t *out, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        list->operations[out[i]].kept = true;
    }
}

// One round with pieces of that size. Whether anything could be left out.
static bool shrink_round(struct campaign *campaign, size_t piece, uint64_t *seed,
                         struct player_report *report, size_t *out, unsigned *tries)
{
    struct operation_list *list = &campaign->list;
    bool smaller = false;
    size_t first = 0;
    while (first < list->kept && list->kept > 1) {
        size_t kept = list->kept, count = leave_out(list, first, piece, out);
        if (list->kept > 0 && shrink_fails(campaign, seed, report, tries)) {
            smaller = true;
        } else {
            put_back(list, out, count);
            list->kept = kept;
            first += piece;
        }
    }
    return smaller;
}

void shrink_run(struct campaign *campaign, uint64_t *seed, struct player_report *report)
{
    size_t *out = calloc(campaign->list.count, sizeof *out);
    if (out == NULL) {
        abort();
    }
    unsigned tries = SHRINK_TRIES;
    drop_idle(campaign, report);
    size_t piece = campaign->list.kept / 2;
    piece = piece > 0 ? piece : 1;
    for (;;) {
        bool smaller = shrink_round(campaign, piece, seed, report, out, &tries);
        if (piece == 1 && !smaller) {
            break;
        }
        piece = piece > 1 ? piece / 2 : 1;
    }
    free(out);
}
