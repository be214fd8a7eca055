// SPDX-License-Identifier: MIT
//
// whole.h - a job and the document that it was read from.

#ifndef JOB_WHOLE_H
#define JOB_WHOLE_H

#include "job/document.h"
#include "job/job.h"

struct job_whole {
    struct job job;
    struct document document; // its arena holds everything but the distributions
    bool judged;              // workloads have found it good: they are not asked again
};

#endif
