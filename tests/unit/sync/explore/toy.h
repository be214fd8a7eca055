// SPDX-License-Identifier: MIT
//
// toy.h - small programs under a schedule, each in a child process: what it came to.

#ifndef UNIT_SYNC_EXPLORE_TOY_H
#define UNIT_SYNC_EXPLORE_TOY_H

#include "support/test.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mems/schedule.h"

#define TOY_PASSED (-1)
#define TOY_WRONG  (-2) // what the program should never see

struct toy {
    int threads;
    void (*work)(void *arg); // arg: &toy_numbers[i]
    bool (*wrong)(void);     // after the last thread; NULL: nothing can be
};

// What a child leaves behind.
struct toy_result {
    int end; // TOY_PASSED, TOY_WRONG or enum mems_schedule_failure
    struct mems_schedule_totals totals;
    uint64_t trace; // a sum over its events
};

static struct toy_result *toy_result;
static int toy_numbers[MEMS_SCHEDULE_THREADS];

static void toy_failed(void *arg, enum mems_schedule_failure failure, const char *text)
{
    (void)arg;
    (void)text;
    mems_schedule_look(&toy_result->totals);
    toy_result->end = (int)failure;
    _exit(0);
}

static void toy_trace(void *arg, const struct mems_schedule_event *event)
{
    (void)arg;
    uint64_t sum = toy_result->trace;
    for (const char *at = event->step; *at != '\0'; at++) {
        sum = (sum ^ (uint8_t)*at) * UINT64_C(0x100000001b3);
    }
    toy_result->trace = (sum ^ event->thread ^ event->point << 8) * UINT64_C(0x100000001b3);
}

static void toy_play(const struct toy *toy, const struct mems_schedule *schedule)
{
    unsigned threads[MEMS_SCHEDULE_THREADS];
    struct mems_schedule own = *schedule;
    own.failed = toy_failed;
    own.trace = toy_trace;
    if (mems_schedule_begin(&own) != 0) {
        _exit(1);
    }
    for (int i = 0; i < toy->threads; i++) {
        toy_numbers[i] = i;
        if (mems_schedule_start(toy->work, &toy_numbers[i], &threads[i]) != 0) {
            _exit(1);
        }
    }
    for (int i = 0; i < toy->threads; i++) {
        mems_schedule_join(threads[i]);
    }
    mems_schedule_end(&toy_result->totals);
    toy_result->end = toy->wrong != NULL && toy->wrong() ? TOY_WRONG : TOY_PASSED;
    _exit(0);
}

static struct toy_result toy_run(const struct toy *toy, const struct mems_schedule *schedule)
{
    int status;
    if (toy_result == NULL) {
        toy_result = mmap(NULL, sizeof *toy_result, PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    }
    memset(toy_result, 0, sizeof *toy_result);
    toy_result->end = -3;
    pid_t child = fork();
    if (child == 0) {
        toy_play(toy, schedule);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    return *toy_result;
}

// How many of the seeds 1 .. `seeds` end so.
static unsigned toy_count(const struct toy *toy, struct mems_schedule schedule, unsigned seeds,
                          int end)
{
    unsigned count = 0;
    for (unsigned seed = 1; seed <= seeds; seed++) {
        schedule.seed = seed;
        count += toy_run(toy, &schedule).end == end;
    }
    return count;
}

#endif
