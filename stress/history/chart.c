// SPDX-License-Identifier: MIT
//
// chart.c - the runs of a job, and how its figures went, for a terminal.
//
// 1. A series is of one work on one machine (figures.c). Where a section's work has changed, what
//    was measured since is shown, and how much there was before is told.
// 2. What it did is what compare/trend.h makes of the newest CHANGE_MOST values. A step is marked
//    before the run that is likeliest the first after it, and told in two lines: between which runs
//    it lies, then how large it is; a drift in one. Where another malloc was called at the same
//    time, that is told with it, for it is the first thing that anybody asks.

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "history/chart.h"
#include "history/plot.h"
#include "job/plain.h"
#include "result/wrap.h"

#define CHART_NAME  24 // of a target, in front of its line
#define CHART_SPARK 32
#define CHART_ENDS  21 // columns beside a line below its target's name
#define CHART_TEXT  512

// ---- runs ----------------------------------------------------------------------------------

// "2026-11-20 13:05:00" of "2026-11-20T13:05:00Z".
struct chart_time {
    char text[20];
};

static struct chart_time chart_time(const char *started)
{
    struct chart_time time;
    snprintf(time.text, sizeof time.text, "%s", started);
    for (char *at = time.text; *at != '\0'; at++) {
        *at = *at == 'T' ? ' ' : *at;
    }
    return time;
}

// A revision in 14 columns: "-dirty" is a plus.
struct chart_revision {
    char text[15];
};

static struct chart_revision chart_revision(const char *revision)
{
    struct chart_revision made;
    const char *dirty = strstr(revision, "-dirty");
    int length = (int)(dirty != NULL ? (size_t)(dirty - revision) : strlen(revision));
    snprintf(made.text, sizeof made.text, "%.*s%s", length < 13 ? length : 13, revision,
             dirty != NULL ? "+" : "");
    return made;
}

static bool chart_is_narrow(const struct chart_options *options)
{
    return options->width < CHART_WIDTH;
}

// In 40 columns: when and how, and below it of what and where.
static void chart_run_below(FILE *out, const struct archive_run *run)
{
    fprintf(out, "%5lld %-19s %.14s\n", (long long)run->id, chart_time(run->started).text,
            plain_line(run->verdict).text);
    fprintf(out, "      %-14s %-9.9s %7.1f\n", chart_revision(run->revision).text,
            plain_line(run->host).text, run->seconds);
}

static void chart_list_runs(FILE *out, const struct archive_runs *runs, size_t first,
                            const struct chart_options *options)
{
    if (chart_is_narrow(options)) {
        fprintf(out, "\n%5s %-19s %s\n      %-14s %-9s %7s\n", "run", "started, UTC", "verdict",
                "revision", "host", "seconds");
    } else {
        fprintf(out, "\n  %5s  %-19s  %-14s  %-9s  %7s  %s\n", "run", "started, UTC", "revision",
                "host", "seconds", "verdict");
    }
    for (size_t i = first; i < runs->count; i++) {
        const struct archive_run *run = &runs->items[i];
        if (chart_is_narrow(options)) {
            chart_run_below(out, run);
        } else {
            fprintf(out, "  %5lld  %-19s  %-14s  %-9.9s  %7.1f  %.14s\n", (long long)run->id,
                    chart_time(run->started).text, chart_revision(run->revision).text,
                    plain_line(run->host).text, run->seconds, plain_line(run->verdict).text);
        }
    }
}

void chart_list(FILE *out, const struct archive_runs *runs, const struct archive_machine *machine,
                const struct chart_options *options)
{
    char text[CHART_TEXT];
    const char *about = runs->items[runs->count - 1].about;
    size_t first = runs->count > options->runs ? runs->count - options->runs : 0;
    int length = snprintf(text, sizeof text, "%zu run%s on machine %s", runs->count,
                          runs->count == 1 ? "" : "s", machine->machine.name);
    if (first > 0 && first < runs->count) {
        snprintf(text + length, sizeof text - (size_t)length, ", the newest %zu:", options->runs);
    }
    int at = fprintf(out, "%s:", plain_line(runs->items[0].job).text);
    wrap_within(out, options->width, at, 2, plain_line(text).text);
    snprintf(text, sizeof text, "%.100s: %s", *machine->hosts != '\0' ? machine->hosts : "?",
             machine->machine.about);
    wrap_within(out, options->width, 0, 2, plain_line(text).text);
    if (*about != '\0') {
        wrap_within(out, options->width, 0, 2, plain_line(about).text);
    }
    if (first < runs->count) {
        chart_list_runs(out, runs, first, options);
    }
}

static size_t chart_runs_of(const struct archive_runs *runs, const char *job, size_t *last)
{
    size_t count = 0;
    for (size_t i = 0; i < runs->count; i++) {
        if (strcmp(runs->items[i].job, job) == 0) {
            *last = i;
            count++;
        }
    }
    return count;
}

static void chart_job(FILE *out, int width, const struct archive_run *newest, size_t count)
{
    if (width < CHART_WIDTH) {
        fprintf(out, "  %s\n    %6zu %-19s %.14s\n", plain_line(newest->job).text, count,
                chart_time(newest->started).text, newest->verdict);
    } else {
        fprintf(out, "  %-30s %6zu  %-19s  %.14s\n", plain_line(newest->job).text, count,
                chart_time(newest->started).text, newest->verdict);
    }
    if (*newest->about != '\0') {
        fprintf(out, "    %.*s\n", width - 4, plain_line(newest->about).text);
    }
}

void chart_jobs(FILE *out, int width, const struct archive_runs *runs)
{
    if (width < CHART_WIDTH) {
        fprintf(out, "  job\n    %6s %-19s %s\n", "runs", "newest, UTC", "verdict");
    } else {
        fprintf(out, "  %-30s %6s  %-19s  %s\n", "job", "runs", "newest, UTC", "verdict");
    }
    for (size_t i = 0; i < runs->count; i++) {
        size_t first = 0;
        size_t last = i;
        while (strcmp(runs->items[first].job, runs->items[i].job) != 0) {
            first++;
        }
        if (first == i) { // of its job
            size_t count = chart_runs_of(runs, runs->items[i].job, &last);
            chart_job(out, width, &runs->items[last], count);
        }
    }
}

// ---- series --------------------------------------------------------------------------------

size_t chart_index(const struct archive_runs *runs, int64_t run)
{
    size_t index = 0;
    while (index < runs->count && runs->items[index].id != run) {
        index++;
    }
    return index;
}

static size_t chart_newest(const struct archive_runs *runs, const struct archive_series *series)
{
    return chart_index(runs, series->points[series->count - 1].run);
}

static bool chart_is_same(const struct archive_series *a, const struct archive_series *b)
{
    return strcmp(a->section, b->section) == 0 && strcmp(a->target, b->target) == 0;
}

// Whether no other work of its section and target is newer. *older: figures of those that are not.
static bool chart_is_newest(const struct archive_runs *runs, const struct archive_serieses *all,
                            const struct archive_series *series, size_t *older)
{
    size_t mine = chart_newest(runs, series);
    *older = 0;
    for (size_t i = 0; i < all->count; i++) {
        const struct archive_series *other = &all->items[i];
        if (other != series && chart_is_same(other, series)) {
            size_t its = chart_newest(runs, other);
            if (its > mine || (its == mine && other > series)) {
                return false;
            }
            *older += other->count;
        }
    }
    return true;
}

// ---- one of them ---------------------------------------------------------------------------

static void chart_take(struct chart *chart, const struct archive_series *series, size_t older,
                       const struct chart_options *options)
{
    size_t left = series->count > CHANGE_MOST ? series->count - CHANGE_MOST : 0;
    memset(chart, 0, sizeof *chart);
    chart->series = series;
    chart->older = older;
    chart->points = series->points + left;
    chart->count = series->count - left;
    for (size_t i = 0; i < chart->count; i++) {
        chart->values[i] = chart->points[i].median;
    }
    trend_find(chart->values, chart->count, &options->change, &chart->trend);
    for (size_t i = 0; i < chart->trend.step_count; i++) {
        chart->marked[chart->trend.steps[i].at] = true;
    }
}

static const char *chart_word(const struct metric *metric, double before, double after)
{
    if (metric->better == METRIC_NEITHER) {
        return "";
    }
    return (after > before) == (metric->better == METRIC_HIGHER) ? ", better" : ", worse";
}

// A run with its revision: "run 12 (aaaa00000001+)".
struct chart_run {
    char text[48];
};

static struct chart_run chart_run(const struct archive_runs *runs, const struct chart *chart,
                                  size_t point)
{
    struct chart_run made;
    const struct archive_run *run = &runs->items[chart_index(runs, chart->points[point].run)];
    snprintf(made.text, sizeof made.text, "run %lld (%s)", (long long)run->id,
             *run->revision != '\0' ? chart_revision(run->revision).text : "?");
    return made;
}

static bool chart_other_build(const struct chart *chart, size_t before, size_t after)
{
    const char *old = chart->points[before].build;
    const char *new = chart->points[after].build;
    bool own = strncmp(chart->series->target, "mems:", 5) == 0; // whose build is the revision
    return !own && *old != '\0' && *new != '\0' && strcmp(old, new) != 0;
}

static void chart_step(FILE *out, int width, const struct archive_runs *runs,
                       const struct chart *chart, const struct trend_step *step)
{
    char text[CHART_TEXT];
    int length = snprintf(text, sizeof text, "between %s and %s",
                          chart_run(runs, chart, step->first - 1).text,
                          chart_run(runs, chart, step->last).text);
    if (step->first < step->last) {
        snprintf(text + length, sizeof text - (size_t)length, ", likeliest at run %lld",
                 (long long)chart->points[step->at].run);
    }
    wrap_within(out, width, fprintf(out, "    |"), 6, text);
    length = snprintf(text, sizeof text, "%s -> %s", plot_number(step->before).text,
                      plot_number(step->after).text);
    if (step->before > 0) {
        length +=
            snprintf(text + length, sizeof text - (size_t)length, ", %+.1f %% (%+.1f .. %+.1f)",
                     (step->ratio - 1) * 100, (step->low - 1) * 100, (step->high - 1) * 100);
    }
    snprintf(text + length, sizeof text - (size_t)length, ", p %.2g%s", step->p,
             chart_word(chart->series->metric, step->before, step->after));
    wrap_within(out, width, 0, 6, text);
    if (chart_other_build(chart, step->first - 1, step->last)) {
        snprintf(text, sizeof text, "with another malloc: %s, before %s",
                 chart->points[step->last].build, chart->points[step->first - 1].build);
        wrap_within(out, width, 0, 6, text);
    }
}

static void chart_drift(FILE *out, int width, const struct chart *chart)
{
    char text[CHART_TEXT];
    const struct trend_drift *drift = &chart->trend.drift;
    snprintf(text, sizeof text,
             "drift, %+.2g %% a run (%+.2g .. %+.2g): %s -> %s in %zu runs, p %.2g%s",
             drift->share * 100, drift->low * 100, drift->high * 100, plot_number(drift->from).text,
             plot_number(drift->to).text, chart->count, drift->p,
             chart_word(chart->series->metric, drift->from, drift->to));
    wrap_within(out, width, fprintf(out, "    /"), 6, text);
}

// The newest other malloc, where no step tells of it.
static void chart_build(FILE *out, int width, const struct chart *chart)
{
    char text[CHART_TEXT];
    for (size_t i = chart->count; i-- > 1;) {
        if (!chart_other_build(chart, i - 1, i)) {
            continue;
        }
        for (size_t s = 0; s < chart->trend.step_count; s++) {
            const struct trend_step *step = &chart->trend.steps[s];
            if (i >= step->first && i <= step->last) {
                return;
            }
        }
        snprintf(text, sizeof text, "another malloc since run %lld: %s, before %s",
                 (long long)chart->points[i].run, chart->points[i].build,
                 chart->points[i - 1].build);
        wrap_within(out, width, fprintf(out, "    +"), 6, text);
        return;
    }
}

static void chart_tell(FILE *out, int width, const struct archive_runs *runs,
                       const struct chart *chart)
{
    for (size_t i = 0; i < chart->trend.step_count; i++) {
        chart_step(out, width, runs, chart, &chart->trend.steps[i]);
    }
    if (chart->trend.kind == TREND_DRIFT) {
        chart_drift(out, width, chart);
    }
    chart_build(out, width, chart);
    if (chart->older > 0) {
        char text[CHART_TEXT];
        snprintf(text, sizeof text, "%zu figure%s before it of other work: not shown", chart->older,
                 chart->older == 1 ? "" : "s");
        wrap_within(out, width, 0, 4, text);
    }
}

// From the first value to the last as the account has them; NAN: nothing changed, or from nothing.
static double chart_all_told(const struct trend *trend)
{
    double from = trend->kind == TREND_DRIFT ? trend->drift.from : trend->steps[0].before;
    double to = trend->kind == TREND_DRIFT   ? trend->drift.to
                : trend->kind == TREND_STEPS ? trend->steps[trend->step_count - 1].after
                                             : NAN;
    return from > 0 ? to / from : NAN;
}

// How long a line is: what the ends leave of few columns.
static size_t chart_spark(const struct chart_options *options)
{
    return chart_is_narrow(options) ? (size_t)options->width - CHART_ENDS : CHART_SPARK;
}

static void chart_line(FILE *out, const struct chart *chart, const struct chart_options *options)
{
    struct plot plot = {chart->values, chart->marked, chart->count, chart_spark(options),
                        options->ascii};
    const struct plain_line plain = plain_line(chart->series->target);
    const char *target = plain.text;
    if (chart_is_narrow(options)) {
        fprintf(out, "  %s\n  ", target);
    } else if (strlen(target) > CHART_NAME) {
        fprintf(out, "  %s\n  %-*s ", target, CHART_NAME, "");
    } else {
        fprintf(out, "  %-*s ", CHART_NAME, target);
    }
    plot_spark(out, &plot);
    fprintf(out, " %8s", plot_number(chart->values[chart->count - 1]).text);
    double all = chart_all_told(&chart->trend);
    if (isfinite(all)) {
        fprintf(out, " %+7.1f %%", (all - 1) * 100);
    } else {
        fprintf(out, " %9s", "-");
    }
    fputc('\n', out);
}

static void chart_plot(FILE *out, const struct archive_runs *runs, const struct chart *chart,
                       const struct chart_options *options)
{
    struct plot plot = {chart->values, chart->marked, chart->count, (size_t)options->width,
                        options->ascii};
    char text[CHART_TEXT];
    const struct archive_series *series = chart->series;
    char first[11];
    char last[11];
    snprintf(first, sizeof first, "%.10s",
             runs->items[chart_index(runs, chart->points[0].run)].started);
    snprintf(last, sizeof last, "%.10s", runs->items[chart_newest(runs, series)].started);
    snprintf(text, sizeof text, "%s, %s, %zu run%s", series->metric->name, series->metric->unit,
             series->count, series->count == 1 ? "" : "s");
    int at = fprintf(out, "\n[%s] %s:", plain_line(series->section).text,
                     plain_line(series->target).text);
    wrap_within(out, options->width, at - 1, 2, text);
    plot_dots(out, &plot, first, last);
}

// ---- all of them ---------------------------------------------------------------------------

static bool chart_is_wanted(const struct archive_series *series,
                            const struct chart_options *options)
{
    return (options->section == NULL || strcmp(options->section, series->section) == 0) &&
           (options->target == NULL || strcmp(options->target, series->target) == 0);
}

void chart_find(const struct archive_runs *runs, const struct archive_serieses *all,
                const struct chart_options *options, struct charts *charts)
{
    size_t older;
    *charts = (struct charts){measured_zeroed(all->count, sizeof(struct chart)), 0};
    for (size_t i = 0; i < all->count; i++) {
        const struct archive_series *series = &all->items[i];
        if (chart_is_wanted(series, options) && chart_is_newest(runs, all, series, &older)) {
            chart_take(&charts->items[charts->count++], series, older, options);
        }
    }
}

void chart_fini(struct charts *charts)
{
    free(charts->items);
    *charts = (struct charts){0};
}

static void chart_head(FILE *out, const struct metric *metric, const struct chart_options *options)
{
    static const char *const words[] = {[METRIC_NEITHER] = "",
                                        [METRIC_HIGHER] = ", more is better",
                                        [METRIC_LOWER] = ", less is better"};
    char text[CHART_TEXT];
    snprintf(text, sizeof text, "%s%s: the median of each run; | is a step", metric->unit,
             words[metric->better]);
    wrap_within(out, options->width, fprintf(out, "\n%s,", metric->name) - 1, 2, text);
    if (!options->plots) {
        fprintf(out, "\n  %-*s%-*s %8s %9s\n", chart_is_narrow(options) ? 0 : CHART_NAME + 1, "",
                (int)chart_spark(options), "", "newest", "all told");
    }
}

void chart_print(FILE *out, const struct archive_runs *runs, const struct charts *charts,
                 const struct chart_options *options)
{
    const char *section = "";
    if (charts->count > 0) {
        chart_head(out, charts->items[0].series->metric, options);
    }
    for (size_t i = 0; i < charts->count; i++) {
        const struct chart *chart = &charts->items[i];
        if (options->plots) {
            chart_plot(out, runs, chart, options);
        } else {
            if (strcmp(section, chart->series->section) != 0) {
                fprintf(out, "[%s]\n", plain_line(chart->series->section).text);
            }
            chart_line(out, chart, options);
        }
        chart_tell(out, options->width, runs, chart);
        section = chart->series->section;
    }
}
