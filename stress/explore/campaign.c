// SPDX-License-Identifier: MIT
//
// campaign.c - one cell of a job under many schedules.
//
// 1. From the section come sizes, threads (2, where it does not say), operations of each (ops, or
//    20) and the mix of kinds, by the workload's class; what the workload does in detail is not
//    played: it would be too long.
// 2. Seeds. The cell's seed and a count give the seed of a list and of its schedules, 256 for each
//    list. PCT's k is the most points that earlier schedules of the list have had; the first ones
//    of a list begin with what the list before had. It is part of the command that does a schedule
//    again, and so is the list.
//    With one list (--list) the count goes on from a number that the cell's seed says, in that
//    list.
// 3. A cell ends at its first failure: that is done again (it must fail alike, or the engine
//    depends on something that is not the seed, which is said), made smaller, and reported.

#include "explore/campaign.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "target/sizing.h"
#include "workload/random.h"
#include "workload/workload.h"

#define OPERATIONS_STANDARD 20u
#define THREADS_STANDARD    2u
#define POINTS_FIRST        10u   // an operation, before anything has run
#define LIVELOCK_POINTS     2000u // an operation
#define HUNG_SECONDS        20    // of a schedule that takes a millisecond
#define HUNG_SECONDS_LEAST  5     // when the command's time is nearly over

// ---- what a cell is ----------------------------------------------------------------------------

static void campaign_shape(struct campaign *campaign)
{
    const struct job_section *section = campaign->cell->section->section;
    uint64_t operations = job_number(section, "ops");
    bool given = job_value(section, "threads")->given;
    campaign->shape = (struct operation_shape){
        .threads = given ? campaign->cell->section->threads : THREADS_STANDARD,
        .operations = operations == 0 ? OPERATIONS_STANDARD : (unsigned)operations,
        .class = section->workload->class,
        .sizes = job_value(section, "size")->distribution,
    };
}

// An engine of the target's options in which every slot can hold the largest size.
static int campaign_size(struct campaign *campaign, unsigned slots)
{
    const struct target_spec *spec = campaign->cell->spec;
    struct target_demand demand = {.largest = distribution_most(campaign->shape.sizes)};
    unsigned class = 0;
    while ((UINT64_C(1) << class) < demand.largest) {
        class ++;
    }
    demand.peak_bytes = slots * demand.largest;
    demand.peak_blocks[class] = slots;
    char *sized = NULL;
    int error = sizing_make(spec->argument, spec->options, &demand, &sized);
    campaign->options = sized != NULL           ? sized
                        : spec->options != NULL ? strdup(spec->options)
                                                : NULL;
    return error;
}

// As target/mems.c: what cannot swap and has no compaction keeps its blocks in place.
static int campaign_opens(struct campaign *campaign, struct complaint *complaint)
{
    const struct target_spec *spec = campaign->cell->spec;
    struct mems_config config = {.policy = spec->argument, .options = campaign->options};
    struct mems_engine *engine;
    int error = mems_engine_open(&config, &engine);
    if (error != 0) {
        complain(complaint, "target %s: with \"%s\": %s", spec->name,
                 config.options != NULL ? config.options : "", mems_complaint());
        return error;
    }
    campaign->trial.setup.still =
        !sizing_has_option(spec->argument, "swap") && mems_compact(engine, NULL) == ENOTSUP;
    mems_engine_close(engine);
    return 0;
}

int campaign_open(struct campaign *campaign, const struct explore_order *order,
                  const struct cell *cell, struct complaint *complaint)
{
    *campaign = (struct campaign){.order = order, .cell = cell};
    campaign_shape(campaign);
    campaign_list(campaign, order->seed);
    if (order->keep != NULL && operation_keep(&campaign->list, order->keep, complaint) != 0) {
        return EINVAL;
    }
    campaign->points =
        (uint64_t)campaign->shape.threads * campaign->shape.operations * POINTS_FIRST;
    int error = campaign_size(campaign, campaign->list.slots);
    campaign->trial.setup.policy = cell->spec->argument;
    campaign->trial.setup.options = campaign->options;
    error = error != 0 ? error : campaign_opens(campaign, complaint);
    return error != 0 ? error : trial_open(&campaign->trial);
}

void campaign_close(struct campaign *campaign)
{
    trial_close(&campaign->trial);
    operation_list_free(&campaign->list);
    free(campaign->options);
}

void campaign_list(struct campaign *campaign, uint64_t seed)
{
    uint64_t list_seed = seed >> CAMPAIGN_SCHEDULE_BITS;
    struct complaint complaint; // there is none: the text has been read before
    if (campaign->list.operations == NULL || campaign->list_seed != list_seed) {
        operation_list_free(&campaign->list);
        operation_list_make(&campaign->shape, list_seed, &campaign->list);
        campaign->list_seed = list_seed;
    }
    operation_keep_all(&campaign->list);
    if (campaign->order->keep != NULL) {
        (void)operation_keep(&campaign->list, campaign->order->keep, &complaint);
    }
}

struct mems_schedule campaign_how(const struct campaign *campaign)
{
    const struct explore_order *order = campaign->order;
    return (struct mems_schedule){
        .strategy = order->strategy,
        .depth = order->depth,
        .points = order->points != 0 ? order->points : campaign->points,
    };
}

// How long a schedule may take without an end.
static unsigned campaign_patience(const struct campaign *campaign)
{
    uint64_t now = clock_monotonic_ns(), end = campaign->time.end_ns;
    uint64_t left = end > now ? (end - now) / 1000000000u : 0;
    unsigned seconds = end == 0 || left > HUNG_SECONDS ? HUNG_SECONDS : (unsigned)left;
    return seconds < HUNG_SECONDS_LEAST ? HUNG_SECONDS_LEAST : seconds;
}

const struct player_report *campaign_try(struct campaign *campaign, const struct mems_schedule *how,
                                         uint64_t seed, int trace)
{
    struct player_setup *setup = &campaign->trial.setup;
    setup->schedule = *how;
    setup->schedule.most_points = (UINT64_C(50) + campaign->list.count) * LIVELOCK_POINTS;
    setup->patience_seconds = campaign_patience(campaign);
    return trial_run(&campaign->trial, &campaign->list, seed, trace);
}

// ---- the search --------------------------------------------------------------------------------

uint64_t campaign_seed(const struct campaign *campaign, uint64_t count)
{
    if (campaign->order->one_list) {
        uint64_t first = random_mix(campaign->cell->seed);
        return (campaign->order->seed & ~(CAMPAIGN_SCHEDULES - 1)) |
               ((first + count) & (CAMPAIGN_SCHEDULES - 1));
    }
    uint64_t list = random_mix(campaign->cell->seed ^ random_mix(count / CAMPAIGN_LIST));
    return (list & ~(CAMPAIGN_SCHEDULES - 1)) | count % CAMPAIGN_LIST;
}

// The next schedule. false: it failed.
static bool campaign_step(struct campaign *campaign)
{
    struct explore_cell *found = campaign->found;
    uint64_t seed = campaign_seed(campaign, campaign->count);
    bool new_list = campaign->count % CAMPAIGN_LIST == 1;
    struct mems_schedule how = campaign_how(campaign);
    campaign_list(campaign, seed);
    found->lists +=
        campaign->order->one_list ? campaign->count == 0 : campaign->count % CAMPAIGN_LIST == 0;
    campaign->count++;
    const struct player_report *report = campaign_try(campaign, &how, seed, -1);
    found->schedules++;
    found->points += report->totals.points;
    found->choices += report->totals.choices;
    found->switches += report->totals.switches;
    if (report->end != PLAYER_PASSED) {
        campaign->first = (struct campaign_find){.seed = seed, .schedule = how, .report = *report};
        found->verdict = report_verdict(report->end);
        return false;
    }
    if (new_list || report->totals.points > campaign->points) {
        campaign->points = report->totals.points;
    }
    return true;
}

// Of this process and of its children that have ended.
static double campaign_cpu_seconds(void)
{
    double seconds = 0;
    for (int who = 0; who < 2; who++) {
        struct rusage used;
        (void)getrusage(who == 0 ? RUSAGE_SELF : RUSAGE_CHILDREN, &used);
        seconds += (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                   (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    }
    return seconds;
}

static void campaign_search(struct campaign *campaign)
{
    const struct explore_order *order = campaign->order;
    struct explore_cell *found = campaign->found;
    struct mems_schedule asked = campaign_how(campaign);
    uint64_t begin = clock_monotonic_ns();
    double cpu = campaign_cpu_seconds();
    *found = (struct explore_cell){
        .cell = campaign->cell,
        .threads = campaign->shape.threads,
        .operations = campaign->shape.operations,
    };
    asked.points = order->points;
    explore_strategy_write(&asked, found->strategy, sizeof found->strategy);
    while (campaign_step(campaign) &&
           (order->schedules == 0 || found->schedules < order->schedules) &&
           !campaign_late(campaign->time.search_end_ns)) {
    }
    found->seconds = (double)(clock_monotonic_ns() - begin) / 1e9;
    found->cpu_seconds = campaign_cpu_seconds() - cpu;
}

static void *campaign_new(size_t size)
{
    void *new = calloc(1, size);
    if (new == NULL) {
        abort();
    }
    return new;
}

static void campaign_smaller(struct campaign *campaign)
{
    struct campaign_find *find = campaign_new(sizeof *find);
    struct explore_smallest *smallest = campaign_new(sizeof *smallest);
    *find = campaign->first;
    shrink_run(campaign, find, smallest);
    smallest->operations = report_kept(campaign);
    report_find(campaign, find, &smallest->find);
    campaign->found->smallest = smallest;
    report_smallest(campaign, find);
    free(find);
}

enum explore_verdict campaign_run(struct campaign *campaign)
{
    struct explore_cell *found = campaign->found;
    const struct player_report *first = &campaign->first.report;
    campaign_search(campaign);
    report_summary(campaign);
    if (found->verdict != EXPLORE_PASSED) {
        const struct player_report *again =
            campaign_try(campaign, &campaign->first.schedule, campaign->first.seed, -1);
        // What only the machine refused, or does not come again, no smaller list can show.
        bool comes_again = first->end != PLAYER_BROKEN && again->end != PLAYER_PASSED;
        found->same = again->end == first->end && again->totals.digest == first->totals.digest;
        found->first = campaign_new(sizeof *found->first);
        report_find(campaign, &campaign->first, found->first);
        report_failure(campaign);
        if (campaign->order->shrink > 0 && comes_again) {
            campaign_smaller(campaign);
        }
    }
    return found->verdict;
}

enum explore_verdict campaign_replay(struct campaign *campaign)
{
    campaign_list(campaign, campaign->order->seed);
    return report_replay(campaign);
}
