// SPDX-License-Identifier: MIT
//
// workloads.c - a table of workloads for the tests of the job reader.

#include <errno.h>
#include <string.h>

#include "workload/workload.h"

static const char *const orders[] = {"fifo", "lifo", "random", NULL};

static const struct job_key churn_keys[] = {
    {.name = "slots",
     .kind = JOB_NUMBER,
     .least = 1,
     .most = 1000000,
     .standard = "1000",
     .help = "blocks"},
    {.name = "remote", .kind = JOB_REAL, .most = 1, .standard = "0", .help = "share of frees"},
    {.name = "order",
     .kind = JOB_CHOICE,
     .choices = orders,
     .standard = "random",
     .help = "which block goes"},
    {.name = "zeroed", .kind = JOB_FLAG, .standard = "no", .help = "calloc"},
    {.name = "note", .kind = JOB_TEXT, .standard = "", .help = "free text"},
    {.name = "limit", .kind = JOB_SIZE, .most = 1 << 30, .standard = "1Mi", .help = "bytes"},
    {.name = "lifetime", .kind = JOB_DISTRIBUTION, .standard = "", .help = "operations"},
    {0},
};

static const struct job_key larson_keys[] = {
    {.name = "rounds",
     .kind = JOB_NUMBER,
     .least = 1,
     .most = 1000,
     .standard = "10",
     .help = "rounds"},
    {JOB_SIZE_KEY, .standard = "8", .help = "bytes, by a default of its own"},
    {0},
};

// 13 is complained of with its place, 14 without.
static int larson_validate(const struct job_section *section, struct complaint *complaint)
{
    if (job_number(section, "rounds") == 13) {
        job_complain(section, "rounds", complaint, "brings bad luck");
        return EINVAL;
    }
    if (job_number(section, "rounds") == 14) {
        complain(complaint, "the stars are not right");
        return EINVAL;
    }
    return 0;
}

static const struct job_key trace_keys[] = {
    {.name = "trace", .kind = JOB_PATH, .values = "a trace file", .help = "what is replayed"},
    {0},
};

static const char *const trace_unused[] = {"ops", "size", "threads", NULL};

static const struct workload workloads[] = {
    {.name = "churn", .help = "random slots", .keys = churn_keys},
    {.name = "larson", .help = "server churn", .keys = larson_keys, .validate = larson_validate},
    {.name = "trace",
     .help = "a recorded program, in its order",
     .keys = trace_keys,
     .unused = trace_unused},
};

const struct workload *workload_at(size_t index)
{
    return index < sizeof workloads / sizeof workloads[0] ? &workloads[index] : NULL;
}

const struct workload *workload_find(const char *name)
{
    for (size_t i = 0; workload_at(i); i++) {
        if (strcmp(workload_at(i)->name, name) == 0) {
            return workload_at(i);
        }
    }
    return NULL;
}
