// SPDX-License-Identifier: MIT
//
// rows.h - the descriptors that table.c lists. A new workload: its file, a line here, a row there.

#ifndef WORKLOAD_ROWS_H
#define WORKLOAD_ROWS_H

#include "workload/workload.h"

extern const struct workload workload_cache_scratch;
extern const struct workload workload_cache_thrash;
extern const struct workload workload_churn;
extern const struct workload workload_comb;
extern const struct workload workload_doubling;
extern const struct workload workload_exchange;
extern const struct workload workload_fleet;
extern const struct workload workload_inverse_square;
extern const struct workload workload_large;
extern const struct workload workload_larson;
extern const struct workload workload_message_passing;
extern const struct workload workload_pareto_slots;
extern const struct workload workload_peak_pinned;
extern const struct workload workload_pin_per_slab;
extern const struct workload workload_processes;
extern const struct workload workload_producer_consumer;
extern const struct workload workload_random_slots;
extern const struct workload workload_realloc_growth;
extern const struct workload workload_references;
extern const struct workload workload_robson;
extern const struct workload workload_sawtooth;
extern const struct workload workload_simple;
extern const struct workload workload_size_shift;
extern const struct workload workload_skeleton;
extern const struct workload workload_startup;
extern const struct workload workload_thread_churn;
extern const struct workload workload_trace;

// The edge of a process.
extern const struct workload workload_destructors;
extern const struct workload workload_dlopen;
extern const struct workload workload_exits;
extern const struct workload workload_extreme_sizes;
extern const struct workload workload_first_operation;
extern const struct workload workload_fork_child;
extern const struct workload workload_fork_handler;
extern const struct workload workload_fork_stdio;
extern const struct workload workload_maps;
extern const struct workload workload_no_memory;
extern const struct workload workload_signals;

#endif
