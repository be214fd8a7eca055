// SPDX-License-Identifier: MIT
//
// series.h - a value that stands for several: lists and series, cut into the values they mean.

#ifndef JOB_SERIES_H
#define JOB_SERIES_H

#include "job/arena.h"
#include "job/job.h"

#define SERIES_MAX 10000 // values of one key

struct series_value {
    const char *text;  // what the key is given
    const char *label; // the same, short enough for the name of a section
    size_t offset;     // of its piece in the text of the whole
    bool numeric;      // number means something: scaled by 10^9 for a JOB_REAL
    uint64_t number;
};

struct series {
    struct series_value *values;
    size_t count;
};

// Whether an unquoted text of the key's kind is a list or a series.
bool series_is(const struct job_key *key, const char *text);

// Cuts such a text. 0 or EINVAL with a complaint without a place; *offset is then where in the text
// the bad piece begins.
int series_parse(const struct job_key *key, const char *text, struct arena *arena,
                 struct series *series, size_t *offset, struct complaint *complaint);

#endif
