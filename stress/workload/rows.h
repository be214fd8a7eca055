// SPDX-License-Identifier: MIT
//
// rows.h - the descriptors that table.c lists. A new workload: its file, a line here, a row there.

#ifndef WORKLOAD_ROWS_H
#define WORKLOAD_ROWS_H

#include "workload/workload.h"

extern const struct workload workload_cache_scratch;
extern const struct workload workload_cache_thrash;
extern const struct workload workload_churn;
extern const struct workload workload_exchange;
extern const struct workload workload_inverse_square;
extern const struct workload workload_larson;
extern const struct workload workload_message_passing;
extern const struct workload workload_pareto_slots;
extern const struct workload workload_producer_consumer;
extern const struct workload workload_random_slots;
extern const struct workload workload_simple;
extern const struct workload workload_skeleton;
extern const struct workload workload_startup;
extern const struct workload workload_thread_churn;
extern const struct workload workload_trace;

#endif
