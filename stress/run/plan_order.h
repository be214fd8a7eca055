// SPDX-License-Identifier: MIT
//
// plan_order.h - from the sections of a plan to its cells, in their order.

#ifndef RUN_PLAN_ORDER_H
#define RUN_PLAN_ORDER_H

#include "run/plan.h"

// Makes the cells of a plan whose sections are complete, and keeps those that the options pick.
// 0 or EINVAL.
int plan_order(struct plan *plan, const struct plan_options *options, struct complaint *complaint);

void *plan_zeroed(size_t count, size_t size); // never NULL

#endif
