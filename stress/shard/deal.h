// SPDX-License-Identifier: MIT
//
// deal.h - which machine does what of a plan: its cells dealt to N shards.

#ifndef SHARD_DEAL_H
#define SHARD_DEAL_H

#include "run/plan.h"

#define DEAL_MOST 1000

// I/N; count 0: the plan is not dealt.
struct deal {
    unsigned index; // from 1
    unsigned count;
};

// "2/5". 0, or EINVAL with a complaint.
int deal_parse(const char *text, struct deal *deal, struct complaint *complaint);

// A plan dealt to `count` shards.
struct dealt {
    unsigned count;
    unsigned *shard; // by section of the plan: its shard, from 1
    double *seconds; // by shard, from 0: how long it is expected to take
};

// The same for the same plan, whatever machine asks. To be freed by deal_fini.
void deal_plan(const struct plan *plan, unsigned count, struct dealt *dealt);
void deal_fini(struct dealt *dealt);

// Leaves in the plan what is that shard's, perhaps nothing.
void deal_take(struct plan *plan, const struct dealt *dealt, unsigned index);

// How many parts the plan can be cut into at most: shards beyond these would be empty.
unsigned deal_units(const struct plan *plan);

// The rule itself, for weights: shard[i], from 0, of each.
void deal_weights(const double *weights, size_t count, unsigned shards, unsigned *shard);

#endif
