// SPDX-License-Identifier: MIT
//
// fragmentation.c - from samples of live and held bytes to figures of fragmentation.
//
// 1. Johnstone and Wilson's four ("The memory fragmentation problem: solved?", ISMM 1998). L is
//    what is live (requested), A what is held from the system: the mean of A/L over the run; A/L
//    when L is largest; A/L when A is largest; the largest A over the largest L. Samples are not
//    equally far apart, so in the mean each counts for the time since the one before it. A moment
//    without live bytes has no ratio and does not count.
// 2. Inside blocks: 1 - L/U, U what the live blocks take. Outside of them: 1 - largest hole / free
//    bytes, for engines only: nobody outside a foreign allocator knows its holes, and held / live
//    says of it what can be said. Both are taken twice: when L is largest, which is when they
//    hurt, and at the end of the run, where many workloads have nothing live any more.
// 3. Holes h_i, at the end of the run, for engines. Concentration: 1 - sqrt(sum h^2)/sum h, which
//    is 0 for one hole and nears 1 for many equal ones. Unusable: of the free bytes the share in
//    holes too small for a request of 2^i bytes (Gorman and Whitcroft's unusable free space index,
//    OLS 2006), as a curve over i; it only rises.
// 4. Holes for each live block, when L is largest and at the end, for engines. Where blocks lie
//    side by side and holes coalesce, in equilibrium there are half as many holes as blocks (Knuth,
//    the fifty-percent rule, TAOCP 1, 2.5); partitions and pages have no such law.

#include "run/fragmentation.h"

#include <math.h>

static double fragmentation_ratio(uint64_t over, uint64_t under)
{
    return under > 0 ? (double)over / (double)under : 0;
}

void fragmentation_add(struct fragmentation *fragmentation, const struct report_sample *sample)
{
    if (sample->live_bytes > 0) {
        double weight = (double)(sample->at_ns - fragmentation->until_ns);
        fragmentation->weight += weight;
        fragmentation->ratio +=
            weight * fragmentation_ratio(sample->held_bytes, sample->live_bytes);
    }
    fragmentation->until_ns = sample->at_ns;
    if (sample->live_bytes > fragmentation->most_live.live_bytes) {
        fragmentation->most_live = *sample;
    }
    if (sample->held_bytes > fragmentation->most_held) {
        fragmentation->most_held = sample->held_bytes;
        fragmentation->live_at_most_held = sample->live_bytes;
    }
    fragmentation->last = *sample;
}

static double fragmentation_internal(const struct report_sample *sample)
{
    bool known = sample->live_bytes > 0 && sample->taken_bytes >= sample->live_bytes;
    return known ? 1 - fragmentation_ratio(sample->live_bytes, sample->taken_bytes) : -1;
}

static double fragmentation_external(const struct report_sample *sample)
{
    if (!sample->holes_known) {
        return -1;
    }
    return sample->free_bytes > 0
               ? 1 - fragmentation_ratio(sample->largest_hole, sample->free_bytes)
               : 0;
}

static double fragmentation_holes_per_block(const struct report_sample *sample)
{
    bool known = sample->holes_known && sample->live_blocks > 0;
    return known ? fragmentation_ratio(sample->holes, sample->live_blocks) : -1;
}

void fragmentation_report(const struct fragmentation *fragmentation,
                          struct report_fragmentation *report)
{
    const struct report_sample *most_live = &fragmentation->most_live;
    report->mean_held_over_live =
        fragmentation->weight > 0 ? fragmentation->ratio / fragmentation->weight : 0;
    report->at_most_live = fragmentation_ratio(most_live->held_bytes, most_live->live_bytes);
    report->at_most_held =
        fragmentation_ratio(fragmentation->most_held, fragmentation->live_at_most_held);
    report->most_held_over_most_live =
        fragmentation_ratio(fragmentation->most_held, most_live->live_bytes);
    report->internal = fragmentation_internal(most_live);
    report->external = fragmentation_external(most_live);
    report->end_internal = fragmentation_internal(&fragmentation->last);
    report->end_external = fragmentation_external(&fragmentation->last);
    report->holes_per_block = fragmentation_holes_per_block(most_live);
    report->end_holes_per_block = fragmentation_holes_per_block(&fragmentation->last);
}

void fragmentation_hole(struct fragmentation_holes *holes, uint64_t size)
{
    if (size == 0) {
        return;
    }
    unsigned log = 63u - (unsigned)__builtin_clzll(size);
    holes->bytes += (double)size;
    holes->squares += (double)size * (double)size;
    holes->below[log < REPORT_CURVE ? log : REPORT_CURVE - 1] += (double)size;
}

void fragmentation_holes_report(const struct fragmentation_holes *holes,
                                struct report_fragmentation *report)
{
    bool any = holes != NULL && holes->bytes > 0;
    double unusable = 0;
    report->concentration = any ? 1 - sqrt(holes->squares) / holes->bytes : -1;
    for (unsigned i = 0; i < REPORT_CURVE; i++) {
        report->unusable[i] = any ? unusable / holes->bytes : -1;
        unusable += any ? holes->below[i] : 0;
    }
}
