// SPDX-License-Identifier: MIT
//
// strategy.c - who goes on: the random walk, and PCT.
//
// 1. Random walk. In one draw of two the thread that runs goes on, if it can; in the other one of
//    those that can, each as likely as the others. A change of threads takes the machine longer
//    than anything else here, and bugs want a thread to stand still for many steps of another's
//    more often than for one. A thread that has just
//    said that it can do nothing useful (os_yield, a step of a spin loop, a sleep with a timeout)
//    stands back in seven draws of eight, while there are others: a spin loop is then a few points
//    long, and still every order has a chance.
// 2. PCT (Burckhardt, Kothari, Musuvathi, Nagarakatte, ASPLOS 2010). Each thread gets a random
//    priority at its start; the highest of those that can go on does. Of the k points d - 1 are
//    drawn beforehand, uniformly; the thread that runs at the i-th of them falls to the i-th of
//    d - 1 priorities below every one of a start. So a schedule has few preemptions, at the places
//    that matter as likely as anywhere: a bug that d ordered steps make happen (depth d) is hit
//    with a probability of at least 1 / (n k^(d-1)). A race of two steps is depth 2, two races that
//    must both go wrong are depth 3. The guarantee wants k no smaller than the true number of
//    points: the caller counts them in schedules that it has run.
// 3. A thread that yields falls below all others, those that change points have lowered included;
//    who falls at a later change point falls below it. So a spin loop of the highest ends, and a
//    thread that mostly sleeps (a mover) still comes in between the steps of others. That costs
//    none of the d - 1 changes; the guarantee holds for programs in which nobody yields.
// 4. If you change this, every seed names another schedule.

#include "sync/explore/strategy.h"

#include <stddef.h>

#define STAND_BACK 8 // an idle thread is a candidate in one draw of so many
#define GO_ON      2 // the thread that runs goes on in one draw of so many

void strategy_init(struct strategy *strategy, const struct mems_schedule *schedule)
{
    *strategy = (struct strategy){.kind = schedule->strategy};
    rng_init(&strategy->rng, schedule->seed);
    if (strategy->kind == MEMS_SCHEDULE_PCT) {
        strategy->changes = schedule->depth - 1;
        for (unsigned i = 0; i < strategy->changes; i++) {
            uint64_t points = schedule->points > 0 ? schedule->points : 1;
            strategy->change[i] = 1 + rng_below(&strategy->rng, points);
        }
    }
}

// Above those that fall; two threads have the same once in 2^61.
void strategy_start(struct strategy *strategy, struct strategy_thread *thread)
{
    uint64_t draw = rng_next(&strategy->rng) >> 2;
    *thread = (struct strategy_thread){.able = true};
    if (strategy->kind == MEMS_SCHEDULE_PCT) {
        thread->priority = 1 + (int64_t)(draw >> 1);
    }
}

void strategy_idle(struct strategy *strategy, struct strategy_thread *thread)
{
    thread->idle = true;
    if (strategy->kind == MEMS_SCHEDULE_PCT) {
        strategy->floor -= MEMS_SCHEDULE_DEPTH_MAX;
        thread->priority = strategy->floor;
    }
}

static int choose_highest(struct strategy_thread *const *threads, unsigned count)
{
    int best = -1;
    for (unsigned i = 0; i < count; i++) {
        if (threads[i]->able && (best < 0 || threads[i]->priority > threads[best]->priority)) {
            best = (int)i;
        }
    }
    return best;
}

// The nth of those that can go on, or of those among them that have something to do.
static int nth(struct strategy_thread *const *threads, unsigned count, bool idle, uint64_t n)
{
    for (unsigned i = 0; i < count; i++) {
        if (threads[i]->able && (idle || !threads[i]->idle) && n-- == 0) {
            return (int)i;
        }
    }
    return -1;
}

static int choose_random(struct strategy *strategy, struct strategy_thread *const *threads,
                         unsigned count, unsigned current, unsigned able)
{
    unsigned busy = 0;
    for (unsigned i = 0; i < count; i++) {
        busy += threads[i]->able && !threads[i]->idle;
    }
    if (able <= 1) {
        return nth(threads, count, true, 0);
    }
    uint64_t draw = rng_next(&strategy->rng) >> 16;
    if (threads[current]->able && !threads[current]->idle && draw % GO_ON == 0) {
        return (int)current;
    }
    draw /= GO_ON;
    bool all = busy == 0 || busy == able || draw % STAND_BACK == 0;
    return nth(threads, count, all, (draw / STAND_BACK) % (all ? able : busy));
}

int strategy_choose(struct strategy *strategy, struct strategy_thread *const *threads,
                    unsigned count, unsigned current, uint64_t point, unsigned *able)
{
    *able = 0;
    for (unsigned i = 0; i < count; i++) {
        *able += threads[i]->able;
    }
    int chosen;
    if (strategy->kind == MEMS_SCHEDULE_PCT) {
        for (unsigned i = 0; i < strategy->changes; i++) {
            if (strategy->change[i] == point) {
                threads[current]->priority = strategy->floor - 1 - (int64_t)i;
            }
        }
        chosen = choose_highest(threads, count);
    } else {
        chosen = choose_random(strategy, threads, count, current, *able);
    }
    if (chosen >= 0) {
        threads[chosen]->idle = false;
    }
    return chosen;
}

unsigned strategy_draw(struct strategy *strategy, unsigned count)
{
    return count <= 1 ? 0 : (unsigned)rng_below(&strategy->rng, count);
}
