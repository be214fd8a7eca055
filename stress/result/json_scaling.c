// SPDX-License-Identifier: MIT
//
// json_scaling.c - sections that differ in threads only: how the rate grows with them.
//
// E(T) = X(T)/(T X(1)), 1 where T threads do T times the work of one; X is the median rate of a
// target over its repeats. Beside it the universal scalability law (result/usl.c), or why not.

#ifdef MEMS_HAVE_JANSSON

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "job/number.h"
#include "result/json.h"
#include "result/summary.h"
#include "result/usl.h"
#include "workload/workload.h"

// One sweep: sections by their place in the plan.
struct scaling {
    const struct plan *plan;
    size_t *section;
    size_t count;
    struct summary **summaries; // of each section, by target
};

static bool scaling_alike(const struct job_section *a, const struct job_section *b)
{
    bool alike = a->workload == b->workload && a->value_count == b->value_count;
    for (size_t i = 0; i < a->value_count && alike; i++) {
        alike = a->values[i].key == b->values[i].key &&
                (strcmp(a->values[i].key->name, "threads") == 0 ||
                 strcmp(a->values[i].text, b->values[i].text) == 0);
    }
    return alike;
}

// The median rate of a target in a section of the sweep; NAN: it has none.
static double scaling_rate(const struct scaling *scaling, size_t place, const char *target)
{
    const struct plan_section *section = &scaling->plan->sections[scaling->section[place]];
    for (size_t i = 0; i < section->spec_count; i++) {
        if (strcmp(section->specs[i].name, target) == 0) {
            return scaling->summaries[place][i].median[METRIC_RATE];
        }
    }
    return NAN;
}

static json_t *scaling_points(const struct usl_point *points, size_t count)
{
    double one = NAN;
    json_t *array = json_array();
    for (size_t i = 0; i < count && isnan(one); i++) {
        one = points[i].threads == 1 ? points[i].rate : NAN;
    }
    for (size_t i = 0; i < count; i++) {
        double efficiency = points[i].rate / (points[i].threads * one);
        json_array_append_new(array, json_pack("{s:i, s:o, s:o}", "threads", (int)points[i].threads,
                                               "ops_per_second", json_of_real(points[i].rate),
                                               "efficiency", json_of_real(efficiency)));
    }
    return array;
}

static json_t *scaling_law(const struct usl *usl)
{
    return json_pack("{s:o, s:o, s:o, s:o, s:o, s:i}", "lambda_ops_per_second",
                     json_of_real(usl->lambda), "sigma", json_of_real(usl->sigma), "kappa",
                     json_of_real(usl->kappa), "peak_threads", json_of_real(usl->peak), "r2",
                     json_of_real(usl->r2), "thread_counts", (int)usl->counts);
}

static json_t *scaling_target(const struct scaling *scaling, const char *target)
{
    struct usl usl;
    char why[160] = "";
    struct usl_point *points = calloc(scaling->count, sizeof *points);
    json_t *sections = json_array();
    if (points == NULL) {
        abort();
    }
    for (size_t i = 0; i < scaling->count; i++) {
        const struct plan_section *section = &scaling->plan->sections[scaling->section[i]];
        points[i] = (struct usl_point){section->threads, scaling_rate(scaling, i, target)};
        json_array_append_new(sections, json_of_text(section->section->name));
    }
    bool fits = usl_fit(points, scaling->count, number_of_cpus(), &usl, why, sizeof why);
    json_t *object = json_object();
    json_object_set_new(object, "target", json_of_text(target));
    json_object_set_new(object, "sections", sections);
    json_object_set_new(object, "points", scaling_points(points, scaling->count));
    json_object_set_new(object, "usl", fits ? scaling_law(&usl) : json_null());
    json_object_set_new(object, "why", fits ? json_null() : json_of_text(why));
    free(points);
    return object;
}

// The sections from `first` on that are alike, unless an earlier one has them already.
static void scaling_gather(struct scaling *scaling, size_t first)
{
    const struct plan_section *sections = scaling->plan->sections;
    scaling->count = 0;
    for (size_t i = 0; i < first; i++) {
        if (scaling_alike(sections[i].section, sections[first].section)) {
            return;
        }
    }
    for (size_t i = first; i < scaling->plan->section_count; i++) {
        if (scaling_alike(sections[first].section, sections[i].section)) {
            scaling->section[scaling->count++] = i;
        }
    }
}

static bool scaling_is_sweep(const struct scaling *scaling)
{
    const struct plan_section *sections = scaling->plan->sections;
    for (size_t i = 1; i < scaling->count; i++) {
        if (sections[scaling->section[i]].threads != sections[scaling->section[0]].threads) {
            return true;
        }
    }
    return false;
}

static void scaling_append(struct scaling *scaling, json_t *array)
{
    const struct plan_section *head = &scaling->plan->sections[scaling->section[0]];
    for (size_t i = 0; i < scaling->count; i++) {
        const struct plan_section *section = &scaling->plan->sections[scaling->section[i]];
        scaling->summaries[i] = calloc(section->spec_count + 1, sizeof **scaling->summaries);
        if (scaling->summaries[i] == NULL) {
            abort();
        }
        summary_section(scaling->plan, section, scaling->summaries[i]);
    }
    for (size_t i = 0; i < head->spec_count; i++) {
        json_array_append_new(array, scaling_target(scaling, head->specs[i].name));
    }
    for (size_t i = 0; i < scaling->count; i++) {
        free(scaling->summaries[i]);
    }
}

json_t *json_of_scaling(const struct plan *plan)
{
    struct scaling scaling = {
        .plan = plan,
        .section = calloc(plan->section_count + 1, sizeof *scaling.section),
        .summaries = calloc(plan->section_count + 1, sizeof *scaling.summaries),
    };
    json_t *array = json_array();
    if (scaling.section == NULL || scaling.summaries == NULL) {
        abort();
    }
    for (size_t i = 0; i < plan->section_count; i++) {
        scaling_gather(&scaling, i);
        if (scaling_is_sweep(&scaling)) {
            scaling_append(&scaling, array);
        }
    }
    free(scaling.section);
    free(scaling.summaries);
    return array;
}

#endif
