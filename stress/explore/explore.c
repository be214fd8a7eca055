// SPDX-License-Identifier: MIT
//
// explore.c - mems-stress explore: a job's operations under many schedules of the explore build.
//
// 1. Cells. Each section x target of the plan; targets are engines of ours. What a section asks for
//    and cannot get here (a single thread or many, lists that would take minutes a schedule, blocks
//    that would fill an engine) is a complaint: nothing is played that was not asked for.
// 2. Time. `seconds` bound the whole command. A tenth is kept for making failures smaller; the rest
//    is the cells' by equal shares of what is left, so what one leaves the next ones have. A
//    failure may take what is left of its cell's share and the tenth, never more than there is in
//    all. A cell has one schedule, however late it is; a schedule that hangs then has five seconds.

#include "explore/explore.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "explore/campaign.h"

#define SHRINK_SHARE 10 // of the time, one in so many is kept for making failures smaller

// ---- what can be asked for ---------------------------------------------------------------------

static bool explore_can_play(const struct cell *cell, struct complaint *complaint)
{
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
    return true;
}

// Threads, operations and sizes that are played as the job has them.
static bool explore_can_shape(const struct cell *cell, struct complaint *complaint)
{
    const struct job_section *section = cell->section->section;
    unsigned threads = cell->section->threads;
    uint64_t operations = job_number(section, "ops");
    uint64_t most = distribution_most(job_value(section, "size")->distribution);
    if (job_value(section, "threads")->given &&
        (threads < OPERATION_THREADS_LEAST || threads > OPERATION_THREADS_MOST)) {
        job_complain(section, "threads", complaint,
                     "explore: threads=%u: schedules are of %u to %u threads; --set threads=2",
                     threads, OPERATION_THREADS_LEAST, OPERATION_THREADS_MOST);
        return false;
    }
    if (operations > OPERATIONS_MOST) {
        job_complain(section, "ops", complaint,
                     "explore: ops=%llu: a schedule has 1 to %u operations of each thread, tens "
                     "to thousands are right; --set ops=20",
                     (unsigned long long)operations, OPERATIONS_MOST);
        return false;
    }
    if (most > OPERATION_SIZE_MOST) {
        job_complain(section, "size", complaint,
                     "explore: blocks of up to %llu bytes: schedules are played with blocks of "
                     "up to %llu; --set size=16-1024",
                     (unsigned long long)most, (unsigned long long)OPERATION_SIZE_MOST);
        return false;
    }
    return true;
}

static bool explore_can(const struct plan *plan, const struct explore_order *order,
                        struct complaint *complaint)
{
    for (size_t i = 0; i < plan->cell_count; i++) {
        if (!explore_can_play(&plan->cells[i], complaint) ||
            !explore_can_shape(&plan->cells[i], complaint)) {
            return false;
        }
    }
    if (plan->cell_count == 0) {
        complain(complaint, "explore: the job has no cell");
        return false;
    }
    if ((order->replay || order->one_list) && plan->cell_count != 1) {
        complain(complaint, "--%s %llu: the job has %zu cells; say which: --only SECTION/TARGET/0",
                 order->replay ? "replay" : "list", (unsigned long long)order->seed,
                 plan->cell_count);
        return false;
    }
    return true;
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

// ---- all cells ---------------------------------------------------------------------------------

static enum explore_verdict worse(enum explore_verdict a, enum explore_verdict b)
{
    static const unsigned ranks[] = {
        [EXPLORE_PASSED] = 0, [EXPLORE_STUCK] = 1, [EXPLORE_FAILED] = 2, [EXPLORE_USELESS] = 3};
    return ranks[a] >= ranks[b] ? a : b;
}

// The time of a cell that begins now, `left` cells with it being still to come.
static struct campaign_time explore_time(const struct explore_order *order, uint64_t begin_ns,
                                         size_t left)
{
    if (order->seconds <= 0) {
        return (struct campaign_time){0};
    }
    uint64_t all = (uint64_t)(order->seconds * 1e9), kept = all / SHRINK_SHARE;
    uint64_t end = begin_ns + all, search_end = end - kept, now = clock_monotonic_ns();
    uint64_t share = now < search_end ? (search_end - now) / left : 0;
    uint64_t shrink_end = now + share + kept;
    return (struct campaign_time){
        .search_end_ns = now + share,
        .shrink_end_ns = shrink_end < end ? shrink_end : end,
        .end_ns = end,
    };
}

enum explore_verdict explore_run(const struct plan *plan, const struct explore_order *order,
                                 struct explore_result *result, struct complaint *complaint)
{
    enum explore_verdict verdict = EXPLORE_PASSED;
    uint64_t begin_ns = clock_monotonic_ns();
    *result = (struct explore_result){0};
    if (!explore_can(plan, order, complaint)) {
        return EXPLORE_USELESS;
    }
    struct campaign *campaign = malloc(sizeof *campaign);
    result->cells = calloc(plan->cell_count, sizeof *result->cells);
    if (campaign == NULL || result->cells == NULL) {
        abort();
    }
    explore_pin();
    for (size_t i = 0; i < plan->cell_count && verdict != EXPLORE_USELESS; i++) {
        if (campaign_open(campaign, order, &plan->cells[i], complaint) != 0) {
            verdict = EXPLORE_USELESS;
            break;
        }
        campaign->time = explore_time(order, begin_ns, plan->cell_count - i);
        campaign->found = &result->cells[result->count];
        result->count += !order->replay;
        verdict =
            worse(verdict, order->replay ? campaign_replay(campaign) : campaign_run(campaign));
        campaign_close(campaign);
    }
    free(campaign);
    result->seconds = (double)(clock_monotonic_ns() - begin_ns) / 1e9;
    return verdict;
}
