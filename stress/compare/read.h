// SPDX-License-Identifier: MIT
//
// read.h - the forms of results that can be read, for each other. With libjansson only.

#ifndef COMPARE_READ_H
#define COMPARE_READ_H

#include <jansson.h>

#include "compare/measured.h"

struct reading {
    const char *file;
    struct complaint *complaint;
};

// EINVAL: "FILE: AT.KEY: WANTED is wanted".
int read_complain(const struct reading *reading, const char *at, const char *key,
                  const char *wanted);
// A member that must be there, of an object that complaints call `at`. 0 or EINVAL.
int read_text(const struct reading *reading, const json_t *object, const char *at, const char *key,
              const char **text);
int read_count(const struct reading *reading, const json_t *object, const char *at, const char *key,
               unsigned *count);

// Google Benchmark's output (--benchmark_out=FILE, JSON).
bool google_is(const json_t *root);
int google_read(const struct reading *reading, json_t *root, struct measured *measured);

#endif
