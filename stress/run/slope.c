// SPDX-License-Identifier: MIT
//
// slope.c - whether a cell's resident set went on growing while it worked: the key rss_slope.
//
// 1. Theory. Counting finds a block that was lost (run/remains.c), and nothing that an allocator
//    keeps for itself: metadata, stacks of free runs, caches of threads that are gone. What leaks
//    there shows in the resident set alone, and only as a trend. measure/trend.h tells it from a
//    heap that settles.
// 2. The samples are those of the measured phase; what they are set against is the work done by
//    then, in operations since the first one, the warm-up's included. So a machine that others slow
//    down for a while bends nothing. Figures are given by the hour, at the rate that was measured.
// 3. Confidence. The cell fails when the interval lies above zero, which without a trend happens
//    once in 20,000 cells: in a thousand runs of a job with 32 of them once or twice. What the
//    interval leaves open is in the figures: a leak slower than its upper end is not excluded.
// 4. A check that cannot decide must not pass: too few samples are a failure with words of its own.

#include "run/slope.h"

#include <math.h>
#include <stdio.h>

#include "job/job.h"
#include "run/stage.h"

#define SLOPE_DEVIATIONS 3.891 // 99.99 % of a normal distribution lie within so many of them
#define SLOPE_HOUR_NS    3600e9

enum { SLOPE_ANY, SLOPE_FLAT }; // the choices of the key rss_slope

_Static_assert(TREND_VALUES >= REPORT_SAMPLES, "every sample is looked at");

bool slope_of(const struct cell_report *report, struct trend *hourly)
{
    double work[REPORT_SAMPLES], bytes[REPORT_SAMPLES];
    unsigned count = report->sample_count;
    for (unsigned i = 0; i < count; i++) {
        work[i] = (double)(report->warmup_operations + report->samples[i].operations);
        bytes[i] = (double)report->samples[i].rss_bytes;
    }
    if (count == 0 || !trend_lasting(work, bytes, count, SLOPE_DEVIATIONS, hourly)) {
        return false;
    }
    const struct report_sample *last = &report->samples[count - 1];
    double rate = (double)last->operations / (double)last->at_ns * SLOPE_HOUR_NS;
    hourly->slope *= rate;
    hourly->low *= rate;
    hourly->high *= rate;
    return true;
}

static _Noreturn void slope_fail(const char *text, double found)
{
    run_fail(NULL,
             &(struct run_failure){.check = "rss_slope", .text = text, .found = (uint64_t)found});
}

void slope_check(struct run *run)
{
    const struct cell_report *report = &run->stage->report;
    struct trend hourly;
    char text[320];
    if (job_number(run->section, "rss_slope") != SLOPE_FLAT || report->incomplete) {
        return;
    }
    if (!slope_of(report, &hourly)) {
        snprintf(text, sizeof text,
                 "%u looks at the resident set say nothing of its slope: let the cell run for "
                 "longer, or look more often (sample)",
                 report->sample_count);
        slope_fail(text, 0);
    }
    run_figure(run, "RSS slope", "bytes/h", hourly.slope, NAN);
    run_figure(run, "RSS slope, at least", "bytes/h", hourly.low, NAN);
    run_figure(run, "RSS slope, at most", "bytes/h", hourly.high, NAN);
    if (hourly.low > 0) {
        snprintf(text, sizeof text,
                 "the resident set grows with the work, by %.0f KiB an hour (%.0f .. %.0f with "
                 "99.99 %% confidence, %u looks in %.3g s) beyond what settles",
                 hourly.slope / 0x1p10, hourly.low / 0x1p10, hourly.high / 0x1p10,
                 report->sample_count,
                 (double)report->samples[report->sample_count - 1].at_ns / 1e9);
        slope_fail(text, hourly.slope);
    }
}
