// SPDX-License-Identifier: MIT
//
// test_summary.c - medians, worst verdicts, exit statuses, and what the table makes of them.

#include "result/summary.h"

#include <math.h>
#include <string.h>

#include "result/table.h"
#include "result/verdict.h"
#include "unit/result/scene.h"

#define REPEATS 3

// One section with two targets.
static void open_measured(struct scene *scene)
{
    open_scene(scene, "[only]\nworkload = churn\ntarget = null, libc\nrepeats = 3\n");
    for (size_t i = 0; i < scene->plan->cell_count; i++) {
        static const uint64_t counts[2][REPEATS] = {{40000000, 90000000, 50000000},
                                                    {1000000, 25000000, 9000000}};
        const struct cell *cell = &scene->plan->cells[i];
        struct cell_report *report = &cell->stage->report;
        report->count[OP_ALLOC] = counts[cell->target][cell->repeat];
        report->fragmentation.internal = -1;
        report->fragmentation.external = 0.25;
        report->peak_rss_bytes = 3u << 20;
        for (unsigned kind = 0; kind < OP_KINDS; kind++) {
            histogram_init(&report->latency[kind]);
        }
        for (unsigned n = 0; n < 1000; n++) {
            histogram_add(&report->latency[OP_ALLOC], 20);
        }
    }
}

static void test_medians(void **state)
{
    (void)state;
    struct scene scene;
    struct summary summary[2];
    open_measured(&scene);
    summary_section(scene.plan, &scene.plan->sections[0], summary);
    assert_int_equal(summary[0].measured, REPEATS);
    assert_true(fabs(summary[0].median[METRIC_RATE] - 50e6) < 1);
    assert_true(fabs(summary[1].median[METRIC_RATE] - 9e6) < 1);
    assert_true(fabs(summary[1].relative - 0.18) < 1e-9);
    assert_true(isnan(summary[0].median[METRIC_INTERNAL]));
    assert_true(isnan(summary[0].median[METRIC_WAITS]));
    assert_true(isnan(summary[0].median[METRIC_WAIT_NS]));
    assert_true(fabs(summary[0].median[METRIC_EXTERNAL] - 0.25) < 1e-9);
    assert_true(fabs(summary[0].median[METRIC_ALLOC_P50] - 20) < 1e-9);
    assert_true(isnan(summary[0].median[METRIC_ALLOC_P999])); // fewer than ten above it
    // Of two repeats that are left: the mean of the middle ones.
    for (size_t i = 0; i < scene.plan->cell_count; i++) {
        struct cell *cell = &scene.plan->cells[i];
        if (cell->target == 0 && cell->repeat == 0) {
            cell->verdict = CELL_CRASHED;
        }
    }
    summary_section(scene.plan, &scene.plan->sections[0], summary);
    assert_int_equal(summary[0].measured, REPEATS - 1);
    assert_int_equal(summary[0].verdict, CELL_CRASHED);
    assert_true(fabs(summary[0].median[METRIC_RATE] - 70e6) < 1);
    close_scene(&scene);
}

// `cells` has a letter a cell: Pass, Failed, Crashed, Hung, Incomplete, Unsteady, Skipped,
// Waiting.
static void expect_verdict(struct scene *scene, const char *cells, bool interrupted, int exit,
                           const char *name)
{
    static const char letters[] = "WPFCHIUS"; // by enum cell_verdict
    struct verdict verdict;
    for (size_t i = 0; i < scene->plan->cell_count; i++) {
        scene->plan->cells[i].verdict = (enum cell_verdict)(strchr(letters, cells[i]) - letters);
    }
    verdict_of(scene->plan, interrupted, &verdict);
    assert_int_equal(verdict.exit, exit);
    assert_string_equal(verdict.name, name);
}

static void test_verdicts(void **state)
{
    (void)state;
    struct scene scene;
    open_measured(&scene);
    expect_verdict(&scene, "PPPPPP", false, 0, "pass");
    expect_verdict(&scene, "PSPSPS", false, 0, "pass");
    expect_verdict(&scene, "SSSSSS", false, 6, "skipped");
    expect_verdict(&scene, "PHCFPP", false, 2, "failed");
    expect_verdict(&scene, "PHCPPP", false, 3, "crashed");
    expect_verdict(&scene, "PHPPPS", false, 3, "hung");
    expect_verdict(&scene, "PPUPPP", false, 0, "unsteady");
    expect_verdict(&scene, "PIWWWW", true, 130, "incomplete");
    expect_verdict(&scene, "FIWWWW", true, 130, "failed");
    close_scene(&scene);
}

static void test_table(void **state)
{
    (void)state;
    struct scene scene;
    struct verdict verdict;
    char *text = NULL;
    size_t size;
    open_measured(&scene);
    scene.plan->cells[0].stage->report.refused = 1u << 30; // nearly all of this one's
    verdict_of(scene.plan, false, &verdict);
    FILE *out = open_memstream(&text, &size);
    table_print(out, scene.plan, &verdict, false);
    fclose(out);
    assert_non_null(strstr(text, "Mops/s"));
    assert_non_null(strstr(text, "\nnull                 50.0 1.00 20.0  20.0    -"));
    assert_non_null(strstr(text, "\nlibc                 9.00 0.18 20.0  20.0    -"));
    assert_non_null(strstr(text, " 3.00 0.0     -     - pass\n"));
    assert_non_null(strstr(text, "verdict: pass (6 pass); up to 9"));
    free(text);
    close_scene(&scene);
}

// What an operation waited for locks: a figure of the engine's, by the operations of all threads.
static void test_waits(void **state)
{
    (void)state;
    static const uint64_t waited[] = {0, 900, 500000, 500000};
    static const uint64_t each[] = {3600, 3600, 3600, 5760000};
    static const char *const shown[] = {
        " 3.00 0.0     0  0.00 pass\n", " 3.00 0.0 1e-04  0.36 pass\n",
        " 3.00 0.0 0.056   200 pass\n", " 3.00 0.0 0.056   3e5 pass\n"};
    struct scene scene;
    struct verdict verdict;
    struct summary summary[2];
    open_measured(&scene);
    verdict_of(scene.plan, false, &verdict);
    for (size_t n = 0; n < 4; n++) {
        for (size_t i = 0; i < scene.plan->cell_count; i++) {
            struct cell_report *report = &scene.plan->cells[i].stage->report;
            report->engine.known = scene.plan->cells[i].target == 1;
            report->count[OP_ALLOC] = 9000000;
            report->engine.lock_sum.waited = waited[n];
            report->engine.lock_sum.wait_ns = waited[n] * each[n];
        }
        summary_section(scene.plan, &scene.plan->sections[0], summary);
        assert_true(isnan(summary[0].median[METRIC_WAITS]));
        assert_true(fabs(summary[1].median[METRIC_WAITS] - (double)waited[n] / 9e6) < 1e-12);
        assert_true(fabs(summary[1].median[METRIC_WAIT_NS] - (double)(waited[n] * each[n]) / 9e6) <
                    1e-6);
        char *text = NULL;
        size_t size;
        FILE *out = open_memstream(&text, &size);
        table_print(out, scene.plan, &verdict, false);
        fclose(out);
        assert_non_null(strstr(text, shown[n]));
        free(text);
    }
    close_scene(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_medians),
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
