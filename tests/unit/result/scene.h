// SPDX-License-Identifier: MIT
//
// scene.h - a plan whose cells were never run but say that they were, for the tests of results.

#ifndef TESTS_UNIT_RESULT_SCENE_H
#define TESTS_UNIT_RESULT_SCENE_H

#include <string.h>
#include <unistd.h>

#include "job/job.h"
#include "run/plan.h"
#include "run/stage.h"
#include "support/test.h"

struct scene {
    struct job *job;
    struct plan *plan;
};

// Every cell passed, in a second.
static void open_scene(struct scene *scene, const char *text)
{
    struct complaint complaint = {{0}};
    struct plan_options options = {0};
    assert_int_equal(job_parse(text, strlen(text), "test.ini", "/", &scene->job, &complaint), 0);
    assert_int_equal(
        plan_make(scene->job, "mems-stress run test.ini", &options, &scene->plan, &complaint), 0);
    for (size_t i = 0; i < scene->plan->cell_count; i++) {
        struct cell *cell = &scene->plan->cells[i];
        int file;
        assert_int_equal(stage_create_pictured(1, "", 3, &cell->stage, &file), 0);
        close(file);
        cell->verdict = CELL_PASS;
        cell->stage->report.wall_ns = 1000000000;
    }
}

static void close_scene(struct scene *scene)
{
    plan_free(scene->plan);
    job_free(scene->job);
}

#endif
