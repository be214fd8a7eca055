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
// 7. If you change this: more or fewer points make other schedules of every seed. tests/explore.

#include "sync/explore/scheduler.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stddef.h>

#include "base/print.h"
#include "mems/schedule.h"
#include "os/explore.h"
#include "sync/explore/strategy.h"

#define STACK_BYTES 524288u
#define POINT_NS    100u // of the clock that threads see
#define LOOP_STEPS  2u
#define LOOP_CHOICE 16u

enum scheduled_state { ABLE, ASLEEP, GRACE, JOINING, ENDED };

struct scheduled {
    uint32_t go; // [atomic] 1: it has the right to run
    enum scheduled_state state;
    struct strategy_thread standing;
    uint32_t *word; // ASLEEP
    uint32_t expected;
    uint64_t timeout_ns;
    unsigned joined;                         // JOINING
    bool inside;                             // an access section
    uint64_t sections;                       // outermost ones it has begun
    uint64_t awaited[MEMS_SCHEDULE_THREADS]; // GRACE: of each thread, the section to end; 0: none
    unsigned quiet;
    unsigned rounds;                   // of destructors that have run
    const struct scheduler_site *site; // of the last point
    unsigned repeats;                  // times that it was the same
    const char *note_step, *note_what;
    int64_t note_number;
    pthread_t handle;
    void (*run)(void *arg);
    void *arg;
};

// 1 <= alive <= count; current is ABLE                                                        (SC1)
static struct {
    bool on;
    struct mems_schedule plan;
    struct strategy strategy;
    struct scheduled threads[MEMS_SCHEDULE_THREADS];
    struct strategy_thread *standings[MEMS_SCHEDULE_THREADS];
    unsigned count, alive, current;
    struct mems_schedule_totals totals;
    uint64_t ticks, waited_ns; // points of every kind; time that timeouts took
} scheduler;

static __thread struct scheduled *self;

static pthread_key_t end_key;
static bool end_key_ready;

static unsigned number_of(const struct scheduled *thread)
{
    return (unsigned)(thread - scheduler.threads);
}

// ---- the trace ---------------------------------------------------------------------------------

static void tell(const struct scheduled *me, const struct scheduler_site *site, int next)
{
    if (scheduler.plan.trace != NULL) {
        struct mems_schedule_event event = {
            .point = scheduler.totals.points,
            .thread = number_of(me),
            .step = site->step,
            .what = site->what,
            .number = -1,
            .file = site->file,
            .line = site->line,
            .next = next == (int)number_of(me) ? -1 : next,
        };
        scheduler.plan.trace(scheduler.plan.arg, &event);
    }
}

static void tell_note(const struct scheduled *me, const char *step, const char *what,
                      int64_t number)
{
    if (scheduler.plan.trace != NULL) {
        struct mems_schedule_event event = {
            .point = scheduler.totals.points,
            .thread = number_of(me),
            .step = step,
            .what = what,
            .number = number,
            .next = -1,
        };
        scheduler.plan.trace(scheduler.plan.arg, &event);
    }
}

static void print_thread(struct printer *text, const struct scheduled *thread)
{
    static const char *const states[] = {
        [ABLE] = "can go on",
        [ASLEEP] = "sleeps",
        [GRACE] = "waits for others' access sections",
        [JOINING] = "waits for the end of a thread",
        [ENDED] = "has ended",
    };
    print_format(text, "thread %u %s", number_of(thread), states[thread->state]);
    if (thread->state == JOINING) {
        print_format(text, ": %u", thread->joined);
    }
    if (thread->state == ASLEEP && thread->timeout_ns == 0 && *thread->word != thread->expected) {
        print_text(text, ", and what it sleeps for has happened");
    }
    if (thread->inside) {
        print_text(text, ", inside an access section");
    }
    if (thread->state != ENDED && thread->note_step != NULL) {
        print_format(text, "; last: %s %s", thread->note_step, thread->note_what);
        if (thread->note_number >= 0) {
            print_format(text, " %llu", (unsigned long long)thread->note_number);
        }
    }
    print_text(text, "\n");
}

static _Noreturn void fail(enum mems_schedule_failure failure)
{
    static char buffer[4096];
    static const char returned[] = "mems: the schedule is stuck, and nobody ended it\n";
    struct printer text;
    print_init(&text, buffer, sizeof buffer);
    for (unsigned i = 0; i < scheduler.count; i++) {
        print_thread(&text, &scheduler.threads[i]);
    }
    scheduler.plan.failed(scheduler.plan.arg, failure, buffer);
    os_die(returned, sizeof returned - 1);
}

static _Noreturn void fail_stuck(void)
{
    bool lost = false;
    for (unsigned i = 0; i < scheduler.count; i++) {
        const struct scheduled *thread = &scheduler.threads[i];
        lost = lost || (thread->state == ASLEEP && *thread->word != thread->expected);
    }
    fail(lost ? MEMS_SCHEDULE_LOST_WAKE : MEMS_SCHEDULE_DEADLOCK);
}

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

static int choose(void)
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

static void let_go(struct scheduled *next)
{
    scheduler.totals.switches++;
    scheduler.current = number_of(next);
    __atomic_store_n(&next->go, 1, __ATOMIC_RELEASE);
    os_futex_wake(&next->go, 1);
}

static void wait_turn(struct scheduled *me)
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
        fail(MEMS_SCHEDULE_LIVELOCK);
    }
}

// What has to be told first is in me->site. Returns when it is this thread again.
static void decide(struct scheduled *me)
{
    tick();
    if (scheduler.alive == 1 && me->state == ABLE) {
        tell(me, me->site, -1);
        return;
    }
    scheduler.totals.points += scheduler.alive > 1;
    int next = choose();
    digest(number_of(me), me->site->line, next);
    tell(me, me->site, next);
    if (next < 0) {
        fail_stuck();
    }
    if (&scheduler.threads[next] != me) {
        let_go(&scheduler.threads[next]);
        wait_turn(me);
    }
    if (me->state == ASLEEP) { // nobody woke it: its time is over
        scheduler.waited_ns += me->timeout_ns;
    }
    me->state = ABLE;
}

// Loops of one step (a sum over counters) would take most of a schedule's choices: from the third
// time on only some are.
static bool is_loop(struct scheduled *me, const struct scheduler_site *site)
{
    me->repeats = site == me->site ? me->repeats + 1 : 0;
    return me->repeats >= LOOP_STEPS && me->repeats % LOOP_CHOICE != 0;
}

void scheduler_point(const struct scheduler_site *site)
{
    struct scheduled *me = self;
    if (me != NULL && me->quiet == 0) {
        if (is_loop(me, site)) {
            tick();
        } else {
            me->site = site;
            decide(me);
        }
    }
}

void scheduler_note(const char *step, const char *what, int64_t number)
{
    struct scheduled *me = self;
    if (me != NULL && me->quiet == 0) {
        me->note_step = step;
        me->note_what = what;
        me->note_number = number;
        tell_note(me, step, what, number);
    }
}

void scheduler_quiet(bool quiet)
{
    if (self != NULL) {
        self->quiet += quiet ? 1u : -1u;
    }
}

// A point of this room's own: no place in the engine's sources is it, but the one that called.
static void own_point(struct scheduled *me, const struct scheduler_site *site)
{
    me->site = site;
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
    struct scheduled *me = self;
    if (me != NULL) {
        own_point(me, &site);
        me->inside = true;
        me->sections++;
    }
}

void scheduler_section_end(void)
{
    static const struct scheduler_site site = SITE("section end", "");
    struct scheduled *me = self;
    if (me != NULL) {
        own_point(me, &site);
        me->inside = false;
    }
}

void scheduler_section_wait(void)
{
    static const struct scheduler_site begun = SITE("grace period", "begins");
    static const struct scheduler_site waits = SITE("grace period", "waits");
    struct scheduled *me = self;
    if (me == NULL) {
        return;
    }
    own_point(me, &begun);
    for (unsigned i = 0; i < scheduler.count; i++) {
        const struct scheduled *other = &scheduler.threads[i];
        me->awaited[i] = other->inside ? other->sections : 0;
    }
    for (unsigned i = scheduler.count; i < MEMS_SCHEDULE_THREADS; i++) {
        me->awaited[i] = 0;
    }
    me->state = GRACE;
    own_point(me, &waits);
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
    struct scheduled *me = self;
    if (me == NULL) {
        return false;
    }
    own_point(me, &falls);
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
    own_point(me, &sleeps);
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
    struct scheduled *me = self;
    if (me == NULL) {
        return false;
    }
    own_point(me, &wakes);
    for (uint32_t i = 0; i < count && wake_one(word); i++) {
    }
    return true;
}

static bool explore_yield(void)
{
    static const struct scheduler_site yields = SITE_OS("yield", "");
    struct scheduled *me = self;
    if (me == NULL) {
        return false;
    }
    strategy_idle(&scheduler.strategy, &me->standing);
    own_point(me, &yields);
    return true;
}

static bool explore_clock(uint64_t *now_ns)
{
    *now_ns = 1 + scheduler.ticks * POINT_NS + scheduler.waited_ns;
    return self != NULL;
}

static bool explore_alone(void)
{
    return self != NULL;
}

// ---- threads -----------------------------------------------------------------------------------

// The key's destructor, in each round; in the last one the thread is at its end.
static void thread_leave(void *value)
{
    static const struct scheduler_site ends = {"thread end", "", "sync/thread.c", 0};
    struct scheduled *me = value;
    me->rounds++;
    if (me->rounds < PTHREAD_DESTRUCTOR_ITERATIONS) {
        (void)pthread_setspecific(end_key, me);
        return;
    }
    own_point(me, &ends);
    me->state = ENDED;
    me->inside = false;
    scheduler.alive--;
    int next = choose();
    if (next < 0) {
        fail_stuck();
    }
    self = NULL;
    let_go(&scheduler.threads[next]);
}

static void *thread_begin(void *value)
{
    struct scheduled *me = value;
    wait_turn(me);
    self = me;
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
    own_point(self, &starts);
    return 0;
}

void mems_schedule_join(unsigned thread)
{
    static const struct scheduler_site joins = {"thread join", "", "sync/thread.c", 0};
    struct scheduled *me = self;
    me->state = JOINING;
    me->joined = thread;
    own_point(me, &joins);
    (void)pthread_join(scheduler.threads[thread].handle, NULL);
}

static bool explore_thread_start(struct os_thread *thread, void (*run)(void *arg), void *arg,
                                 bool *started)
{
    unsigned number;
    if (self == NULL) {
        return false;
    }
    *started = mems_schedule_start(run, arg, &number) == 0;
    if (*started) {
        thread->handle = number;
    }
    return true;
}

static bool explore_thread_join(struct os_thread *thread)
{
    if (self == NULL) {
        return false;
    }
    mems_schedule_join((unsigned)thread->handle);
    return true;
}

// ---- the control -------------------------------------------------------------------------------

const struct os_explore *os_explore;

static const struct os_explore explore_table = {
    .wait = explore_wait,
    .wake = explore_wake,
    .yield = explore_yield,
    .clock = explore_clock,
    .alone = explore_alone,
    .thread_start = explore_thread_start,
    .thread_join = explore_thread_join,
};

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
    self = thread_add(NULL, NULL);
    os_explore = &explore_table;
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
    os_explore = NULL;
    self = NULL;
    scheduler.on = false;
}

void mems_schedule_point(const char *step, const char *what)
{
    struct scheduled *me = self;
    if (me != NULL) {
        struct scheduler_site site = {step, what, "", 0};
        own_point(me, &site);
    }
}

void mems_schedule_note(const char *step, const char *what, int64_t number)
{
    if (self != NULL) {
        tell_note(self, step, what, number);
    }
}
