// SPDX-License-Identifier: MIT
//
// table.c - every workload there is, in the order that `mems-stress list` shows.

#include <string.h>

#include "workload/rows.h"

static const struct workload *const workload_table[] = {
    &workload_cache_scratch,
    &workload_cache_thrash,
    &workload_churn,
    &workload_comb,
    &workload_destructors,
    &workload_dlopen,
    &workload_doubling,
    &workload_exchange,
    &workload_exits,
    &workload_extreme_sizes,
    &workload_first_operation,
    &workload_fleet,
    &workload_fork_child,
    &workload_fork_handler,
    &workload_fork_stdio,
    &workload_inverse_square,
    &workload_large,
    &workload_larson,
    &workload_maps,
    &workload_message_passing,
    &workload_no_memory,
    &workload_pareto_slots,
    &workload_peak_pinned,
    &workload_pin_per_slab,
    &workload_processes,
    &workload_producer_consumer,
    &workload_random_slots,
    &workload_realloc_growth,
    &workload_references,
    &workload_robson,
    &workload_sawtooth,
    &workload_signals,
    &workload_simple,
    &workload_size_shift,
    &workload_skeleton,
    &workload_startup,
    &workload_thread_churn,
    &workload_trace,
};

const char *workload_class_name(enum workload_class class)
{
    static const char *const names[WORKLOAD_CLASSES] = {
        [WORKLOAD_MICRO] = "micro",         [WORKLOAD_SERVER] = "server",
        [WORKLOAD_THREADS] = "threads",     [WORKLOAD_SHARING] = "sharing",
        [WORKLOAD_ADVERSARY] = "adversary", [WORKLOAD_PROCESS] = "process",
        [WORKLOAD_PAGED] = "paged",         [WORKLOAD_REPLAY] = "replay",
    };
    return names[class];
}

#define WORKLOAD_COUNT (sizeof(workload_table) / sizeof(workload_table[0]))

const struct workload *workload_at(size_t index)
{
    return index < WORKLOAD_COUNT ? workload_table[index] : NULL;
}

const struct workload *workload_find(const char *name)
{
    for (size_t i = 0; i < WORKLOAD_COUNT; i++) {
        if (strcmp(workload_table[i]->name, name) == 0) {
            return workload_table[i];
        }
    }
    return NULL;
}
