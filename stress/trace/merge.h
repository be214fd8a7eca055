// SPDX-License-Identifier: MIT
//
// merge.h - a spool becomes a trace.

#ifndef TRACE_MERGE_H
#define TRACE_MERGE_H

#include <stdbool.h>
#include <stdint.h>

#include "job/complaint.h"
#include "trace/account.h"

// What stands in a spool's header.
struct trace_spool {
    uint32_t pid;
    uint64_t born_ns;
};

// What came of one.
struct trace_recording {
    struct trace_account account; // the caller's to fini, also after a failure
    uint64_t unknown;             // frees and resizes of blocks from before the recording
    uint64_t repaired;            // blocks whose free was not seen: the address came again
    uint64_t lost;                // calls that could not be recorded
    uint32_t threads;             // ever; their numbers are used again after their end
    int stopped;                  // errno of what ended the recording early, 0
};

// 0, or EBADMSG when the file is no spool (a program that was killed at its very start).
int trace_spool_look(const char *path, struct trace_spool *spool);
int trace_spool_merge(const char *path, const char *out, struct trace_recording *recording,
                      struct complaint *complaint);

#endif
