// SPDX-License-Identifier: MIT
//
// json_scaling.c - a sweep over threads, in the document: result/scaling.c.

#ifdef MEMS_HAVE_JANSSON

#include "result/json.h"
#include "result/scaling.h"

static json_t *scaling_points(const struct scaling_curve *curve)
{
    json_t *array = json_array();
    for (size_t i = 0; i < curve->count; i++) {
        json_array_append_new(array,
                              json_pack("{s:i, s:o, s:o}", "threads", (int)curve->points[i].threads,
                                        "ops_per_second", json_of_real(curve->points[i].rate),
                                        "efficiency", json_of_real(scaling_efficiency(curve, i))));
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

static void scaling_append(void *arg, const struct scaling_curve *curve)
{
    json_t *sections = json_array();
    json_t *object = json_object();
    for (size_t i = 0; i < curve->count; i++) {
        json_array_append_new(sections, json_of_text(curve->sections[i]->section->name));
    }
    json_object_set_new(object, "target", json_of_text(curve->target));
    json_object_set_new(object, "sections", sections);
    json_object_set_new(object, "points", scaling_points(curve));
    json_object_set_new(object, "usl", curve->fits ? scaling_law(&curve->usl) : json_null());
    json_object_set_new(object, "why", curve->fits ? json_null() : json_of_text(curve->why));
    json_array_append_new(arg, object);
}

json_t *json_of_scaling(const struct plan *plan)
{
    json_t *array = json_array();
    scaling_each(plan, scaling_append, array);
    return array;
}

#endif
