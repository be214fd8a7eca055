// SPDX-License-Identifier: MIT
//
// scheduler.c - one scheduler for every step: real threads, of which exactly one runs.
//
// 1. Theory. Interleavings of a program whose threads meet only in atomic steps are all there is to
//    its schedules (as long as memory is sequentially consistent), so a scheduler that may switch
//    threads before each such step reaches every one of them (Musuvathi, Qadeer et al., "Finding
//    and reproducing heisenbugs in concurrent programs", OSDI 2008). Which it takes is a strategy's
//    matter (strategy.c). Everything follows from the seed: threads are numbered in the order of
//    their start, time is a count of points, and no decision looks at an address.
// 2. States of a thread. ABLE; ASLEEP on a word until a wake-up takes it (with a timeout it may go
//    on at any time: timeouts are schedules, too); GRACE: waiting for others' access sections;
//    JOINING another one; ENDED. A thread ends when its destructors have run: the last round of
//    them is the scheduler's own key's.
// 3. Handing over. Each thread sleeps on a word of its own, in the kernel's futex. Who gives the
//    right to run away sets the other's word and wakes it; nothing is done while a thread goes on.
//    All of the scheduler's own state belongs to whoever has that right, so it needs no lock.
// 4. Grace periods. The wait notes which outermost sections are open, each by the count of those
//    that its thread has begun, and is over when none of them is: exactly what liburcu promises
//    (sync/section.h), and not a step longer, which is what finds those who want more.
// 5. Stuck. No thread can go on: a deadlock; or, where one sleeps on a word that is not what it
//    fell asleep on any more, a wake-up that was lost. More points than the caller allows: a
//    livelock. A loop without points is beyond it: the caller's watchdog ends that.
// 6. Failure. Whoever finds the schedule stuck reports it through the caller's `failed`, which does
//    not return: the other threads stand wherever they are.
// 7. If you change this: more or fewer points make other schedules of every seed.

#include "sync/explore/scheduler.h"

#include <stddef.h>
#include <string.h>

#include "sync/explore/state.h"

#define POINT_NS    100u // of the clock that threads see
#define LOOP_ROUNDS 2u
#define LOOP_CHOICE 17u // no multiple of a loop's length: each of its steps has its turn

struct scheduler scheduler;
__thread struct scheduled *scheduler_self;

// ---- who goes on -------------------------------------------------------------------------------

static bool grace_over(const struct scheduled *thread)
{
    for (unsigned i = 0; i < scheduler.count; i++) {
        const struct scheduled *other = &scheduler.threads[i];
        if (thread->awaited[i] != 0 && other->inside && other->sections == thread->awaited[i]) {
            return false;
        }
    }
    return true;
}

static bool is_able(const struct scheduled *thread)
{
    switch (thread->state) {
    case ABLE:
        return true;
    case ASLEEP:
        return thread->timeout_ns != 0;
    case GRACE:
        return grace_over(thread);
    case JOINING:
        return scheduler.threads[thread->joined].state == ENDED;
    case ENDED:
        break;
    }
    return false;
}

int scheduler_choose(void)
{
    unsigned able;
    for (unsigned i = 0; i < scheduler.count; i++) {
        scheduler.standings[i]->able = is_able(&scheduler.threads[i]);
    }
    int chosen = strategy_choose(&scheduler.strategy, scheduler.standings, scheduler.count,
                                 scheduler.current, scheduler.totals.points, &able);
    scheduler.totals.choices += able > 1;
    return chosen;
}

static void digest(unsigned thread, unsigned line, int next)
{
    uint64_t step = (uint64_t)thread << 40 | (uint64_t)line << 16 | (unsigned)next;
    scheduler.totals.digest = (scheduler.totals.digest ^ step) * UINT64_C(0x100000001b3);
}

void scheduler_let_go(struct scheduled *next)
{
    scheduler.totals.switches++;
    scheduler.current = number_of(next);
    __atomic_store_n(&next->go, 1, __ATOMIC_RELEASE);
    os_futex_wake(&next->go, 1);
}

void scheduler_wait_turn(struct scheduled *me)
{
    while (__atomic_load_n(&me->go, __ATOMIC_ACQUIRE) == 0) {
        os_futex_wait(&me->go, 0, 0);
    }
    __atomic_store_n(&me->go, 0, __ATOMIC_RELAXED);
}

static void tick(void)
{
    scheduler.ticks++;
    if (scheduler.plan.most_points != 0 && scheduler.ticks > scheduler.plan.most_points) {
        scheduler_fail(MEMS_SCHEDULE_LIVELOCK);
    }
}

// What has to be told first is in me->site. Returns when it is this thread again.
static void decide(struct scheduled *me)
{
    tick();
    if (scheduler.alive == 1 && me->state == ABLE) {
        scheduler_tell(me, me->site, -1);
        return;
    }
    scheduler.totals.points += scheduler.alive > 1;
    int next = scheduler_choose();
    digest(number_of(me), me->site->line, next);
    scheduler_tell(me, me->site, next);
    if (next < 0) {
        scheduler_fail_stuck();
    }
    if (&scheduler.threads[next] != me) {
        scheduler_let_go(&scheduler.threads[next]);
        scheduler_wait_turn(me);
    }
    if (me->state == ASLEEP) { // nobody woke it: its time is over
        scheduler.waited_ns += me->timeout_ns;
    }
    me->state = ABLE;
}

// A load or a store.
static bool is_plain(const struct scheduler_site *site)
{
    return site->step[0] == 'l' || (site->step[0] == 's' && site->step[1] == 't');
}

// Loops of one step (a sum over counters) or of a few loads and stores (a search of a table, the
// records of a new slab) would take most of a schedule's choices: from the third round on only some
// of their steps are one.
static bool is_loop(struct scheduled *me, const struct scheduler_site *site)
{
    unsigned repeats = 0;
    for (unsigned length = 1; length <= SCHEDULER_LOOP; length++) {
        bool same = me->recent[(me->steps - length) % SCHEDULER_LOOP] == site;
        unsigned *count = &me->repeats[length - 1];
        *count = same && (length == 1 || is_plain(site)) ? *count + 1 : 0;
        if (repeats == 0 && *count >= LOOP_ROUNDS * length) {
            repeats = *count;
        }
    }
    me->recent[me->steps++ % SCHEDULER_LOOP] = site;
    return repeats % LOOP_CHOICE != 0;
}

void scheduler_point(const struct scheduler_site *site)
{
    struct scheduled *me = scheduler_self;
    if (me != NULL && me->quiet == 0) {
        if (scheduler.alive > 1 && is_loop(me, site)) {
            tick();
        } else {
            me->site = site;
            decide(me);
        }
    }
}

void scheduler_note(const char *step, const char *what, int64_t number)
{
    struct scheduled *me = scheduler_self;
    if (me != NULL && me->quiet == 0) {
        me->note_step = step;
        me->note_what = what;
        me->note_number = number;
        scheduler_tell_note(me, step, what, number);
    }
}

void scheduler_quiet(bool quiet)
{
    if (scheduler_self != NULL) {
        scheduler_self->quiet += quiet ? 1u : -1u;
    }
}

// A point of this room's own: no place in the engine's sources is it, but the one that called.
void scheduler_own_point(struct scheduled *me, const struct scheduler_site *site)
{
    me->site = site;
    memset(me->repeats, 0, sizeof me->repeats);
    decide(me);
}

// ---- sections and grace periods ----------------------------------------------------------------

#define SITE(step, what)                                                                           \
    {                                                                                              \
        step, what, "sync/section.c", 0                                                            \
    }

void scheduler_section_begin(void)
{
    static const struct scheduler_site site = SITE("section begin", "");
    struct scheduled *me = scheduler_self;
    if (me != NULL) {
        scheduler_own_point(me, &site);
        me->inside = true;
        me->sections++;
    }
}

void scheduler_section_end(void)
{
    static const struct scheduler_site site = SITE("section end", "");
    struct scheduled *me = scheduler_self;
    if (me != NULL) {
        scheduler_own_point(me, &site);
        me->inside = false;
    }
}

void scheduler_section_wait(void)
{
    static const struct scheduler_site begun = SITE("grace period", "begins");
    static const struct scheduler_site waits = SITE("grace period", "waits");
    struct scheduled *me = scheduler_self;
    if (me == NULL) {
        return;
    }
    scheduler_own_point(me, &begun);
    for (unsigned i = 0; i < scheduler.count; i++) {
        const struct scheduled *other = &scheduler.threads[i];
        me->awaited[i] = other->inside ? other->sections : 0;
    }
    for (unsigned i = scheduler.count; i < MEMS_SCHEDULE_THREADS; i++) {
        me->awaited[i] = 0;
    }
    me->state = GRACE;
    scheduler_own_point(me, &waits);
}

// ---- sleeping, as os/ has it -------------------------------------------------------------------

#define SITE_OS(step, what)                                                                        \
    {                                                                                              \
        step, what, "os/os.c", 0                                                                   \
    }

static bool explore_wait(uint32_t *word, uint32_t expected, uint64_t timeout_ns)
{
    static const struct scheduler_site falls = SITE_OS("sleep", "begins");
    static const struct scheduler_site sleeps = SITE_OS("sleep", "asleep");
    struct scheduled *me = scheduler_self;
    if (me == NULL) {
        return false;
    }
    scheduler_own_point(me, &falls);
    if (__atomic_load_n(word, __ATOMIC_RELAXED) != expected) {
        return true;
    }
    me->state = ASLEEP;
    me->word = word;
    me->expected = expected;
    me->timeout_ns = timeout_ns;
    if (timeout_ns != 0) {
        strategy_idle(&scheduler.strategy, &me->standing);
    }
    scheduler_own_point(me, &sleeps);
    return true;
}

static bool wake_one(const uint32_t *word)
{
    struct scheduled *asleep[MEMS_SCHEDULE_THREADS];
    unsigned count = 0;
    for (unsigned i = 0; i < scheduler.count; i++) {
        struct scheduled *thread = &scheduler.threads[i];
        if (thread->state == ASLEEP && thread->word == word) {
            asleep[count++] = thread;
        }
    }
    if (count == 0) {
        return false;
    }
    struct scheduled *woken = asleep[strategy_draw(&scheduler.strategy, count)];
    woken->state = ABLE;
    woken->standing.idle = false;
    return true;
}

static bool explore_wake(uint32_t *word, uint32_t count)
{
    static const struct scheduler_site wakes = SITE_OS("wake", "");
    struct scheduled *me = scheduler_self;
    if (me == NULL) {
        return false;
    }
    scheduler_own_point(me, &wakes);
    for (uint32_t i = 0; i < count && wake_one(word); i++) {
    }
    return true;
}

static bool explore_yield(void)
{
    static const struct scheduler_site yields = SITE_OS("yield", "");
    struct scheduled *me = scheduler_self;
    if (me == NULL) {
        return false;
    }
    strategy_idle(&scheduler.strategy, &me->standing);
    scheduler_own_point(me, &yields);
    return true;
}

static bool explore_clock(uint64_t *now_ns)
{
    *now_ns = 1 + scheduler.ticks * POINT_NS + scheduler.waited_ns;
    return scheduler_self != NULL;
}

static bool explore_alone(void)
{
    return scheduler_self != NULL;
}

const struct os_explore *os_explore;

static const struct os_explore explore_table = {
    .wait = explore_wait,
    .wake = explore_wake,
    .yield = explore_yield,
    .clock = explore_clock,
    .alone = explore_alone,
    .thread_start = scheduler_thread_start,
    .thread_join = scheduler_thread_join,
};

void scheduler_stand_in(bool stands_in)
{
    os_explore = stands_in ? &explore_table : NULL;
}
