// SPDX-License-Identifier: MIT
//
// held.c - how much the target holds at this moment, for workloads that compare it with a bound.
//
// The engine says what it holds; of a foreign allocator it is what the resident set has grown by
// since the baseline, which leaves out untouched pages, and of the harness counts what grows with
// the run (the map of check 4, threads' stacks): the rest is resident before the baseline. Both
// cost some microseconds: for the ends of phases, not for every operation.

#include <string.h>

#include "measure/proc.h"
#include "run/run.h"
#include "run/stage.h"

uint64_t run_resident(const struct run *run)
{
    uint64_t resident = proc_resident();
    uint64_t baseline = run->stage->report.baseline_rss_bytes;
    return resident > baseline ? resident - baseline : 0;
}

uint64_t run_held(const struct run *run)
{
    struct target_usage usage;
    memset(&usage, 0, sizeof usage);
    if (run->ops->no_memory) {
        return 0;
    }
    run->target->usage(run->instance, &usage);
    return usage.known ? usage.held_bytes : run_resident(run);
}
