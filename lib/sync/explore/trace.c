// SPDX-License-Identifier: MIT
//
// trace.c - what the scheduler tells: steps, and who waits for what when nobody can go on.

#include <stddef.h>

#include "base/print.h"
#include "sync/explore/state.h"

void scheduler_tell(const struct scheduled *me, const struct scheduler_site *site, int next)
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

void scheduler_tell_note(const struct scheduled *me, const char *step, const char *what,
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

_Noreturn void scheduler_fail(enum mems_schedule_failure failure)
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

_Noreturn void scheduler_fail_stuck(void)
{
    bool lost = false;
    for (unsigned i = 0; i < scheduler.count; i++) {
        const struct scheduled *thread = &scheduler.threads[i];
        lost = lost || (thread->state == ASLEEP && *thread->word != thread->expected);
    }
    scheduler_fail(lost ? MEMS_SCHEDULE_LOST_WAKE : MEMS_SCHEDULE_DEADLOCK);
}
