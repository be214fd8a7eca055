// SPDX-License-Identifier: MIT
//
// run_time.c - effective access times: the formula, a line after the other.
//
// With a TLB: h (t + m) + (1 - h) (t + (L + 1) m), L accesses to page tables where it misses.
// Demand paging: (1 - p) m + p service. The engine's own model (vm-paging's eat_ns) has the same
// terms; a test has them agree.

#include <stdio.h>
#include <string.h>

#include "lesson/run.h"
#include "lesson/run_inner.h"

// "140 ns", "8.2 us"
static void time_text(double ns, char *text, size_t size)
{
    if (ns >= 1e6) {
        snprintf(text, size, "%.4g ms", ns / 1e6);
    } else if (ns >= 1e3) {
        snprintf(text, size, "%.3g us", ns / 1e3);
    } else {
        snprintf(text, size, "%.4g ns", ns);
    }
}

static void time_step(struct lesson_run *run, const char *operation, double ns, const char *reason)
{
    struct lesson_step *step = run_step(run, reason);
    snprintf(step->operation, sizeof step->operation, "%s", operation);
    time_text(ns, step->text, sizeof step->text);
}

int lesson_run_time(struct lesson_run *run, const char *name, const struct exercise_time *time,
                    struct complaint *complaint)
{
    char why[300];
    double share = time->share, m = time->memory_ns, other = time->other_ns, ns;
    (void)complaint;
    *run = (struct lesson_run){0};
    snprintf(run->name, sizeof run->name, "%s", name);
    if (time->faults) {
        snprintf(why, sizeof why, "%.4g of the references find their page: m = %.4g ns", 1 - share,
                 m);
        time_step(run, "no fault", m, why);
        snprintf(why, sizeof why, "%.4g of them wait for the service of a fault: %.4g ns", share,
                 other);
        time_step(run, "a fault", other, why);
        ns = (1 - share) * m + share * other;
        snprintf(why, sizeof why,
                 "(1 - p) m + p service = %.4g x %.4g ns + %.4g x %.4g ns = %.6g ns", 1 - share, m,
                 share, other, ns);
    } else {
        double hit = other + m, miss = other + (time->levels + 1) * m;
        snprintf(why, sizeof why, "t + m: the TLB is asked, then the word: %.4g + %.4g ns", other,
                 m);
        time_step(run, "a hit in the TLB", hit, why);
        snprintf(why, sizeof why,
                 "t + (L + 1) m: the TLB is asked, then %u page table%s, then the word: "
                 "%.4g + %u x %.4g ns",
                 time->levels, time->levels == 1 ? "" : "s", other, time->levels + 1, m);
        time_step(run, "a miss", miss, why);
        ns = share * hit + (1 - share) * miss;
        snprintf(why, sizeof why, "h hit + (1 - h) miss = %.4g x %.4g ns + %.4g x %.4g ns", share,
                 hit, 1 - share, miss);
    }
    time_step(run, "effective access time", ns, why);
    time_text(ns, run->answer, sizeof run->answer);
    return 0;
}
