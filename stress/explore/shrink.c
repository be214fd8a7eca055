// SPDX-License-Identifier: MIT
//
// shrink.c - leaves out operations until none can be left out.
//
// 1. Theory: delta debugging (Zeller, Hildebrandt, "Simplifying and isolating failure-inducing
//    input", IEEE TSE 2002): whole threads are left out, then halves of what is left, quarters, ..
//    single operations; whenever what is left still fails, it is what is gone on with.
// 2. Schedules. A shorter list has other schedules under the same seed, so a candidate is tried
//    under the seed that failed last and then under others of its list, in turn by the order's
//    strategy and by the other one: a short list has few points, and PCT is at its best there. At
//    most a quarter of `shrink` schedules, and no more than ten times as many as the last failure
//    took. Fails alike: the same kind of end; another check of the same bug is as good.
// 3. What was not begun when it failed had no part in it, and goes first. A thread that has nothing
//    left is not started, so the schedule is done again to be sure.
// 4. Starts. What this ends at depends on where it began. So it begins with other failing schedules
//    too, which go on from the first one, each of another list where there are such; the smallest
//    result is the one that counts.
// 5. Proof. In the end each operation of it is left out once more, alone, under `shrink` schedules.
//    If it fails all the same it is smaller, and all are looked at again; else each of them is
//    needed as far as so many schedules can tell, which is what the report says.
// 6. Time. With an end by the clock other starts have their time until a third of it is over, the
//    proof has the rest. What was cut short is said to be. Without one, the first
//    start has at most three times `shrink` schedules, another one as many as that.

#include <stdlib.h>
#include <string.h>

#include "explore/campaign.h"

#define SHRINK_STARTS      4u
#define SHRINK_TRIES_LEAST 50u
#define SHRINK_PCT_DEPTH   3u // where the order's strategy is the random walk

struct shrink {
    struct campaign *campaign;
    struct campaign_find *find; // of the schedule in which what is kept failed last
    enum player_end end;        // which it is about
    struct mems_schedule how[2];
    size_t *out;     // room for what is left out
    unsigned tries;  // schedules of a candidate
    uint64_t budget; // schedules that this start has left
    uint64_t end_ns; // of what is under way; 0: none
    uint64_t schedules;
};

// The smallest so far.
struct shrink_best {
    struct campaign_find *find;
    bool *kept;
    size_t count;
};

static void *shrink_room(size_t count, size_t size)
{
    void *room = calloc(count, size);
    if (room == NULL) {
        abort();
    }
    return room;
}

// ---- what is kept ------------------------------------------------------------------------------

static void kept_save(const struct operation_list *list, bool *kept)
{
    for (size_t i = 0; i < list->count; i++) {
        kept[i] = list->operations[i].kept;
    }
}

static void kept_restore(struct operation_list *list, const bool *kept)
{
    list->kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        list->operations[i].kept = kept[i];
        list->kept += kept[i];
    }
}

// Leaves out the kept operations from the `first`th on, `count` of them; of `thread`, 0: of all.
// Which they were: `out`.
static size_t leave_out(struct operation_list *list, unsigned thread, size_t first, size_t count,
                        size_t *out)
{
    size_t at = 0, left_out = 0;
    for (size_t i = 0; i < list->count && left_out < count; i++) {
        struct operation *operation = &list->operations[i];
        if (operation->kept && (thread == 0 || operation->thread == thread) && at++ >= first) {
            operation->kept = false;
            out[left_out++] = i;
        }
    }
    list->kept -= left_out;
    return left_out;
}

static void put_back(struct operation_list *list, const size_t *out, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        list->operations[out[i]].kept = true;
    }
    list->kept += count;
}

// ---- schedules ---------------------------------------------------------------------------------

static bool shrink_fails_under(struct shrink *shrink, const struct mems_schedule *how,
                               uint64_t seed)
{
    const struct player_report *found = campaign_try(shrink->campaign, how, seed, -1);
    shrink->schedules++;
    shrink->budget -= shrink->budget > 0;
    if (found->end != shrink->end) {
        return false;
    }
    shrink->find->seed = seed;
    shrink->find->schedule = *how;
    shrink->find->report = *found;
    return true;
}

// Leaves out what had no part in the schedule that failed last, if it fails without it as well.
static void drop_idle(struct shrink *shrink)
{
    struct operation_list *list = &shrink->campaign->list;
    const bool *begun = shrink->find->report.begun;
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++) {
        struct operation *operation = &list->operations[i];
        if (operation->kept && !begun[i]) {
            operation->kept = false;
            shrink->out[count++] = i;
        }
    }
    list->kept -= count;
    struct mems_schedule how = shrink->find->schedule;
    if (count > 0 && !shrink_fails_under(shrink, &how, shrink->find->seed)) {
        put_back(list, shrink->out, count);
    }
}

// The strategies of candidates: the one that failed, and the other one, k as that schedule had it.
static void shrink_strategies(struct shrink *shrink)
{
    const struct campaign_find *find = shrink->find;
    uint64_t points = find->report.totals.points;
    shrink->how[0] = find->schedule;
    shrink->how[1] = find->schedule;
    shrink->how[1].points = shrink->how[0].points = points > 0 ? points : 1;
    if (find->schedule.strategy == MEMS_SCHEDULE_PCT) {
        shrink->how[1].strategy = MEMS_SCHEDULE_RANDOM;
    } else {
        shrink->how[1].strategy = MEMS_SCHEDULE_PCT;
        shrink->how[1].depth = SHRINK_PCT_DEPTH;
    }
}

static bool shrink_over(const struct shrink *shrink)
{
    return shrink->budget == 0 || campaign_late(shrink->end_ns);
}

// Whether what is kept fails in one of so many schedules; *looked: how many were looked at.
static bool shrink_fails(struct shrink *shrink, unsigned tries, unsigned *looked)
{
    uint64_t list = shrink->find->seed & ~(CAMPAIGN_SCHEDULES - 1);
    uint64_t first = shrink->find->seed & (CAMPAIGN_SCHEDULES - 1);
    shrink_strategies(shrink);
    struct mems_schedule same = shrink->find->schedule;
    *looked = 0;
    for (unsigned i = 0; i < tries && !shrink_over(shrink); i++) {
        const struct mems_schedule *how = i == 0 ? &same : &shrink->how[i % 2];
        uint64_t seed = list | ((first + i / 2) & (CAMPAIGN_SCHEDULES - 1));
        (*looked)++;
        if (shrink_fails_under(shrink, how, seed)) {
            return true;
        }
    }
    return false;
}

// Schedules of a candidate, at most.
static unsigned shrink_tries_most(const struct shrink *shrink)
{
    unsigned most = shrink->campaign->order->shrink / 4;
    return most > 0 ? most : 1;
}

// ---- one start ---------------------------------------------------------------------------------

// Tries it without `count` of the kept, from the first-th on; whether it is smaller then.
static bool shrink_without(struct shrink *shrink, unsigned thread, size_t first, size_t count)
{
    struct operation_list *list = &shrink->campaign->list;
    unsigned most = shrink_tries_most(shrink), looked;
    size_t left_out = leave_out(list, thread, first, count, shrink->out);
    if (left_out > 0 && list->kept > 0 && shrink_fails(shrink, shrink->tries, &looked)) {
        unsigned enough = 10 * looked + SHRINK_TRIES_LEAST;
        shrink->tries = enough < most ? enough : most;
        drop_idle(shrink);
        return true;
    }
    put_back(list, shrink->out, left_out);
    return false;
}

// One round with pieces of that size. Whether anything could be left out.
static bool shrink_round(struct shrink *shrink, size_t piece)
{
    const struct operation_list *list = &shrink->campaign->list;
    bool smaller = false;
    size_t first = 0;
    while (first < list->kept && list->kept > 1 && !shrink_over(shrink)) {
        if (shrink_without(shrink, 0, first, piece)) {
            smaller = true;
        } else {
            first += piece;
        }
    }
    return smaller;
}

static void shrink_start(struct shrink *shrink)
{
    struct operation_list *list = &shrink->campaign->list;
    shrink->end = shrink->find->report.end;
    shrink->tries = shrink_tries_most(shrink);
    drop_idle(shrink);
    for (unsigned thread = 1; thread <= list->threads; thread++) {
        (void)shrink_without(shrink, thread, 0, list->count);
    }
    size_t piece = list->kept / 2 > 0 ? list->kept / 2 : 1;
    while (!shrink_over(shrink)) {
        bool smaller = shrink_round(shrink, piece);
        if (piece == 1 && !smaller) {
            break;
        }
        piece = piece > 1 ? piece / 2 : 1;
    }
}

// ---- other starts ------------------------------------------------------------------------------

// The next of the campaign's schedules that fails alike, from `count` on; not forever.
static bool shrink_next(struct shrink *shrink, uint64_t *count)
{
    struct campaign *campaign = shrink->campaign;
    uint64_t most = 4 * campaign->found->schedules + 4 * CAMPAIGN_LIST;
    most = most < campaign->order->shrink ? most : campaign->order->shrink;
    for (uint64_t i = 0; i < most && !campaign_late(shrink->end_ns); i++) {
        uint64_t seed = campaign_seed(campaign, (*count)++);
        struct mems_schedule how = campaign_how(campaign);
        campaign_list(campaign, seed);
        if (shrink_fails_under(shrink, &how, seed)) {
            return true;
        }
    }
    return false;
}

static void best_take(struct shrink *shrink, struct shrink_best *best)
{
    const struct operation_list *list = &shrink->campaign->list;
    if (best->count == 0 || list->kept < best->count) {
        best->count = list->kept;
        kept_save(list, best->kept);
        *best->find = *shrink->find;
    }
}

// ---- proof -------------------------------------------------------------------------------------

// Leaves out each of the kept alone. How many are needed: all, or time was over.
static size_t shrink_prove(struct shrink *shrink)
{
    struct operation_list *list = &shrink->campaign->list;
    unsigned each = shrink->campaign->order->shrink, looked;
    size_t needed = 0;
    shrink->budget = UINT64_MAX;
    while (needed < list->kept && list->kept > 1) {
        size_t count = leave_out(list, 0, needed, 1, shrink->out);
        if (shrink_fails(shrink, each, &looked)) {
            drop_idle(shrink);
            needed = 0;
            continue;
        }
        put_back(list, shrink->out, count);
        if (looked < each) {
            break;
        }
        needed++;
    }
    return needed;
}

// ---- all of it ---------------------------------------------------------------------------------

// Of the time that there is, the part of it that is over at `share` of 1.
static uint64_t shrink_until(const struct campaign *campaign, uint64_t begin_ns, double share)
{
    uint64_t end = campaign->time.shrink_end_ns;
    return end <= begin_ns ? end : begin_ns + (uint64_t)((double)(end - begin_ns) * share);
}

static void shrink_starts(struct shrink *shrink, struct shrink_best *best, uint64_t begin_ns,
                          struct explore_smallest *smallest)
{
    struct campaign *campaign = shrink->campaign;
    uint64_t count = campaign->count;
    shrink->end_ns = shrink_until(campaign, begin_ns, 0.5);
    shrink->budget = 3 * (uint64_t)campaign->order->shrink;
    shrink_start(shrink);
    best_take(shrink, best);
    smallest->starts = 1;
    shrink->end_ns = shrink_until(campaign, begin_ns, 1.0 / 3);
    while (smallest->starts < SHRINK_STARTS && best->count > 1 && shrink_next(shrink, &count)) {
        shrink->budget = campaign->order->shrink;
        shrink_start(shrink);
        best_take(shrink, best);
        smallest->starts++;
        count += CAMPAIGN_LIST - 1 - (count - 1) % CAMPAIGN_LIST; // the next one is of another list
    }
    campaign_list(campaign, best->find->seed);
    kept_restore(&campaign->list, best->kept);
    *shrink->find = *best->find;
}

void shrink_run(struct campaign *campaign, struct campaign_find *find,
                struct explore_smallest *smallest)
{
    size_t count = campaign->list.count;
    uint64_t begin_ns = clock_monotonic_ns();
    struct shrink shrink = {
        .campaign = campaign,
        .find = find,
        .out = shrink_room(count, sizeof *shrink.out),
    };
    struct shrink_best best = {
        .find = shrink_room(1, sizeof *best.find),
        .kept = shrink_room(count, sizeof *best.kept),
    };
    shrink_starts(&shrink, &best, begin_ns, smallest);
    shrink.end_ns = campaign->time.shrink_end_ns;
    smallest->needed = shrink_prove(&shrink);
    smallest->kept = campaign->list.kept;
    smallest->of = count;
    smallest->each = campaign->order->shrink;
    smallest->cut_short = smallest->kept > 1 && smallest->needed < smallest->kept;
    smallest->schedules = shrink.schedules;
    smallest->seconds = (double)(clock_monotonic_ns() - begin_ns) / 1e9;
    free(shrink.out);
    free(best.find);
    free(best.kept);
}
