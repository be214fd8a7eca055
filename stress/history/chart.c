// SPDX-License-Identifier: MIT
//
// chart.c - the runs of a job, and how its figures went, for a terminal.
//
// 1. A series is of one work (figures.c). Where a section's work has changed, what was measured
//    since is shown, and how much there was before is told.
// 2. Changes are those of compare/change.h in the newest CHANGE_MOST values: marked before the
//    first run after them, and told in a line: which run, its revision, from what to what.

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "history/history.h"
#include "history/plot.h"

#define TREND_WIDTH 80
#define TREND_NAME  24 // of a target, in front of its line
#define TREND_SPARK 32

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

void chart_list(FILE *out, const struct archive_runs *runs, const struct chart_options *options)
{
    size_t first = runs->count > options->runs ? runs->count - options->runs : 0;
    fprintf(out, "%s: %zu run%s", runs->items[0].job, runs->count, runs->count == 1 ? "" : "s");
    if (first == runs->count) {
        fprintf(out, "\n");
        return;
    }
    fprintf(out, first > 0 ? ", the newest %zu:\n" : "\n", options->runs);
    fprintf(out, "\n  %5s  %-19s  %-14s  %-9s  %7s  %s\n", "run", "started, UTC", "revision",
            "host", "seconds", "verdict");
    for (size_t i = first; i < runs->count; i++) {
        const struct archive_run *run = &runs->items[i];
        fprintf(out, "  %5lld  %-19s  %-14s  %-9.9s  %7.1f  %.14s\n", (long long)run->id,
                chart_time(run->started).text, chart_revision(run->revision).text, run->host,
                run->seconds, run->verdict);
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

void chart_jobs(FILE *out, const struct archive_runs *runs)
{
    fprintf(out, "  %-30s %6s  %-19s  %s\n", "job", "runs", "newest, UTC", "verdict");
    for (size_t i = 0; i < runs->count; i++) {
        size_t first = 0;
        size_t last = i;
        while (strcmp(runs->items[first].job, runs->items[i].job) != 0) {
            first++;
        }
        if (first == i) { // of its job
            size_t count = chart_runs_of(runs, runs->items[i].job, &last);
            fprintf(out, "  %-30s %6zu  %-19s  %s\n", runs->items[i].job, count,
                    chart_time(runs->items[last].started).text, runs->items[last].verdict);
        }
    }
}

// ---- series --------------------------------------------------------------------------------

// Where a run stands in the list.
static size_t chart_index(const struct archive_runs *runs, int64_t run)
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

struct chart {
    const struct archive_series *series;
    const struct archive_point *points; // the newest CHANGE_MOST
    size_t count;
    double values[CHANGE_MOST];
    bool marked[CHANGE_MOST];
    struct change changes[CHANGE_MOST];
    size_t change_count;
};

static void chart_find(struct chart *chart, const struct archive_series *series,
                       const struct chart_options *options)
{
    size_t left = series->count > CHANGE_MOST ? series->count - CHANGE_MOST : 0;
    memset(chart, 0, sizeof *chart);
    chart->series = series;
    chart->points = series->points + left;
    chart->count = series->count - left;
    for (size_t i = 0; i < chart->count; i++) {
        chart->values[i] = chart->points[i].median;
    }
    chart->change_count =
        change_points(chart->values, chart->count, &options->change, chart->changes);
    for (size_t i = 0; i < chart->change_count; i++) {
        chart->marked[chart->changes[i].at] = true;
    }
}

static const char *chart_word(const struct metric *metric, const struct change *change)
{
    if (metric->better == METRIC_NEITHER) {
        return "";
    }
    bool up = change->after > change->before;
    return up == (metric->better == METRIC_HIGHER) ? ", better" : ", worse";
}

static void chart_changes(FILE *out, const struct archive_runs *runs, const struct chart *chart)
{
    for (size_t i = 0; i < chart->change_count; i++) {
        const struct change *change = &chart->changes[i];
        const struct archive_run *run =
            &runs->items[chart_index(runs, chart->points[change->at].run)];
        fprintf(out, "    | run %lld, %.10s, %s: %s -> %s", (long long)run->id, run->started,
                chart_revision(run->revision).text, plot_number(change->before).text,
                plot_number(change->after).text);
        if (change->before > 0) {
            fprintf(out, ", %+.1f %%", (change->after / change->before - 1) * 100);
        }
        fprintf(out, "%s\n", chart_word(chart->series->metric, change));
    }
}

static void chart_line(FILE *out, const struct chart *chart, bool ascii)
{
    struct plot plot = {chart->values, chart->marked, chart->count, TREND_SPARK, ascii};
    const char *target = chart->series->target;
    if (strlen(target) > TREND_NAME) {
        fprintf(out, "  %s\n  %-*s ", target, TREND_NAME, "");
    } else {
        fprintf(out, "  %-*s ", TREND_NAME, target);
    }
    plot_spark(out, &plot);
    fprintf(out, " %8s", plot_number(chart->values[chart->count - 1]).text);
    if (chart->change_count > 0 && chart->changes[0].before > 0) {
        double all = chart->changes[chart->change_count - 1].after / chart->changes[0].before;
        fprintf(out, " %+7.1f %%", (all - 1) * 100);
    } else {
        fprintf(out, " %9s", "-");
    }
    fputc('\n', out);
}

static void chart_plot(FILE *out, const struct archive_runs *runs, const struct chart *chart,
                       bool ascii)
{
    struct plot plot = {chart->values, chart->marked, chart->count, TREND_WIDTH, ascii};
    const struct archive_series *series = chart->series;
    char first[11];
    char last[11];
    snprintf(first, sizeof first, "%.10s",
             runs->items[chart_index(runs, chart->points[0].run)].started);
    snprintf(last, sizeof last, "%.10s", runs->items[chart_newest(runs, series)].started);
    fprintf(out, "\n[%s] %s: %s, %s, %zu run%s\n", series->section, series->target,
            series->metric->name, series->metric->unit, series->count,
            series->count == 1 ? "" : "s");
    plot_dots(out, &plot, first, last);
}

// ---- all of them ---------------------------------------------------------------------------

static bool chart_is_wanted(const struct archive_series *series,
                            const struct chart_options *options)
{
    return (options->section == NULL || strcmp(options->section, series->section) == 0) &&
           (options->target == NULL || strcmp(options->target, series->target) == 0);
}

static void chart_head(FILE *out, const struct metric *metric, bool plots)
{
    static const char *const words[] = {[METRIC_NEITHER] = "",
                                        [METRIC_HIGHER] = ", more is better",
                                        [METRIC_LOWER] = ", less is better"};
    fprintf(out, "\n%s, %s%s: the median of each run; | is a change\n", metric->name, metric->unit,
            words[metric->better]);
    if (!plots) {
        fprintf(out, "\n  %-*s %-*s %8s %9s\n", TREND_NAME, "", TREND_SPARK, "", "newest",
                "all told");
    }
}

bool chart_print(FILE *out, const struct archive_runs *runs, const struct archive_serieses *all,
                 const struct chart_options *options)
{
    struct chart *chart = measured_zeroed(1, sizeof *chart);
    const char *section = "";
    size_t shown = 0;
    size_t older;
    for (size_t i = 0; i < all->count; i++) {
        const struct archive_series *series = &all->items[i];
        if (!chart_is_wanted(series, options) || !chart_is_newest(runs, all, series, &older)) {
            continue;
        }
        if (shown++ == 0) {
            chart_head(out, series->metric, options->plots);
        }
        chart_find(chart, series, options);
        if (options->plots) {
            chart_plot(out, runs, chart, options->ascii);
        } else {
            if (strcmp(section, series->section) != 0) {
                fprintf(out, "[%s]\n", series->section);
            }
            chart_line(out, chart, options->ascii);
        }
        chart_changes(out, runs, chart);
        if (older > 0) {
            fprintf(out, "    %zu figure%s before it of other work: not shown\n", older,
                    older == 1 ? "" : "s");
        }
        section = series->section;
    }
    free(chart);
    return shown > 0;
}
