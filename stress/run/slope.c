// SPDX-License-Identifier: MIT
//
// slope.c - whether a cell's resident set went on growing while it worked: the key rss_slope.
//
// 1. Theory. Counting finds a block that was lost (run/remains.c), and nothing that an allocator
//    keeps for itself: metadata, stacks of free runs, caches of threads that are gone. What leaks
//    there shows in the resident set alone, and only as a trend. measure/trend.h tells it from a
//    heap that settles.
// 2. The samples are those of the measured phase, without what check 4's map has in memory: it
// grows
//    with the addresses that were ever used, by more than half of them where blocks are small, and
//    is none of the target's. What they are set against is the work done by
//    then, in operations since the first one, the warm-up's included. So a machine that others slow
//    down for a while bends nothing. Figures are given by the hour, at the rate that was measured.
// 3. Confidence. The cell fails when the interval lies above zero, which without a trend happens
//    once in 20,000 cells: in a thousand runs of a job with 32 of them once or twice. What the
//    interval leaves open is in the figures: a leak slower than its upper end is not excluded. That
//    end needs no such care, and has 99 %.
// 4. The key rss_slope_limit is a bound that the upper end must keep. Without it a cell that is
//    short or noisy enough passes whatever leaks. A cell that does not keep it fails with words of
//    its own: nothing was found, and too little was excluded.
// 5. A check that cannot decide must not pass: too few samples are a failure with words of its own.

#include "run/slope.h"

#include <math.h>
#include <stdio.h>

#include "job/job.h"
#include "run/stage.h"

#define SLOPE_HOUR_NS 3600e9

// 99.99 % of a normal distribution lie within 3.891 deviations on either side, 99 % below 2.326.
static const struct trend_confidence slope_sure = {.low = 3.891, .high = 2.326};

enum { SLOPE_ANY, SLOPE_FLAT }; // the choices of the key rss_slope

_Static_assert(TREND_VALUES >= REPORT_SAMPLES, "every sample is looked at");

bool slope_of(const struct cell_report *report, struct trend *hourly)
{
    double work[REPORT_SAMPLES], bytes[REPORT_SAMPLES];
    unsigned count = report->sample_count;
    for (unsigned i = 0; i < count; i++) {
        work[i] = (double)(report->warmup_operations + report->samples[i].operations);
        bytes[i] = (double)report->samples[i].rss_bytes - (double)report->samples[i].map_bytes;
    }
    if (count == 0 || !trend_lasting(work, bytes, count, slope_sure, hourly)) {
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

// Whether the interval is below zero, and narrow enough for the limit (0: none).
static void slope_judge(const struct cell_report *report, const struct trend *hourly, double limit)
{
    const char *what = NULL;
    char text[400], than[64] = "";
    if (hourly->low > 0) {
        what = "the resident set grows with the work, by";
    } else if (limit > 0 && hourly->high > limit) {
        what = "the cell is too short or too noisy to exclude that the resident set grows with the "
               "work by more";
        snprintf(than, sizeof than, " than %.0f KiB an hour (rss_slope_limit):", limit / 0x1p10);
    } else {
        return;
    }
    double seconds = (double)report->samples[report->sample_count - 1].at_ns / 1e9;
    snprintf(text, sizeof text,
             "%s%s %.0f KiB an hour (%.0f .. %.0f with 99.99 %% and 99 %% confidence, %u looks in "
             "%.3g s) beyond what settles",
             what, than, hourly->slope / 0x1p10, hourly->low / 0x1p10, hourly->high / 0x1p10,
             report->sample_count, seconds);
    slope_fail(text, hourly->low > 0 ? hourly->slope : hourly->high);
}

void slope_check(struct run *run)
{
    const struct cell_report *report = &run->stage->report;
    double limit = (double)job_number(run->section, "rss_slope_limit");
    struct trend hourly;
    char text[160];
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
    run_figure(run, "RSS slope, at most", "bytes/h", hourly.high, limit > 0 ? limit : NAN);
    slope_judge(report, &hourly, limit);
}
