// SPDX-License-Identifier: MIT
//
// test_chart.c - what a terminal shows of a job's runs, and a series in a line or several.

#include "history/chart.h"
#include "history/plot.h"
#include "made.h"

static char *text;
static size_t length;

static FILE *begin(void)
{
    free(text);
    text = NULL;
    FILE *out = open_memstream(&text, &length);
    assert_non_null(out);
    return out;
}

static void expect_spark(const double *values, const bool *marked, size_t count, size_t width,
                         const char *wanted)
{
    const struct plot plot = {values, marked, count, width, true};
    FILE *out = begin();
    plot_spark(out, &plot);
    fclose(out);
    assert_string_equal(text, wanted);
}

static void test_spark(void **state)
{
    (void)state;
    static const double values[] = {100, 200, 160, 800, 100};
    static const double level[] = {100, 101, 100};
    static const double same[] = {7, 7};
    static const double none[] = {0, 0};
    static const bool marked[5] = {false, false, false, true, false};
    static const bool never[5];
    expect_spark(values, never, 5, 8, "_..#_   ");
    expect_spark(values, marked, 5, 8, "_..|#_  ");
    expect_spark(values, marked, 5, 6, "_..|#_");
    expect_spark(values, marked, 5, 4, ".|#_"); // the oldest are left out
    expect_spark(values, marked, 5, 2, "= ");   // no half of a change
    expect_spark(values, never, 0, 2, "  ");
    expect_spark(level, never, 3, 3, "-=-"); // a hundredth is hardly anything
    expect_spark(same, never, 2, 2, "==");
    expect_spark(none, never, 2, 2, "==");
}

static void test_numbers(void **state)
{
    (void)state;
    assert_string_equal(plot_number(0).text, "0");
    assert_string_equal(plot_number(0.123456).text, "0.1235");
    assert_string_equal(plot_number(9999).text, "9999");
    assert_string_equal(plot_number(1234567).text, "1235 k");
    assert_string_equal(plot_number(4.18e7).text, "41.8 M");
    assert_string_equal(plot_number(3e17).text, "3e+05 T");
}

static void test_dots(void **state)
{
    (void)state;
    static const double values[] = {100, 100, 170, 170};
    static const bool marked[4] = {false, false, true, false};
    const struct plot plot = {values, marked, 4, 80, true};
    FILE *out = begin();
    plot_dots(out, &plot, "first", "last");
    fclose(out);
    assert_string_equal(text, "     170 |  |oo\n"
                              "         |  |\n"
                              "         |  |\n"
                              "         |  |\n"
                              "         |  |\n"
                              "         |  |\n"
                              "         |  |\n"
                              "     100 |oo|\n"
                              "         +-----\n"
                              "          first  last\n");
}

// ---- a whole history -----------------------------------------------------------------------

static const struct chart_options standard = {
    .ascii = true,
    .runs = 3,
    .width = CHART_WIDTH,
    .change = {CHANGE_ALPHA, CHANGE_LEAST, CHANGE_PERMUTATIONS, 1},
};

// Twelve runs at 1000 with one libc, then twelve at 800 with another, then three; or a drift.
// OTHER: the last three do other work. On another machine two more.
enum shape { STEP, STEP_OTHER, DRIFT };

static void show(const struct chart_options *options, enum shape shape, size_t *shown)
{
    struct made_place place;
    struct archive_runs runs;
    struct archive_serieses all;
    struct archive_machines machines;
    struct charts charts;
    struct complaint complaint = {{0}};
    made_place(&place);
    struct archive *archive = made_open(place.path, ARCHIVE_ADD);
    for (int i = 0; i < 29; i++) {
        char started[32];
        const struct made made = {.job = "ci",
                                  .started = started,
                                  .revision = i < 12 ? "aaaa00000001" : "bbbb00000002-dirty",
                                  .rate = shape == DRIFT ? 1000 + 8 * i + i % 5
                                          : i < 12       ? 1000 + i % 5
                                                         : 800 + i % 5,
                                  .size = i < 24 || shape != STEP_OTHER ? NULL : "1k",
                                  .only = i < 24 || shape != STEP_OTHER ? NULL : "libc",
                                  .cpu = i < 27 ? "Old" : "New",
                                  .version = i < 12 ? "2.36" : "2.37"};
        snprintf(started, sizeof started, "2026-11-%02dT10:00:00Z", i + 1);
        made_add(archive, &made);
    }
    assert_int_equal(archive_machines(archive, "ci", &machines, &complaint), 0);
    assert_int_equal(machines.count, 2);
    assert_string_equal(machines.items[0].machine.about, "New, 4 CPUs, 8 GiB, Linux 6 x86_64");
    const struct archive_machine *old = &machines.items[1];
    const char *name = old->machine.name;
    assert_int_equal(archive_list(archive, "ci", name, &runs, &complaint), 0);
    assert_int_equal(
        archive_figures(archive, "ci", name, metric_find("ops_per_second"), &all, &complaint), 0);
    FILE *out = begin();
    chart_list(out, &runs, old, options);
    chart_find(&runs, &all, options, &charts);
    chart_print(out, &runs, &charts, options);
    *shown = charts.count;
    fclose(out);
    chart_fini(&charts);
    archive_machines_fini(&machines);
    archive_serieses_fini(&all);
    archive_runs_fini(&runs);
    archive_close(archive);
    made_gone(&place);
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1) {
        if (strcspn(line, "\n") > 80) {
            fail_msg("%zu columns: %s", strcspn(line, "\n"), line);
        }
    }
}

static void expect_said(const char *words)
{
    if (strstr(text, words) == NULL) {
        fail_msg("\"%s\" is not in:\n%s", words, text);
    }
}

static void test_lines(void **state)
{
    (void)state;
    size_t shown;
    show(&standard, STEP_OTHER, &shown);
    assert_int_equal(shown, 2);
    expect_said("ci: 27 runs on machine ");
    expect_said(", the newest 3:\n  here: Old, 4 CPUs, 8 GiB, Linux 6 x86_64\n");
    expect_said("     27  2026-11-27 10:00:00  bbbb00000002+   here           0.3  pass\n");
    assert_null(strstr(text, "\n     24  "));
    assert_null(strstr(text, "\n     28  ")); // another machine's
    // libc has other work now, of three runs; the slab's is the old one, with its step.
    expect_said("  libc                     ");
    expect_said("    24 figures before it of other work: not shown\n");
    expect_said("  mems:slab                ##");
    expect_said("    | between run 12 (aaaa00000001) and run 13 (bbbb00000002+)\n"
                "      1002 -> 803, -19.9 % (");
    expect_said("), p 0.001, worse\n");
    assert_null(strstr(text, "malloc")); // the slab's own is the revision
}

// That libc is another, too, is told with the step, and alone where there is none.
static void test_another_malloc(void **state)
{
    (void)state;
    size_t shown;
    struct chart_options options = standard;
    options.target = "libc";
    show(&options, STEP, &shown);
    assert_int_equal(shown, 1);
    expect_said("worse\n      with another malloc: 2.37, before 2.36\n");
    assert_null(strstr(text, "    +"));
    show(&options, DRIFT, &shown);
    expect_said("better\n    + another malloc since run 13: 2.37, before 2.36\n");
}

static void test_drift(void **state)
{
    (void)state;
    size_t shown;
    struct chart_options options = standard;
    options.target = "mems:slab";
    show(&options, DRIFT, &shown);
    expect_said("    / drift, +0.7");
    expect_said(" in 27 runs, p 0.001,\n      better\n");
    assert_null(strstr(text, "between"));
}

static void test_plots(void **state)
{
    (void)state;
    size_t shown;
    struct chart_options options = standard;
    options.plots = true;
    options.target = "mems:slab";
    options.runs = 0;
    show(&options, STEP_OTHER, &shown);
    assert_int_equal(shown, 1);
    assert_null(strstr(text, "verdict"));
    assert_null(strstr(text, "libc"));
    expect_said("[small] mems:slab: ops_per_second, ops/s, 24 runs\n");
    expect_said("oooooooooooo|\n");
    expect_said("          2026-11-01     2026-11-24\n");
    options.section = "large";
    show(&options, STEP_OTHER, &shown);
    assert_int_equal(shown, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spark),          cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_dots),           cmocka_unit_test(test_lines),
        cmocka_unit_test(test_another_malloc), cmocka_unit_test(test_drift),
        cmocka_unit_test(test_plots),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(text);
    return failed;
}
