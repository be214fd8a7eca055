// SPDX-License-Identifier: MIT
//
// thread.c - the scheduler's threads: their start and end; and the control of a schedule.
//
// A thread is at its end when all rounds of its destructors have run (sync/thread.h's hooks are in
// the first): a key of the scheduler's own comes back in each of them.

#include <errno.h>
#include <limits.h>
#include <stddef.h>

#include "sync/atomic.h"
#include "sync/explore/state.h"

#define STACK_BYTES 524288u

#ifdef MEMS_TSAN // whose own end of a thread is in the last round
#define LAST_ROUND (PTHREAD_DESTRUCTOR_ITERATIONS - 1)
#else
#define LAST_ROUND PTHREAD_DESTRUCTOR_ITERATIONS
#endif

static pthread_key_t end_key;
static bool end_key_ready;

// ---- threads -----------------------------------------------------------------------------------

// The key's destructor, in each round; in the last one the thread is at its end.
static void thread_leave(void *value)
{
    static const struct scheduler_site ends = {"thread end", "", "sync/thread.c", 0};
    struct scheduled *me = value;
    me->rounds++;
    if (me->rounds < LAST_ROUND) {
        (void)pthread_setspecific(end_key, me);
        return;
    }
    scheduler_own_point(me, &ends);
    me->state = ENDED;
    me->inside = false;
    scheduler.alive--;
    int next = scheduler_choose();
    if (next < 0) {
        scheduler_fail_stuck();
    }
    scheduler_self = NULL;
    scheduler_let_go(&scheduler.threads[next]);
}

static void *thread_begin(void *value)
{
    struct scheduled *me = value;
    scheduler_wait_turn(me);
    scheduler_self = me;
    (void)pthread_setspecific(end_key, me);
    me->run(me->arg);
    return NULL;
}

static struct scheduled *thread_add(void (*run)(void *arg), void *arg)
{
    struct scheduled *thread = &scheduler.threads[scheduler.count];
    *thread = (struct scheduled){.run = run, .arg = arg};
    strategy_start(&scheduler.strategy, &thread->standing);
    scheduler.standings[scheduler.count++] = &thread->standing;
    scheduler.alive++;
    return thread;
}

int mems_schedule_start(void (*run)(void *arg), void *arg, unsigned *thread)
{
    static const struct scheduler_site starts = {"thread start", "", "sync/thread.c", 0};
    pthread_attr_t attributes;
    if (scheduler.count == MEMS_SCHEDULE_THREADS || pthread_attr_init(&attributes) != 0) {
        return EAGAIN;
    }
    struct scheduled *new = thread_add(run, arg);
    (void)pthread_attr_setstacksize(&attributes, STACK_BYTES);
    int error = pthread_create(&new->handle, &attributes, thread_begin, new);
    (void)pthread_attr_destroy(&attributes);
    if (error != 0) {
        scheduler.count--;
        scheduler.alive--;
        return EAGAIN;
    }
    *thread = number_of(new);
    scheduler_own_point(scheduler_self, &starts);
    return 0;
}

void mems_schedule_join(unsigned thread)
{
    static const struct scheduler_site joins = {"thread join", "", "sync/thread.c", 0};
    struct scheduled *me = scheduler_self;
    me->state = JOINING;
    me->joined = thread;
    scheduler_own_point(me, &joins);
    (void)pthread_join(scheduler.threads[thread].handle, NULL);
}

bool scheduler_thread_start(struct os_thread *thread, void (*run)(void *arg), void *arg,
                            bool *started)
{
    unsigned number;
    if (scheduler_self == NULL) {
        return false;
    }
    *started = mems_schedule_start(run, arg, &number) == 0;
    if (*started) {
        thread->handle = number;
    }
    return true;
}

bool scheduler_thread_join(struct os_thread *thread)
{
    if (scheduler_self == NULL) {
        return false;
    }
    mems_schedule_join((unsigned)thread->handle);
    return true;
}

// ---- the control -------------------------------------------------------------------------------

int mems_schedule_begin(const struct mems_schedule *schedule)
{
    bool pct = schedule->strategy == MEMS_SCHEDULE_PCT;
    if (schedule->failed == NULL ||
        (pct && (schedule->depth < 1 || schedule->depth > MEMS_SCHEDULE_DEPTH_MAX))) {
        return EINVAL;
    }
    if (scheduler.on) {
        return EBUSY;
    }
    if (!end_key_ready && pthread_key_create(&end_key, thread_leave) != 0) {
        return EAGAIN;
    }
    end_key_ready = true;
    scheduler.on = true;
    scheduler.plan = *schedule;
    scheduler.count = scheduler.alive = scheduler.current = 0;
    scheduler.ticks = scheduler.waited_ns = 0;
    scheduler.totals = (struct mems_schedule_totals){0};
    strategy_init(&scheduler.strategy, schedule);
    scheduler_self = thread_add(NULL, NULL);
    scheduler_stand_in(true);
    return 0;
}

void mems_schedule_look(struct mems_schedule_totals *totals)
{
    *totals = scheduler.totals;
    totals->threads = scheduler.count;
}

void mems_schedule_end(struct mems_schedule_totals *totals)
{
    mems_schedule_look(totals);
    scheduler_stand_in(false);
    scheduler_self = NULL;
    scheduler.on = false;
}

void mems_schedule_point(const char *step, const char *what)
{
    struct scheduled *me = scheduler_self;
    if (me != NULL) {
        struct scheduler_site site = {step, what, "", 0};
        scheduler_own_point(me, &site);
    }
}

void mems_schedule_note(const char *step, const char *what, int64_t number)
{
    if (scheduler_self != NULL) {
        scheduler_tell_note(scheduler_self, step, what, number);
    }
}
