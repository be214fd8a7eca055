// SPDX-License-Identifier: MIT
//
// google.c - a result in the form of Google Benchmark's output, for its compare.py and whatever
// else reads it.
//
// 1. An entry for each cell that passed, by "SECTION/TARGET/threads:N", run_type "iteration", its
//    repeat as repetition_index. An iteration is an operation: real_time is the measured phase over
//    the operations of all threads together, cpu_time the processor time of one; both in ns. A
//    processor time that nobody knows is 0: readers want a number.
// 2. Every other metric that is known is a counter of its name, as those of a user of Google
//    Benchmark are.
// 3. No aggregates: compare.py forms its own. Cells that did not pass have no entry (one without
//    times would make nonsense of compare.py's means); `cells_left_out` of the context counts them.

#ifdef MEMS_HAVE_JANSSON

#include "result/google.h"

#include <string.h>

#include "result/metric.h"
#include "json/json.h"

static bool google_is_measured(const json_t *cell)
{
    const char *verdict = json_text(cell, "verdict");
    const json_t *metrics = json_object_get(cell, "metrics");
    const json_t *rate = json_object_get(metrics, metric_table[METRIC_RATE].name);
    return (strcmp(verdict, "pass") == 0 || strcmp(verdict, "unsteady") == 0) &&
           json_number_value(rate) > 0;
}

static const json_t *google_section(const json_t *document, const char *name)
{
    size_t i;
    json_t *section;
    json_array_foreach(json_object_get(json_object_get(document, "job"), "sections"), i, section)
    {
        if (strcmp(json_text(section, "name"), name) == 0) {
            return section;
        }
    }
    return NULL;
}

static void google_counters(json_t *entry, const json_t *metrics)
{
    for (size_t m = 0; m < METRIC_COUNT; m++) {
        const char *name = metric_table[m].name;
        const json_t *value = json_object_get(metrics, name);
        if (m != METRIC_RATE && m != METRIC_CPU && json_is_number(value)) {
            json_object_set_new(entry, name, json_real(json_number_value(value)));
        }
    }
}

static json_t *google_cell(const json_t *section, const json_t *cell, size_t family)
{
    const json_t *metrics = json_object_get(cell, "metrics");
    const json_t *operations =
        json_object_get(json_object_get(json_object_get(cell, "report"), "operations"), "all");
    double rate = json_number_value(json_object_get(metrics, metric_table[METRIC_RATE].name));
    double cpu_ns = json_number_value(json_object_get(metrics, metric_table[METRIC_CPU].name));
    json_int_t threads = json_integer_value(json_object_get(section, "threads"));
    json_t *name = json_sprintf("%s/%s/threads:%lld", json_text(cell, "section"),
                                json_text(cell, "target"), (long long)threads);
    json_t *entry = json_object();
    json_object_set(entry, "name", name);
    json_object_set_new(entry, "family_index", json_integer((json_int_t)family));
    json_object_set_new(entry, "per_family_instance_index", json_integer(0));
    json_object_set_new(entry, "run_name", name);
    json_object_set_new(entry, "run_type", json_string("iteration"));
    json_object_set(entry, "repetitions", json_object_get(section, "repeats"));
    json_object_set(entry, "repetition_index", json_object_get(cell, "repeat"));
    json_object_set_new(entry, "threads", json_integer(threads));
    json_object_set_new(entry, "iterations", json_integer(json_integer_value(operations)));
    json_object_set_new(entry, "real_time", json_real(1e9 / rate));
    json_object_set_new(entry, "cpu_time", json_real(cpu_ns));
    json_object_set_new(entry, "time_unit", json_string("ns"));
    json_object_set_new(entry, "items_per_second", json_real(rate));
    google_counters(entry, metrics);
    return entry;
}

static json_t *google_context(const json_t *document, size_t left_out)
{
    json_t *host = json_object_get(document, "host");
    json_t *load = json_object_get(host, "load");
    json_t *context = json_object();
    json_object_set(context, "date", json_object_get(document, "started"));
    json_object_set(context, "host_name", json_object_get(host, "name"));
    json_object_set_new(context, "executable", json_string("mems-stress"));
    json_object_set(context, "num_cpus", json_object_get(host, "cores"));
    json_object_set_new(context, "cpu_scaling_enabled",
                        json_boolean(strcmp(json_text(host, "governor"), "") != 0 &&
                                     strcmp(json_text(host, "governor"), "performance") != 0));
    json_object_set_new(context, "caches", json_array());
    json_object_set_new(context, "load_avg",
                        json_is_array(load) ? json_incref(load) : json_array());
    json_object_set_new(context, "library_build_type", json_string("release"));
    json_object_set(context, "mems_stress_job",
                    json_object_get(json_object_get(document, "job"), "title"));
    json_object_set(context, "mems_stress_revision", json_object_get(host, "revision"));
    json_object_set_new(context, "cells_left_out", json_of_count(left_out));
    return context;
}

// The first cell of the same section and target.
static size_t google_family(const json_t *cells, size_t index)
{
    const json_t *cell = json_array_get(cells, index);
    size_t first = 0;
    for (; first < index; first++) {
        const json_t *other = json_array_get(cells, first);
        if (strcmp(json_text(other, "section"), json_text(cell, "section")) == 0 &&
            strcmp(json_text(other, "target"), json_text(cell, "target")) == 0) {
            break;
        }
    }
    return first;
}

json_t *google_of_document(const json_t *document)
{
    size_t i;
    json_t *cell;
    json_t *cells = json_object_get(document, "cells");
    json_t *entries = json_array();
    size_t left_out = 0;
    json_array_foreach(cells, i, cell)
    {
        const json_t *section = google_section(document, json_text(cell, "section"));
        if (section != NULL && google_is_measured(cell)) {
            json_array_append_new(entries, google_cell(section, cell, google_family(cells, i)));
        } else {
            left_out++;
        }
    }
    json_t *root = json_object();
    json_object_set_new(root, "context", google_context(document, left_out));
    json_object_set_new(root, "benchmarks", entries);
    return root;
}

#endif
