// SPDX-License-Identifier: MIT
//
// selftest.c - do comparisons hold what they promise on this machine?
//
// 1. Promises. A target against itself: at most 5 % of the comparisons call it changed, in any
//    judged metric. A target against itself with operations that take 5 % longer: at least 9 of 10
//    comparisons call it regressed, with an estimate within 2.5 points of the truth, and at most 1
//    of 10 is undecided. Both with the same threshold, SELFTEST_THRESHOLD, so that one does not buy
//    the other.
// 2. Noise. The speed of a shared machine changes by tens of percent within a second. What two
//    cells have in common is only what is close in time: so a cell is a few milliseconds of work
//    (SELFTEST_CELL_NS), the two sides of a repeat follow one another in random order, and the
//    ratio is formed within the repeat. Cells have a fixed number of operations, so that both sides
//    do the same ones. The slow-down is looked for in the processor time: where other programs want
//    the two cores too, the rates of such pairs scatter by 10 to 60 %, processor times by 5 to
//    20 %. Repeats average out the rest: the median of 600 ratios scatters by 0.3 to
//    1 %. Longer cells scatter hardly less, so that many short ones tell most in a given time.
// 3. Machinery. Everything is as in a run: a job, a plan, a process a cell, the judged metrics, the
//    paired comparison of two targets. The target against itself is delay:0/a against delay:0/b:
//    the same code under two names.
// 4. Calibration. What a step of the delay costs depends on target and machine. First a ladder of
//    step counts says roughly how many are wanted, then three counts around it, measured as the
//    tries are, give a line of which the wanted slow-down is read.
// 5. Alarms at 1 %. The level of the tests themselves is another matter: `significant` counts how
//    often p was at most alpha, which is expected to happen to 5 % of the comparisons.

#include "compare/selftest.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "measure/clock.h"
#include "run/drive.h"
#include "workload/random.h"

#define SELFTEST_CELL_NS       5000000.0
#define SELFTEST_LADDER        5
#define SELFTEST_LADDER_ROUNDS 20
#define SELFTEST_LINE_ROUNDS   300
#define SELFTEST_NAME          1200

// A job of one section, run with these targets; its result as comparisons see it.
struct selftest_job {
    const struct selftest *selftest;
    const char *targets[SELFTEST_LADDER + 2]; // NULL-terminated
    unsigned repeats;
    uint64_t seed;
};

unsigned selftest_alarms_allowed(unsigned times)
{
    return times / 20;
}

unsigned selftest_found_wanted(unsigned times)
{
    return times - times / 10;
}

unsigned selftest_inconclusive_allowed(unsigned times)
{
    return times / 10;
}

static void selftest_name(char *name, const struct selftest *selftest, uint64_t steps,
                          const char *suffix)
{
    snprintf(name, SELFTEST_NAME, "delay:%llu%s(%s)", (unsigned long long)steps, suffix,
             selftest->target);
}

// Runs the cells. Whatever does not pass ends the self-test.
static enum verdict_exit selftest_drive(struct plan *plan, struct complaint *complaint)
{
    struct drive_view quiet = {0};
    struct verdict verdict;
    drive_plan(plan, &quiet);
    verdict_of(plan, drive_interrupted(), &verdict);
    if (verdict.exit == VERDICT_EXIT_INTERRUPTED) {
        complain(complaint, "interrupted");
    }
    for (size_t i = 0; i < plan->cell_count && verdict.exit != VERDICT_EXIT_PASS; i++) {
        if (plan->cells[i].verdict != CELL_PASS && plan->cells[i].message[0] != '\0') {
            complain(complaint, "a cell on %s %s: %s", plan->cells[i].spec->name,
                     cell_verdict_name(plan->cells[i].verdict), plan->cells[i].message);
        }
    }
    return verdict.exit;
}

static enum verdict_exit selftest_run(const struct selftest_job *order, struct measured *measured,
                                      struct complaint *complaint)
{
    char text[512];
    struct job *job;
    struct plan *plan;
    struct plan_options options = {
        .targets = order->targets, .seeded = true, .seed = order->seed, .repeats = order->repeats};
    snprintf(text, sizeof text,
             "[selftest]\nworkload = churn\ntarget = null\nthreads = 1\nverify = 0\n"
             "latency = none\nsample = 10s\nops = %llu\n",
             (unsigned long long)order->selftest->ops);
    if (job_parse(text, strlen(text), "selftest", "/", &job, complaint) != 0) {
        return VERDICT_EXIT_USAGE;
    }
    if (plan_make(job, "mems-stress selftest", &options, &plan, complaint) != 0) {
        job_free(job);
        return VERDICT_EXIT_USAGE;
    }
    enum verdict_exit exit = selftest_drive(plan, complaint);
    if (exit == VERDICT_EXIT_PASS) {
        measured_of_plan(plan, NULL, "selftest", measured);
    }
    plan_free(plan);
    job_free(job);
    return exit;
}

// ---- how much, how slow --------------------------------------------------------------------

// The median of b's processor time over a's within a repeat.
static double selftest_ratio(const struct measured *measured, const char *a, const char *b)
{
    double *times[2] = {measured_zeroed(measured->cell_count, sizeof(double)),
                        measured_zeroed(measured->cell_count, sizeof(double))};
    unsigned repeats = 0;
    for (size_t i = 0; i < measured->cell_count; i++) {
        const struct measured_cell *cell = &measured->cells[i];
        repeats = cell->repeat + 1 > repeats ? cell->repeat + 1 : repeats;
        if (strcmp(cell->target, a) == 0) {
            times[0][cell->repeat] = cell->metric[METRIC_CPU];
        } else if (strcmp(cell->target, b) == 0) {
            times[1][cell->repeat] = cell->metric[METRIC_CPU];
        }
    }
    struct judge_result result;
    struct judge_sides sides = {.a = times[0],
                                .b = times[1],
                                .count_a = repeats,
                                .count_b = repeats,
                                .paired = true,
                                .better = METRIC_LOWER};
    judge_measure(&sides, &(struct judge_options){.alpha = JUDGE_ALPHA, .seed = 1}, &result);
    free(times[0]);
    free(times[1]);
    return result.ratio;
}

// How many operations a cell needs to last SELFTEST_CELL_NS. Short cells are slower than long ones,
// which begin as cold: so it is asked twice.
static enum verdict_exit selftest_size(struct selftest *selftest, struct complaint *complaint)
{
    char name[SELFTEST_NAME];
    enum verdict_exit exit = VERDICT_EXIT_PASS;
    selftest_name(name, selftest, 0, "/a");
    selftest->ops = 20000;
    for (int look = 0; look < 2 && exit == VERDICT_EXIT_PASS; look++) {
        struct measured measured;
        struct selftest_job job = {
            .selftest = selftest, .targets = {name}, .repeats = 5, .seed = selftest->seed};
        exit = selftest_run(&job, &measured, complaint);
        if (exit == VERDICT_EXIT_PASS) {
            double least = INFINITY;
            for (size_t i = 0; i < measured.cell_count; i++) {
                least = fmin(least, measured.cells[i].metric[METRIC_CPU]);
            }
            selftest->ops = (uint64_t)fmin(fmax(SELFTEST_CELL_NS / least, 1000), 1e7);
            measured_fini(&measured);
        }
    }
    return exit;
}

// The time that so many steps add, as a share of the time without: slow[i] for steps[i].
static enum verdict_exit selftest_slow(const struct selftest *selftest, const uint64_t *steps,
                                       size_t count, unsigned rounds, double *slow,
                                       struct complaint *complaint)
{
    char names[SELFTEST_LADDER + 1][SELFTEST_NAME];
    struct measured measured;
    struct selftest_job job = {
        .selftest = selftest, .repeats = rounds, .seed = random_mix(selftest->seed ^ steps[0])};
    selftest_name(names[0], selftest, 0, "/a");
    job.targets[0] = names[0];
    for (size_t i = 0; i < count; i++) {
        selftest_name(names[i + 1], selftest, steps[i], "");
        job.targets[i + 1] = names[i + 1];
    }
    enum verdict_exit exit = selftest_run(&job, &measured, complaint);
    if (exit == VERDICT_EXIT_PASS) {
        for (size_t i = 0; i < count; i++) {
            slow[i] = selftest_ratio(&measured, names[0], names[i + 1]) - 1;
        }
        measured_fini(&measured);
    }
    return exit;
}

// Roughly how many steps add `wanted`: by the rung that is nearest to a third more time, which is
// well above the noise.
static double selftest_rough(const uint64_t *steps, const double *slow, double wanted)
{
    size_t best = 0;
    for (size_t i = 1; i < SELFTEST_LADDER; i++) {
        if (slow[i] > 0 &&
            (slow[best] <= 0 || fabs(log(slow[i] / 0.33)) < fabs(log(slow[best] / 0.33)))) {
            best = i;
        }
    }
    return slow[best] > 0 ? (double)steps[best] * wanted / slow[best] : 1;
}

// The least-squares line through three points, read at `wanted`.
static void selftest_read_line(const uint64_t *steps, const double *slow, double wanted,
                               struct selftest *selftest)
{
    double mean_x = 0;
    double mean_y = 0;
    double up = 0;
    double down = 0;
    for (size_t i = 0; i < 3; i++) {
        mean_x += (double)steps[i] / 3;
        mean_y += slow[i] / 3;
    }
    for (size_t i = 0; i < 3; i++) {
        up += ((double)steps[i] - mean_x) * (slow[i] - mean_y);
        down += ((double)steps[i] - mean_x) * ((double)steps[i] - mean_x);
    }
    double slope = fmax(up / down, 1e-9);
    selftest->steps = (uint64_t)fmax(1, round(mean_x + (wanted - mean_y) / slope));
    selftest->slowdown = mean_y + slope * ((double)selftest->steps - mean_x);
}

static enum verdict_exit selftest_calibrate(struct selftest *selftest, struct complaint *complaint)
{
    static const uint64_t ladder[SELFTEST_LADDER] = {8, 32, 128, 512, 2048};
    double wanted = SELFTEST_SLOWDOWN;
    double slow[SELFTEST_LADDER];
    enum verdict_exit exit =
        selftest_slow(selftest, ladder, SELFTEST_LADDER, SELFTEST_LADDER_ROUNDS, slow, complaint);
    if (exit != VERDICT_EXIT_PASS) {
        return exit;
    }
    uint64_t near = (uint64_t)fmax(2, round(selftest_rough(ladder, slow, wanted)));
    uint64_t steps[3] = {near / 2, near, near + near / 2};
    exit = selftest_slow(selftest, steps, 3, SELFTEST_LINE_ROUNDS, slow, complaint);
    if (exit != VERDICT_EXIT_PASS) {
        return exit;
    }
    selftest_read_line(steps, slow, wanted, selftest);
    if (fabs(selftest->slowdown - SELFTEST_SLOWDOWN) > 0.01) {
        complain(complaint,
                 "no number of steps slows %s by %g %%: %llu do so by %.1f %%; a target with "
                 "longer operations can be tried",
                 selftest->target, SELFTEST_SLOWDOWN * 100, (unsigned long long)selftest->steps,
                 selftest->slowdown * 100);
        return VERDICT_EXIT_FAILED;
    }
    return VERDICT_EXIT_PASS;
}

// ---- comparisons ---------------------------------------------------------------------------

static void selftest_note(struct selftest *selftest, const struct comparison *comparison,
                          struct selftest_try *it)
{
    for (size_t i = 0; i < comparison->row_count; i++) {
        const struct compare_row *row = &comparison->rows[i];
        const struct judge_result *result = &row->result;
        it->alarm |= result->verdict == JUDGE_REGRESSED || result->verdict == JUDGE_IMPROVED;
        it->significant |= row->judged && result->p_holm <= comparison->options.judge.alpha;
        if (row->metric == &metric_table[METRIC_CPU]) {
            it->ratio = result->ratio;
            it->low = result->low;
            it->high = result->high;
            it->p_holm = result->p_holm;
            it->verdict = result->verdict;
        }
    }
    it->found =
        it->verdict == JUDGE_REGRESSED && fabs(it->ratio - 1 - SELFTEST_SLOWDOWN) <= SELFTEST_NEAR;
    selftest->alarms += it->alarm;
    selftest->significant += it->significant;
    selftest->found += it->found;
    selftest->inconclusive += it->verdict == JUDGE_INCONCLUSIVE;
    selftest->done++;
}

static enum verdict_exit selftest_compare(struct selftest *selftest, const char *a, const char *b,
                                          struct complaint *complaint)
{
    struct selftest_try *it = &selftest->tries[selftest->done];
    struct compare_options options = {
        .judge = {.threshold = selftest->threshold, .alpha = JUDGE_ALPHA, .seed = 1}};
    struct measured measured;
    struct comparison comparison;
    it->seed = random_mix(selftest->seed + selftest->done + 1);
    struct selftest_job job = {
        .selftest = selftest, .targets = {a, b}, .repeats = selftest->repeats, .seed = it->seed};
    enum verdict_exit exit = selftest_run(&job, &measured, complaint);
    if (exit != VERDICT_EXIT_PASS) {
        return exit;
    }
    if (compare_targets(&measured, a, b, &options, &comparison, complaint) != 0) {
        exit = VERDICT_EXIT_USAGE;
    } else {
        selftest_note(selftest, &comparison, it);
        compare_fini(&comparison);
    }
    measured_fini(&measured);
    return exit;
}

// The comparisons, one after the other.
static enum verdict_exit selftest_try_all(struct selftest *selftest, uint64_t steps, uint64_t began,
                                          struct complaint *complaint)
{
    char a[SELFTEST_NAME];
    char b[SELFTEST_NAME];
    enum verdict_exit exit = VERDICT_EXIT_PASS;
    selftest_name(a, selftest, 0, "/a");
    selftest_name(b, selftest, steps, "/b");
    selftest->tries = measured_zeroed(selftest->times, sizeof *selftest->tries);
    selftest->told(selftest);
    while (selftest->done < selftest->times && exit == VERDICT_EXIT_PASS) {
        exit = selftest_compare(selftest, a, b, complaint);
        selftest->seconds = (double)(clock_monotonic_ns() - began) / 1e9;
        if (exit == VERDICT_EXIT_PASS) {
            selftest->told(selftest);
        }
    }
    return exit;
}

static bool selftest_fits(const struct selftest *selftest, struct complaint *complaint)
{
    bool fits = strlen(selftest->target) + 64 < SELFTEST_NAME;
    if (!fits) {
        complain(complaint, "the target's name is too long");
    }
    return fits;
}

enum verdict_exit selftest_aa(struct selftest *selftest, struct complaint *complaint)
{
    uint64_t began = clock_monotonic_ns();
    if (!selftest_fits(selftest, complaint)) {
        return VERDICT_EXIT_USAGE;
    }
    enum verdict_exit exit = selftest_size(selftest, complaint);
    if (exit == VERDICT_EXIT_PASS) {
        exit = selftest_try_all(selftest, 0, began, complaint);
    }
    if (exit == VERDICT_EXIT_PASS && selftest->alarms > selftest_alarms_allowed(selftest->times)) {
        exit = VERDICT_EXIT_FAILED;
    }
    return exit;
}

enum verdict_exit selftest_sensitivity(struct selftest *selftest, struct complaint *complaint)
{
    uint64_t began = clock_monotonic_ns();
    if (!selftest_fits(selftest, complaint)) {
        return VERDICT_EXIT_USAGE;
    }
    enum verdict_exit exit = selftest_size(selftest, complaint);
    if (exit == VERDICT_EXIT_PASS) {
        exit = selftest_calibrate(selftest, complaint);
    }
    if (exit == VERDICT_EXIT_PASS) {
        exit = selftest_try_all(selftest, selftest->steps, began, complaint);
    }
    if (exit == VERDICT_EXIT_PASS &&
        (selftest->found < selftest_found_wanted(selftest->times) ||
         selftest->inconclusive > selftest_inconclusive_allowed(selftest->times))) {
        exit = VERDICT_EXIT_FAILED;
    }
    return exit;
}

void selftest_fini(struct selftest *selftest)
{
    free(selftest->tries);
    selftest->tries = NULL;
}
