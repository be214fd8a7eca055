// SPDX-License-Identifier: MIT
//
// engine_run.h - a cell of a test on a real engine: the fake run with mems:POLICY as its target.

#ifndef TESTS_UNIT_WORKLOAD_ENGINE_RUN_H
#define TESTS_UNIT_WORKLOAD_ENGINE_RUN_H

#include <mems/engine.h>

#include "unit/workload/laws.h"

static struct target_spec engine_spec;

// Opens the cell of a job, which is good, on a target, which is there.
static struct job *engine_open(const char *keys, const char *target, unsigned check)
{
    struct target_demand demand = {0};
    struct job *job = read_job(keys);
    if (job == NULL || target_parse(target, NULL, &engine_spec, &complaint) != 0) {
        fail_msg("%s", complaint.text);
    }
    const struct job_section *section = &job->sections[0];
    fake_open((unsigned)job_number(section, "threads"), check, CHECK_TOUCH_FIRST, 0);
    fake_run.section = section;
    fake_run.workload = section->workload;
    fake_run.spec = &engine_spec;
    fake_run.target = engine_spec.target;
    fake_run.ops = engine_spec.target->ops;
    assert_int_equal(section->workload->demand(section, &demand, &complaint), 0);
    if (fake_run.target->open(&engine_spec, &demand, &fake_run.instance, &complaint) != 0) {
        fail_msg("%s", complaint.text);
    }
    assert_int_equal(fake_run.target->space_open(fake_run.instance, &fake_run.space), 0);
    for (unsigned i = 0; i < fake_run.threads; i++) {
        fake_workers[i].ops = fake_run.ops;
        fake_workers[i].space = fake_run.space;
        fake_workers[i].budget = job_number(section, "ops");
    }
    assert_int_equal(section->workload->open(&fake_run, &complaint), 0);
    return job;
}

static struct mems_stats engine_stats(void)
{
    struct mems_stats stats;
    mems_snapshot(fake_run.target->engine(fake_run.instance), &stats);
    return stats;
}

// After the workload's close.
static void engine_close(struct job *job)
{
    assert_int_equal(engine_stats().live_blocks, 0);
    assert_int_equal(fake_run.target->check(fake_run.instance, &complaint), 0);
    fake_run.target->space_close(fake_run.instance, fake_run.space);
    fake_run.target->close(fake_run.instance);
    target_spec_fini(&engine_spec);
    job_free(job);
}

#endif
