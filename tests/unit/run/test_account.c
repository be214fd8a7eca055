// SPDX-License-Identifier: MIT
//
// test_account.c - which samples are taken and kept, what counts, how much memory it takes.

#include "run/account.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job/job.h"
#include "measure/clock.h"
#include "run/stage.h"
#include "run/worker.h"
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

// One worker and its section, with more keys.
static void open_scene(struct scene *scene, const char *keys)
{
    char text[512];
    struct complaint complaint = {{0}};
    snprintf(text, sizeof text, "[only]\nworkload = churn\ntarget = null\n%s", keys);
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
    run->lives = calloc(1, sizeof *run->lives);
    spent_init(&run->lives[0].spent);
    run->started_ns = run_now_ns();
    account_open(&scene->account, run);
    account_begin(&scene->account, run);
    account_started(&scene->account, run);
}

static void close_scene(struct scene *scene)
{
    free(scene->run.lives);
    job_free(scene->job);
    stage_detach(scene->stage);
}

// However long the run, its samples are spread over it.
static void test_a_full_table_is_thinned(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene, "");
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
    fragmentation_report(&scene.account.span[0].fragmentation, &figures);
    assert_true(figures.at_most_live == 4096.0 / 5000); // of every sample, kept or not
    assert_true(figures.external == 0.75);
    close_scene(&scene);
}

static void test_samples_are_closer_at_first(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene, "");
    uint64_t started = scene.run.started_ns;
    uint64_t at = started;
    unsigned in_fifth = 0;
    for (; at < started + 10 * UINT64_C(1000000000);) {
        uint64_t next = account_next(&scene.account, at);
        assert_true(next > at && next - at <= 50000000);
        in_fifth += next - started <= 200000000;
        at = next;
    }
    assert_in_range(in_fifth, 50, 200);
    assert_int_equal(account_next(&scene.account, at), at + 50000000);
    close_scene(&scene);
}

// What one worker does: so many allocations that took so long.
static void work(struct scene *scene, unsigned operations, uint64_t ns)
{
    struct worker *worker = scene->run.workers;
    for (unsigned i = 0; i < operations; i++) {
        worker->count[OP_ALLOC]++;
        worker->allocated_bytes += 10;
        histogram_add(&worker->latency[OP_ALLOC], ns);
    }
}

static void end(struct scene *scene)
{
    scene->run.lives[0].ended_ns = run_now_ns();
    account_end(&scene->account, &scene->run);
}

static void test_a_warm_up_does_not_count(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene, "warmup = 1s\n");
    const struct cell_report *report = &scene.stage->report;
    work(&scene, 500, 7);
    account_warmed(&scene.account, &scene.run);
    work(&scene, 20, 9);
    account_sample(&scene.account, &scene.run);
    end(&scene);
    assert_int_equal(report->count[OP_ALLOC], 20);
    assert_int_equal(report->allocated_bytes, 200);
    assert_int_equal(report->thread_operations[0], 20);
    assert_int_equal(report->latency[OP_ALLOC].count, 20);
    assert_int_equal(report->latency[OP_ALLOC].least, 9);
    assert_int_equal(report->samples[0].operations, 20);
    assert_int_equal(report->live_bytes, 5200); // what lives lives, since whenever
    assert_true(report->warmup_ns > 0);
    close_scene(&scene);
}

// Parts 0 .. 24 of so many operations each, as long as their number: only the last window counts.
static void test_the_last_window_counts(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 2; kind++) {
        struct scene scene;
        open_scene(&scene, "steady = dev:1%\n");
        const struct cell_report *report = &scene.stage->report;
        unsigned expected = 0;
        for (unsigned part = 0; part < 25; part++) {
            work(&scene, 100 + part, 1 + part);
            expected += part >= 15 ? 100 + part : 0;
            account_sample(&scene.account, &scene.run);
            assert_true(account_part(&scene.account, &scene.run) > 0);
        }
        if (kind == 0) {
            account_stop_with_part(&scene.account);
        } else { // not steady: what followed counts up to the stop
            work(&scene, 30, 60);
            expected += 30;
            account_stop(&scene.account, &scene.run);
        }
        work(&scene, 1000, 2000); // behind the end
        end(&scene);
        assert_int_equal(report->count[OP_ALLOC], expected);
        assert_int_equal(report->latency[OP_ALLOC].count, expected);
        assert_int_equal(report->latency[OP_ALLOC].least, 16);
        assert_int_equal(report->latency[OP_ALLOC].most, kind == 0 ? 25 : 60);
        assert_int_equal(report->thread_most, expected);
        close_scene(&scene);
    }
}

// Memory for metrics is set by the shape of the cell, never by how long it runs.
static void test_memory_is_bounded(void **state)
{
    (void)state;
    static const char *const shapes[] = {"runtime = 1s\n",
                                         "runtime = 24h\n",
                                         "ops = 1000T\n",
                                         "warmup = 1s\n",
                                         "rate = 1000\n",
                                         "steady = dev:5%\n",
                                         "rate = 1000\nsteady = slope:5%\n"};
    size_t bytes[sizeof shapes / sizeof shapes[0]];
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        struct scene scene;
        open_scene(&scene, shapes[i]);
        const struct job_section *section = scene.run.section;
        const struct cell_report *report = &scene.stage->report;
        bytes[i] = account_bytes(section, 1);
        assert_int_equal(report->metrics_bytes, scene.stage->bytes + bytes[i]);
        size_t each = (account_bytes(section, 1024) - account_bytes(section, 1)) / 1023;
        assert_in_range(each, OP_KINDS * sizeof(struct histogram), 400000);
        assert_true(report->metrics_thread_bytes >= each);
        assert_true(bytes[i] < 4000000);
        close_scene(&scene);
    }
    assert_int_equal(bytes[0], bytes[1]);
    assert_int_equal(bytes[0], bytes[2]);
    assert_true(bytes[3] > bytes[0] && bytes[6] > bytes[5]);
}

static bool not_told(void)
{
    return false;
}

static bool told(void)
{
    return true;
}

static void test_decay(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct scene scene;
        open_scene(&scene, "decay = 4ms\n");
        const struct cell_report *report = &scene.stage->report;
        end(&scene);
        account_drained(&scene.account, &scene.run, 5, i == 0 ? not_told : told);
        assert_int_equal(report->decay_count, i == 0 ? 4 : 0); // 0, 1, 2, 4 ms
        assert_int_equal(report->incomplete, i == 1);
        for (uint32_t j = 1; j < report->decay_count; j++) {
            assert_true(report->decay[j].after_ns > report->decay[j - 1].after_ns);
            assert_true(report->decay[j].rss_bytes > 0);
        }
        close_scene(&scene);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_full_table_is_thinned),
        cmocka_unit_test(test_samples_are_closer_at_first),
        cmocka_unit_test(test_a_warm_up_does_not_count),
        cmocka_unit_test(test_the_last_window_counts),
        cmocka_unit_test(test_memory_is_bounded),
        cmocka_unit_test(test_decay),
    };
    clock_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
