// SPDX-License-Identifier: MIT
//
// demand.h - how much a number of randomly sized blocks takes at its worst.
//
// Of n live blocks, those of a class that a draw hits with probability p are binomial: n p on
// average, sqrt(n p (1 - p)) spread. A long run sees many draws, so that five spreads and one are
// added, never past n. The bytes get the same: a distribution within [least, most] with that mean
// spreads by at most sqrt((most - mean) (mean - least)) (Bhatia and Davis, 2000).

#ifndef WORKLOAD_DEMAND_H
#define WORKLOAD_DEMAND_H

#include "job/distribution.h"
#include "target/target.h"

// Of `live` blocks how many at the worst moment are of a kind that a draw hits with that share.
double demand_worst(double live, double share);
// Adds `live` blocks of `sizes`, live at once at the worst moment.
void demand_add(struct target_demand *demand, const struct distribution *sizes, double live);

// The same where each size is `factor` times what is drawn.
void demand_add_scaled(struct target_demand *demand, const struct distribution *sizes,
                       uint64_t factor, double live);

// Adds to the blocks, not to the bytes, of the demand: for workloads that know how much is live at
// once in all sizes together.
void demand_add_blocks(struct target_demand *demand, uint64_t size, uint64_t blocks);

#endif
