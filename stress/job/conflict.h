// SPDX-License-Identifier: MIT
//
// conflict.h - keys that mean nothing without another, and keys that exclude each other.

#ifndef JOB_CONFLICT_H
#define JOB_CONFLICT_H

#include "job/document.h"
#include "job/job.h"

// Whether the key means something only beside another.
bool conflict_depends(const char *key);

// Whether such a key means nothing in this section: it is left out where the section is written.
bool conflict_idle(const struct job_section *section, const char *key);

// Judges a section whose values are all read. `holders` has the entry of each value, NULL for a
// default. One of [global] that means nothing here is passed over, and marked as used only where it
// does. 0 or EINVAL.
int conflict_check(const struct job_section *section, struct document_entry *const *holders,
                   struct complaint *complaint);

// The same by the workload of the section. 0, EINVAL or the errno of a file.
int conflict_validate(const struct job_section *section, struct complaint *complaint);

#endif
