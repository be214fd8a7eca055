// SPDX-License-Identifier: MIT
//
// rows.h - the descriptors that table.c lists. A new workload: its file, a line here, a row there.

#ifndef WORKLOAD_ROWS_H
#define WORKLOAD_ROWS_H

#include "workload/workload.h"

extern const struct workload workload_churn;
extern const struct workload workload_fleet;
extern const struct workload workload_larson;
extern const struct workload workload_processes;
extern const struct workload workload_producer_consumer;
extern const struct workload workload_references;
extern const struct workload workload_skeleton;
extern const struct workload workload_trace;

#endif
