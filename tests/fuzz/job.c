// SPDX-License-Identifier: MIT
//
// job.c - a target for job files: reader, tables of all workloads, the command line's overrides,
// and the plan.
//
// Workloads judge their values when the job is read, and are asked what they demand when it is
// planned. Nothing runs. Relative files stand in a folder that is not there.

#include "fuzz/text.h"
#include "unit/job/law_job.h"
#include "unit/run/law_plan.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char *text = text_of(bytes, size);
    if (job_law((const char *)bytes, size)) {
        (void)plan_law(text, &(struct plan_options){0});
    }
    job_law_set(text, strlen(text), size);
    free(text);
    return 0;
}
