// SPDX-License-Identifier: MIT
//
// google.c - the output of Google Benchmark as comparisons see it.
//
// 1. The format (docs/user_guide.md of Google Benchmark, "Output Files"): `context`, and an array
//    `benchmarks` with an entry for each repetition (run_type "iteration", repetition_index) and
//    for each aggregate of them (run_type "aggregate": mean, median, ...). Times are an
//    iteration's, in time_unit.
// 2. As measured. A benchmark, by its run_name, is a section of one target; a repetition is a
//    repeat. Aggregates are left alone: what is compared is formed here. A file of aggregates only
//    is refused, for a mean has no distribution.
// 3. A benchmark that times itself (".../manual_time") has its own real_time; its cpu_time is that
//    of whatever goes on around it, and is not compared.

#ifdef MEMS_HAVE_JANSSON

#include "compare/read.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define GOOGLE_TARGET "benchmark"
#define GOOGLE_MANUAL "/manual_time"

static const struct google_unit {
    const char *name;
    double ns;
} google_units[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}};

bool google_is(const json_t *root)
{
    return json_is_array(json_object_get(root, "benchmarks"));
}

static int google_number(const struct reading *reading, const json_t *entry, const char *at,
                         const char *key, double *number)
{
    const json_t *value = json_object_get(entry, key);
    *number = json_number_value(value);
    return json_is_number(value) && *number >= 0
               ? 0
               : read_complain(reading, at, key, "a number from 0 on");
}

static int google_unit(const struct reading *reading, const json_t *entry, const char *at,
                       double *ns)
{
    const char *text;
    int error = read_text(reading, entry, at, "time_unit", &text);
    for (size_t i = 0; error == 0 && i < sizeof google_units / sizeof google_units[0]; i++) {
        if (strcmp(google_units[i].name, text) == 0) {
            *ns = google_units[i].ns;
            return 0;
        }
    }
    return error != 0 ? error
                      : read_complain(reading, at, "time_unit", "\"ns\", \"us\", \"ms\" or \"s\"");
}

// Whether an entry is a repetition, and not an aggregate.
static int google_kind(const struct reading *reading, const json_t *entry, const char *at,
                       bool *repetition)
{
    const char *text = "";
    const char *wanted = "\"iteration\" or \"aggregate\" (Google Benchmark 1.5 or newer)";
    int error = json_is_string(json_object_get(entry, "run_type"))
                    ? read_text(reading, entry, at, "run_type", &text)
                    : read_complain(reading, at, "run_type", wanted);
    *repetition = strcmp(text, "iteration") == 0;
    if (error == 0 && !*repetition && strcmp(text, "aggregate") != 0) {
        error = read_complain(reading, at, "run_type", wanted);
    }
    return error;
}

static int google_figures(const struct reading *reading, const json_t *entry, const char *at,
                          struct measured_cell *cell)
{
    double ns = NAN;
    double *metric = cell->metric;
    int error = google_unit(reading, entry, at, &ns);
    if (error == 0) {
        error = google_number(reading, entry, at, "real_time", &metric[METRIC_REAL_TIME]);
    }
    if (error == 0) {
        error = google_number(reading, entry, at, "cpu_time", &metric[METRIC_CPU_TIME]);
    }
    if (error == 0 && json_object_get(entry, "items_per_second") != NULL) {
        error = google_number(reading, entry, at, "items_per_second", &metric[METRIC_ITEMS]);
    }
    metric[METRIC_REAL_TIME] *= ns;
    metric[METRIC_CPU_TIME] *= ns;
    cell->known = true;
    return error;
}

// The section of that name, made where it is the first.
static struct measured_section *google_section(struct measured *measured, const char *name)
{
    size_t index = 0;
    while (index < measured->section_count && strcmp(measured->sections[index].name, name) != 0) {
        index++;
    }
    struct measured_section *section = &measured->sections[index];
    if (index == measured->section_count) {
        measured->section_count++;
        *section = (struct measured_section){.name = measured_copy(name),
                                             .workload = measured_copy("Google Benchmark"),
                                             .threads = 1};
    }
    return section;
}

static unsigned google_repeats(const struct measured *measured, size_t section)
{
    unsigned count = 0;
    for (size_t i = 0; i < measured->cell_count; i++) {
        count += measured->cells[i].section == section;
    }
    return count;
}

static int google_cell(const struct reading *reading, const json_t *entry, const char *at,
                       struct measured *measured)
{
    const char *name;
    const char *key = json_object_get(entry, "run_name") != NULL ? "run_name" : "name";
    int error = read_text(reading, entry, at, key, &name);
    if (error != 0) {
        return error;
    }
    struct measured_section *section = google_section(measured, name);
    if (json_object_get(entry, "threads") != NULL) {
        error = read_count(reading, entry, at, "threads", &section->threads);
    }
    struct measured_cell *cell = &measured->cells[measured->cell_count];
    size_t index = (size_t)(section - measured->sections);
    *cell = (struct measured_cell){.section = index,
                                   .target = measured_copy(GOOGLE_TARGET),
                                   .repeat = google_repeats(measured, index),
                                   .verdict = CELL_PASS};
    measured->cell_count++;
    for (size_t m = 0; m < METRIC_ALL; m++) {
        cell->metric[m] = NAN;
    }
    if (error == 0 && json_is_true(json_object_get(entry, "error_occurred"))) {
        cell->verdict = CELL_FAILED;
    } else if (error == 0) {
        error = google_figures(reading, entry, at, cell);
    }
    size_t length = strlen(name);
    size_t manual = sizeof GOOGLE_MANUAL - 1;
    if (length >= manual && strcmp(name + length - manual, GOOGLE_MANUAL) == 0) {
        cell->metric[METRIC_CPU_TIME] = NAN;
    }
    return error;
}

static void google_context(const json_t *context, struct measured *measured)
{
    char number[32];
    const char *host = json_string_value(json_object_get(context, "host_name"));
    const json_t *cpus = json_object_get(context, "num_cpus");
    if (host != NULL) {
        measured_add(&measured->facts, &measured->fact_count, "name", host);
    }
    if (json_is_integer(cpus)) {
        snprintf(number, sizeof number, "%lld", (long long)json_integer_value(cpus));
        measured_add(&measured->facts, &measured->fact_count, "cores", number);
    }
}

int google_read(const struct reading *reading, json_t *root, struct measured *measured)
{
    size_t i;
    json_t *entry;
    json_t *entries = json_object_get(root, "benchmarks");
    int error = 0;
    measured_init(measured, reading->file, json_array_size(entries), json_array_size(entries));
    measured->section_count = measured->cell_count = 0; // as they are found
    google_context(json_object_get(root, "context"), measured);
    json_array_foreach(entries, i, entry)
    {
        char at[64];
        bool repetition;
        snprintf(at, sizeof at, "benchmarks[%zu]", i);
        error = google_kind(reading, entry, at, &repetition);
        if (error == 0 && repetition) {
            error = google_cell(reading, entry, at, measured);
        }
        if (error != 0) {
            return error;
        }
    }
    if (measured->cell_count == 0) {
        complain(reading->complaint,
                 i > 0
                     ? "%s: aggregates only, and a mean or median has no distribution to compare: "
                       "run with --benchmark_repetitions=9, and without "
                       "--benchmark_report_aggregates_only"
                     : "%s: no benchmark in it",
                 reading->file);
        return EINVAL;
    }
    return 0;
}

#endif
