// SPDX-License-Identifier: MIT
//
// tables.h - key tables: the common one, the one of a section's workload, and all of them.

#ifndef JOB_TABLES_H
#define JOB_TABLES_H

#include <stdbool.h>
#include <stddef.h>

#include "job/arena.h"
#include "job/job.h"

size_t table_count(const struct job_key *table);
const struct job_key *table_find(const struct job_key *table, const char *name);

// Common keys that mean nothing to the workload.
bool table_unused(const struct workload *workload, const char *name);

// The names of the common keys and of one workload's (NULL: of every workload's), for job_suggest.
const char *const *table_names(const struct workload *workload, struct arena *arena);

#endif
