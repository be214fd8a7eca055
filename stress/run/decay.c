// SPDX-License-Identifier: MIT
//
// decay.c - the resident set after everything was freed: when to look, and what it comes to.
//
// An allocator gives memory back at once, over time (jemalloc's decay, the purging of others), at
// its next call, or never. Looks are spread over the logarithm of time: 1, 2, 5 and so on, so that
// 0.1, 1 and 5 s are among them. Nothing calls the allocator between two looks: what it gives back
// by then it gives back by itself. Shares are of what the cell's blocks made resident, that is of
// the peak over the baseline from before the first operation.

#include "run/decay.h"

#include <math.h>

#define DECAY_FIRST_NS 1000000u

static uint64_t decay_step_ns(unsigned step)
{
    static const uint64_t digits[] = {1, 2, 5};
    uint64_t at = DECAY_FIRST_NS * digits[step % 3];
    for (unsigned power = step / 3; power > 0; power--) {
        at *= 10;
    }
    return at;
}

uint64_t decay_at_ns(unsigned index, uint64_t whole_ns)
{
    if (index == 0) {
        return 0;
    }
    uint64_t before = index == 1 ? 0 : decay_step_ns(index - 2);
    uint64_t at = decay_step_ns(index - 1);
    if (before >= whole_ns) {
        return UINT64_MAX; // the look before was the last
    }
    return at < whole_ns ? at : whole_ns;
}

static double decay_excess(const struct cell_report *report, uint64_t rss)
{
    return rss > report->baseline_rss_bytes ? (double)(rss - report->baseline_rss_bytes) : 0;
}

double decay_left_share(const struct cell_report *report)
{
    double peak = decay_excess(report, report->peak_rss_bytes);
    if (report->decay_count == 0 || peak <= 0) {
        return NAN;
    }
    return decay_excess(report, report->decay[report->decay_count - 1].rss_bytes) / peak;
}

double decay_half_life_ns(const struct cell_report *report)
{
    double half = decay_excess(report, report->peak_rss_bytes) / 2;
    if (half <= 0) {
        return NAN;
    }
    for (uint32_t i = 0; i < report->decay_count; i++) {
        const struct report_decay *here = &report->decay[i];
        double now = decay_excess(report, here->rss_bytes);
        if (now > half) {
            continue;
        }
        if (i == 0) {
            return 0;
        }
        double before = decay_excess(report, here[-1].rss_bytes);
        double share = (before - half) / (before - now);
        return (double)here[-1].after_ns + share * (double)(here->after_ns - here[-1].after_ns);
    }
    return NAN;
}
