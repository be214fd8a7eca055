// SPDX-License-Identifier: MIT
//
// sweep.h - sections with lists and series in their values become the sections that they stand for.

#ifndef JOB_SWEEP_H
#define JOB_SWEEP_H

#include "job/document.h"
#include "job/job.h"

// Gives every section the overrides that are for it, and puts the cross product of its values in
// the place of each section that sweeps. 0 or EINVAL.
int sweep_spread(struct document *document, struct complaint *complaint);

// The entry that holds for a key, and the section's own: the highest level, the last [global].
// NULL: none.
struct document_entry *sweep_holding(const struct document *document,
                                     const struct document_section *section, const char *key);

// Whether an entry is a list or a series.
bool sweep_is(const struct document_entry *entry, const struct job_key *key);

// Calls visit for each of the values of such an entry, with an entry of its own: its value, its
// place, and the label it gives the section's name. Stops at what is not 0, and returns it.
int sweep_each(struct document_entry *entry, const struct job_key *key, struct arena *arena,
               int (*visit)(void *arg, struct document_entry *single, const char *label), void *arg,
               struct complaint *complaint);

#endif
