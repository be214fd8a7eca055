// SPDX-License-Identifier: MIT
//
// test_figures.c - the workload's own figures: medians over repeats, and the lines of the table.

#include "result/figures.h"

#include <math.h>
#include <string.h>

#include "unit/result/scene.h"

#define REPEATS 3
#define WIDTH   100

static const char job[] = "[only]\nworkload = churn\nrepeats = 3\n"
                          "target = null, libc, mems:dynamic(fit=best)\n";

// To every repeat of a target.
static void give(struct scene *scene, unsigned target, const char *name, const double *values,
                 double bound)
{
    for (size_t i = 0; i < scene->plan->cell_count; i++) {
        struct cell *cell = &scene->plan->cells[i];
        struct cell_report *report = &cell->stage->report;
        if (cell->target == target) {
            struct report_figure *figure = &report->figures[report->figure_count++];
            snprintf(figure->name, sizeof figure->name, "%s", name);
            snprintf(figure->unit, sizeof figure->unit, "x");
            figure->value = values[cell->repeat];
            figure->bound = bound;
        }
    }
}

// The lines are `expected`, none wider than the page.
static void assert_prints(struct scene *scene, const char *expected)
{
    char *text;
    size_t length;
    FILE *out = open_memstream(&text, &length);
    figures_print(out, scene->plan, &scene->plan->sections[0]);
    fclose(out);
    assert_string_equal(text, expected);
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1) {
        assert_true(strcspn(line, "\n") <= WIDTH);
    }
    free(text);
}

static void test_nothing_where_nothing_is_said(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene, job);
    assert_prints(&scene, "");
    close_scene(&scene);
}

static void test_medians_of_those_that_have_it(void **state)
{
    (void)state;
    struct scene scene;
    double value, bound;
    open_scene(&scene, job);
    give(&scene, 1, "blow-up", (const double[REPEATS]){3, 9, 5}, 4.5);
    give(&scene, 2, "blow-up", (const double[REPEATS]){123.4, 12, NAN}, 4.5);
    figures_median(scene.plan, &scene.plan->sections[0], 1, "blow-up", &value, &bound);
    assert_true(value == 5 && bound == 4.5);
    figures_median(scene.plan, &scene.plan->sections[0], 0, "blow-up", &value, &bound);
    assert_true(isnan(value) && isnan(bound));
    assert_prints(&scene, "blow-up, x (bound 4.50): libc 5.00, mems:dynamic(fit=best) 67.7\n");
    // A cell that failed says nothing.
    for (size_t i = 0; i < scene.plan->cell_count; i++) {
        struct cell *cell = &scene.plan->cells[i];
        if (cell->target == 2 || cell->repeat == 1) {
            cell->verdict = CELL_CRASHED;
        }
    }
    assert_prints(&scene, "blow-up, x (bound 4.50): libc 4.00\n");
    close_scene(&scene);
}

static void test_bounds_of_their_own_or_none(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene, job);
    give(&scene, 0, "held", (const double[REPEATS]){1, 1, 1}, NAN);
    give(&scene, 1, "held", (const double[REPEATS]){2, 2, 2}, 7.25);
    give(&scene, 1, "moves", (const double[REPEATS]){1e9, 1e9, 1e9}, NAN);
    assert_prints(&scene, "held, x (bound): null 1.00, libc 2.00 (7.25)\n"
                          "moves, x: libc 1.00e+09\n");
    close_scene(&scene);
}

static void test_a_long_line_goes_on_below(void **state)
{
    (void)state;
    struct scene scene;
    open_scene(&scene, job);
    for (unsigned i = 0; i < 3; i++) {
        give(&scene, i, "a figure whose name is thirty-nine long", (const double[REPEATS]){i, i, i},
             100 + i);
    }
    assert_prints(&scene, "a figure whose name is thirty-nine long, x (bound): null 0.00 (100), "
                          "libc 1.00 (101),\n"
                          "    mems:dynamic(fit=best) 2.00 (102)\n");
    close_scene(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_where_nothing_is_said),
        cmocka_unit_test(test_medians_of_those_that_have_it),
        cmocka_unit_test(test_bounds_of_their_own_or_none),
        cmocka_unit_test(test_a_long_line_goes_on_below),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
