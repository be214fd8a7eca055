// SPDX-License-Identifier: MIT
//
// explore.c - mems-stress explore: a job's operations under many schedules of the explore build.
//
// 1. Cells. Each section x target of the plan; targets are engines of ours. From the section come
//    sizes, threads (2 to 4), operations of each (ops, or 20) and the mix of kinds, by the
//    workload's class; what the workload does in detail is not played: it would be too long.
// 2. Seeds. The section's seed and a count give the seed of a list and of its schedules, 256 for
//    each list. PCT's k is the most points that earlier schedules of the list have had; the first
//    ones of a list begin with what the list before had. It is part of the command that does a
//    schedule again, and so is the list.
// 3. A cell ends at its first failure: that is done again (it must fail alike, or the engine
//    depends on something that is not the seed, which is said), made smaller, and reported.

#include "explore/explore.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "explore/campaign.h"
#include "measure/clock.h"
#include "target/sizing.h"
#include "workload/random.h"
#include "workload/workload.h"

#define OPERATIONS_STANDARD 20u
#define POINTS_FIRST        10u   // an operation, before anything has run
#define LIVELOCK_POINTS     2000u // an operation

// ---- what a cell is ----------------------------------------------------------------------------

static void campaign_shape(struct campaign *campaign)
{
    const struct job_section *section = campaign->cell->section->section;
    uint64_t operations = job_number(section, "ops");
    unsigned threads = campaign->cell->section->threads;
    threads = threads < OPERATION_THREADS_LEAST ? OPERATION_THREADS_LEAST : threads;
    operations = operations == 0 ? OPERATIONS_STANDARD : operations;
    campaign->shape = (struct operation_shape){
        .threads = threads > OPERATION_THREADS_MOST ? OPERATION_THREADS_MOST : threads,
        .operations = (unsigned)(operations > OPERATIONS_MOST ? OPERATIONS_MOST : operations),
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
    demand.largest = demand.largest > OPERATION_SIZE_MOST ? OPERATION_SIZE_MOST : demand.largest;
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

static int campaign_open(struct campaign *campaign, const struct explore_order *order,
                         const struct cell *cell, struct complaint *complaint)
{
    *campaign = (struct campaign){.order = order, .cell = cell};
    campaign_shape(campaign);
    campaign_list(campaign, 0);
    campaign->lists = 0;
    campaign->points =
        (uint64_t)campaign->shape.threads * campaign->shape.operations * POINTS_FIRST;
    int error = campaign_size(campaign, campaign->list.slots);
    campaign->trial.setup.policy = cell->spec->argument;
    campaign->trial.setup.options = campaign->options;
    error = error != 0 ? error : campaign_opens(campaign, complaint);
    return error != 0 ? error : trial_open(&campaign->trial);
}

static void campaign_close(struct campaign *campaign)
{
    trial_close(&campaign->trial);
    operation_list_free(&campaign->list);
    free(campaign->options);
}

void campaign_list(struct campaign *campaign, uint64_t seed)
{
    uint64_t list_seed = seed >> CAMPAIGN_SCHEDULE_BITS;
    if (campaign->list.operations == NULL || campaign->list_seed != list_seed) {
        operation_list_free(&campaign->list);
        operation_list_make(&campaign->shape, list_seed, &campaign->list);
        campaign->list_seed = list_seed;
        campaign->lists++;
    }
}

const struct player_report *campaign_try(struct campaign *campaign, uint64_t seed, int trace)
{
    const struct explore_order *order = campaign->order;
    const struct player_report *report;
    campaign->trial.setup.schedule = (struct mems_schedule){
        .strategy = order->strategy,
        .depth = order->depth,
        .points = order->points != 0 ? order->points : campaign->points,
        .most_points = (UINT64_C(50) + campaign->list.count) * LIVELOCK_POINTS,
    };
    report = trial_run(&campaign->trial, &campaign->list, seed, trace);
    return report;
}

// ---- the campaign ------------------------------------------------------------------------------

static uint64_t campaign_seed(const struct campaign *campaign, uint64_t count)
{
    uint64_t list = random_mix(campaign->cell->seed ^ random_mix(count / CAMPAIGN_LIST));
    return (list & ~(CAMPAIGN_SCHEDULES - 1)) | count % CAMPAIGN_LIST;
}

// The next schedule. false: it failed.
static bool campaign_step(struct campaign *campaign)
{
    uint64_t seed = campaign_seed(campaign, campaign->schedules);
    bool new_list = campaign->schedules % CAMPAIGN_LIST == 1;
    campaign_list(campaign, seed);
    const struct player_report *report = campaign_try(campaign, seed, -1);
    campaign->schedules++;
    campaign->total_points += report->totals.points;
    campaign->total_choices += report->totals.choices;
    campaign->total_switches += report->totals.switches;
    if (report->end != PLAYER_PASSED) {
        campaign->failed = true;
        campaign->seed = seed;
        campaign->first = *report;
        return false;
    }
    if (new_list || report->totals.points > campaign->points) {
        campaign->points = report->totals.points;
    }
    return true;
}

static enum explore_verdict campaign_run(struct campaign *campaign, double seconds)
{
    const struct explore_order *order = campaign->order;
    uint64_t begin = clock_monotonic_ns();
    bool more = true;
    while (more) {
        more = campaign_step(campaign) &&
               (order->schedules == 0 || campaign->schedules < order->schedules);
        campaign->seconds = (double)(clock_monotonic_ns() - begin) / 1e9;
        more = more && (seconds <= 0 || campaign->seconds < seconds);
    }
    report_summary(campaign);
    if (!campaign->failed) {
        return EXPLORE_PASSED;
    }
    const struct player_report *again = campaign_try(campaign, campaign->seed, -1);
    report_failure(campaign, again->end == campaign->first.end &&
                                 again->totals.digest == campaign->first.totals.digest);
    if (order->shrink) {
        uint64_t seed = campaign->seed;
        struct player_report smallest = campaign->first;
        shrink_run(campaign, &seed, &smallest);
        report_smallest(campaign, seed, &smallest);
    }
    return report_verdict(campaign->first.end);
}

static enum explore_verdict campaign_replay(struct campaign *campaign, struct complaint *complaint)
{
    campaign_list(campaign, campaign->order->seed);
    if (campaign->order->keep != NULL &&
        operation_keep(&campaign->list, campaign->order->keep, complaint) != 0) {
        return EXPLORE_USELESS;
    }
    return report_replay(campaign);
}

// ---- the job -----------------------------------------------------------------------------------

static bool explore_can(const struct plan *plan, struct complaint *complaint)
{
    for (size_t i = 0; i < plan->cell_count; i++) {
        const struct cell *cell = &plan->cells[i];
        const struct job_section *section = cell->section->section;
        if (strcmp(cell->spec->target->name, "mems") != 0) {
            job_complain(section, "target", complaint,
                         "explore: %s is no engine of libmems: only targets mems:POLICY(...) can "
                         "be put under a scheduler; --target replaces the job's",
                         cell->spec->name);
            return false;
        }
        if (strstr(cell->spec->options != NULL ? cell->spec->options : "", "addresses=flat")) {
            job_complain(section, "target", complaint,
                         "explore: %s has flat addresses, of which a stale one cannot be told "
                         "from a live one; leave addresses=flat out",
                         cell->spec->name);
            return false;
        }
    }
    if (plan->cell_count == 0) {
        complain(complaint, "explore: the job has no cell");
    }
    return plan->cell_count > 0;
}

// One core, so that handing over is cheap and nothing else runs: the one this thread is on.
static void explore_pin(void)
{
    cpu_set_t here;
    int cpu = sched_getcpu();
    CPU_ZERO(&here);
    if (cpu >= 0) {
        CPU_SET((unsigned)cpu, &here);
        (void)sched_setaffinity(0, sizeof here, &here);
    }
}

static enum explore_verdict worse(enum explore_verdict a, enum explore_verdict b)
{
    static const unsigned ranks[] = {
        [EXPLORE_PASSED] = 0, [EXPLORE_STUCK] = 1, [EXPLORE_FAILED] = 2, [EXPLORE_USELESS] = 3};
    return ranks[a] >= ranks[b] ? a : b;
}

enum explore_verdict explore_run(const struct plan *plan, const struct explore_order *order,
                                 struct complaint *complaint)
{
    enum explore_verdict verdict = EXPLORE_PASSED;
    if (!explore_can(plan, complaint)) {
        return EXPLORE_USELESS;
    }
    if (order->replay && plan->cell_count != 1) {
        complain(complaint,
                 "--replay %llu: the job has %zu cells; say which: --only SECTION/TARGET/0",
                 (unsigned long long)order->seed, plan->cell_count);
        return EXPLORE_USELESS;
    }
    explore_pin();
    double share = order->seconds / (double)plan->cell_count;
    for (size_t i = 0; i < plan->cell_count; i++) {
        struct campaign campaign;
        if (campaign_open(&campaign, order, &plan->cells[i], complaint) != 0) {
            return EXPLORE_USELESS;
        }
        enum explore_verdict one =
            order->replay ? campaign_replay(&campaign, complaint) : campaign_run(&campaign, share);
        verdict = worse(verdict, one);
        campaign_close(&campaign);
    }
    return verdict;
}
