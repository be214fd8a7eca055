// SPDX-License-Identifier: MIT
//
// limit.h - the latency that a cell may not exceed: the key latency_limit, read and judged.

#ifndef RUN_LIMIT_H
#define RUN_LIMIT_H

#include "job/job.h"
#include "run/report.h"

struct limit {
    bool given;
    enum op_kind kind;
    double share;   // 0.99 for p99
    char name[16];  // "p99", as written
    uint64_t ns;    // the percentile must be below
    bool response;  // of the response (open loop), not of the service
    char text[160]; // the whole, as written
};

// The key latency_limit and what it needs of others. 0, or EINVAL with a complaint.
int limit_read(const struct job_section *section, struct limit *limit, struct complaint *complaint);

// True when the limit is kept. Otherwise `complaint` says by how much not.
bool limit_kept(const struct limit *limit, const struct cell_report *report,
                struct complaint *complaint);

// The kind's name in jobs and documents: alloc, free, free_remote, resize, step.
const char *limit_kind_name(enum op_kind kind);

#endif
