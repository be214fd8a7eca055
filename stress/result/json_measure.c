// SPDX-License-Identifier: MIT
//
// json_measure.c - a cell's measured phase: fairness, system, memory, steady state, speed.

#ifdef MEMS_HAVE_JANSSON

#include <math.h>

#include "result/json.h"
#include "result/summary.h"
#include "run/decay.h"

static json_t *measure_known(bool known, uint64_t count)
{
    return known ? json_of_count(count) : json_null();
}

json_t *json_of_fairness(const struct cell_report *report, unsigned threads)
{
    json_t *object = json_object();
    json_t *each = json_array();
    for (unsigned i = 0; i < threads && i < REPORT_THREADS; i++) {
        json_array_append_new(each, json_of_count(report->thread_operations[i]));
    }
    json_object_set_new(object, "thread_operations", each);
    json_object_set_new(object, "least", json_of_count(report->thread_least));
    json_object_set_new(object, "most", json_of_count(report->thread_most));
    json_object_set_new(object, "cv", json_of_real(report->thread_cv));
    json_object_set_new(object, "jain", json_of_real(report->jain));
    return object;
}

json_t *json_of_harness(const struct cell_report *report)
{
    const struct report_harness *harness = &report->harness;
    if (!report->harness_known) {
        return json_null();
    }
    return json_pack("{s:o, s:o, s:o, s:o, s:o}", "op_ns", json_of_real(harness->op_ns), "timed_ns",
                     json_of_real(harness->timed_ns), "checked_ns",
                     json_of_real(harness->checked_ns), "checked_bytes_per_ns",
                     json_of_real(harness->checked_bytes_per_ns), "metrics_bytes",
                     json_of_count(report->metrics_bytes));
}

json_t *json_of_system(const struct cell_report *report)
{
    json_t *object = json_object();
    json_object_set_new(object, "user_ns", json_of_count(report->user_ns));
    json_object_set_new(object, "system_ns", json_of_count(report->system_ns));
    json_object_set_new(object, "system_share", json_of_real(summary_system_share(report)));
    json_object_set_new(object, "worker_ns", json_of_count(report->worker_ns));
    json_object_set_new(object, "offcpu_ns", json_of_count(report->offcpu_ns));
    json_object_set_new(object, "offcpu_share", json_of_real(summary_offcpu_share(report)));
    json_object_set_new(object, "runqueue_ns",
                        measure_known(report->runqueue_known, report->runqueue_ns));
    json_object_set_new(object, "futex_waits",
                        measure_known(report->futex_known, report->futex_waits));
    json_object_set_new(object, "futex_why",
                        report->futex_known ? json_null() : json_of_text(report->futex_why));
    json_object_set_new(object, "voluntary_switches", json_of_count(report->voluntary_switches));
    json_object_set_new(object, "involuntary_switches",
                        json_of_count(report->involuntary_switches));
    json_object_set_new(object, "minor_faults", json_of_count(report->minor_faults));
    json_object_set_new(object, "major_faults", json_of_count(report->major_faults));
    return object;
}

static json_t *measure_decay(const struct cell_report *report)
{
    if (report->decay_count == 0) {
        return json_null();
    }
    json_t *after = json_array();
    json_t *rss = json_array();
    for (uint32_t i = 0; i < report->decay_count; i++) {
        json_array_append_new(after, json_of_count(report->decay[i].after_ns));
        json_array_append_new(rss, json_of_count(report->decay[i].rss_bytes));
    }
    return json_pack("{s:o, s:o, s:o, s:o}", "after_ns", after, "rss_bytes", rss, "left_share",
                     json_of_real(decay_left_share(report)), "half_life_ns",
                     json_of_real(decay_half_life_ns(report)));
}

static json_t *measure_native(const struct cell_report *report)
{
    if (report->native_count == 0) {
        return json_null();
    }
    json_t *object = json_object();
    for (uint32_t i = 0; i < report->native_count; i++) {
        json_object_set_new(object, report->native[i].name, json_of_real(report->native[i].value));
    }
    return object;
}

void json_add_memory(json_t *memory, const struct cell_report *report)
{
    bool looked = report->detail_count > 0;
    json_object_set_new(memory, "pss_peak_bytes", measure_known(looked, report->peak_pss_bytes));
    json_object_set_new(memory, "huge_peak_bytes", measure_known(looked, report->peak_huge_bytes));
    json_object_set_new(memory, "huge_share", json_of_real(summary_huge_share(report)));
    json_object_set_new(memory, "rss_overhead", json_of_real(report->fragmentation.rss_overhead));
    json_object_set_new(memory, "detailed_looks", json_of_count(report->detail_count));
    json_object_set_new(memory, "sample_cost_ns", json_of_count(report->sample_cost_ns));
    json_object_set_new(memory, "metrics_bytes", json_of_count(report->metrics_bytes));
    json_object_set_new(memory, "metrics_thread_bytes",
                        json_of_count(report->metrics_thread_bytes));
    json_object_set_new(memory, "decay", measure_decay(report));
    json_object_set_new(memory, "native", measure_native(report));
}

// A figure that the cell marks as unknown by a negative number.
static json_t *measure_share(double share)
{
    return share >= 0 ? json_of_real(share) : json_null();
}

void json_add_holes(json_t *fragmentation, const struct report_fragmentation *report)
{
    bool known = report->concentration >= 0;
    json_t *curve = json_array();
    // Beyond the largest hole everything is unusable: the first 1 says so for the rest.
    for (unsigned i = 0; i < REPORT_CURVE && known; i++) {
        json_array_append_new(curve, json_of_real(report->unusable[i]));
        if (report->unusable[i] >= 1) {
            break;
        }
    }
    json_object_set_new(fragmentation, "holes_per_block_at_most_live",
                        measure_share(report->holes_per_block));
    json_object_set_new(fragmentation, "holes_per_block_at_end",
                        measure_share(report->end_holes_per_block));
    json_object_set_new(fragmentation, "waste_bytes_per_block",
                        measure_share(report->waste_per_block));
    json_object_set_new(fragmentation, "concentration",
                        known ? json_of_real(report->concentration) : json_null());
    json_object_set_new(fragmentation, "unusable_share_by_log2_bytes", known ? curve : json_null());
    if (!known) {
        json_decref(curve);
    }
}

json_t *json_of_steady(const struct cell_report *report)
{
    bool reached = report->steady == STEADY_REACHED;
    if (report->steady == STEADY_NOT_ASKED) {
        return json_null();
    }
    return json_pack("{s:b, s:o, s:o}", "reached", reached, "deviation_share",
                     json_of_real(report->steady_deviation), "at_ns",
                     measure_known(reached, report->steady_ns));
}

json_t *json_of_speed(const struct cell_report *report)
{
    return json_pack("{s:o, s:o}", "before_ns", json_of_count(report->speed_before_ns), "after_ns",
                     json_of_count(report->speed_after_ns));
}

#endif
