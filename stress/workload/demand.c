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

double demand_worst(double live, double share)
{
    double blocks = live * share + DEMAND_SPREADS * sqrt(live * share * fmax(0, 1 - share)) + 1;
    return demand_least(blocks, live);
}

void demand_add_scaled(struct target_demand *demand, const struct distribution *sizes,
                       uint64_t factor, double live)
{
    double least = (double)factor * (double)distribution_least(sizes);
    double most = (double)factor * (double)distribution_most(sizes);
    double mean = (double)factor * distribution_mean(sizes);
    double spread = sqrt(fmax(0, (most - mean) * (mean - least)));
    double bytes = live * mean + DEMAND_SPREADS * sqrt(live) * spread;
    demand->peak_bytes += (uint64_t)ceil(demand_least(bytes, live * most));
    if (factor * distribution_most(sizes) > demand->largest) {
        demand->largest = factor * distribution_most(sizes);
    }
    double below = 0;
    for (unsigned i = 0; i < TARGET_CLASSES; i++) {
        double up_to = distribution_share_up_to(sizes, (UINT64_C(1) << i) / factor);
        double p = up_to - below;
        below = up_to;
        if (p > 0) {
            demand->peak_blocks[i] += (uint64_t)ceil(demand_worst(live, p));
        }
    }
}

void demand_add_blocks(struct target_demand *demand, uint64_t size, uint64_t blocks)
{
    demand->peak_blocks[size <= 1 ? 0 : 64 - __builtin_clzll(size - 1)] += blocks;
    demand->largest = size > demand->largest ? size : demand->largest;
}

void demand_add(struct target_demand *demand, const struct distribution *sizes, double live)
{
    demand_add_scaled(demand, sizes, 1, live);
}
