// SPDX-License-Identifier: MIT
//
// value.h - the text of one value into what its key's kind makes of it.

#ifndef JOB_VALUE_H
#define JOB_VALUE_H

#include "job/arena.h"
#include "job/job.h"

// What a value is read from.
struct value_source {
    const char *text;
    const char *folder; // where relative paths start
    struct complaint_place at;
};

// Fills value (key, text and what the kind asks for). `given`, `file`, `line` and `column` are the
// caller's. 0 or EINVAL; what was made then is already gone, but for what is in the arena.
int value_parse(const struct job_key *key, const struct value_source *source, struct arena *arena,
                struct job_value *value, struct complaint *complaint);
void value_fini(struct job_value *value);

// What a key allows, for people: its `values`, or made from kind, range and choices.
void value_allowed(const struct job_key *key, char *text, size_t size);

#endif
