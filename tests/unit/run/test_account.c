// SPDX-License-Identifier: MIT
//
// test_account.c - when samples are taken, and which are kept.

#include "run/account.h"

#include <string.h>

#include "job/job.h"
#include "measure/clock.h"
#include "run/stage.h"
#include "support/test.h"

static void usage(struct target_instance *instance, struct target_usage *usage)
{
    (void)instance;
    *usage = (struct target_usage){
        .held_bytes = 4096, .free_bytes = 100, .largest_hole = 25, .known = true};
}

static const struct target_ops ops;
static const struct target target = {.name = "test", .ops = &ops, .usage = usage};

struct scene {
    struct run run;
    struct stage *stage;
    struct job *job;
    struct account account;
};

static void open_scene(struct scene *scene)
{
    static const char text[] = "[only]\nworkload = churn\ntarget = null\n";
    struct complaint complaint;
    int file;
    memset(scene, 0, sizeof *scene);
    assert_int_equal(stage_create(1, "", &scene->stage, &file), 0);
    assert_int_equal(job_parse(text, strlen(text), "test", "/", &scene->job, &complaint), 0);
    struct run *run = &scene->run;
    run->stage = scene->stage;
    run->section = &scene->job->sections[0];
    run->target = &target;
    run->ops = &ops;
    run->threads = 1;
    run->workers = stage_workers(scene->stage);
    run->started_ns = run_now_ns();
    account_open(&scene->account, run, 50000000);
    account_begin(&scene->account, run);
}

static void close_scene(struct scene *scene)
{
    job_free(scene->job);
    stage_detach(scene->stage);
}

// However long the run, its samples are spread over it.
static void test_a_full_table_is_thinned(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    const struct cell_report *report = &scene.stage->report;
    struct worker *worker = scene.run.workers;
    for (uint64_t i = 1; i <= 5000; i++) {
        worker->count[OP_ALLOC] = i;
        worker->allocated_bytes = i;
        account_sample(&scene.account, &scene.run);
        assert_true(report->sample_count <= REPORT_SAMPLES);
    }
    assert_true(report->sample_count >= REPORT_SAMPLES / 2);
    uint64_t distance = report->samples[1].operations - report->samples[0].operations;
    assert_true(distance > 1);
    for (uint32_t i = 1; i < report->sample_count; i++) {
        const struct report_sample *sample = &report->samples[i];
        assert_int_equal(sample->operations - sample[-1].operations, distance);
        assert_true(sample->at_ns >= sample[-1].at_ns);
        assert_int_equal(sample->live_bytes, sample->operations);
        assert_int_equal(sample->held_bytes, 4096);
    }
    struct report_fragmentation figures;
    fragmentation_report(&scene.account.fragmentation, &figures);
    assert_true(figures.at_most_live == 4096.0 / 5000); // of every sample, kept or not
    assert_true(figures.external == 0.75);
    close_scene(&scene);
}

static void test_samples_are_closer_at_first(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene);
    uint64_t started = scene.run.started_ns;
    uint64_t at = started;
    unsigned in_fifth = 0;
    for (; at < started + 10 * UINT64_C(1000000000);) {
        uint64_t next = account_next(&scene.account, &scene.run, at);
        assert_true(next > at && next - at <= 50000000);
        in_fifth += next - started <= 200000000;
        at = next;
    }
    assert_in_range(in_fifth, 50, 200);
    assert_int_equal(account_next(&scene.account, &scene.run, at), at + 50000000);
    close_scene(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_full_table_is_thinned),
        cmocka_unit_test(test_samples_are_closer_at_first),
    };
    clock_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
