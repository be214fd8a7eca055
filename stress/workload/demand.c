// SPDX-License-Identifier: MIT
//
// demand.c - means, spreads and margins.

#include "workload/demand.h"

#include <math.h>

#define DEMAND_SPREADS 5.0

static double demand_least(double a, double b)
{
    return a < b ? a : b;
}

void demand_add(struct target_demand *demand, const struct distribution *sizes, double live)
{
    double least = (double)distribution_least(sizes);
    double most = (double)distribution_most(sizes);
    double mean = distribution_mean(sizes);
    double spread = sqrt(fmax(0, (most - mean) * (mean - least)));
    double bytes = live * mean + DEMAND_SPREADS * sqrt(live) * spread;
    demand->peak_bytes += (uint64_t)ceil(demand_least(bytes, live * most));
    if (distribution_most(sizes) > demand->largest) {
        demand->largest = distribution_most(sizes);
    }
    double below = 0;
    for (unsigned i = 0; i < TARGET_CLASSES; i++) {
        double up_to = distribution_share_up_to(sizes, UINT64_C(1) << i);
        double p = up_to - below;
        below = up_to;
        if (p > 0) {
            double blocks = live * p + DEMAND_SPREADS * sqrt(live * p * fmax(0, 1 - p)) + 1;
            demand->peak_blocks[i] += (uint64_t)ceil(demand_least(blocks, live));
        }
    }
}

void demand_add_blocks(struct target_demand *demand, uint64_t size, uint64_t blocks)
{
    demand->peak_blocks[size <= 1 ? 0 : 64 - __builtin_clzll(size - 1)] += blocks;
    demand->largest = size > demand->largest ? size : demand->largest;
}
