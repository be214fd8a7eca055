// SPDX-License-Identifier: MIT
//
// chart_document.c - runs and trends for programs: the document "mems-stress-history/1".
//
// If you change this: stress/result/mems-stress-history-1.schema.json says what each member is.

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "history/chart.h"
#include "json/json.h"

#define CHART_SCHEMA "mems-stress-history/1"

static json_t *document_known(const char *text)
{
    return text != NULL && *text != '\0' ? json_of_text(text) : json_null();
}

static json_t *document_change(double ratio)
{
    return json_of_real(ratio - 1);
}

struct json_t *chart_document(const char *job)
{
    return json_pack("{s:s, s:o, s:[], s:[], s:[]}", "schema", CHART_SCHEMA, "job",
                     json_of_text(job), "machines", "runs", "trends");
}

static json_t *document_machine(const struct archive_machine *machine)
{
    return json_of_text(machine->machine.name);
}

// Of names with commas between them.
static json_t *document_hosts(const char *names)
{
    json_t *hosts = json_array();
    while (*names != '\0') {
        size_t length = strcspn(names, ",");
        char *name = strndup(names, length);
        if (name != NULL && length > 0) {
            json_array_append_new(hosts, json_of_text(name));
        }
        free(name);
        names += length;
        names += strspn(names, ",");
    }
    return hosts;
}

void chart_document_add_runs(struct json_t *document, const struct archive_machine *machine,
                             const struct archive_runs *runs)
{
    json_t *all = json_object_get(document, "runs");
    json_array_append_new(json_object_get(document, "machines"),
                          json_pack("{s:o, s:o, s:o}", "name", document_machine(machine), "about",
                                    json_of_text(machine->machine.about), "hosts",
                                    document_hosts(machine->hosts)));
    for (size_t i = 0; i < runs->count; i++) {
        const struct archive_run *run = &runs->items[i];
        json_array_append_new(
            all,
            json_pack("{s:I, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "run", (json_int_t)run->id,
                      "machine", document_machine(machine), "digest", json_of_text(run->digest),
                      "started", json_of_text(run->started), "seconds", json_of_real(run->seconds),
                      "verdict", json_of_text(run->verdict), "revision",
                      document_known(run->revision), "host", document_known(run->host)));
    }
}

static json_t *document_points(const struct chart *chart)
{
    json_t *points = json_array();
    for (size_t i = 0; i < chart->count; i++) {
        const struct archive_point *point = &chart->points[i];
        json_array_append_new(points, json_pack("{s:I, s:o, s:o}", "run", (json_int_t)point->run,
                                                "median", json_of_real(point->median), "build",
                                                document_known(point->build)));
    }
    return points;
}

static json_t *document_steps(const struct chart *chart)
{
    json_t *steps = json_array();
    for (size_t i = 0; i < chart->trend.step_count; i++) {
        const struct trend_step *step = &chart->trend.steps[i];
        json_array_append_new(
            steps, json_pack("{s:I, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "last_before",
                             (json_int_t)chart->points[step->first - 1].run, "first_after",
                             (json_int_t)chart->points[step->last].run, "likeliest",
                             (json_int_t)chart->points[step->at].run, "before",
                             json_of_real(step->before), "after", json_of_real(step->after),
                             "change_share", document_change(step->ratio), "change_low_share",
                             document_change(step->low), "change_high_share",
                             document_change(step->high), "p", json_of_real(step->p)));
    }
    return steps;
}

static json_t *document_drift(const struct trend *trend)
{
    const struct trend_drift *drift = &trend->drift;
    if (trend->kind != TREND_DRIFT) {
        return json_null();
    }
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "run_share", json_of_real(drift->share),
                     "run_low_share", json_of_real(drift->low), "run_high_share",
                     json_of_real(drift->high), "from", json_of_real(drift->from), "to",
                     json_of_real(drift->to), "p", json_of_real(drift->p));
}

void chart_document_add(struct json_t *document, const struct archive_machine *machine,
                        const struct charts *charts)
{
    static const char *const better[] = {
        [METRIC_NEITHER] = "neither", [METRIC_HIGHER] = "higher", [METRIC_LOWER] = "lower"};
    for (size_t i = 0; i < charts->count; i++) {
        const struct chart *chart = &charts->items[i];
        const struct archive_series *series = chart->series;
        json_array_append_new(
            json_object_get(document, "trends"),
            json_pack("{s:o, s:o, s:o, s:s, s:s, s:s, s:s, s:i, s:s, s:o, s:o, s:o}", "machine",
                      document_machine(machine), "section", json_of_text(series->section), "target",
                      json_of_text(series->target), "metric", series->metric->name, "unit",
                      series->metric->unit, "better", better[series->metric->better], "work",
                      series->work, "older_figures", (int)chart->older, "outcome",
                      trend_kind_name(chart->trend.kind), "points", document_points(chart), "steps",
                      document_steps(chart), "drift", document_drift(&chart->trend)));
    }
}
