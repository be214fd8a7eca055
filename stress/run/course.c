// SPDX-License-Identifier: MIT
//
// course.c - a cell's workers at work, watched: warm-up, measured phase, end.
//
// 1. States. fill (of a workload that begins with one: until every worker is ready) -> warm ->
//    measured -> stopping (run->stop is set, workers end at their next look) -> ended. In the first
//    two nothing counts and no budget is used up; in the first nothing is paced either. The warm-up
//    is counted from the barrier and lasts as long as the fill at least; without warmup= what is
//    measured begins with the workers' release. Workers may end by themselves in any state; when
//    they do so in the first two, nothing was measured. A fill has no time of its own: one that
//    never ends is the watchdog's.
// 2. What stops: the runtime, which begins with the measured phase; a rate that has become steady;
//    somebody who wants an early end. With ops=, and where a workload ends by itself, it is the
//    workers themselves. A budget of operations is whole at the end of the warm-up; of the batch
//    under way by then the part that came before is taken from it, and not measured.
// 3. In an open loop, and with steady=, the measured phase ends with the order to stop. Otherwise
//    it ends with the last worker, so that what it does until then counts, in operations and time.

#include "run/course.h"

#include <errno.h>

#include "run/limit.h"
#include "run/stage.h"
#include "run/worker.h"

#define COURSE_LOOK_NS 50000000u // between two looks whether somebody wants an end

struct course {
    struct run *run;
    struct account *account;
    struct steady steady;
    bool open_loop;
    bool ready; // the fill is over
    bool stopping;
    uint64_t warm_ns;     // end of the warm-up; UINT64_MAX: it is over
    uint64_t deadline_ns; // UINT64_MAX: none
    uint64_t part_ns;     // end of the part under way; UINT64_MAX: there are none
    uint64_t sample_ns;   // when the next sample is due
};

static uint64_t course_runtime_ns(const struct job_section *section)
{
    return job_number(section, "ops") == 0 ? job_number(section, "runtime") : 0;
}

uint64_t course_limit_ns(const struct job_section *section)
{
    uint64_t runtime = course_runtime_ns(section);
    return runtime > 0 ? job_number(section, "warmup") + runtime : 0;
}

int course_check(const struct job_section *section, struct complaint *complaint)
{
    struct steady_rule rule;
    struct limit limit;
    int error = steady_read(section, &rule, complaint);
    return error != 0 ? error : limit_read(section, &limit, complaint);
}

static void course_stop(struct course *course)
{
    if (!course->stopping) {
        if (course->open_loop || course->steady.rule.kind != STEADY_OFF) {
            account_stop(course->account, course->run);
        }
        __atomic_store_n(&course->run->stop, true, __ATOMIC_RELAXED);
        worker_release(course->run);
        course->stopping = course->ready = true;
    }
    course->deadline_ns = course->part_ns = UINT64_MAX;
}

static void course_measure(struct course *course)
{
    uint64_t origin = course->account->origin_ns;
    uint64_t runtime = course_runtime_ns(course->run->section);
    course->warm_ns = UINT64_MAX;
    course->deadline_ns = runtime > 0 ? origin + runtime : UINT64_MAX;
    if (course->steady.rule.kind != STEADY_OFF) {
        course->part_ns = origin + course->steady.rule.part_ns;
    }
    course->sample_ns = account_next(course->account, origin);
}

static void course_part(struct course *course, uint64_t now)
{
    struct cell_report *report = &course->run->stage->report;
    account_sample(course->account, course->run);
    steady_add(&course->steady, account_part(course->account, course->run));
    report->steady_deviation = steady_deviation(&course->steady);
    course->part_ns = now + course->steady.rule.part_ns;
    if (steady_reached(&course->steady)) {
        report->steady = STEADY_REACHED;
        report->steady_ns = now - course->run->started_ns;
        account_stop_with_part(course->account);
        course_stop(course);
    }
}

static void course_open(struct course *course, struct run *run, struct account *account)
{
    uint64_t warmup = job_number(run->section, "warmup");
    *course = (struct course){
        .run = run,
        .account = account,
        .steady = {.rule = account->rule},
        .open_loop = job_number(run->section, "rate") > 0,
        .ready = !run->workload->fills,
        .warm_ns = run->started_ns + warmup,
        .deadline_ns = UINT64_MAX,
        .part_ns = UINT64_MAX,
        .sample_ns = UINT64_MAX,
    };
    if (account->rule.kind != STEADY_OFF) {
        run->stage->report.steady = STEADY_NOT_REACHED;
        run->stage->report.steady_deviation = steady_deviation(&course->steady);
    }
    account_started(account, run);
    if (warmup == 0 && course->ready) {
        course_measure(course);
    }
}

static uint64_t course_least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static void course_look(struct course *course, bool told)
{
    uint64_t now = run_now_ns();
    course->ready = course->ready || worker_all_ready(course->run);
    if (course->ready && now >= course->warm_ns) {
        account_warmed(course->account, course->run);
        course_measure(course);
    }
    if (course->ready) {
        worker_release(course->run);
    }
    if (told) {
        course->run->stage->report.incomplete = true;
        course_stop(course);
    }
    if (now >= course->part_ns) {
        course_part(course, now);
    }
    if (now >= course->deadline_ns) {
        course_stop(course);
    }
    if (now >= course->sample_ns && course->account->end == NULL) {
        account_sample(course->account, course->run);
        course->sample_ns = account_next(course->account, run_now_ns());
    }
}

void course_run(struct run *run, struct account *account, bool (*told)(void))
{
    struct course course;
    course_open(&course, run, account);
    for (;;) {
        uint64_t wake =
            course_least(course_least(course.deadline_ns, course.part_ns), course.sample_ns);
        wake = course.ready ? course_least(wake, course.warm_ns) : wake;
        // The order to stop is looked at now and then: a signal does not end the wait.
        if (worker_wait(run, course_least(wake, run_now_ns() + COURSE_LOOK_NS))) {
            break;
        }
        course_look(&course, told());
    }
    if (course.warm_ns != UINT64_MAX) {
        account_warmed(account, run); // nobody is left to be measured
    }
    __atomic_store_n(&run->stop, true, __ATOMIC_RELAXED); // what the drain does is not paced
}
