// SPDX-License-Identifier: MIT
//
// runs.h - the records of a spool in the order of their sequence numbers.

#ifndef TRACE_RUNS_H
#define TRACE_RUNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace/spool.h"

struct trace_run_record {
    uint64_t sequence;
    uint64_t address;
    uint64_t size;
    uint32_t thread;
    uint8_t kind; // enum spool_kind, never nothing or mark
    uint8_t call;
    uint8_t align_log2;
};

// One chunk, read up to `at`; `next` is the record it would give now.
struct trace_run {
    const struct spool_record *at, *end;
    uint32_t high;
    uint32_t thread;
    struct trace_run_record next;
};

struct trace_runs {
    struct trace_run *heap; // the least sequence on top
    size_t room;
    size_t count;
};

// `bytes` is a whole spool, and stays where it is until fini. 0 or ENOMEM.
int trace_runs_init(struct trace_runs *runs, const void *bytes, size_t length);
void trace_runs_fini(struct trace_runs *runs);
// False at the end.
bool trace_runs_next(struct trace_runs *runs, struct trace_run_record *record);

#endif
